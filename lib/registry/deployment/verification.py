"""Whether all that a registry stores can be read, and is what its digest says."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar

from registry.client.concurrency import concurrently
from registry.client.content import Content, Damaged
from registry.client.http import ApiError
from registry.images import damage, manifest
from registry.images.damage import Damage
from registry.images.inventory import Repository
from registry.images.manifest import BadManifest, Descriptor, Manifest

Result = TypeVar("Result")

PAUSE = 1.0
"""Seconds before something that could not be read is read again."""


class Files(Protocol):
    """The files of the registry's content: `machine.content_files`."""

    def read_link(self, repository: str, tag: str) -> str:
        """Return the digest of a tag's manifest, or ""."""

    def read_state(self, part: Descriptor) -> str:
        """Return what is wrong with a blob or manifest, or ""."""

    def replace(self, digest: str, chunks: Iterable[bytes]) -> None:
        """Replace a damaged blob or manifest."""


@dataclasses.dataclass
class Tally:
    """What was read so far."""

    manifests: int = 0
    blobs: int = 0
    bytes: int = 0


@dataclasses.dataclass(frozen=True)
class _Read:
    """A manifest that was read, or what is wrong with it."""

    digest: str
    """Empty where it is not known."""
    manifest: Manifest | None = None
    state: str = ""
    error: str = ""


class Verifier:
    """Reads the content of *registry*, which must have no cache; *files* has the same, if it is on this machine."""

    def __init__(self, registry: Content, files: Files | None, sleep: Callable[[float], None] = time.sleep) -> None:
        self._registry = registry
        self._files = files
        self._sleep = sleep
        self._whole: set[bytes] = set()
        """Blobs that were read: 100 bytes of memory each."""
        self.tally = Tally()

    def check(self, name: str, extra: Iterable[str] = ()) -> list[Damage]:
        """Read a repository, and its manifests *extra* too; return what is damaged. Raises ApiError, OSError."""
        names = self._registry.tags(name)
        found: dict[str, Manifest] = {}
        tags: dict[str, str] = {}
        broken: dict[str, list[str]] = {}
        damages: list[Damage] = []
        for tag, read in self._tags(name, names):
            if read.manifest is not None:
                tags[tag], found[read.digest] = read.digest, read.manifest
            elif read.digest:
                broken.setdefault(read.digest, []).append(tag)
            else:
                damages.append(_lost_tag(name, tag, read.state, read.error))
        children = {child.digest: child for one in found.values() for child in one.children}
        rest = {**{digest: Descriptor(digest, "", 0) for digest in (*extra, *broken)}, **children}
        while rest := {digest: child for digest, child in rest.items() if digest not in found}:
            reads = concurrently(functools.partial(self._manifest, name), rest)
            parts, rest = rest, {}
            for part, read in zip(parts.values(), reads, strict=True):
                if read.manifest is not None:
                    found[part.digest] = read.manifest
                    rest |= {child.digest: child for child in read.manifest.children}
                else:
                    damages.append(self._damage(name, part, read))
            known = {one.name for one in damages}
            rest = {digest: child for digest, child in rest.items() if digest not in known}
        for digest, names in broken.items():
            if digest in found:
                damages += [_lost_tag(name, tag, damage.UNREADABLE) for tag in names]
        damages += self._damaged_blobs(name, found)
        needed = damage.needing(Repository(name, tags, found), broken)
        self.tally.manifests += len(found)
        return [dataclasses.replace(one, images=needed.get(one.name, one.images)) for one in damages]

    def _tags(self, name: str, names: list[str]) -> Iterator[tuple[str, _Read]]:
        """Yield each tag and its manifest, without those that are deleted meanwhile."""
        missing: dict[str, _Read] = {}
        for tag, read in zip(names, concurrently(functools.partial(self._manifest, name), names), strict=True):
            if read.state == damage.MISSING:
                missing[tag] = read
            else:
                yield tag, read
        if missing:
            left = {*self._registry.tags(name)}
            yield from ((tag, read) for tag, read in missing.items() if tag in left)

    def _damage(self, name: str, part: Descriptor, read: _Read) -> Damage:
        return self._explained(Damage(name, damage.MANIFEST, part, read.state, read.error))

    def _explained(self, found: Damage) -> Damage:
        """Return *found* with the state of the file, where the registry says only that it cannot be read."""
        if self._files is None or found.state != damage.UNREADABLE:
            return found
        return dataclasses.replace(found, state=self._files.read_state(found.part) or damage.UNREADABLE)

    def _manifest(self, name: str, reference: str) -> _Read:
        """Read a manifest by its tag or digest."""
        digest = reference if ":" in reference else ""
        try:
            document = self._twice(name, lambda: self._registry.document(name, reference))
        except Damaged as error:
            return _Read(error.digest, state=damage.CORRUPT)
        except ApiError as error:
            return _Read(digest or self._link(name, reference), state=damage.UNREADABLE, error=str(error))
        if document is None:
            return _Read(digest or self._link(name, reference), state=damage.MISSING)
        try:
            read = manifest.parse(document.data, document.media_type, document.digest)
            return _Read(document.digest, read)
        except BadManifest as error:  # as it was pushed: what it needs is not known, and no other copy would differ
            return _Read(document.digest, state=damage.UNREADABLE, error=str(error))

    def _link(self, name: str, tag: str) -> str:
        return self._files.read_link(name, tag) if self._files is not None else ""

    def _damaged_blobs(self, name: str, found: dict[str, Manifest]) -> Iterator[Damage]:
        blobs = {blob.digest: blob for one in found.values() for blob in one.blobs}
        for one in concurrently(functools.partial(self._blob, name), blobs.values()):
            if one.state:
                yield self._explained(one)
            else:
                self._whole.add(_short(one.name))

    def _blob(self, name: str, blob: Descriptor) -> Damage:
        """Read a blob; one that was read in another repository need only be found in this one."""
        result = functools.partial(Damage, name, damage.BLOB, blob)

        def state() -> str:
            if _short(blob.digest) in self._whole and self._registry.has_blob(name, blob.digest):
                return ""
            return self._read(name, blob)

        try:
            return result(self._twice(name, state))
        except ApiError as error:
            return result(damage.UNREADABLE, str(error))

    def _read(self, name: str, blob: Descriptor) -> str:
        size, hashed = 0, hashlib.new(blob.digest.partition(":")[0])
        content = self._registry.find_blob(name, blob.digest)
        if content is None:
            return damage.MISSING
        for chunk in content:
            size += len(chunk)
            hashed.update(chunk)
            self.tally.bytes += len(chunk)
        self.tally.blobs += 1
        return damage.state(blob, size, f"{hashed.name}:{hashed.hexdigest()}")

    def _twice(self, name: str, function: Callable[[], Result]) -> Result:
        """Call *function* again after an error that may be gone by then; one of a registry that is gone is raised."""
        try:
            return function()
        except Damaged:
            raise
        except ApiError:
            self._sleep(PAUSE)
            self._registry.tags(name)
            return function()


def _lost_tag(name: str, tag: str, state: str, error: str = "") -> Damage:
    return Damage(name, damage.TAG, Descriptor(tag, "", 0), state, error, (tag,))


def _short(digest: str) -> bytes:
    return bytes.fromhex(digest.partition(":")[2])[:16]
