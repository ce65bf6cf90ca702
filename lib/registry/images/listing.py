"""The catalog of a registry: a row for each image, as a table for people or as data for programs."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from registry.images.inventory import Repository

_UNITS = ("B", "kB", "MB", "GB", "TB")
_HEAD = ("IMAGE", "DIGEST", "CREATED", "SIZE", "PLATFORMS", "DEPENDENTS")


@dataclasses.dataclass(frozen=True)
class Row:
    """One image."""

    tags: tuple[str, ...]
    """Empty for a manifest that no tag reaches."""
    digest: str
    media_type: str
    platforms: tuple[str, ...]
    created: str
    """As the image's configuration has it; empty where it has none."""
    size: int
    """Bytes of the image with its dependents; what several images share counts for each."""
    dependents: tuple[str, ...]
    """Tags of signatures, attestations and SBOMs."""


@dataclasses.dataclass(frozen=True)
class Listing:
    """One repository."""

    name: str
    rows: tuple[Row, ...]
    size: int
    """Bytes; what several images share counts once."""
    blobs: Mapping[str, int] = dataclasses.field(repr=False)
    """Digest to bytes of all that it consists of."""

    def to_json(self) -> dict[str, Any]:
        """Return what the JSON report has of the repository."""
        rows = [dataclasses.asdict(row) for row in self.rows]
        return {"repository": self.name, "size": self.size, "images": rows}

    def lines(self) -> list[str]:
        """Return the lines of the table, without its head."""
        return [_line(self.name, row) for row in self.rows]

    def names(self) -> list[str]:
        """Return the names of its images, as in ``team/app:1.0``."""
        return [f"{self.name}:{tag}" for row in self.rows for tag in row.tags]


def listing(repository: Repository, created: Mapping[str, str]) -> Listing:
    """Return what to list of *repository*; *created*: digest to the time an image was created, "" if it is unknown."""
    tags: dict[str, list[str]] = {}
    for tag, digest in sorted(repository.images.items()):
        tags.setdefault(digest, []).append(tag)
    orphans = {repository.tags[tag]: [tag] for tag in repository.orphans}
    untagged = {digest: list[str]() for digest in repository.parents(repository.untagged)}
    rows = [_row(repository, digest, names, created) for digest, names in {**orphans, **untagged, **tags}.items()]
    blobs = repository.blobs(repository.manifests)
    return Listing(repository.name, tuple(rows), sum(blobs.values()), blobs)


def _row(repository: Repository, digest: str, tags: Iterable[str], created: Mapping[str, str]) -> Row:
    manifest = repository.manifests[digest]
    whole = repository.closure([digest])
    # An index was created when its newest image was.
    children = repository.descendants(digest)
    images = [repository.manifests[child.digest] for child in children if child.digest in repository.manifests]
    return Row(
        tuple(tags),
        digest,
        manifest.media_type,
        tuple(dict.fromkeys(child.platform for child in children if child.platform not in ("", "unknown/unknown"))),
        max((created.get(one.digest, "") for one in images or [manifest]), default=""),
        sum(repository.blobs(whole).values()),
        tuple(sorted(repository.dependent_tags(whole))),
    )


def table(lines: Iterable[str]) -> str:
    """Return a table of the *lines* of listings."""
    return "".join(f"{line}\n" for line in (_columns(*_HEAD), *lines))


def _line(name: str, row: Row) -> str:
    image = f"{name}:{','.join(row.tags)}" if row.tags else f"{name} (untagged)"
    dependents = str(len(row.dependents)) if row.dependents else "-"
    return _columns(
        image, row.digest[:19], row.created[:10] or "-", human(row.size), ",".join(row.platforms) or "-", dependents
    )


def _columns(image: str, digest: str, created: str, size: str, platforms: str, dependents: str) -> str:
    return f"{image:<40} {digest:<19} {created:<10} {size:>8} {dependents:>10}  {platforms}".rstrip()


class Total:
    """Bytes of many blobs, each counted once; 100 bytes of memory a blob."""

    def __init__(self) -> None:
        self.bytes = 0
        self._seen: set[bytes] = set()

    def add(self, blobs: Mapping[str, int]) -> None:
        """Add digest to bytes."""
        for digest, size in blobs.items():
            short = bytes.fromhex(digest.partition(":")[2])[:16]
            if short not in self._seen:
                self._seen.add(short)
                self.bytes += size


def human(size: int) -> str:
    """Return a number of bytes for people, as `docker images` has it.

    >>> human(1_500_000)
    '1.5 MB'
    """
    value, (unit, *larger) = float(size), _UNITS
    while value >= 1000 and larger:
        value, unit = value / 1000, larger.pop(0)
    return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
