"""What the registry's own `garbage-collect` prints.

https://github.com/distribution/distribution/blob/main/registry/storage/garbagecollect.go; 2.8 and 3.x print the same.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping

from registry.images.inventory import Repository

_MARKED = re.compile(r"(?P<repository>\S+): marking manifest (?P<digest>sha\d+:[0-9a-f]+)\s*")
_SUMMARY = re.compile(r"(\d+) blobs marked, (\d+) blobs and (\d+) manifests eligible for deletion")
_NO_FOLDER = re.compile(r"Path not found: /docker/registry/v2/(?P<folder>blobs|repositories)(?!/)\b")
_BLOB = re.compile(r"blob eligible for deletion: (?P<digest>sha\d+:[0-9a-f]+)")


@dataclasses.dataclass(frozen=True)
class Garbage:
    """The result of a run, or of a dry run."""

    manifests: Mapping[str, tuple[str, ...]]
    """Repository to the digests of all its manifests, tagged or not."""
    unused: frozenset[str]
    """Blobs that no manifest refers to: a run deletes them."""
    is_complete: bool
    """It came to the point at which it knows what to delete."""


NOTHING = Garbage({}, frozenset(), is_complete=True)
"""The result in a registry without images."""


def is_never_pushed(error: str, *, on_disk: bool) -> bool:
    """Tell from the last line of a run that failed whether nothing was ever pushed.

    An object store has no folder of repositories any more once the last one is deleted; its blobs may be left.
    """
    missing = _NO_FOLDER.search(error)
    return missing is not None and (on_disk or missing["folder"] == "blobs")


def parse(lines: Iterable[str]) -> Garbage:
    """Read what a run without ``--delete-untagged`` printed, line by line."""
    manifests: dict[str, list[str]] = {}
    unused, is_complete = set(), False
    for line in lines:
        if match := _MARKED.match(line):
            manifests.setdefault(match["repository"], []).append(match["digest"])
        elif match := _BLOB.match(line):
            unused.add(match["digest"])
        elif _SUMMARY.match(line):
            is_complete = True
    found = {repository: tuple(dict.fromkeys(digests)) for repository, digests in manifests.items()}
    return Garbage(found, frozenset(unused), is_complete)


class Reach:
    """All that images with a tag need, of the whole registry; 100 bytes of memory a blob."""

    def __init__(self) -> None:
        self._blobs: set[bytes] = set()

    def add(self, repository: Repository) -> None:
        """Add what the tags of *repository* reach."""
        reached = repository.closure(repository.tags.values())
        self._blobs.update(_short(digest) for digest in repository.blobs(reached))

    def lost(self, garbage: Garbage) -> tuple[str, ...]:
        """Return the blobs that a run would delete although an image needs them: 3.0 had such a fault.

        https://github.com/distribution/distribution/issues/4703
        """
        return tuple(sorted(digest for digest in garbage.unused if _short(digest) in self._blobs))


def _short(digest: str) -> bytes:
    return bytes.fromhex(digest.partition(":")[2])[:16]
