"""The one class of distutils that charmhelpers imports, to compare versions of Juju."""

from __future__ import annotations

import functools
import re


@functools.total_ordering
class LooseVersion:
    """A version compared part by part, numbers as numbers: 2.10 comes after 2.9."""

    def __init__(self, text: str) -> None:
        self.vstring = text
        self.version = [int(part) if part.isdigit() else part for part in re.findall(r"\d+|[a-z]+", text)]

    def __eq__(self, other: object) -> bool:
        return self.version == _parts(other)

    def __lt__(self, other: object) -> bool:
        return self.version < _parts(other)

    def __hash__(self) -> int:
        return hash(tuple(self.version))

    def __repr__(self) -> str:
        return f"LooseVersion({self.vstring!r})"


def _parts(version: object) -> list[int | str]:
    return version.version if isinstance(version, LooseVersion) else LooseVersion(str(version)).version
