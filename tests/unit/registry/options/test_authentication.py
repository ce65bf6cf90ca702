"""Who may pull and push."""

import bcrypt
import pytest
from registry.options import authentication, options
from test_certificates import CERTIFICATE
from test_options import DEFAULTS

HASH = bcrypt.hashpw(b"pw", bcrypt.gensalt(4)).decode()
TOKEN = {
    "auth-token-issuer": "auth.example.com",
    "auth-token-realm": "https://auth.example.com/token",
    "auth-token-root-certs": CERTIFICATE,
    "auth-token-service": "registry",
}

NOT_YAML = "the value is not YAML. Use a line `user: password` for each user"
NOT_A_MAPPING = "the value is not a YAML mapping. Use a line `user: password` for each user"
NO_PASSWORD = "the password of 'me' is missing, or YAML does not read it as text. Put the password in quotes"
NOT_BCRYPT = "user 'me': the hash is not bcrypt, the only kind that the registry accepts. Use `htpasswd -nB USER`"
BAD_NAME = "'a:b' is not a user name. Use no colon, no # in front, no space around it and no control characters"
UNPRINTABLE = "contains a character that cannot be printed, for example a line break. Remove it"


def asked(**changes):
    named = {f"auth-{name.replace('_', '-')}": value for name, value in changes.items()}
    return authentication.Authentication.from_config({**DEFAULTS, **named})


def problems(config):
    return options.Options.from_config({**DEFAULTS, **config}).sentences


def wrong(**changes):
    """What is wrong, by option."""
    return {option: text for option, text in asked(**changes).problems().items() if text}


def test_anyone_can_push_as_deployed():
    assert asked().kind is None
    assert wrong() == {}


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"basic_password": "pw"}, "htpasswd"),
        ({"basic_users": "me: pw"}, "htpasswd"),
        ({"basic_users": "{"}, "htpasswd"),
        ({"token_issuer": "x"}, "token"),
    ],
)
def test_an_incomplete_configuration_is_authentication_too(changes, kind):
    assert asked(**changes).kind == kind


def test_all_users_together():
    members = asked(basic_password="1", basic_users=f"me: two\n'3': '{HASH}'\n").members()
    assert [(user.name, user.password, user.hashed) for user in members] == [
        ("admin", "1", None),
        ("me", "two", None),
        ("3", None, HASH),
    ]


@pytest.mark.parametrize(
    ("users", "text"),
    [
        ("me", NOT_A_MAPPING),
        ("{}", NOT_A_MAPPING),
        ("[me]", NOT_A_MAPPING),
        ("me: hush: hush", NOT_YAML),
        ("2020-99-99: hush", NOT_YAML),
        ("[" * 3000, NOT_YAML),
        ("1: hush", "YAML does not read the user name 1 as text. Put it in quotes"),
        ("me: 1234", NO_PASSWORD),
        ("me:", NO_PASSWORD),
        ("me: ''", NO_PASSWORD),
        ("'a:b': hush", BAD_NAME),
        ("juju-x: hush", "'juju-x' begins with juju-, which is reserved for the charm's users. Use another name"),
        (f"me: {'hush' * 20}", "user 'me': the password has 80 bytes, of which bcrypt uses 72 only. Use 72 at most"),
        ("me: $apr1$hush$hush", NOT_BCRYPT),
        ("me: $2y$05$hush", NOT_BCRYPT),
        ("me: '{SHA}hushhushhushhushhushhush='", NOT_BCRYPT),
        (f"me: $2y$31${'h' * 53}", "user 'me': 31 is not a supported bcrypt cost. Use a number from 4 to 17"),
        ("admin: hush", "'admin' is also the value of auth-basic-user. Set each user once"),
    ],
)
def test_the_problem_of_users_shows_no_password(users, text):
    assert wrong(basic_users=users, basic_password="x" if users.startswith("admin") else "") == {
        "auth-basic-users": text
    }
    assert "hush" not in text


