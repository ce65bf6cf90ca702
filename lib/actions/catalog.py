"""The action catalog: what is in the registry."""

from __future__ import annotations

import functools
import json
from typing import Any

from charms.layer import content
from registry.client.concurrency import concurrently
from registry.client.content import Content
from registry.images import listing
from registry.images.inventory import Repository
from registry.images.selection import Pattern
from registry.message import Message

from actions import arguments, progress
from actions.results import Results, report

UNREADABLE = Message("{count} tags and manifests cannot be read", "Find what is damaged with the action verify")
"""The registry fails to read them; the catalog has the others."""

TABLE, JSON, NAMES = "table", "json", "names"


def catalog(params: dict[str, Any]) -> Results:
    """List the images in the registry."""
    with arguments.of("match"):
        pattern = Pattern.parse(params["match"])
    hidden = content.hidden()
    seen, images, sizes = 0, 0, listing.Total()
    unreadable: list[str] = []
    with (
        content.opened() as registry,
        report(".txt") as text,
        report(".json") as data,
        progress.reported(lambda: f"{seen} repositories, {images} images so far"),
    ):
        text.write("" if params["output"] == NAMES else listing.table(()))
        data.write("[")
        untagged = content.manifests(wanted=params["untagged"])
        for name in registry.repositories():
            if not pattern.matches(name):
                continue
            lost: list[str] = []
            repository = registry.read(name, untagged.manifests.get(name, ()), lost.append)
            listed = listing.listing(repository, _times(registry, repository))
            data.write(",\n" * bool(seen) + json.dumps({**listed.to_json(), "unreadable": sorted(lost)}))
            for line in listed.names() if params["output"] == NAMES else listed.lines():
                text.write(f"{line}\n")
            for one in sorted(lost) if params["output"] != NAMES else ():
                text.write(f"{name}{'@' if ':' in one else ':'}{one} cannot be read\n")
            unreadable += lost
            seen, images = seen + 1, images + len(listed.rows)
            sizes.add(listed.blobs)
        data.write("]\n")
    return {
        "repositories": str(seen),
        "images": str(images),
        "size": listing.human(sizes.bytes),
        **({"incomplete": hidden} if hidden else {}),
        **({"unreadable": str(UNREADABLE(count=len(unreadable)))} if unreadable else {}),
        **({"untagged": untagged.problem} if untagged.problem else {}),
        "report": str(text.path),
        "report-json": str(data.path),
        "output": text.beginning if params["output"] != JSON else data.beginning,
    }


def _times(registry: Content, repository: Repository) -> dict[str, str]:
    """Return digest to the time of creation of each image. Raises ApiError."""
    manifests = tuple(repository.manifests.values())
    created = concurrently(functools.partial(registry.created, repository.name), manifests)
    return {manifest.digest: time for manifest, time in zip(manifests, created, strict=True)}
