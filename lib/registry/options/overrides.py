"""Options of another storage, as an action's parameter gives them before they are set."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Any

from registry.message import Fault, Message
from registry.options.checks import repeated_problem
from registry.options.secrets import PASSWORDS, SECRET

NOT_WORDS = Message("it cannot be split into words ({error})", "Fix its quotes")
"""A quote or a backslash of the parameter has no end."""
NOT_A_STORE_OPTION = Message(
    "{word!r} is not an option of an object store", "Use those that begin with storage-s3 or storage-swift"
)
"""The parameter contains a word that is no option of a storage with its value."""
PLAIN_SECRET = Message("{option} is shown to everybody here", "Use the URI of a Juju secret")
"""Juju keeps the parameters of actions, and shows them."""
NOT_A_VALUE = Message("{option} cannot be {value!r}", "Use {kind}")
"""The option is a number, or true or false."""

STORES = "storage-s3-", "storage-swift-"
_OTHERS = "trusted-ca-blob", "registry-http-proxy", "registry-https-proxy"
_BOOLEANS = {"true": True, "false": False}


class BadOverrides(Fault):
    """The options cannot be used."""


def apply(config: Mapping[str, Any], text: str) -> dict[str, Any]:
    """Return *config* with the options in *text*, words such as ``storage-s3-bucket=images``, and no other store.

    Raises BadOverrides.
    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise BadOverrides(NOT_WORDS(error=error)) from error
    values = {name: None if name.startswith(STORES) else value for name, value in config.items()}
    for word in words:
        name, separator, value = word.partition("=")
        if not separator or name not in config or not name.startswith((*STORES, *_OTHERS)):
            raise BadOverrides(NOT_A_STORE_OPTION(word=name))
        if name in PASSWORDS and not value.startswith(SECRET):
            raise BadOverrides(PLAIN_SECRET(option=name))
        values[name] = _typed(name, value, config[name])
    if problem := repeated_problem([word.partition("=")[0] for word in words]):
        raise BadOverrides(problem)
    return values


def _typed(name: str, value: str, current: object) -> Any:
    """Return *value* as Juju would, by the type of the *current* one."""
    if isinstance(current, bool):
        if value.lower() in _BOOLEANS:
            return _BOOLEANS[value.lower()]
        raise BadOverrides(NOT_A_VALUE(option=name, value=value, kind="true or false"))
    if isinstance(current, int):
        if re.fullmatch("[0-9]{1,18}", value):
            return int(value)
        raise BadOverrides(NOT_A_VALUE(option=name, value=value, kind="a number"))
    return value