@pytest.mark.parametrize("cost", [0, 3, 18, -1])
def test_a_cost_out_of_range_is_a_problem(cost):
    assert wrong(basic_bcrypt_cost=cost) == {
        "auth-basic-bcrypt-cost": f"{cost} is not a supported bcrypt cost. Use a number from 4 to 17",
    }


def test_a_hash_as_the_password_for_clients_is_a_problem():
    assert wrong(basic_password=HASH) == {
        "auth-basic-password": "the value is a hash, but clients need the password. "
        "Set the password, or move the hash to auth-basic-users"
    }


@pytest.mark.parametrize(
    ("password", "text"),
    [
        ("x" * 73, "the password has 73 bytes, of which bcrypt uses 72 only. Use 72 at most"),
        ("hush\n", "the password contains a control character, for example a line break. Remove it"),
    ],
)
def test_the_problem_of_a_password_does_not_show_it(password, text):
    assert wrong(basic_password=password) == {"auth-basic-password": text}
    assert "hush" not in text


def test_all_four_options_of_tokens_are_valid():
    assert problems(TOKEN) == ()


@pytest.mark.parametrize("number", range(1, 15))
def test_some_options_of_tokens_name_the_others(number):
    given = {option: value for bit, (option, value) in enumerate(TOKEN.items()) if number >> bit & 1}
    missing = [option for option in TOKEN if option not in given]
    assert problems(given) == (
        f"{', '.join(missing)}: not set, but required for token authentication. "
        "Set all four auth-token-... options or none.",
    )


@pytest.mark.parametrize(
    ("option", "value", "text"),
    [
        (
            "auth-token-realm",
            "auth.example.com",
            "'auth.example.com' has no http or https scheme. Begin it with http:// or https://",
        ),
        ("auth-token-realm", "https://auth.example.com/\n", f"'https://auth.example.com/\\n' {UNPRINTABLE}"),
        ("auth-token-realm", "https://a\nb:c@example.com/", f"'https://...@example.com/' {UNPRINTABLE}"),
        ("auth-token-issuer", "a\nb", f"'a\\nb' {UNPRINTABLE}"),
        ("auth-token-service", "a\x00", f"'a\\x00' {UNPRINTABLE}"),
        (
            "auth-token-root-certs",
            "/etc/ssl/certs.pem",
            "the text is neither PEM nor base64 of PEM. Use the content of a PEM file",
        ),
        ("auth-token-root-certs", "aGFsbG8=", "the text contains no certificate. Use PEM or base64 of PEM"),
    ],
)
def test_a_wrong_option_of_tokens_is_a_sentence(option, value, text):
    assert problems({**TOKEN, option: value}) == (f"{option}: {text}.",)


@pytest.mark.parametrize(
    ("user", "password", "users", "sentences"),
    [
        ("admin", "", "", ()),
        ("", "", "", ()),
        (
            "me",
            "",
            "",
            ("auth-basic-password: not set, but auth-basic-user is 'me'. Set a password or reset auth-basic-user.",),
        ),
        ("", "pw", "", ("auth-basic-user: not set, but auth-basic-password is set. Set both or neither.",)),
        ("me", "pw", "", ()),
        ("me", "", "you: pw", ()),
        (
            "a:b",
            "pw",
            "",
            (f"auth-basic-user: {BAD_NAME}.",),
        ),
    ],
)
def test_a_user_and_a_password_come_together(user, password, users, sentences):
    config = {"auth-basic-user": user, "auth-basic-password": password, "auth-basic-users": users}
    assert problems(config) == sentences


@pytest.mark.parametrize("users", [{"auth-basic-password": "pw"}, {"auth-basic-users": "me: pw"}])
def test_both_kinds_of_authentication_are_a_problem(users):
    assert problems({**TOKEN, **users}) == (
        "auth-basic-password: users and auth-token-... are both set, but the registry supports one kind of "
        "authentication. Reset one of them.",
    )


def test_no_secret_is_printed():
    assert "hush" not in repr(asked(basic_password="hush", basic_users="me: hush"))
