"""How much storage: what a charm declares, and what an operator asks for."""

from __future__ import annotations

import re
from dataclasses import dataclass

from localjuju import JujuError
from localjuju.charm import Charm

POOL = "lxd"
"""The one pool, called as where Juju's machines are containers."""
SUFFIXES = "MGTPEZY"


@dataclass(frozen=True)
class Declared:
    """What a charm says of one of its storages: its location, how many (no most: None), MiB at least."""

    location: str
    least: int
    most: int | None
    size: int


@dataclass(frozen=True)
class Directive:
    """What an operator asks for: [POOL,][COUNT,][SIZE] in any order.

    No count or size is the charm's least, but a size alone is one
    (https://github.com/juju/juju/blob/3.6/internal/storage/constraints.go).
    """

    count: int | None = None
    size: int | None = None


def declared(charm: Charm, name: str) -> Declared:
    """What the charm's metadata.yaml says of a storage."""
    spec = (charm.metadata.get("storage") or {}).get(name)
    if spec is None:
        raise JujuError(f'charm "{charm.metadata["name"]}" has no store called "{name}"')
    if spec.get("type") != "filesystem":
        raise JujuError(f'storage "{name}" is of type {spec.get("type")}: only filesystem is had here')
    least, most = _range(str((spec.get("multiple") or {}).get("range", "1")))
    return Declared(spec.get("location", ""), least, most, _mebibytes(str(spec.get("minimum-size", "0M"))))


def _range(text: str) -> tuple[int, int | None]:
    """1, 0-3, or 2+ and 2- for two and more."""
    found = re.fullmatch(r"(\d+)(?:([+-])(\d*))?", text)
    if not found:
        raise JujuError(f'storage has the range "{text}": expected N, N-M or N+')
    if not found[2]:
        return int(found[1]), int(found[1])
    return int(found[1]), int(found[3]) if found[3] else None


def _mebibytes(text: str) -> int:
    found = re.fullmatch(rf"(\d+(?:\.\d+)?)([{SUFFIXES}])?(?:i?B)?", text)
    if not found:
        raise JujuError(f'cannot parse size "{text}": expected a number with a suffix of {SUFFIXES}')
    return int(float(found[1]) * 1024 ** (SUFFIXES.index(found[2]) if found[2] else 0))


def directive(text: str) -> Directive:
    """Read what follows NAME= in --storage and in add-storage."""
    count = size = None
    for field in filter(None, text.split(",")):
        if field.isdigit():
            count = int(field)
            if not count:
                raise JujuError('cannot parse count: count must be greater than zero, got "0"')
        elif field[0].isdigit():
            size = _mebibytes(field)
        elif field != POOL:
            raise JujuError(f'pool "{field}" not found: the one there is, is {POOL}')
    return Directive(1 if size and count is None else count, size)


def check(charm: Charm, directives: dict[str, str]) -> None:
    """JujuError if the directives of a deployment are not what the charm allows."""
    for name, text in directives.items():
        spec, asked = declared(charm, name), directive(text)
        if asked.count is not None and asked.count < spec.least:
            raise JujuError(f'storage "{name}": {spec.least} instances required, {asked.count} specified')
        if asked.count is not None and spec.most is not None and asked.count > spec.most:
            raise JujuError(f'storage "{name}": at most {spec.most} instances supported, {asked.count} specified')
