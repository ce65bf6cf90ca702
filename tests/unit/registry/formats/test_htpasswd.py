"""The file of users."""

import random

import bcrypt
import pytest
from registry.formats import htpasswd
from registry.formats.htpasswd import User

CONTROL_CHARACTER = "the password contains a control character, for example a line break. Remove it"


def entries(text):
    """Read the file as the registry does: https://github.com/distribution/distribution, registry/auth/htpasswd."""
    found = {}
    for line in (line.strip() for line in text.split("\n")):
        if line and not line.startswith("#"):
            name, hashed = line.split(":", 1)
            found[name] = hashed.encode()
    return found


def test_each_user_gets_in_with_the_password_and_no_other():
    users = [User("admin", "s3cret"), User("me too", "with space: colon, ü and \N{SNOWMAN}"), User("x", "y" * 72)]
    found = entries(htpasswd.text(users))
    assert list(found) == ["admin", "me too", "x"]
    for user in users:
        assert bcrypt.checkpw(user.password.encode(), found[user.name])
        assert not bcrypt.checkpw(b"other", found[user.name])
        assert found[user.name].startswith(b"$2y$05$")


def test_the_text_stays_until_a_user_changes():
    users = [User("a", "1"), User("b", "2")]
    before = htpasswd.text(users)
    assert htpasswd.text(users, before=before) == before
    changed = htpasswd.text([User("a", "1"), User("b", "3")], before=before)
    assert changed.splitlines()[0] == before.splitlines()[0]
    assert changed.splitlines()[1] != before.splitlines()[1]
    assert htpasswd.text(users[:1], before=before) == before.splitlines()[0] + "\n"


@pytest.mark.parametrize("count", [25, pytest.param(1000, marks=pytest.mark.soak)])
def test_after_any_change_of_the_file_exactly_the_users_are_in_it(count):
    dice = random.Random(5)
    users = [User(f"user{number}", f"password {number}") for number in range(3)]
    right = htpasswd.text(users)
    for _ in range(count):
        damaged = list(right)
        for _ in range(dice.randrange(1, 5)):
            damaged[dice.randrange(len(damaged))] = dice.choice("\n:#$/.abc\N{SNOWMAN}\x00\u2028 ")
        mended = entries(htpasswd.text(users, before="".join(damaged)))
        assert list(mended) == [user.name for user in users]
        assert all(bcrypt.checkpw(user.password.encode(), mended[user.name]) for user in users)


def test_what_was_verified_once_is_not_verified_again():
    me, key = User("me", "1"), htpasswd.Verdicts(b"key")
    unverifiable = f"me:$2y$05${'a' * 53}\n"
    assert htpasswd.text([me], before=unverifiable) != unverifiable
    known = key.of([me, User("you", hashed="x")], unverifiable + "you:x\n")
    assert len(known.digests) == 1
    assert htpasswd.text([me], before=unverifiable, verdicts=known) == unverifiable, "bcrypt was asked"


@pytest.mark.parametrize(
    ("user", "before", "key"),
    [
        (User("me", "2"), f"me:$2y$05${'a' * 53}\n", b"key"),
        (User("you", "1"), f"you:$2y$05${'a' * 53}\n", b"key"),
        (User("me", "1"), f"me:$2y$05${'b' * 53}\n", b"key"),
        (User("me", "1"), f"me:$2y$05${'a' * 53}\n", b"another"),
        (User("me", "1"), f"me:$2y$06${'a' * 53}\n", b"key"),
    ],
)
def test_anything_else_is_verified(user, before, key):
    known = htpasswd.Verdicts(b"key").of([User("me", "1")], f"me:$2y$05${'a' * 53}\n")
    text = htpasswd.text([user], before=before, verdicts=htpasswd.Verdicts(key, known.digests))
    assert bcrypt.checkpw(user.password.encode(), entries(text)[user.name])


def test_a_hash_of_another_cost_is_made_anew_without_being_tried():
    written = f"a:$2y$31${'a' * 53}\n"  # a few hours
    assert htpasswd.text([User("a", "1")], before=written).startswith("a:$2y$05$")


def test_two_users_with_one_password_show_it_to_nobody():
    one, two = entries(htpasswd.text([User("a", "1"), User("b", "1")])).values()
    assert one != two


@pytest.mark.parametrize("name", ["a:b", ":", "", " a", "a ", "a\n", "\x00", "#a", "a\u2028b", "\ud800", "n" * 256])
def test_a_name_that_the_registry_would_misread_is_a_problem(name):
    assert htpasswd.name_problem(name) == (
        "the user name has 256 bytes. Use 255 at most"
        if len(name) > 255
        else f"{htpasswd.shown(name)!r} is not a user name. "
        "Use no colon, no # in front, no space around it and no control characters"
    )


@pytest.mark.parametrize("name", ["admin", "me too", "a@example.com", "ü", "a#", "n" * 255])
def test_a_valid_name_has_no_problem(name):
    assert htpasswd.name_problem(name) is None
    assert list(entries(htpasswd.text([User(name, "x")]))) == [name]


@pytest.mark.parametrize(
    ("password", "problem"),
    [
        ("x" * 73, "the password has 73 bytes, of which bcrypt uses 72 only. Use 72 at most"),
        ("ü" * 37, "the password has 74 bytes, of which bcrypt uses 72 only. Use 72 at most"),
        *((text, CONTROL_CHARACTER) for text in ("a\0b", "line\n", "\x7f", "\ud800")),
    ],
)
def test_a_password_that_would_be_truncated_is_a_problem_and_not_shown(password, problem):
    assert htpasswd.password_problem(password) == problem
    assert password not in problem


@pytest.mark.parametrize("password", ["x", "x" * 72, "ü" * 36, " ", ":#$"])
def test_a_valid_password_has_no_problem(password):
    assert htpasswd.password_problem(password) is None


def test_no_password_is_printed():
    assert "hush" not in repr(User("a", "hush"))
