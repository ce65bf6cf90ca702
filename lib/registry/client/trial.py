"""What a registry needs of its storage, tried through a registry that has a folder of its own there."""

from __future__ import annotations

import functools
import hashlib
import http
import json
from collections.abc import Callable, Iterator
from urllib.parse import urljoin, urlsplit

from registry.client.concurrency import concurrently
from registry.client.content import Content, Sized
from registry.client.http import ApiError, Connection
from registry.images.manifest import OCI_MANIFEST, Descriptor, Document

REPOSITORY = "docker-registry-charm/check"
PART = 20 << 20
"""Bytes of a part: two are more than the S3 driver copies at once (32 MiB), and a part is more than it buffers."""
PARTS = 2
TAGS = 1050
"""More than the 1,000 keys that a store lists at once."""
EMPTY = f"sha256:{hashlib.sha256().hexdigest()}"
_BLOCK = 1 << 20


class Trial:
    """Tries the storage of the registry at the other end of *connection*, as the user; it must accept deletions."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._content = Content(connection)
        self._place = ""
        self._blobs: list[str] = []
        self._manifest = ""

    def steps(self) -> Iterator[tuple[str, str]]:
        """Yield each rule as it is tried, and how the storage breaks it; "" if it does not. Raises no ApiError."""
        rules: dict[str, Callable[[], str]] = {
            "multi-part write": self._write,
            "move": self._move,
            "read back": self._read,
            "zero-size object": self._write_nothing,
            "list beyond 1,000 keys": self._list,
            "delete": self.delete,
        }
        for rule, step in rules.items():
            try:
                yield rule, step()
            except ApiError as error:
                yield rule, str(error)

    def _write(self) -> str:
        """Upload a blob in several parts."""
        self._place = self._request("POST", f"/v2/{REPOSITORY}/blobs/uploads/", http.HTTPStatus.ACCEPTED)
        for part in range(PARTS):
            data = Sized(_blocks(part), PART)
            self._place = self._request("PATCH", self._place, http.HTTPStatus.ACCEPTED, data)
        return ""

    def _move(self) -> str:
        """End the upload: the registry copies it to the place of the blob."""
        if not self._place:
            return "nothing was written"
        separator = "&" if "?" in self._place else "?"
        self._request("PUT", f"{self._place}{separator}digest={_digest()}", http.HTTPStatus.CREATED)
        self._blobs.append(_digest())
        return ""

    def _read(self) -> str:
        hashed, size = hashlib.sha256(), 0
        for chunk in self._content.blob(REPOSITORY, _digest()):
            hashed.update(chunk)
            size += len(chunk)
        if size != PART * PARTS:
            return f"{size} of {PART * PARTS} bytes are read"
        return "" if f"sha256:{hashed.hexdigest()}" == _digest() else "other bytes are read than were written"

    def _write_nothing(self) -> str:
        self._content.put_blob(REPOSITORY, Descriptor(EMPTY, "", 0), iter(()))
        self._blobs.append(EMPTY)
        size = sum(map(len, self._content.blob(REPOSITORY, EMPTY)))
        return f"{size} bytes are read" if size else ""

    def _list(self) -> str:
        config = b"{}"
        blob = Descriptor(f"sha256:{hashlib.sha256(config).hexdigest()}", "application/json", len(config))
        self._content.put_blob(REPOSITORY, blob, iter((config,)))
        self._blobs.append(blob.digest)
        described = {"mediaType": blob.media_type, "digest": blob.digest, "size": blob.size}
        text = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": described, "layers": []}
        data = json.dumps(text).encode()
        document = Document(data, OCI_MANIFEST, f"sha256:{hashlib.sha256(data).hexdigest()}")
        self._content.put_manifest(REPOSITORY, document.digest, document)
        self._manifest = document.digest
        tags = [f"check-{number}" for number in range(TAGS)]
        for _ in concurrently(lambda tag: self._content.put_manifest(REPOSITORY, tag, document), tags):
            pass
        listed = {*self._content.tags(REPOSITORY)}
        return "" if listed == {*tags} else f"{len(listed)} of {TAGS} tags are listed"

    def delete(self) -> str:
        """Delete all that was written."""
        if self._manifest:
            self._content.delete(REPOSITORY, self._manifest)
            if self._content.tags(REPOSITORY) or self._content.document(REPOSITORY, self._manifest):
                return "what was deleted is still there"
        while self._blobs:
            digest = self._blobs.pop()
            self._request("DELETE", f"/v2/{REPOSITORY}/blobs/{digest}", http.HTTPStatus.ACCEPTED)
            if self._content.has_blob(REPOSITORY, digest):
                return "what was deleted is still there"
        return ""

    def _request(self, method: str, path: str, expected: int, data: Sized | None = None) -> str:
        """Send a request; return where the upload continues. Raises ApiError."""
        kind = {"Content-Type": "application/octet-stream"}
        answer = self._connection.send(method, path, as_user=True, headers=kind, data=data)
        if answer.status_code != expected:
            raise ApiError(f"{method} {path.partition('?')[0]} returned {answer.status_code} instead of {expected}")
        place = urlsplit(urljoin(self._connection.url, answer.headers.get("Location", "/")))
        return f"{place.path}?{place.query}" if place.query else place.path


def _blocks(part: int) -> Iterator[bytes]:
    """Yield a part of the blob, whose blocks all differ."""
    for number in range(PART // _BLOCK):
        yield hashlib.sha256(bytes((part, number))).digest() * (_BLOCK // 32)


@functools.cache
def _digest() -> str:
    hashed = hashlib.sha256()
    for part in range(PARTS):
        for block in _blocks(part):
            hashed.update(block)
    return f"sha256:{hashed.hexdigest()}"
