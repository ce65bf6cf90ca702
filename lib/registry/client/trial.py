"""What a registry needs of its storage, tried through a registry that has a folder of its own there."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import http
import json
from collections.abc import Callable, Collection, Iterator, Mapping
from urllib.parse import urljoin, urlsplit

from registry.client.concurrency import concurrently
from registry.client.content import Content, Sized
from registry.client.http import ApiError, Connection, Refusal
from registry.images.manifest import OCI_MANIFEST, Descriptor, Document
from registry.message import Message

BREAKS = Message("The storage breaks what the registry needs: {rules}", "Use another storage, or repair it")
"""A storage that is not a complete file system or object store loses images sooner or later."""

REPOSITORY = "docker-registry-charm/check"
PART = 20 << 20
"""Bytes of a part: two are more than the S3 driver copies at once (32 MiB), and a part is more than it buffers."""
SHORT_PART = 6 << 20
"""The same where it must be quick: more than the least part of S3 (5 MiB), so that two remain two."""
PARTS = 2
WRITE, MOVE, READ, EMPTY, LIST, DELETE = RULES = (
    *("multi-part write", "move", "read back"),
    *("zero-size object", "list beyond 1,000 keys", "delete"),
)
"""The rules, in their order. The list takes long: the registry deletes its tags one after the other."""
SHORT = (WRITE, MOVE, READ, DELETE)
TAGS = 1050
"""More than the 1,000 keys that a store lists at once."""
_NOTHING = f"sha256:{hashlib.sha256().hexdigest()}"
_BLOCK = 1 << 20
_CANCELLED = (http.HTTPStatus.NO_CONTENT, http.HTTPStatus.NOT_FOUND, http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
"""An upload that failed may be gone already."""
LEFT = "what was deleted is still there"


class Trial:
    """Tries the storage of the registry that *connection* leads to. That registry must accept deletions."""

    def __init__(self, connection: Connection, part: int = 0) -> None:
        self._connection = connection
        self._content = Content(connection)
        self._part = part or PART
        self._digest = _digest(self._part)
        self._upload = ""
        """Where the upload continues that is in progress."""
        self._blobs: list[str] = []
        self._manifest = ""

    def steps(self, rules: Collection[str] = RULES) -> Iterator[tuple[str, str]]:
        """Yield each of the *rules* as it is tried, and how the storage breaks it; "" if not. Raises no ApiError."""
        steps: dict[str, Callable[[], str]] = {
            WRITE: self._write,
            MOVE: self._move,
            READ: self._read,
            EMPTY: self._write_nothing,
            LIST: self._list,
            DELETE: self.delete,
        }
        for rule, step in steps.items():
            if rule in rules:
                try:
                    yield rule, step()
                except ApiError as error:
                    yield rule, str(error)

    def _write(self) -> str:
        """Upload a blob in several parts."""
        self._begin()
        for part in range(PARTS):
            data = Sized(_blocks(part, self._part), self._part)
            self._upload = self._request("PATCH", self._upload, http.HTTPStatus.ACCEPTED, data)
        return ""

    def _move(self) -> str:
        """End the upload: the registry copies it to the place of the blob."""
        if not self._upload:
            return "nothing was written"
        self._end(self._digest)
        return ""

    def _read(self) -> str:
        hashed, size = hashlib.sha256(), 0
        for chunk in self._content.blob(REPOSITORY, self._digest):
            hashed.update(chunk)
            size += len(chunk)
        if size != self._part * PARTS:
            return f"{size} of {self._part * PARTS} bytes are read"
        return "" if f"sha256:{hashed.hexdigest()}" == self._digest else "other bytes are read than were written"

    def _write_nothing(self) -> str:
        with contextlib.suppress(ApiError):
            self._cancel()  # one that failed
        self._begin()
        self._end(_NOTHING)
        size = sum(map(len, self._content.blob(REPOSITORY, _NOTHING)))
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
        for _ in concurrently(functools.partial(self._tag, document), tags):
            pass
        listed = {*self._content.tags(REPOSITORY)}
        return "" if listed == {*tags} else f"{len(listed)} of {TAGS} tags are listed"

    def _tag(self, document: Document, tag: str) -> None:
        """Store a tag. One error in a thousand requests says nothing of the storage, and clients repeat the request."""
        try:
            self._content.put_manifest(REPOSITORY, tag, document)
        except Refusal:
            raise
        except ApiError:
            self._content.put_manifest(REPOSITORY, tag, document)

    def delete(self) -> str:
        """Delete all that was written, also after a failure, as far as possible; return the first problem, or ""."""
        steps: list[Callable[[], str]] = [functools.partial(self._delete_blob, digest) for digest in self._blobs]
        steps += [functools.partial(self._delete_manifest, self._manifest)] if self._manifest else []
        steps.append(self._cancel)
        self._manifest = ""
        self._blobs.clear()
        problems = []
        for step in steps:
            try:
                problems.append(step())
            except ApiError as error:
                problems.append(str(error))
        return next(filter(None, problems), "")

    def _delete_blob(self, digest: str) -> str:
        self._request("DELETE", f"/v2/{REPOSITORY}/blobs/{digest}", http.HTTPStatus.ACCEPTED)
        return LEFT if self._content.has_blob(REPOSITORY, digest) else ""

    def _delete_manifest(self, digest: str) -> str:
        self._content.delete(REPOSITORY, digest)
        is_left = self._content.tags(REPOSITORY) or self._content.document(REPOSITORY, digest)
        return LEFT if is_left else ""

    @contextlib.contextmanager
    def uploading(self) -> Iterator[None]:
        """Keep an upload in progress in the body. Raises ApiError.

        One that was cancelled would leave the state of its hash behind, each time another; a blob leaves one byte.
        """
        self._begin()
        yield
        self._upload = self._request("PATCH", self._upload, http.HTTPStatus.ACCEPTED, Sized(iter((b"-",)), 1))
        self._end(f"sha256:{hashlib.sha256(b'-').hexdigest()}")
        if problem := self.delete():
            raise ApiError(problem)

    def _begin(self) -> None:
        """Begin an upload."""
        self._upload = self._request("POST", f"/v2/{REPOSITORY}/blobs/uploads/", http.HTTPStatus.ACCEPTED)

    def _end(self, digest: str) -> None:
        """End the upload of a blob."""
        separator = "&" if "?" in self._upload else "?"
        self._request("PUT", f"{self._upload}{separator}digest={digest}", http.HTTPStatus.CREATED)
        self._upload = ""
        self._blobs.append(digest)

    def _cancel(self) -> str:
        """Cancel the upload that is in progress."""
        upload, self._upload = self._upload, ""
        if upload:
            answer = self._connection.send("DELETE", upload, as_user=True)
            if answer.status_code not in _CANCELLED:
                raise ApiError(f"DELETE {upload.partition('?')[0]} returned {answer.status_code} instead of 204")
        return ""

    def _request(self, method: str, path: str, expected: int, data: Sized | None = None) -> str:
        """Send a request; return where the upload continues. Raises ApiError."""
        kind = {"Content-Type": "application/octet-stream"}
        answer = self._connection.send(method, path, as_user=True, headers=kind, data=data)
        if answer.status_code != expected:
            raise ApiError(f"{method} {path.partition('?')[0]} returned {answer.status_code} instead of {expected}")
        place = urlsplit(urljoin(self._connection.url, answer.headers.get("Location", "/")))
        return f"{place.path}?{place.query}" if place.query else place.path


def broken_rules(found: Mapping[str, str]) -> str:
    """Return the rules that the storage breaks, for a message; empty if there are none."""
    return "; ".join(f"{rule} ({problem})" for rule, problem in found.items() if problem)


def _blocks(number: int, size: int) -> Iterator[bytes]:
    """Yield a part of the blob, whose blocks all differ."""
    for block in range(size // _BLOCK):
        yield hashlib.sha256(bytes((number, block))).digest() * (_BLOCK // 32)


@functools.cache
def _digest(size: int) -> str:
    """Return the digest of the blob whose parts have this size."""
    hashed = hashlib.sha256()
    for number in range(PARTS):
        for block in _blocks(number, size):
            hashed.update(block)
    return f"sha256:{hashed.hexdigest()}"
