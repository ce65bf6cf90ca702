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


def asked(**changes):
    named = {f"auth-{name.replace('_', '-')}": value for name, value in changes.items()}
    return authentication.Authentication.from_config({**DEFAULTS, **named})


def problems(config):
    return options.Options.from_config({**DEFAULTS, **config}).sentences


def wrong(**changes):
    """Options and clauses of what is wrong."""
    return {option: clause for option, clause in asked(**changes).problems().items() if clause}


def test_nobody_is_asked_for_anything_as_deployed():
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
def test_what_was_begun_is_authentication(changes, kind):
    assert asked(**changes).kind == kind


def test_all_users_together():
    members = asked(basic_password="1", basic_users=f"me: two\n'3': '{HASH}'\n").members()
    assert [(user.name, user.password, user.hashed) for user in members] == [
        ("admin", "1", None),
        ("me", "two", None),
        ("3", None, HASH),
    ]


@pytest.mark.parametrize(
    ("users", "clause"),
    [
        ("me", "this is no map; write `user: password`, a line each"),
        ("{}", "this is no map"),
        ("[me]", "this is no map"),
        ("me: hush: hush", "this is no YAML"),
        ("2020-99-99: hush", "this is no YAML"),
        ("[" * 3000, "this is no YAML"),
        ("1: hush", "the user 1 is no text to YAML; put the name in quotes"),
        ("me: 1234", "the password of 'me' is missing, or no text to YAML; put it in quotes"),
        ("me:", "the password of 'me' is missing"),
        ("me: ''", "the password of 'me' is missing"),
        ("'a:b': hush", "'a:b' is not the name of a user"),
        ("juju-x: hush", "'juju-x' begins with juju-, as the charm's own users do; choose another name"),
        (f"me: {'hush' * 20}", "'me': the password has 80 bytes; bcrypt takes 72 at most"),
        ("me: $apr1$hush$hush", "'me': the hash is not bcrypt, the only kind that the registry takes"),
        ("me: $2y$05$hush", "'me': the hash is not bcrypt"),
        ("me: '{SHA}hushhushhushhushhushhush='", "'me': the hash is not bcrypt"),
        (f"me: $2y$31${'h' * 53}", "'me': 31 is no cost for bcrypt here, 4 to 17"),
        ("admin: hush", "'admin' is auth-basic-user too; name each user once"),
    ],
)
def test_wrong_users_are_a_clause_without_a_password(users, clause):
    found = wrong(basic_users=users, basic_password="x" if users.startswith("admin") else "")
    assert list(found) == ["auth-basic-users"]
    assert found["auth-basic-users"].startswith(clause)
    assert "hush" not in found["auth-basic-users"]


@pytest.mark.parametrize("cost", [0, 3, 18, -1])
def test_a_cost_out_of_range_is_a_clause(cost):
    assert wrong(basic_bcrypt_cost=cost) == {
        "auth-basic-bcrypt-cost": f"{cost} is no cost for bcrypt here, 4 to 17",
    }


def test_a_hash_as_the_password_of_the_clients_user_is_refused():
    assert wrong(basic_password=HASH) == {
        "auth-basic-password": "this is a hash, and clients need the password; hashes go into auth-basic-users"
    }


@pytest.mark.parametrize("password", ["x" * 73, "hush\n"])
def test_a_wrong_password_is_a_clause(password):
    (clause,) = wrong(basic_password=password).values()
    assert clause.startswith("the password has ")
    assert password not in clause


def test_all_four_options_of_tokens_are_taken():
    assert problems(TOKEN) == ()


@pytest.mark.parametrize("number", range(1, 15))
def test_some_options_of_tokens_name_the_others(number):
    given = {option: value for bit, (option, value) in enumerate(TOKEN.items()) if number >> bit & 1}
    missing = [option for option in TOKEN if option not in given]
    assert problems(given) == (
        f"{', '.join(missing)}: not set; tokens need all four of these options, or none of them.",
    )


@pytest.mark.parametrize(
    ("option", "value", "clause"),
    [
        ("auth-token-realm", "auth.example.com", "has no scheme; write http://... or https://..."),
        ("auth-token-realm", "https://auth.example.com/\n", "has a character that cannot be printed"),
        ("auth-token-issuer", "a\nb", "has a character that cannot be printed"),
        ("auth-token-service", "a\x00", "has a character that cannot be printed"),
        ("auth-token-root-certs", "/etc/ssl/certs.pem", "this is neither PEM nor base64 of it"),
        ("auth-token-root-certs", "aGFsbG8=", "there is no certificate in it"),
    ],
)
def test_a_wrong_option_of_tokens_is_a_sentence(option, value, clause):
    (found,) = problems({**TOKEN, option: value})
    assert found.startswith(f"{option}: ")
    assert clause in found


@pytest.mark.parametrize(
    ("user", "password", "users", "sentences"),
    [
        ("admin", "", "", ()),
        ("", "", "", ()),
        ("me", "", "", ("auth-basic-password: not set, while auth-basic-user is 'me'; set both.",)),
        ("", "pw", "", ("auth-basic-user: not set, while auth-basic-password is; set both.",)),
        ("me", "pw", "", ()),
        ("me", "", "you: pw", ()),
        (
            "a:b",
            "pw",
            "",
            (
                "auth-basic-user: 'a:b' is not the name of a user (no colon, no # in front, "
                "no space around it, no control characters).",
            ),
        ),
    ],
)
def test_a_user_and_a_password_come_together(user, password, users, sentences):
    config = {"auth-basic-user": user, "auth-basic-password": password, "auth-basic-users": users}
    assert problems(config) == sentences


@pytest.mark.parametrize("users", [{"auth-basic-password": "pw"}, {"auth-basic-users": "me: pw"}])
def test_both_kinds_of_authentication_are_refused(users):
    assert problems({**TOKEN, **users}) == (
        "auth-basic-password: users are set together with auth-token-...; the registry takes one kind of "
        "authentication, so reset one of them.",
    )


def test_no_secret_is_printed():
    assert "hush" not in repr(asked(basic_password="hush", basic_users="me: hush"))
