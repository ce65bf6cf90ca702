"""The action garbage-collect: free the disk space of what was deleted from the registry."""

from __future__ import annotations

import json
import time
from typing import Any, NamedTuple

from charms.layer import basic, collection, content, context, room
from registry.client.content import Content, Damaged
from registry.images.garbage import Garbage, Reach
from registry.images.inventory import Repository, removal
from registry.images.listing import human
from registry.message import Message, alone
from registry.release.release import Release

from actions import progress
from actions.results import Results, report

SAMPLE = 20
"""Images that are read back in any case."""

IS_CACHE = Message("The registry is a cache of {upstream}", "A cache removes expired images automatically")
"""A pull-through cache collects its own garbage."""
WOULD_LOSE = Message(
    "garbage-collect of this registry would delete {count} blobs that images with tags need",
    "Nothing was deleted. Use another registry-image",
)
"""The registry's own garbage collection has a fault, as 3.0 had one."""
UNREADABLE = Message("After garbage collection, {image} cannot be read", "Restore a backup of the images")
"""An image that was complete before is not complete any more."""


def garbage_collect(params: dict[str, Any]) -> Results:
    """Delete from the storage what no image needs, or show what that is."""
    release, dry_run, untagged = content.current(), params["dry-run"], params["untagged"]
    if release.upstream is not None:
        raise basic.ActionFailed(alone(IS_CACHE(upstream=release.upstream)))
    if not dry_run:
        content.require_all()
    begun, run = time.monotonic(), _Run(release, untagged=untagged)
    with room.made(), report(".txt") as text, report(".json") as data, progress.reported(lambda: run.step):
        if dry_run:
            run.look()
        else:
            with collection.alone_in(release) as until:
                with content.maintained():
                    run.look()
                    run.delete(until)
                run.check()
        text.write(run.lines())
        data.write(json.dumps(run.to_json()) + "\n")
    return {
        "dry-run": str(dry_run).lower(),
        "manifests": str(sum(map(len, run.untagged.values()))),
        "blobs": str(len(run.found.unused)),
        **({} if dry_run or run.freed is None else {"freed": human(run.freed), "freed-bytes": str(run.freed)}),
        "seconds": str(round(time.monotonic() - begun)),
        "report": str(text.path),
        "report-json": str(data.path),
        "output": text.beginning,
    }


class _Run:
    """One collection: what was found, and what was deleted."""

    def __init__(self, release: Release, *, untagged: bool) -> None:
        self.step = "looking for what no image needs"
        self.found = Garbage({}, frozenset(), is_complete=False)
        self.untagged: dict[str, tuple[str, ...]] = {}
        """Repository to the manifests without a tag, parents first."""
        self.unread: dict[str, tuple[str, ...]] = {}
        """Repository to images that cannot be read: they may need what has no tag, so nothing is deleted there."""
        self.freed: int | None = None
        """Bytes; None where the images are not on the machine's disk."""
        self._release = release
        self._deletes = untagged
        self._sample: list[_Sample] = []

    def look(self) -> None:
        """Compare what the registry would delete with what its images need. Raises ActionFailed."""
        reach = Reach()
        self.found = content.garbage()
        with content.opened() as registry:
            for number, name in enumerate(registry.repositories()):
                self.step = f"reading {name}, repository {number + 1}"
                repository = registry.read(name, self.found.manifests.get(name, ()))
                reach.add(repository)
                self._keep_sample(registry, number, repository)
                if self._deletes and repository.unread:
                    self.unread[name] = repository.unread
                elif self._deletes and repository.untagged:
                    self.untagged[name] = removal(repository, (), repository.untagged).digests
        if lost := reach.lost(self.found):
            raise basic.ActionFailed(alone(WOULD_LOSE(count=len(lost))))

    def delete(self, until: float) -> None:
        """Delete the manifests without a tag, if that is requested, and what nothing refers to; end at *until*."""
        folder = self._release.data_folder
        if self.untagged:
            self.step = "deleting images without a tag"
            with content.opened(deletes=True) as registry:
                for name, digests in self.untagged.items():
                    for digest in digests:
                        registry.delete(name, digest)
        before = context.machine.folders.used(folder) if folder else 0
        self.step = "deleting blobs"
        self.found = content.collect(until)
        self.freed = before - context.machine.folders.used(folder) if folder else None

    def check(self) -> None:
        """Read a sample of the images back. Raises ActionFailed."""
        self.step = "reading images back"
        with content.opened() as registry:
            for one in self._sample:
                if not one.is_whole(registry):
                    raise basic.ActionFailed(alone(UNREADABLE(image=f"{one.repository}:{one.tag}")))

    def _keep_sample(self, registry: Content, number: int, repository: Repository) -> None:
        """Remember one image that is whole: of each of the first repositories, and of some of the others."""
        if not repository.tags or len(self._sample) >= 2 * SAMPLE or (number >= SAMPLE and number % 100):
            return
        tag = min(repository.tags)
        digests = repository.closure([repository.tags[tag]])
        blobs = frozenset(blob.digest for digest in digests for blob in repository.manifests[digest].blobs)
        one = _Sample(repository.name, tag, repository.tags[tag], digests, blobs)
        if digests and not repository.missing(digests) and one.is_whole(registry):
            self._sample.append(one)

    def lines(self) -> str:
        """Return the report for people."""
        manifests = [f"{name}@{digest} has no tag\n" for name, digests in self.untagged.items() for digest in digests]
        kept = [f"{name} stays as it is: {', '.join(some)} cannot be read\n" for name, some in self.unread.items()]
        return "".join((*kept, *manifests, *(f"{digest} is not needed\n" for digest in sorted(self.found.unused))))

    def to_json(self) -> dict[str, Any]:
        """Return the report for programs."""
        untagged = {name: list(digests) for name, digests in self.untagged.items()}
        unread = {name: list(some) for name, some in self.unread.items()}
        return {"untagged": untagged, "unreadable": unread, "blobs": sorted(self.found.unused), "freed": self.freed}


class _Sample(NamedTuple):
    """An image, and all that belongs to it."""

    repository: str
    tag: str
    digest: str
    digests: frozenset[str]
    """Its manifests."""
    blobs: frozenset[str]

    def is_whole(self, registry: Content) -> bool:
        """Tell whether all of it can be read: no more requests than it has parts, however large the repository is."""
        try:
            read = {one: registry.document(self.repository, one) for one in (self.tag, *self.digests)}
        except Damaged:
            return False
        found = read[self.tag]
        return (
            found is not None
            and found.digest == self.digest
            and all(read.values())
            and all(registry.has_blob(self.repository, blob) for blob in self.blobs)
        )
