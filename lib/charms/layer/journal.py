"""The log of one hook or action. Lines that are not urgent are written with one juju-log at the end.

charms.reactive and charmhelpers write a line at a time, and each line is a process: 10 ms or more on a
machine. Warnings and errors are written at once, after the lines before them. No line is endless or shows a secret.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

from charmhelpers.core import hookenv
from registry.message import STATUS, cut, one_line, redacted

URGENT = (hookenv.WARNING, hookenv.ERROR, hookenv.CRITICAL)

_lines: list[tuple[str, str]] = []
_juju_log: Callable[[str, str], None] = hookenv.log


def take_over() -> None:
    """Redirect `hookenv.log` to this journal."""
    hookenv.log = log


def log(message: object, level: str | None = None) -> None:
    """Add a line; the level is one of hookenv's, by default INFO."""
    text = redacted(message if isinstance(message, str) else repr(message))
    _lines.append((level or hookenv.INFO, "\n".join(cut(_printable(line), STATUS) for line in text.splitlines())))
    if level in URGENT:
        write()


def _printable(line: str) -> str:
    indent = line[: len(line) - len(line.lstrip(" "))]
    return indent + one_line(line)


def write() -> None:
    """Write the lines, with one juju-log for each run of lines of one level."""
    lines, _lines[:] = list(_lines), []
    for level, run in itertools.groupby(lines, key=lambda line: line[0]):
        _juju_log("\n".join(text for _, text in run), level)
