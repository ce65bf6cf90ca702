"""Options whose values are in Juju secrets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import yaml

from registry.message import Fault, Message, Text

NO_VALUE = Message("{uri} has no value for the key `{key}`", "Run `juju update-secret {uri} {key}=...`")
"""The Juju secret has neither the key of this option nor one single key with a value."""

SECRET = "secret:"  # noqa: S105 - prefix of a URI
"""Prefix of the URI of a Juju secret: https://documentation.ubuntu.com/juju/3.6/reference/secret/"""
PASSWORDS = (
    "auth-basic-password",
    "cache-password",
    "storage-s3-accesskey",
    "storage-s3-secretkey",
    "storage-swift-password",
    "tls-key-blob",
)
"""Options that can be the URI of a Juju secret, whose key is the last word of the option's name, or its only key."""
MAPS = ("auth-basic-users",)
"""Options that can be the URI of a Juju secret whose keys and values are all used."""


class SecretError(Fault):
    """A Juju secret cannot be read."""


def reveal(
    config: Mapping[str, Any], read: Callable[[str], Mapping[str, str]]
) -> tuple[Mapping[str, Any], dict[str, Text]]:
    """Replace URIs of Juju secrets by their content; return the problem of each that cannot be read too, by option."""
    revealed, unread = dict(config), dict[str, Text]()
    for option in (*PASSWORDS, *MAPS):
        uri = (config[option] or "").strip()
        if not uri.startswith(SECRET):
            continue
        try:
            content = read(uri)
            revealed[option] = (
                _mapping(content) if option in MAPS else _password(uri, content, option.rpartition("-")[2])
            )
        except SecretError as error:
            unread[option] = error.text
    return revealed, unread


def _mapping(content: Mapping[str, str]) -> str:
    return str(yaml.safe_dump(dict(content), default_style='"', width=float("inf")))


def _password(uri: str, content: Mapping[str, str], key: str) -> str:
    values = [content[key]] if key in content else list(content.values())
    # A secret that was added from a file has the file's line break.
    value = values[0].strip("\r\n") if len(values) == 1 else ""
    if value.strip():
        return value
    raise SecretError(NO_VALUE(uri=uri, key=key))
