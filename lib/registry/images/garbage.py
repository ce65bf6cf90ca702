"""What the registry's own `garbage-collect` prints.

https://github.com/distribution/distribution/blob/main/registry/storage/garbagecollect.go; 2.8 and 3.x print the same.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping

_MARKED = re.compile(r"(?P<repository>\S+): marking manifest (?P<digest>sha\d+:[0-9a-f]+)\s*")
_SUMMARY = re.compile(r"(\d+) blobs marked, (\d+) blobs and (\d+) manifests eligible for deletion")
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
