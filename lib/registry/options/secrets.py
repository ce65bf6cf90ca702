"""Options whose values are in Juju's secrets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import yaml

SECRET = "secret:"  # noqa: S105 - how the name of one begins
"""What stands before the ID of a Juju secret: https://documentation.ubuntu.com/juju/3.6/reference/secret/"""
PASSWORDS = (
    "auth-basic-password",
    "cache-password",
    "storage-s3-accesskey",
    "storage-s3-secretkey",
    "storage-swift-password",
    "tls-key-blob",
)
"""Options that may name a Juju secret: its key with the last word of the option's name is taken, else its only key."""
MAPS = ("auth-basic-users",)
"""Options that may name a Juju secret whose keys and values are taken, all of them."""


class SecretError(Exception):
    """A Juju secret cannot be read; ``str()`` is a clause for the operator, without full stop."""


def reveal(
    config: Mapping[str, Any], read: Callable[[str], Mapping[str, str]]
) -> tuple[Mapping[str, Any], dict[str, str]]:
    """Put what is in Juju's secrets in the place of their names; return a clause for each that cannot be read."""
    revealed, unread = dict(config), {}
    for option in (*PASSWORDS, *MAPS):
        uri = config[option] or ""
        if not uri.startswith(SECRET):
            continue
        try:
            content = read(uri.strip())
            revealed[option] = (
                yaml.safe_dump(dict(content)) if option in MAPS else _password(uri, content, option.rpartition("-")[2])
            )
        except SecretError as error:
            unread[option] = str(error)
    return revealed, unread


def _password(uri: str, content: Mapping[str, str], key: str) -> str:
    values = [content[key]] if key in content else list(content.values())
    if len(values) == 1 and values[0]:
        return values[0]
    raise SecretError(f"{uri} has no key `{key}`, and not one key alone")
