"""The action delete-image: delete images from the registry, with all that belongs to them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from charmhelpers.core import unitdata
from charms.layer import basic, content, image
from registry.images.inventory import Removal, Repository, removal
from registry.images.listing import Total, human
from registry.images.selection import Selection, selections
from registry.message import Message, about
from registry.release.image import Image

from actions import arguments, progress
from actions.results import Results, report

NOTHING = Message("no image in the registry matches", "List the images with the action catalog")
"""None of the selected images exist."""


def delete_image(params: dict[str, Any]) -> Results:
    """Delete images, or show what would be deleted."""
    with arguments.of("image"):
        chosen = selections(params["image"])
    dry_run, size = params["dry-run"], Total()
    plans: list[tuple[Repository, Removal]] = []
    done = 0
    with (
        content.opened(deletes=not dry_run) as registry,
        report(".txt") as text,
        report(".json") as data,
        progress.reported(lambda: f"{done} of {sum(len(plan.digests) for _, plan in plans)} manifests deleted"),
    ):
        for name in registry.repositories():
            if any(one.matches(name) for one in chosen):
                digests = [digest for one in chosen for digest in one.digests(name)]
                repository = registry.read(name, digests)
                plan = _plan(repository, chosen, digests, all_tags=params["all-tags"])
                if plan.tags or plan.digests or plan.shared:
                    plans.append((repository, plan))
        if not plans:
            raise basic.ActionFailed(about("image", NOTHING()))
        for repository, plan in plans:
            text.write(_lines(repository, plan))
            size.add(plan.freed)
        data.write(json.dumps([_to_json(repository, plan) for repository, plan in plans]) + "\n")
        for repository, plan in plans if not dry_run else ():
            for reference in (*plan.digests, *_tags_to_delete(repository, plan)):
                registry.delete(repository.name, reference)
                done += 1
    return {
        "dry-run": str(dry_run).lower(),
        "tags": str(sum(len(plan.tags) - len(_stays(repository, plan)) for repository, plan in plans)),
        "manifests": str(sum(len(plan.digests) for _, plan in plans)),
        "size": human(size.bytes),
        "report": str(text.path),
        "report-json": str(data.path),
        "output": text.beginning,
    }


def _plan(repository: Repository, chosen: Sequence[Selection], digests: Sequence[str], *, all_tags: bool) -> Removal:
    tags = [tag for one in chosen for tag in one.tags(repository.name, repository.selectable)]
    whole = [*digests, *(repository.tags[tag] for tag in tags if all_tags)]
    return removal(repository, tags, whole)


def _tags_to_delete(repository: Repository, plan: Removal) -> list[str]:
    """Return the tags to delete by name, because the image itself stays: registry 3 can, 2.8 cannot."""
    return [tag for tag in plan.tags if repository.tags[tag] in plan.shared] if _generation() >= 3 else []


def _stays(repository: Repository, plan: Removal) -> dict[str, tuple[str, ...]]:
    """Return the selected tags and digests that stay, and the tags of images that still need them."""
    by_name = _tags_to_delete(repository, plan)
    tags = {tag: plan.shared[repository.tags[tag]] for tag in plan.tags if repository.tags[tag] in plan.shared}
    bare = {digest: holders for digest, holders in plan.shared.items() if not repository.tags_of(digest)}
    return {**bare, **{tag: holders for tag, holders in tags.items() if tag not in by_name}}


def _generation() -> int:
    return Image(**unitdata.kv().get(image.IMAGE)).generation


def _lines(repository: Repository, plan: Removal) -> str:
    stays, name = _stays(repository, plan), repository.name
    going = [f"{name}:{tag} {repository.tags[tag]} is deleted\n" for tag in plan.tags if tag not in stays]
    bare = [f"{name}@{digest} is deleted\n" for digest in plan.digests if not repository.tags_of(digest)]
    kept = [f"{name}:{one} stays, because {', '.join(tags)} need it\n" for one, tags in stays.items()]
    return "".join((*going, *bare, *kept))


def _to_json(repository: Repository, plan: Removal) -> dict[str, Any]:
    stays = _stays(repository, plan)
    return {
        "repository": repository.name,
        "tags": [tag for tag in plan.tags if tag not in stays],
        "manifests": list(plan.digests),
        "stays": {one: list(tags) for one, tags in stays.items()},
        "size": sum(plan.freed.values()),
    }
