"""The action move: copy all images to another storage."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from charms.layer import basic, content, relocation
from registry.client.concurrency import concurrently
from registry.client.content import Content
from registry.client.http import ApiError
from registry.client.transfer import Copier
from registry.images import manifest
from registry.images.listing import human
from registry.images.manifest import BadManifest
from registry.message import Message, alone

from actions import arguments, progress
from actions.results import Results, report

IS_CACHE = Message("The registry is a cache of {upstream}", "Change its storage: it fetches the images again")
"""A pull-through cache has no images of its own."""


def move(params: dict[str, Any]) -> Results:
    """Copy all images to another storage, or show what is not there yet."""
    current, dry_run = content.current(), params["dry-run"]
    if current.upstream is not None:
        raise basic.ActionFailed(alone(IS_CACHE(upstream=current.upstream)))
    content.require_all()
    with arguments.of("options"):
        target = relocation.release(params["to"], params["options"])
    with (
        content.opened() as source,
        relocation.opened(target) as registry,
        report(".txt") as text,
        report(".json") as data,
    ):
        run = _Run(source, registry, dry_run=dry_run)
        with progress.reported(run.progress):
            untagged = content.manifests(wanted=params["untagged"])
            run.count()
            for name in run.repositories():
                run.repository(name, untagged.manifests.get(name, ()))
        text.write(run.lines())
        data.write(json.dumps({"failed": run.failed, "only-there": run.stale, "left": run.left}) + "\n")
    return {
        "dry-run": str(dry_run).lower(),
        "images": str(run.total),
        "copied": str(run.copied),
        "skipped": str(run.skipped),
        "failed": str(len(run.failed)),
        "left": str(len(run.left)),
        "bytes": str(run.copier.tally.bytes),
        **({"untagged": untagged.problem} if untagged.problem else {}),
        "report": str(text.path),
        "report-json": str(data.path),
        "output": text.beginning,
    }


class _Run:
    """What is copied, and what is left."""

    def __init__(self, source: Content, target: Content, *, dry_run: bool) -> None:
        self.copier = Copier(source, target)
        self.total = self.copied = self.skipped = 0
        self.left: list[str] = []
        """Images that are not in the target."""
        self.failed: dict[str, str] = {}
        """Those that cannot be copied, with the reason."""
        self.stale: list[str] = []
        """Tags in the target that the registry does not have any more."""
        self._source = source
        self._target = target
        self._dry_run = dry_run
        self._reached: set[str] = set()
        """Manifests of the repository that come with a tag."""

    def progress(self) -> str:
        """Return a line about how far it is."""
        done = self.copied + self.skipped + len(self.left)
        return f"{done} of {self.total} images, {human(self.copier.tally.bytes)} copied"

    def repositories(self) -> list[str]:
        """Return the names of all repositories. Raises ApiError."""
        return self.copier.retry(lambda: list(self._source.repositories()))

    def count(self) -> None:
        """Count the tags. Raises ApiError."""
        for tags in concurrently(lambda name: self.copier.retry(self._source.tags, name), self.repositories()):
            self.total += len(tags)

    def repository(self, name: str, digests: Iterable[str]) -> None:
        """Copy the tags of a repository, and then the manifests *digests* that came with none. Raises ApiError."""
        tags, there = (self.copier.retry(registry.tags, name) for registry in (self._source, self._target))
        self._reached.clear()
        self.stale += [f"{name}:{tag}" for tag in sorted({*there} - {*tags})]
        for tag in self._absent(name, tags):
            self._copy(name, tag, f"{name}:{tag}", [tag])
        rest = self._absent(name, [digest for digest in digests if digest not in self._reached])
        for digest in rest:
            self.total += 1
            if self._dry_run or not self.copier.has(name, digest, digest):
                self._copy(name, digest, f"{name}@{digest}", [])
            else:  # a child of one before
                self.copied += 1

    def _absent(self, name: str, references: list[str]) -> list[str]:
        """Return those of *references* that the target does not have, or has otherwise."""
        present = concurrently(lambda reference: self._is_there(name, reference), references)
        absent = [reference for reference, there in zip(references, present, strict=True) if not there]
        if references and ":" not in references[0]:
            self.skipped += len(references) - len(absent)
        return absent

    def _is_there(self, name: str, reference: str) -> bool:
        if ":" in reference:
            return self.copier.has(name, reference, reference)
        try:
            document = self._source.document(name, reference)
            if document is not None:
                read = manifest.parse(document.data, document.media_type, document.digest)
                self._reached.update((document.digest, *(child.digest for child in read.children)))
        except (ApiError, BadManifest):
            self.copier.retry(self._source.require_answer)  # one that is gone ends the action
            return False  # it is damaged, which the copy says
        return document is not None and self.copier.has(name, reference, document.digest)

    def _copy(self, name: str, reference: str, image: str, tags: list[str]) -> None:
        if self._dry_run:
            self.left.append(image)
            return
        try:
            self.copier.copy(name, reference, name, tags)
            self.copied += 1
        except (ApiError, BadManifest) as error:
            for registry in (self._source, self._target):
                registry.require_answer()  # one that is gone ends the action
            self.failed[image] = str(error)
            self.left.append(image)

    def lines(self) -> str:
        """Return the report for people."""
        failed = [f"{image} cannot be copied: {reason}\n" for image, reason in self.failed.items()]
        left = [f"{image} is not copied yet\n" for image in self.left if image not in self.failed]
        stale = [f"{image} is in the new storage only\n" for image in self.stale]
        return "".join((*failed, *left, *stale))
