"""The action delete-image: delete images from the registry, with all that belongs to them."""

from __future__ import annotations

from typing import Any

from charms.layer import basic, content
from registry.images.inventory import Removal, Repository, removal
from registry.images.selection import selections
from registry.message import Message, about

from actions import arguments, progress
from actions.removals import Removals
from actions.results import Results, report

NOTHING = Message("no image in the registry matches", "List the images with the action catalog")
"""None of the selected images exist."""


def delete_image(params: dict[str, Any]) -> Results:
    """Delete images, or show what would be deleted."""
    with arguments.of("image"):
        chosen = selections(params["image"])
    dry_run, removals = params["dry-run"], Removals()
    if not dry_run:
        content.require_all()
    with (
        content.opened(deletes=not dry_run) as registry,
        report(".txt") as text,
        report(".json") as data,
        progress.reported(removals.progress),
    ):
        for name in registry.repositories():
            if any(one.matches(name) for one in chosen):
                digests = [digest for one in chosen for digest in one.digests(name)]
                damaged = [digest for digest in digests if registry.is_damaged(name, digest)]
                if damaged:  # which tags it has, and what it needs, only a repair would tell
                    removals.add(Repository(name, {}, {}), Removal((), tuple(damaged), {}))
                if damaged and damaged == digests and not any(one.tag for one in chosen if one.matches(name)):
                    continue
                repository = registry.read(name, digests)
                if repository.unread:
                    removals.skip(repository)
                    continue
                tags = [tag for one in chosen for tag in one.tags(name, repository.selectable)]
                whole = [repository.tags[tag] for tag in tags if params["all-tags"]]
                removals.add(repository, removal(repository, tags, [*digests, *whole]))
        if not removals:
            raise basic.ActionFailed(about("image", NOTHING()))
        results = removals.write(text, data)
        if not dry_run:
            results |= removals.carry_out(registry)
    return {"dry-run": str(dry_run).lower(), **results}
