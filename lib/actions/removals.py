"""Images that an action removes from the registry: what goes, what stays and why, and the removal itself."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from charmhelpers.core import unitdata
from charms.layer import image
from registry.client.content import Content
from registry.images.inventory import Removal, Repository
from registry.images.listing import Total, human
from registry.release.image import Image

from actions.results import Report, Results


class Removals:
    """The removals from all repositories."""

    def __init__(self) -> None:
        self._plans: list[tuple[Repository, Removal]] = []
        self._size = Total()
        self._sizes: list[int] = []
        """Bytes of each removal, where each of them counts what it has in common with others."""
        self._done = 0
        known = unitdata.kv().get(image.IMAGE)  # nothing before the registry is deployed
        self._deletes_tags = bool(known) and Image(**known).deletes_tags
        self._skipped: list[Repository] = []

    def __bool__(self) -> bool:
        return bool(self._plans or self._skipped)

    def add(self, repository: Repository, removal: Removal) -> None:
        """Add a removal, unless it removes nothing and nothing was selected."""
        if removal.tags or removal.digests or removal.shared:
            self._size.add(removal.freed)
            self._sizes.append(sum(removal.freed.values()))
            # Their manifests and blobs would take more than 200 MB for 100,000 images.
            bare = dataclasses.replace(repository, manifests={})
            self._plans.append((bare, dataclasses.replace(removal, freed={})))

    def skip(self, repository: Repository) -> None:
        """Note that nothing is removed, because what cannot be read may need any of it."""
        self._skipped.append(dataclasses.replace(repository, manifests={}))

    def progress(self) -> str:
        """Return a line about how far `carry_out` is."""
        return f"{self._done} of {sum(len(removal.digests) for _, removal in self._plans)} manifests deleted"

    def carry_out(self, registry: Content) -> Results:
        """Delete what is to be deleted; return how much of it stays. It can be interrupted and repeated.

        What a tag that was pushed meanwhile needs stays: a manifest is deleted with all its tags. Raises ApiError.
        """
        pushed = 0
        for repository, removal in self._plans:
            # What cannot be read may be what is to be deleted.
            now = registry.read(repository.name, removal.digests, lambda one: None)
            new = {tag: digest for tag, digest in now.tags.items() if repository.tags.get(tag) != digest}
            kept = now.closure(new.values())
            for digest in removal.digests:
                if digest in kept:
                    pushed += 1
                else:
                    registry.delete(repository.name, digest)
                self._done += 1
            for tag in self._by_name(repository, removal):
                if tag not in new:
                    registry.delete(repository.name, tag)
        return {"pushed-meanwhile": str(pushed)} if pushed else {}

    def write(self, text: Report, data: Report) -> Results:
        """Write the reports for people and for programs, and return the results."""
        for repository, removal in self._plans:
            text.write(self._lines(repository, removal))
        unread = ((one.name, ", ".join(one.unread)) for one in self._skipped)
        text.write("".join(f"{name} stays as it is: {some} cannot be read\n" for name, some in unread))
        plans = zip(self._plans, self._sizes, strict=True)
        data.write(json.dumps([self._to_json(*plan, size) for plan, size in plans]) + "\n")
        return {
            "tags": str(sum(len(removal.tags) - len(self._stays(one, removal)) for one, removal in self._plans)),
            "manifests": str(sum(len(removal.digests) for _, removal in self._plans)),
            "size": human(self._size.bytes),
            **({"skipped": str(len(self._skipped))} if self._skipped else {}),
            "report": str(text.path),
            "report-json": str(data.path),
            "output": text.beginning,
        }

    def _by_name(self, repository: Repository, removal: Removal) -> list[str]:
        """Return the tags to delete by name, because the image itself stays, where the registry can do that."""
        if not self._deletes_tags:
            return []
        return [tag for tag in removal.tags if repository.tags[tag] in removal.shared]

    def _stays(self, repository: Repository, removal: Removal) -> dict[str, tuple[str, ...]]:
        """Return the selected tags and digests that stay, and the tags of images that still need them."""
        by_name = set(self._by_name(repository, removal))
        tags = {tag: removal.shared.get(repository.tags[tag]) for tag in removal.tags if tag not in by_name}
        bare = {digest: holders for digest, holders in removal.shared.items() if not repository.tags_of(digest)}
        return {**bare, **{tag: holders for tag, holders in tags.items() if holders}}

    def _lines(self, repository: Repository, removal: Removal) -> str:
        stays, name = self._stays(repository, removal), repository.name
        going = [f"{name}:{tag} {repository.tags[tag]} is deleted\n" for tag in removal.tags if tag not in stays]
        bare = [f"{name}@{one} is deleted\n" for one in removal.digests if not repository.tags_of(one)]
        kept = [f"{name}:{one} stays: {', '.join(tags)} also refer to it\n" for one, tags in stays.items()]
        return "".join((*going, *bare, *kept))

    def _to_json(self, repository: Repository, removal: Removal, size: int) -> dict[str, Any]:
        stays = self._stays(repository, removal)
        return {
            "repository": repository.name,
            "tags": [tag for tag in removal.tags if tag not in stays],
            "manifests": list(removal.digests),
            "stays": {one: list(tags) for one, tags in stays.items()},
            "size": size,
        }
