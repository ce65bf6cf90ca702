"""Archives of images as the source of a copy: OCI layouts, and what `docker save` writes, in an uncompressed tar file.

Nothing is unpacked: the tar file is read once for where its files are, and these are then read from there. So names and
links in it are only looked up, and an archive can be larger than memory.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import pathlib
import posixpath
import tarfile
from collections.abc import Iterator
from typing import IO, Any, cast

from registry.client.archive import BadArchive, damage
from registry.client.transfer import Damaged
from registry.images import archived, layout
from registry.images.archived import File, Image
from registry.images.manifest import DIGEST, Document

CHUNK = 1 << 20
HEADER_BYTES = 1 << 20
"""Bytes of a header of the tar file: that of a long name."""
DOCUMENT_BYTES = 4 << 20
"""Bytes of a manifest: registries refuse larger ones."""
INDEX_BYTES = 32 << 20
"""Bytes of index.json or manifest.json: those of 100,000 images."""
FILES = 500_000
"""Files in an archive."""
_GZIP = b"\x1f\x8b"


class LayoutReader:
    """The archive at *path*; with *hosts* a host in the name of an image is a part of its repository's name.

    Raises BadArchive, OSError.
    """

    def __init__(self, path: pathlib.Path, *, hosts: bool = False) -> None:
        self._path = path
        self._places: dict[str, tuple[int, int]] = {}
        """Name of a file to its offset and size."""
        self._blobs: dict[str, tuple[int, int]] = {}
        """Digest to the same, where docker save names files otherwise."""
        self._documents: dict[str, Document] = {}
        """Digest to manifests that the archive does not have, but that are made of it."""
        with damage():
            self._scan()
            self._enter_folder()
            images = tuple(self._images())
        self.images = images
        """In its order."""
        if hosts:
            self.images = tuple(dataclasses.replace(one, repository=one.whole_repository) for one in images)
        self._digests = {(image.repository, image.tag): image.digest for image in self.images}
        self._kinds = {image.digest: image.media_type for image in self.images}

    def document(self, repository: str, reference: str) -> Document | None:
        """Return the manifest of a tag or digest; None where there is none. Raises Damaged."""
        digest = self._digests.get((repository, reference), reference)
        if digest in self._documents or not DIGEST.fullmatch(digest):
            return self._documents.get(digest)
        place = self._places.get(layout.blob(digest))
        if place is None:
            return None
        if place[1] > DOCUMENT_BYTES:
            raise Damaged(f"the manifest {digest} has {place[1]} bytes")
        data = b"".join(self.blob(repository, digest))
        try:
            kind = archived.media_type(json.loads(data), self._kinds.get(digest, ""))
        except (ValueError, RecursionError) as error:
            raise Damaged(f"{digest} is not a manifest") from error
        return Document(data, kind, digest)

    def blob(self, repository: str, digest: str) -> Iterator[bytes]:
        """Yield the content of a blob. Raises Damaged where it is missing or is not what its digest says."""
        place = self._place(digest)
        if place is None:
            raise Damaged(f"the archive does not contain {digest}")
        hashed, rest = hashlib.new(digest.partition(":")[0]), place[1]
        for part in self._read(*place):
            hashed.update(part)
            rest -= len(part)
            # Before the last part is sent: so a target never gets a damaged blob as a whole.
            if rest == 0 and hashed.hexdigest() != digest.partition(":")[2]:
                raise Damaged(f"{digest} is damaged in the archive")
            yield part
        if rest:
            raise Damaged(f"the archive ends within {digest}")

    def has(self, digest: str, size: int) -> bool:
        """Tell whether the archive has *size* bytes for this digest."""
        place = self._place(digest)
        return place is not None and place[1] == size

    def add(self, document: Document) -> None:
        """Have a manifest that is made of those in the archive."""
        self._documents[document.digest] = document

    def _place(self, digest: str) -> tuple[int, int] | None:
        return self._blobs.get(digest) or self._places.get(layout.blob(digest))

    def _scan(self) -> None:
        """Note where the files are."""
        links: dict[str, str] = {}
        with self._path.open("rb") as file, tarfile.open(fileobj=cast("IO[bytes]", _Headers(file)), mode="r:") as tar:
            while (member := tar.next()) is not None:
                cast("Any", tar).members.clear()  # it would keep them all
                name = posixpath.normpath(member.name)
                if member.issparse():
                    raise BadArchive(f"{name} is a sparse file")
                if member.isfile():
                    self._places[name] = (member.offset_data, member.size)
                elif member.islnk():
                    links[name] = posixpath.normpath(member.linkname)
                elif member.issym():  # docker save has one for a layer that is that of another image too
                    links[name] = posixpath.normpath(posixpath.join(posixpath.dirname(name), member.linkname))
                if len(self._places) + len(links) > FILES:
                    raise BadArchive(f"it has more than {FILES} files")
        self._places |= {name: self._places[target] for name, target in links.items() if target in self._places}

    def _enter_folder(self) -> None:
        """Take the only folder with a layout in place of the whole, as zarf's packages and a tar of a folder have."""
        if "index.json" in self._places or "manifest.json" in self._places:
            return
        folders = {posixpath.dirname(name) for name in self._places if posixpath.basename(name) == "oci-layout"}
        if len(folders) > 1:
            raise BadArchive(f"it contains {len(folders)} OCI layouts")
        for folder in folders:
            beginning, places = f"{folder}/", self._places
            self._places = {
                name.removeprefix(beginning): place for name, place in places.items() if name.startswith(beginning)
            }

    def _images(self) -> Iterator[Image]:
        if "index.json" in self._places:
            return archived.images(self._json("index.json"))
        if "manifest.json" in self._places:
            return self._saved(self._json("manifest.json"))
        raise BadArchive("it contains neither manifest.json (docker save) nor index.json (OCI)")

    def _saved(self, entries: Any) -> Iterator[Image]:
        """Yield the images of docker save's manifest.json."""
        known: dict[tuple[int, int], File] = {}
        for entry in map(layout.docker_entry, entries):
            config, *layers = (self._file(name, known) for name in (entry["Config"], *entry["Layers"]))
            if config.size > DOCUMENT_BYTES:
                raise BadArchive(f"{entry['Config']} has {config.size} bytes")
            content = json.loads(b"".join(self._read(*self._places[posixpath.normpath(entry["Config"])])))
            expected = (content.get("rootfs") or {}).get("diff_ids") or []
            for name, layer, digest in zip(entry["Layers"], layers, expected, strict=False):
                if not layer.is_gzip and layer.digest != digest:
                    raise BadArchive(f"{name} is damaged")
            document = archived.docker_manifest(config, layers)
            self._documents[document.digest] = document
            for name in entry["RepoTags"] or [""]:
                yield Image.named(archived.parsed(name), document.digest, document.media_type)

    def _file(self, name: str, known: dict[tuple[int, int], File]) -> File:
        """Return what a file of the archive is, and remember where the blob of its digest is."""
        place = self._places.get(posixpath.normpath(name))
        if place is None:
            raise BadArchive(f"a part of the image is missing in it: {name}")
        if place not in known:
            hashed, begin = hashlib.sha256(), b""
            for part in self._read(*place):
                begin = begin or part[:2]
                hashed.update(part)
            known[place] = File(f"sha256:{hashed.hexdigest()}", place[1], begin == _GZIP)
            self._blobs[known[place].digest] = place
        return known[place]

    def _json(self, name: str) -> Any:
        offset, size = self._places[name]
        if size > INDEX_BYTES:
            raise BadArchive(f"{name} has {size} bytes")
        return json.loads(b"".join(self._read(offset, size)))

    def _read(self, offset: int, size: int) -> Iterator[bytes]:
        with self._path.open("rb") as file:
            file.seek(offset)
            while size > 0 and (part := file.read(min(CHUNK, size))):
                size -= len(part)
                yield part


class _Headers:
    """A tar file of which only headers are read: one that says that it is large would be read into memory."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= HEADER_BYTES:
            raise BadArchive("the name of a file in it is too long")
        return self._file.read(size)
