"""Who may pull and push."""

import time

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

NOT_YAML = (
    "the value is not YAML (line 1). Use a line `user: 'password'` for each user, and write a quote in a password twice"
)
NOT_A_MAPPING = "the value is not a YAML mapping. Use a line `user: password` for each user"
CUT = "YAML reads only a part of the password of 'me'. Put the password in quotes"
NO_PASSWORD = "the password of 'me' is missing, or YAML does not read it as text. Put the password in quotes"
NOT_BCRYPT = "user 'me': the hash is not bcrypt, the only kind that the registry accepts. Use `htpasswd -nB USER`"
BAD_NAME = "'a:...' is not a user name. Use no colon, no # in front, no space around it and no control characters"
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
        ("[" * 3000, NOT_YAML.replace(" (line 1)", "")),
        ("me: @hush", NOT_YAML),
        ("me: `hush`", NOT_YAML),
        ("me: %hush", NOT_YAML),
        ("me: &hush", NOT_YAML),
        ("me: &x hush", NOT_YAML),
        ("me: *hush", NOT_YAML),
        ("me: !hush", NOT_YAML),
        ("me: !!str hush", NOT_YAML),
        ("me: {SHA}hush", NOT_YAML),
        ("me: [hush]x", NOT_YAML),
        ('me: "hush', NOT_YAML),
        ("me: 'hush'x", NOT_YAML),
        ("me: hush:", NOT_YAML),
        ("me:\thush", NOT_YAML),
        ("me: hush\thush", NOT_YAML),
        ("me: hush\x00", NOT_YAML.replace(" (line 1)", "")),
        ("{[me]: hush}", NOT_YAML),
        ("one: x\n\nme: @hush", NOT_YAML.replace("1", "3")),
        ("me: hush\nyou:hush", NOT_YAML.replace("1", "2")),
        ("me: hush\n---\nyou: hush", NOT_YAML.replace("1", "2")),
        ("me:hush", NOT_A_MAPPING),
        ("me:hush\nyou:hush", NOT_A_MAPPING),
        ("me:$2y$05$hush", NOT_A_MAPPING),
        ("me=hush", NOT_A_MAPPING),
        ("- me: hush", NOT_A_MAPPING),
        ("me:\xa0hush", NOT_A_MAPPING),
        ("# me: hush", NOT_A_MAPPING),
        ("me: hush #hush", CUT),
        ("me: hush # hush\r\nyou: hush", CUT),
        ("{me: hush #x\n}", CUT),
        ("me: hush\n  hush", CUT),
        ("me: 'hush\n  hush'", CUT),
        ("me: #hush", NO_PASSWORD),
        ("me: null", NO_PASSWORD),
        ("me: ~", NO_PASSWORD),
        ("me: {a: hush}", NO_PASSWORD),
        ("me: [hush]", NO_PASSWORD),
        (
            "me: |\n  hush\n",
            "user 'me': the password contains a control character, for example a line break. Remove it",
        ),
        ("me: hush\nme: hush", "'me' is set twice. Set each user once"),
        ('{"me": "hush", "me": "hush"}', "'me' is set twice. Set each user once"),
        ("me:", NO_PASSWORD),
        ("me: ''", NO_PASSWORD),
        ("'a:hush': hush", BAD_NAME),
        ("{a:hush}", BAD_NAME),
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


@pytest.mark.parametrize(
    ("users", "name", "password"),
    [
        *((f"me: {word}", "me", word) for word in ("1234", "0123", "0x1f", "1_000", "1e5", ".inf", "yes", "no", "on")),
        *(
            (f"me: {word}", "me", word)
            for word in ("2001-01-01", "12:30:45", "2020-99-99", "1" * 72, "true", "=", "<<")
        ),
        *((f"me: {word}", "me", word) for word in ("a#b", "a'b", 'a"b', "a:b", "$hush$1", "a%b", "käse", "a b")),
        *(
            (f"{word}: pw", word, "pw")
            for word in ("1", "yes", "null", "~", "2020-99-99", "0123", "a b", "<<", "käse", "a\u3000b")
        ),
        ("me: $hush$1", "me", "$hush$1"),
        ("me: '@s3cret'", "me", "@s3cret"),
        ("me: 'it''s #1: `&*!%'", "me", "it's #1: `&*!%"),
        ('me: "a\\"b" # a comment', "me", 'a"b'),
        ("# a comment\nme: pw\n  # another\n", "me", "pw"),
        ("me: pw   \r\n", "me", "pw"),
        ("\ufeffme: pw", "me", "pw"),
        ("me : pw", "me", "pw"),
        ("me: ' pw '", "me", " pw "),
        ("me: >-\n  pw\n", "me", "pw"),
        ('{"me": 0.10}', "me", "0.10"),
        ('{"me": "\\ud83d\\ude00\\/"}', "me", "\U0001f600/"),
    ],
)
def test_a_user_is_accepted_as_meant(users, name, password):
    assert wrong(basic_users=users) == {}
    assert [(user.name, user.password) for user in asked(basic_users=users).members()] == [(name, password)]


@pytest.mark.parametrize("prefix", ["2", "2a", "2b", "2x", "2y"])
@pytest.mark.parametrize("cost", ["04", "12", "17"])
def test_each_bcrypt_hash_that_the_registry_accepts_is_one(prefix, cost):
    hashed = f"${prefix}${cost}${'h' * 53}"
    assert wrong(basic_users=f"me: {hashed}") == {}
    assert [user.hashed for user in asked(basic_users=f"me: {hashed}").members()] == [hashed]


@pytest.mark.parametrize(
    "users",
    [
        "a: &a x\n"
        + "".join(f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(20)),
        "{" * 400,
        "[" * 400,
        "- " * 400,
        "? " * 400,
        "a: " + "1" * 5000,
        "a: " + "1:" * 400 + "1",
        "a: !!timestamp x",
        "a: !!bool x",
        "a: !!int ''",
        "!!python/object:os.system x",
    ],
)
def test_no_small_text_costs_much(users):
    begin = time.process_time()
    for option in ("auth-basic-users", "daemon-opts", "install_sources", "install_keys"):
        assert all(len(sentence) < 400 for sentence in problems({option: users}))
    assert time.process_time() - begin < 2


def test_a_secret_has_users_of_any_password():
    content = {"one": "0890", "two": "a: b #c " * 9, "three": "\u2028'\"\\"}
    asked = options.Options.from_config({**DEFAULTS, "auth-basic-users": " secret:x"}, read=lambda uri: content)
    assert asked.sentences == ()
    assert {user.name: user.password for user in asked.authentication.members()} == content


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
        ("auth-token-realm", "https://auth\n.example.com/", f"'https://auth\\n.example.com/' {UNPRINTABLE}"),
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
