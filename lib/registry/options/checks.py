"""Messages and checks that several options share: a check returns what is wrong with a value, or None."""

from __future__ import annotations

import collections
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from registry.message import Message, Text

NOT_A_PORT = Message("{port} is not a port", "Use a number from 1 to 65535")
"""The value is not a TCP port number."""
NOT_A_DURATION = Message("{value!r} is not a duration", "Use hours or minutes, for example 168h or 90m")
"""The value has no unit, a unit other than h and m, or is zero, which keeps the registry busy without a pause."""
OUT_OF_RANGE = Message("{value} is out of range", "Use a number from {least} to {most}")
"""The number is smaller or larger than the registry, Docker or the proxy supports."""
NOT_A_CHOICE = Message("{value!r} is not supported", "Use one of {choices}")
"""The option accepts the listed values only."""
HALF_A_PAIR = Message("not set, but {other} is set", "Set both or neither")
"""Two options are only useful together, for example a user name and its password."""
REQUIRED = Message("not set, but required for {store}", "Set a value or reset all {options} options")
"""The images are to be kept in an object store, and an option that it requires is missing."""
CONTROL_CHARACTER = Message("the value contains a control character, for example a line break", "Remove it")
"""The value was usually read from a file with a line break at its end. It is not shown because it may be secret."""

REPEATED = Message("{name} is set {count} times", "Set it once")
"""Several values for one thing: the last one would replace the others without a word."""
NO_EFFECT = Message("no effect, because {other} is {state}", "Change {other} or reset this")
"""The options are set, and only used together with another one. Nothing else is kept from being applied."""


def no_effect(options: Iterable[str], other: str, state: str = "not set") -> dict[str, Text]:
    """Return the text about *options* that are set without effect, by all their names; nothing if there are none."""
    names = ", ".join(options)
    return {names: NO_EFFECT(other=other, state=state)} if names else {}


def repeated_problem(names: Sequence[str]) -> Text | None:
    """Check the *names* of values in a list of words, such as ``keep=3 older-than=30d``: each may be there once."""
    counts = collections.Counter(names)
    return next((REPEATED(name=name, count=count) for name, count in counts.items() if count > 1), None)


def port_problem(port: int) -> Text | None:
    """Check a port of the machine."""
    return None if 1 <= port <= 65535 else NOT_A_PORT(port=port)


def duration_problem(text: str) -> Text | None:
    """Check a duration in hours or minutes.

    Go supports more, e.g. 1h30m; without a unit the registry reads nanoseconds, and with zero it never pauses.
    """
    return None if re.fullmatch(r"[1-9][0-9]{0,5}[hm]", text, re.ASCII) else NOT_A_DURATION(value=text)


def range_problem(value: int, least: int, most: int, unit: str = "") -> Text | None:
    """Check a number from *least* to *most*; *unit* is a word in the plural, e.g. ``seconds``."""
    return None if least <= value <= most else OUT_OF_RANGE(value=value, least=least, most=f"{most} {unit}".rstrip())


def text_problems(values: Mapping[str, Any]) -> dict[str, Text | None]:
    """Check those *values*, by option, that are texts: none may contain a control character."""
    texts = {option: value for option, value in values.items() if isinstance(value, str)}
    return {
        option: CONTROL_CHARACTER() if any(unicodedata.category(one) in ("Cc", "Cs") for one in text) else None
        for option, text in texts.items()
    }


def as_choice(value: str, choices: Sequence[str]) -> str:
    """Return the one of *choices* that *value* is apart from its case, which the registry ignores; else *value*."""
    return next((choice for choice in choices if choice.lower() == value.lower()), value)


def choice_problem(value: str, choices: Sequence[str]) -> Text | None:
    """Check a value that must be one of *choices*."""
    return None if value in choices else NOT_A_CHOICE(value=value, choices=", ".join(choices))
