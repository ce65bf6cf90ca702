"""What is wrong with a value by itself: each function returns a clause for the operator, or None."""

from __future__ import annotations

import re
from collections.abc import Sequence


def port_problem(port: int) -> str | None:
    """Check a port of the machine."""
    return None if 1 <= port <= 65535 else f"{port} is not a port, 1 to 65535"


def duration_problem(text: str) -> str | None:
    """Check a duration in hours or minutes.

    Go takes more, e.g. 1h30m; without a unit the registry takes nanoseconds, and zero makes it busy for ever.
    """
    if re.fullmatch(r"[1-9][0-9]{0,5}[hm]", text, re.ASCII):
        return None
    return f"{text!r} is not a duration in hours or minutes, such as 168h or 90m"


def range_problem(value: int, least: int, most: int, unit: str = "") -> str | None:
    """Check a number from *least* to *most*; *unit* is a word in the plural, e.g. ``seconds``."""
    what = f"a number of {unit}" if unit else "a number"
    return None if least <= value <= most else f"{value} is not {what} from {least} to {most}"


def choice_problem(value: str, choices: Sequence[str]) -> str | None:
    """Check a value that has to be one of *choices*."""
    return None if value in choices else f"{value!r} is none of {', '.join(choices)}"
