"""An archive of images as the target of a copy: one OCI layout in a tar file, and beside it a list of its content.

With the list, a later archive leaves out what this one has. Its lines are ``repository:tag@digest``, and
``repository@digest`` for each manifest and blob: another repository may need the same blob and not have it.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import pathlib
import tarfile
import threading
from collections.abc import Iterator
from typing import IO, Any, cast

from registry.client.http import ApiError
from registry.client.space import compressed, created
from registry.client.transfer import Damaged
from registry.images import archived, layout, manifest
from registry.images.manifest import OCI_INDEX, Descriptor, Document
from registry.message import Fault, Message

NOT_A_LIST = Message("{path} is not the list of an earlier archive", "Use the file whose name ends in .list")
"""The action export writes such a file beside each archive; the archive itself is no list."""

CHUNK = 1 << 20
LIST_BYTES = 256 << 20
SUFFIX = ".list"


class BadList(Fault):
    """A file does not list the content of an archive."""


def read_list(path: pathlib.Path) -> frozenset[str]:
    """Return the lines of an earlier archive's list. Raises BadList, OSError."""
    if not path.is_file() or path.stat().st_size > LIST_BYTES:  # a device has no size, and may have no end
        raise BadList(NOT_A_LIST(path=path))
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    if not lines or not all(manifest.DIGEST.fullmatch(line.rpartition("@")[2]) for line in lines):
        raise BadList(NOT_A_LIST(path=path))
    return frozenset(lines)


@contextlib.contextmanager
def written(path: pathlib.Path, known: frozenset[str]) -> Iterator[LayoutWriter]:
    """Yield a writer of the archive at *path*, which appears when it is whole, with its list. Raises NoSpace, OSError.

    What its name ends in says how it is compressed. What is *known* from the list of an earlier archive is left out.
    """
    draft, lines = (path.with_name(f".{path.name}{suffix}.new") for suffix in ("", SUFFIX))
    try:
        with created(draft) as file, compressed(file, path.name) as stream:
            writer = LayoutWriter(stream, known)
            yield writer
            writer.close()
        with created(lines) as listed:
            for line in sorted(writer.content):
                listed.write(f"{line}\n".encode())
        lines.replace(path.with_name(path.name + SUFFIX))
        draft.replace(path)
    finally:
        for left in (draft, lines):
            left.unlink(missing_ok=True)


class LayoutWriter:
    """A layout that is written to *file* as a stream."""

    def __init__(self, file: IO[bytes], known: frozenset[str] = frozenset()) -> None:
        sink = cast("IO[bytes]", _Sink(file))
        self._tar = cast("Any", tarfile.TarFile)(fileobj=sink, mode="w", copybufsize=CHUNK)
        self._written: set[str] = set()
        self._entries: dict[tuple[str, str], dict[str, Any]] = {}
        self._lock = threading.Lock()
        self.content = set(known)
        """The lines of its list."""
        self._add("oci-layout", json.dumps({"imageLayoutVersion": "1.0.0"}).encode())

    def has_manifest(self, repository: str, reference: str, digest: str) -> bool:
        """Tell whether this archive or the earlier one has a manifest under a tag, or under its digest."""
        name = repository if reference == digest else f"{repository}:{reference}"
        return f"{name}@{digest}" in self.content

    def has_blob(self, repository: str, digest: str) -> bool:
        """Tell whether this archive has a blob, or the earlier one has it in this repository."""
        return digest in self._written or f"{repository}@{digest}" in self.content

    def put_blob(self, repository: str, blob: Descriptor, content: Iterator[bytes]) -> None:
        """Write a blob. Raises ApiError where *content* ends early, Damaged where it is not what its digest says.

        The archive has then a file too many, which nothing refers to.
        """
        with self._lock:  # one file after the other; content is only requested then
            if self.has_blob(repository, blob.digest):
                return
            reader = _Padded(content, blob)
            self._file(layout.blob(blob.digest), blob.size, reader)
            reader.check()
            self._written.add(blob.digest)

    def put_manifest(self, repository: str, reference: str, document: Document) -> None:
        """Write a manifest, and its name."""
        with self._lock:
            if document.digest not in self._written:
                self._add(layout.blob(document.digest), document.data)
                self._written.add(document.digest)
            parsed = manifest.parse(document.data, document.media_type, document.digest)
            digests = (document.digest, *(blob.digest for blob in parsed.blobs))
            self.content.update(f"{repository}@{digest}" for digest in digests)
            if reference != document.digest:
                self.content.add(f"{repository}:{reference}@{document.digest}")
                self.name(repository, reference, document)

    def has_name(self, repository: str, reference: str) -> bool:
        """Tell whether the index lists a tag or digest."""
        return (repository, reference) in self._entries

    def name(self, repository: str, reference: str, document: Document) -> None:
        """List a manifest in the index, under a tag or its digest."""
        self._entries[repository, reference] = archived.entry(
            repository, reference, document.digest, document.media_type, len(document.data)
        )

    def close(self) -> None:
        """Write the index, and end the archive."""
        index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": list(self._entries.values())}
        self._add("index.json", json.dumps(index).encode())
        self._tar.close()

    def _add(self, name: str, data: bytes) -> None:
        self._file(name, len(data), io.BytesIO(data))

    def _file(self, name: str, size: int, content: Any) -> None:
        header = tarfile.TarInfo(name)
        header.size = size
        self._tar.addfile(header, content)
        self._tar.members.clear()  # it would keep them all


class _Sink:
    """A file that is only written, as a stream is, for tarfile."""

    def __init__(self, file: IO[bytes]) -> None:
        self.write = file.write

    def tell(self) -> int:
        """Return where the archive begins."""
        return 0


class _Padded:
    """The content of a blob as a file of exactly its size, whatever happens: the tar file continues after it."""

    def __init__(self, content: Iterator[bytes], blob: Descriptor) -> None:
        self._content = content
        self._blob = blob
        self._rest = b""
        self._hash = hashlib.new(blob.digest.partition(":")[0])
        self._error: Exception | None = None

    def read(self, size: int) -> bytes:
        """Return *size* bytes, zeros after the end."""
        while len(self._rest) < size and self._error is None:
            try:
                part = next(self._content, None)
            except ApiError as error:
                self._error = error
                break
            if part is None:
                self._error = ApiError(f"{self._blob.digest} ends early")
                break
            self._rest += part
        data, self._rest = self._rest[:size], self._rest[size:]
        self._hash.update(data)
        return data.ljust(size, b"\0")

    def check(self) -> None:
        """Raise ApiError if it was not all there, Damaged if it is not what its digest says."""
        if self._error is not None:
            raise self._error
        if self._rest or self._hash.hexdigest() != self._blob.digest.partition(":")[2]:
            raise Damaged(f"{self._blob.digest} is damaged")
