"""Images of an archive, copied to a registry."""

from __future__ import annotations

import time
from collections.abc import Callable

from registry.client.layout_reader import LayoutReader
from registry.client.transfer import Copier, Damaged, Tally, Target
from registry.images import archived, manifest
from registry.images.archived import Image
from registry.images.manifest import Descriptor, Document


class Unloading:
    """Copies images of an archive to *target*.

    Docker saves an index of all platforms, of which it has only its own: registries refuse it, so that the others are
    left out of it then.
    """

    def __init__(self, reader: LayoutReader, target: Target, sleep: Callable[[float], None] = time.sleep) -> None:
        self._reader = reader
        self._copier = Copier(reader, target, sleep)

    @property
    def tally(self) -> Tally:
        """What was done so far."""
        return self._copier.tally

    def has(self, image: Image, repository: str) -> bool:
        """Tell whether an image is in *repository* under its tag, or without one under its digest. Raises ApiError."""
        return self._copier.has(repository, image.tag or image.digest, image.digest)

    def copy(self, image: Image, repository: str) -> tuple[str, tuple[str, ...]]:
        """Copy an image to *repository* under its tag; return its digest there, and the platforms that are left out.

        Raises ApiError, BadManifest.
        """
        document = self._reader.document(image.repository, image.digest)
        if document is None:
            raise Damaged(f"the archive does not contain {image.digest}")
        absent = self._absent(repository, document)
        if absent:
            document = archived.without(document, {child.digest for child in absent})
            self._reader.add(document)
        digest = self._copier.copy(image.repository, document.digest, repository, filter(None, [image.tag]))
        return digest, tuple(child.platform or child.digest for child in absent)

    def _absent(self, repository: str, document: Document) -> list[Descriptor]:
        """Return the children of an index that neither the archive nor the registry has. Raises Damaged if all."""
        children = manifest.parse(document.data, document.media_type, document.digest).children
        absent = [child for child in children if not self._has(repository, child)]
        if absent and len(absent) == len(children):
            raise Damaged(f"the archive contains no platform of {document.digest}")
        return absent

    def _has(self, repository: str, child: Descriptor) -> bool:
        document = self._reader.document(repository, child.digest)
        if document is None:
            return self._copier.has(repository, child.digest, child.digest)
        parsed = manifest.parse(document.data, document.media_type, document.digest)
        return all(self._has(repository, one) for one in parsed.children) and all(
            self._reader.has(blob.digest, blob.size) or self._copier.has_blob(repository, blob.digest)
            for blob in parsed.blobs
        )
