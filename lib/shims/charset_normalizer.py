"""Stands in for the package that guesses the encoding of a text, whose import takes a tenth of each hook.

requests asks it where an answer names none. All that the charm talks to sends UTF-8.
"""

from __future__ import annotations

__version__ = "3.0.0"
"""requests wants one of 2 or 3."""


def detect(_: bytes) -> dict[str, str]:
    """Return the encoding of a text."""
    return {"encoding": "utf-8"}
