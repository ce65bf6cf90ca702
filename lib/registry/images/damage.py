"""Images that are damaged in the storage: which of their parts are missing, empty, truncated or corrupt."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from registry.images.inventory import Repository
from registry.images.manifest import Descriptor

BLOB, MANIFEST, TAG = "blob", "manifest", "tag"
MISSING, EMPTY, TRUNCATED, CORRUPT = "missing", "empty", "truncated", "corrupt"
UNREADABLE = "unreadable"
"""The registry answers with an error; if the content is whole, a link to it is damaged."""
REPLACED = (EMPTY, TRUNCATED, CORRUPT)
"""Content that the registry would not store again: it has something under the digest."""

STORAGE = "docker/registry/v2"
"""Where a registry has its content, below the root folder of its storage."""


def path(digest: str) -> str:
    """Return the path in the storage of a blob or a manifest.

    >>> path("sha256:0a1b")
    'docker/registry/v2/blobs/sha256/0a/0a1b/data'
    """
    kind, _, hexadecimal = digest.partition(":")
    return f"{STORAGE}/blobs/{kind}/{hexadecimal[:2]}/{hexadecimal}/data"


def tag_path(repository: str, tag: str) -> str:
    """Return the path in the storage of the file with the digest of a tag's manifest."""
    return f"{STORAGE}/repositories/{repository}/_manifests/tags/{tag}/current/link"


def state(blob: Descriptor, size: int, digest: str) -> str:
    """Return what is wrong with content of *size* bytes and *digest* that is stored as *blob*; "" if nothing is."""
    if digest == blob.digest:
        return ""
    if size == 0:
        return EMPTY
    return TRUNCATED if size < blob.size else CORRUPT


@dataclasses.dataclass(frozen=True)
class Damage:
    """A part of images that is damaged."""

    repository: str
    kind: str
    """BLOB, MANIFEST, or TAG: a tag whose manifest is not known."""
    part: Descriptor
    """Which blob or manifest; of a tag, only its name as the digest."""
    state: str
    error: str = ""
    """The registry's answer, if there was an error."""
    images: tuple[str, ...] = ()
    """Tags, or digests of images without one, that need it."""

    @property
    def name(self) -> str:
        """The digest, or the tag."""
        return self.part.digest

    def line(self) -> str:
        """Return a line for people."""
        error = f" ({self.error})" if self.error else ""
        used = f", needed by {', '.join(self.images)}" if self.images and self.kind != TAG else ""
        return f"{self.repository}: {self.kind} {self.name} is {self.state}{error}{used}"

    def to_json(self) -> dict[str, Any]:
        """Return the damage for programs."""
        named = {"repository": self.repository, "kind": self.kind, "name": self.name, "state": self.state}
        return {**named, "error": self.error, "images": list(self.images)}


def needing(repository: Repository, broken: Mapping[str, Iterable[str]]) -> dict[str, tuple[str, ...]]:
    """Return digest to the images that need it, for each digest that a manifest of *repository* refers to.

    *broken* has the digests of manifests that cannot be read, and the tags that lead to them.
    """
    parents: dict[str, list[str]] = {}
    for manifest in repository.manifests.values():
        for part in (*manifest.children, *manifest.blobs):
            parents.setdefault(part.digest, []).append(manifest.digest)
    tags = {digest: list(names) for digest, names in broken.items()}
    for tag, digest in repository.tags.items():
        tags.setdefault(digest, []).append(tag)
    return {digest: tuple(_roots(digest, parents, tags)) for digest in {*parents, *tags, *repository.manifests}}


def _roots(digest: str, parents: Mapping[str, list[str]], tags: Mapping[str, list[str]]) -> Iterator[str]:
    """Yield the tags of all manifests that contain *digest*, and the digests of those in nothing and without a tag."""
    seen, rest = {digest}, [digest]
    while rest:
        one = rest.pop(0)
        yield from tags.get(one, ())
        above = parents.get(one, ())
        if not above and not tags.get(one):
            yield one
        rest += [parent for parent in above if parent not in seen]
        seen.update(above)
