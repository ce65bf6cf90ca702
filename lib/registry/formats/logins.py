"""Users at several registries, as a map of hosts or as Docker's config.json.

https://github.com/docker/cli/blob/master/cli/config/configfile/file.go
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from registry.formats.htpasswd import User
from registry.message import Fault, Message

NOT_LOGINS = Message(
    "the value of the key {key} is not a map of hosts to users",
    "Use lines such as `registry.example.com: user:password`",
)
"""The Juju secret contains neither YAML or JSON of hosts and users, nor the config.json of `docker login`."""
NOT_A_LOGIN = Message("{host} has no user and password", "Use `user:password`, or a map with user and password")
"""The entry of a host in the Juju secret is neither `user:password` nor a map with both."""

HUB = "docker.io"
_HUB_ALIASES = ("index.docker.io", "registry-1.docker.io")


class BadLogins(Fault):
    """A text does not name hosts and users."""


def host_of(name: str) -> str:
    """Return the host of an entry; Docker has URLs there, and several names for its own registry.

    >>> host_of("https://index.docker.io/v1/")
    'docker.io'
    """
    host = name.rpartition("://")[2].partition("/")[0].lower()
    return HUB if host in _HUB_ALIASES else host


def parse(content: Mapping[str, str]) -> dict[str, User]:
    """Return host to user, of the values in *content*, whose keys have no meaning. Raises BadLogins.

    >>> parse({"registries": "registry.example.com: me:secret"})["registry.example.com"].name
    'me'
    """
    return {host_of(host): _user(host, entry) for key, text in content.items() for host, entry in _entries(key, text)}


def _entries(key: str, text: str) -> Iterator[tuple[str, Any]]:
    try:
        data = yaml.load(text, yaml.BaseLoader)  # noqa: S506 - texts only: a password may be 0123
    except (yaml.YAMLError, ValueError, RecursionError):  # whose words would show the password
        data = None
    if not isinstance(data, dict) or not all(isinstance(host, str) for host in data):
        raise BadLogins(NOT_LOGINS(key=key))
    if isinstance(data.get("auths"), dict):
        # An entry without a login: the password is in a program of the machine where it was written.
        return iter([(host, entry) for host, entry in data["auths"].items() if entry])
    return iter(data.items())


def _user(host: str, entry: Any) -> User:
    if isinstance(entry, dict) and entry.get("auth"):
        try:
            entry = base64.b64decode(entry["auth"]).decode()
        except (ValueError, TypeError):
            entry = ""
    if isinstance(entry, dict):
        name, password = entry.get("user") or entry.get("username"), entry.get("password")
    else:
        name, _, password = str(entry).partition(":")
    if not isinstance(name, str) or not isinstance(password, str) or not name or not password:
        raise BadLogins(NOT_A_LOGIN(host=host))
    return User(name, password)
