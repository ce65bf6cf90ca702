"""Copies of images, with all platforms and dependents, digests unchanged.

From anything that has manifests and blobs to anything that takes them: registries, and layouts in archives. What the
target has already is not copied, so a copy that was interrupted is resumed by doing it again.
"""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol, TypeVar

from registry.client.concurrency import REQUESTS, concurrently
from registry.client.http import ApiError, Refusal
from registry.images import manifest
from registry.images.inventory import dependent_tags
from registry.images.manifest import Descriptor, Document

ATTEMPTS = 4
"""How often a request is sent before its error counts; the pauses between them are 1, 2 and 4 seconds."""

_SCHEMA_1 = "application/vnd.docker.distribution.manifest.v1+"

Result = TypeVar("Result")


class Source(Protocol):
    """Where images come from. All raise ApiError."""

    def document(self, repository: str, reference: str) -> Document | None:
        """Return the manifest of a tag or digest; None where there is none."""

    def blob(self, repository: str, digest: str) -> Iterator[bytes]:
        """Yield the content of a blob."""


class Target(Protocol):
    """Where images go. All raise ApiError."""

    def has_manifest(self, repository: str, reference: str, digest: str) -> bool:
        """Tell whether *reference*, a tag or digest, is the manifest *digest*."""

    def has_blob(self, repository: str, digest: str) -> bool:
        """Tell whether there is a blob."""

    def put_blob(self, repository: str, blob: Descriptor, content: Iterator[bytes]) -> None:
        """Store a blob. Its digest is verified."""

    def put_manifest(self, repository: str, reference: str, document: Document) -> None:
        """Store a manifest under a tag or its digest."""


@dataclasses.dataclass
class Tally:
    """What was done so far."""

    images: int = 0
    """Tags, or digests without one, that were stored."""
    skipped: int = 0
    """Those that the target had."""
    bytes: int = 0
    """Of the blobs that were copied."""


class Missing(ApiError):
    """The source does not have an image."""


class Damaged(ApiError):
    """The image itself cannot be copied, for example because it is not what its digest says; it never will be."""


class Copier:
    """Copies images from *source* to *target*.

    Copiers that work at the same time share their *slots*, one for each request at once.
    """

    def __init__(
        self,
        source: Source,
        target: Target,
        sleep: Callable[[float], None] = time.sleep,
        slots: threading.Semaphore | None = None,
    ) -> None:
        self._source = source
        self._target = target
        self._sleep = sleep
        self._slots = slots or threading.Semaphore(REQUESTS)
        self.tally = Tally()

    def copy(self, origin: str, reference: str, repository: str, tags: Iterable[str]) -> str:
        """Copy the image *reference* of the repository *origin* to *repository* under *tags*; return its digest.

        Without tags it is stored under its digest. Raises ApiError, BadManifest.
        """
        document = self._document(origin, reference)
        names = tuple(tags) or (document.digest,)
        new = [name for name in names if not self.has(repository, name, document.digest)]
        self.tally.skipped += len(names) - len(new)
        if not self.has(repository, document.digest, document.digest):
            self._copy_whole(origin, repository, document)
        self._copy_dependents(origin, repository, document)
        for name in new:
            self.retry(self._target.put_manifest, repository, name, document)
        self.tally.images += len(new)
        return document.digest

    def has(self, repository: str, reference: str, digest: str) -> bool:
        """Tell whether *reference*, a tag or digest, is the manifest *digest* in the target. Raises ApiError."""
        return self.retry(self._target.has_manifest, repository, reference, digest)

    def has_blob(self, repository: str, digest: str) -> bool:
        """Tell whether the target has a blob. Raises ApiError."""
        return self.retry(self._target.has_blob, repository, digest)

    def is_copied(self, origin: str, reference: str, repository: str, tags: Iterable[str]) -> bool:
        """Tell whether `copy` would find the image in the target already. Raises ApiError."""
        document = self._document(origin, reference)
        return all(self.has(repository, name, document.digest) for name in tuple(tags) or (document.digest,))

    def _document(self, origin: str, reference: str) -> Document:
        document = self.retry(self._source.document, origin, reference)
        if document is None:
            raise Missing(f"{origin} has no {reference}")
        return document

    def _copy_whole(self, origin: str, repository: str, document: Document) -> None:
        """Copy a manifest after all that it refers to."""
        read = manifest.parse(document.data, document.media_type, document.digest)
        if read.media_type.startswith(_SCHEMA_1):
            raise Damaged(f"{document.digest} has Docker's format of before 2016 (schema 1), which registries refuse")
        absent = [child for child in read.children if not self._copy_child(origin, repository, child)]
        blobs = {blob.digest: blob for blob in read.blobs}.values()
        for size in concurrently(lambda blob: self._copy_blob(origin, repository, blob), blobs):
            self.tally.bytes += size
        try:
            self.retry(self._target.put_manifest, repository, document.digest, document)
        except ApiError as error:
            if absent:
                lacking = ", ".join(child.platform or child.digest for child in absent)
                raise Damaged(f"{error}; its registry does not have all of it: {lacking}") from error
            if any(layer.is_foreign for layer in read.layers):
                raise Damaged(f"{error}; the option validation-urls-allow must allow its foreign layers") from error
            raise

    def _copy_child(self, origin: str, repository: str, child: Descriptor) -> bool:
        """Copy a manifest of an index; tell whether there is one."""
        if not self.has(repository, child.digest, child.digest):
            document = self.retry(self._source.document, origin, child.digest)
            if document is None:
                # An index may list platforms that its registry does not have.
                return False
            self._copy_whole(origin, repository, document)
        return True

    def _copy_blob(self, origin: str, repository: str, blob: Descriptor) -> int:
        """Copy a blob, unless the target has it; return the bytes that were copied."""
        if self.has_blob(repository, blob.digest):
            return 0
        self.retry(lambda: self._target.put_blob(repository, blob, self._source.blob(origin, blob.digest)))
        return blob.size

    def _copy_dependents(self, origin: str, repository: str, document: Document) -> None:
        """Copy signatures, attestations and SBOMs of a manifest and of its children."""
        read = manifest.parse(document.data, document.media_type, document.digest)
        inner = [child for child in read.children if child.media_type in (manifest.OCI_INDEX, manifest.DOCKER_LIST)]
        for child in inner:
            if (index := self.retry(self._source.document, origin, child.digest)) is not None:
                self._copy_dependents(origin, repository, index)
        digests = (document.digest, *(child.digest for child in read.children if child not in inner))
        tags = [tag for digest in digests for tag in dependent_tags(digest)]
        documents = concurrently(lambda tag: self.retry(self._source.document, origin, tag), tags)
        for tag, found in zip(tags, documents, strict=True):
            if found is not None and not self.has(repository, tag, found.digest):
                self._copy_whole(origin, repository, found)
                self.retry(self._target.put_manifest, repository, tag, found)
                self._copy_dependents(origin, repository, found)

    def retry(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """Return what *function* returns; call it again after an error that may be gone by then. Raises ApiError."""
        for attempt in range(ATTEMPTS - 1):
            try:
                with self._slots:
                    return function(*arguments)
            except (Damaged, Refusal):
                raise
            except ApiError:
                self._sleep(2**attempt)
        with self._slots:
            return function(*arguments)
