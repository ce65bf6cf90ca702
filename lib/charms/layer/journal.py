"""The log of one hook or action. Lines that are not urgent are written with one juju-log at the end.

charms.reactive and charmhelpers write a line at a time, and each line is a process: 10 ms or more on a
machine. Warnings and errors are written at once, after the lines before them.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

from charmhelpers.core import hookenv

URGENT = (hookenv.WARNING, hookenv.ERROR, hookenv.CRITICAL)

_lines: list[tuple[str, str]] = []
_juju_log: Callable[[str, str], None] = hookenv.log


def take_over() -> None:
    """Redirect `hookenv.log` to this journal."""
    hookenv.log = log


def log(message: object, level: str | None = None) -> None:
    """Add a line; the level is one of hookenv's, by default INFO."""
    _lines.append((level or hookenv.INFO, message if isinstance(message, str) else repr(message)))
    if level in URGENT:
        write()


def write() -> None:
    """Write the lines, with one juju-log for each run of lines of one level."""
    lines, _lines[:] = list(_lines), []
    for level, run in itertools.groupby(lines, key=lambda line: line[0]):
        _juju_log("\n".join(text for _, text in run), level)
