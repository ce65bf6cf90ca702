"""What the registry accepts and lists: the options validation-urls-allow and catalog-max-entries."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

from registry.images.selection import UNREADABLE
from registry.message import Message, Text
from registry.options.checks import range_problem

NOT_AN_EXPRESSION = Message(
    "{value!r} is not a regular expression ({error})", "Fix it. Several are separated by spaces, for example ^https?://"
)
"""The registry compares the URLs of layers that are elsewhere with regular expressions."""

_GO = re.compile(
    r"(?P<same>\\\\)|(?P<text>\\Q.*?(?:\\E|\Z)|\\[pP](?:\{\^?\w+\}|[A-Za-z])|\\[Cz])"
    r"|(?P<flags>\(\?[imsU-]+\))|(?P<group>\(\?<)(?=\w)"
)
"""What Go's expressions have and Python's have not: https://pkg.go.dev/regexp/syntax."""
MAX_ENTRIES = 1000
"""Repositories in one answer of a registry that is not configured otherwise."""


@dataclasses.dataclass(frozen=True)
class Content:
    """What the registry accepts and lists."""

    urls_allow: tuple[str, ...]
    """Regular expressions of URLs at which a layer of an image may be, outside of the registry."""
    max_entries: int
    """Repositories in one answer to a client that lists them."""

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Content:
        """Read the values of config.yaml's options."""
        words = (config["validation-urls-allow"] or "").split()
        return cls(tuple(words), int(config["catalog-max-entries"] or 0))

    def problems(self) -> dict[str, Text | None]:
        """Return what is wrong with each option, or None."""
        return {
            "validation-urls-allow": next(filter(None, map(_expression_problem, self.urls_allow)), None),
            "catalog-max-entries": range_problem(self.max_entries, 1, 100_000),
        }

    def sections(self) -> dict[str, Any]:
        """Return the sections of config.yml, none with the defaults."""
        urls = {"manifests": {"urls": {"allow": list(self.urls_allow)}}}
        return {
            **({"validation": urls} if self.urls_allow else {}),
            **({"catalog": {"maxentries": self.max_entries}} if self.max_entries != MAX_ENTRIES else {}),
        }


def _expression_problem(text: str) -> Text | None:
    try:
        re.compile(_GO.sub(_in_python, text))
    except UNREADABLE as error:
        return NOT_AN_EXPRESSION(value=text, error=error)
    return None


def _in_python(match: re.Match[str]) -> str:
    """Return something that is right for Python where Go's syntax is: what Go refuses, the candidate says."""
    return {"same": match[0], "text": r"\w", "flags": "(?:)", "group": "(?P<"}[match.lastgroup or ""]
