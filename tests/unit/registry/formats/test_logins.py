"""Users at several registries, as an operator has them in a Juju secret."""

import pytest
from registry.formats.htpasswd import User
from registry.formats.logins import BadLogins, parse

DOCKER = '{"auths": {"https://index.docker.io/v1/": {"auth": "bWU6c2VjcmV0"}, "ghcr.io": {}}, "credsStore": "pass"}'


@pytest.mark.parametrize(
    ("text", "users"),
    [
        ("ghcr.io: me:secret\nhost:5000: you:0123", {"ghcr.io": ("me", "secret"), "host:5000": ("you", "0123")}),
        ("ghcr.io: {user: me, password: 'a: b'}", {"ghcr.io": ("me", "a: b")}),
        ('{"Index.docker.io": {"username": "me", "password": "x:y"}}', {"docker.io": ("me", "x:y")}),
        ("ghcr.io: me:with:colons", {"ghcr.io": ("me", "with:colons")}),
        ("host: 10:20", {"host": ("10", "20")}),
        (DOCKER, {"docker.io": ("me", "secret")}),
    ],
)
def test_logins(text, users):
    assert parse({"any": text}) == {host: User(*user) for host, user in users.items()}


def test_several_keys():
    assert set(parse({"one": "a.io: b:c", "two": "b.io: b:c"})) == {"a.io", "b.io"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("me:hunter2", "the value of the key any is not a map"),
        ("[hunter2]", "the value of the key any is not a map"),
        ("a: b: hunter2", "the value of the key any is not a map"),
        ("ghcr.io: hunter2", "ghcr.io has no user and password"),
        ("ghcr.io: {user: hunter2}", "ghcr.io has no user and password"),
        ('{"auths": {"ghcr.io": {"auth": "hunter2"}}}', "ghcr.io has no user and password"),
    ],
)
def test_what_is_no_login_is_not_shown(text, reason):
    with pytest.raises(BadLogins) as raised:
        parse({"any": text})
    assert str(raised.value.text).startswith(reason)
    assert "hunter2" not in raised.value.text
