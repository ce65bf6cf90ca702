"""The action prune: delete images that have had their time."""

from __future__ import annotations

import time
from typing import Any

from charms.layer import content, context
from registry.client.concurrency import concurrently
from registry.images import lists, mirroring, retention
from registry.images.inventory import removal
from registry.images.manifest import Manifest
from registry.images.retention import Rules
from registry.images.selection import Pattern, selections

from actions import arguments, mirror, progress
from actions.removals import Removals
from actions.results import Results, report


def prune(params: dict[str, Any]) -> Results:
    """Delete old images, or show what would be deleted."""
    with arguments.of("match"):
        match = Pattern.parse(params["match"])
    rules, dry_run, removals = _rules(params), params["dry-run"], Removals()
    if not dry_run:
        content.require_all()
    with (
        content.opened(deletes=not dry_run) as registry,
        report(".txt") as text,
        report(".json") as data,
        progress.reported(removals.progress),
    ):
        for name in filter(match.matches, registry.repositories()):
            repository = registry.read(name)
            if repository.unread:
                removals.skip(repository)
                continue

            def created(digest: str, name: str = name, known: Any = repository.manifests) -> tuple[str, str]:
                return digest, registry.created(name, _image(known, digest))

            times = dict(concurrently(created, dict.fromkeys(repository.images.values())))
            old = retention.expired(repository, times, rules, time.time())
            removals.add(repository, removal(repository, (), old))
        results = removals.write(text, data)
        if not dry_run:
            results |= removals.carry_out(registry)
    return {"dry-run": str(dry_run).lower(), **results}


def _rules(params: dict[str, Any]) -> Rules:
    with arguments.of("older-than"):
        older_than = retention.age(params["older-than"]) if params["older-than"] else None
    with arguments.of("except"):
        protected = selections(params["except"]) if params["except"].strip() else ()
    with arguments.of("not-in-list"):
        listed = _listed(params["not-in-list"]) if params["not-in-list"] else None
    with arguments.of("prune-protect"):
        protected = (*protected, *context.now.options.upkeep.protected)
    with arguments.of("keep"):
        keep = int(params["keep"])  # Juju hands large numbers on as floats
        return Rules(None if keep == -1 else keep, older_than, listed, protected)


def _listed(path: str) -> frozenset[tuple[str, str]]:
    """Return repository and tag, or digest, of the images in a list. Raises UnreadableError, BadList, BadName."""
    names = lists.parse(mirror.read_list(path), lists.Request())
    return frozenset(
        (name, version)
        for one in names
        for name in mirroring.usual_names(one)
        for version in (one.tag, one.digest)
        if version
    )


def _image(manifests: Any, digest: str) -> Manifest:
    """Return the manifest *digest*, or the first image of an index."""
    manifest: Manifest = manifests[digest]
    return next((manifests[child.digest] for child in manifest.children if child.digest in manifests), manifest)
