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

from actions import arguments, progress
from actions.results import Results, report

TABLE, JSON, NAMES = "table", "json", "names"


def catalog(params: dict[str, Any]) -> Results:
    """List the images in the registry."""
    with arguments.of("match"):
        pattern = Pattern.parse(params["match"])
    hidden = content.hidden()
    seen, images, sizes = 0, 0, listing.Total()
    with (
        content.opened() as registry,
        report(".txt") as text,
        report(".json") as data,
        progress.reported(lambda: f"{seen} repositories, {images} images so far"),
    ):
        text.write("" if params["output"] == NAMES else listing.table(()))
        data.write("[")
        untagged = content.garbage().manifests if params["untagged"] else {}
        for name in registry.repositories():
            if not pattern.matches(name):
                continue
            repository = registry.read(name, untagged.get(name, ()))
            listed = listing.listing(repository, _times(registry, repository))
            data.write(",\n" * bool(seen) + json.dumps(listed.to_json()))
            for line in listed.names() if params["output"] == NAMES else listed.lines():
                text.write(f"{line}\n")
            seen, images = seen + 1, images + len(listed.rows)
            sizes.add(listed.blobs)
        data.write("]\n")
    return {
        "repositories": str(seen),
        "images": str(images),
        "size": listing.human(sizes.bytes),
        **({"incomplete": hidden} if hidden else {}),
        "report": str(text.path),
        "report-json": str(data.path),
        "output": text.beginning if params["output"] != JSON else data.beginning,
    }


def _times(registry: Content, repository: Repository) -> dict[str, str]:
    """Return digest to the time of creation of each image. Raises ApiError."""
    manifests = tuple(repository.manifests.values())
    created = concurrently(functools.partial(registry.created, repository.name), manifests)
    return {manifest.digest: time for manifest, time in zip(manifests, created, strict=True)}
