"""What is in a registry: repositories, tags, manifests. https://distribution.github.io/distribution/spec/api/."""

from __future__ import annotations

import hashlib
import http
import json
from collections.abc import Callable, Iterable, Iterator
from urllib.parse import urljoin, urlsplit

import requests

from registry.client import answers
from registry.client.answers import Unreadable
from registry.client.concurrency import concurrently
from registry.client.http import ApiError, Connection, errors
from registry.images import manifest
from registry.images.inventory import Repository
from registry.images.manifest import BadManifest, Descriptor, Document, Manifest

CHUNK = 1 << 20
"""Bytes of a blob that are in memory."""
PAGE = 1000
"""Entries of a list that a registry returns at most, unless it is configured otherwise."""
CONFIG_BYTES = 4 << 20
"""An image's configuration that is larger is not read: it is a few kilobytes otherwise."""

_ACCEPT = {"Accept": ", ".join(manifest.MEDIA_TYPES)}
_MISSING = (http.HTTPStatus.NOT_FOUND,)


class Damaged(ApiError):
    """The registry has other content under a digest; *digest* is the one that was stored."""

    def __init__(self, repository: str, digest: str) -> None:
        super().__init__(f"{repository}@{digest} has another digest")
        self.digest = digest


class Content:
    """The content of the registry that *connection* leads to, as its user may read and change it."""

    def __init__(self, connection: Connection, page: int = PAGE) -> None:
        self._connection = connection
        self._page = page
        self.close = connection.close

    def require_answer(self) -> None:
        """Raise ApiError if the registry is gone: nothing answers, or its storage or a proxy's way to it is not there.

        Anything else that fails is the matter of one image or repository.
        """
        answers.exists(self._connection.send("GET", "/v2/", as_user=True), "GET /v2/")

    def repositories(self) -> Iterator[str]:
        """Yield the names of all repositories, each once. Raises ApiError."""
        return self._list("/v2/_catalog", "repositories", self._page)

    def tags(self, repository: str) -> list[str]:
        """Return the tags of *repository*, none where it does not exist. Raises ApiError."""
        # Registry 3.1 has a limit of its own for tags, and answers 400 to more.
        return list(self._list(f"/v2/{repository}/tags/list", "tags", min(self._page, PAGE)))

    def document(self, repository: str, reference: str) -> Document | None:
        """Return the manifest of a tag or digest as it is stored; None where there is none. Raises ApiError."""
        answer = self._get(f"/v2/{repository}/manifests/{reference}", _ACCEPT)
        if answer is None:
            return None
        kind = answer.headers.get("Content-Type", "").partition(";")[0].strip()
        digest = f"sha256:{hashlib.sha256(answer.content).hexdigest()}"
        stored = answer.headers.get("Docker-Content-Digest", digest)
        if kind == manifest.SCHEMA_1:  # whose digest is that of a part
            digest = stored
        expected = reference if ":" in reference else stored
        if expected.startswith("sha256:") and expected != digest:
            raise Damaged(repository, expected)
        return Document(answer.content, kind, digest)

    def manifest(self, repository: str, reference: str) -> Manifest | None:
        """Return the manifest of a tag or digest; None where there is none. Raises ApiError, BadManifest."""
        found = self.document(repository, reference)
        return manifest.parse(found.data, found.media_type, found.digest) if found else None

    def has_manifest(self, repository: str, reference: str, digest: str) -> bool:
        """Tell whether *reference*, a tag or digest, is the manifest *digest*. Raises ApiError."""
        path = f"/v2/{repository}/manifests/{reference}"
        answer = self._connection.send("HEAD", path, as_user=True, headers=_ACCEPT)
        return answers.exists(answer, f"HEAD {path}") and answer.headers.get("Docker-Content-Digest") == digest

    def put_manifest(self, repository: str, reference: str, document: Document) -> None:
        """Store a manifest under a tag or its digest. Raises ApiError."""
        path, kind = f"/v2/{repository}/manifests/{reference}", {"Content-Type": document.media_type}
        answer = self._connection.send("PUT", path, as_user=True, headers=kind, data=document.data)
        answers.require(answer, f"PUT {path}", http.HTTPStatus.CREATED)

    def blob(self, repository: str, digest: str) -> Iterator[bytes]:
        """Yield the content of a blob. Raises ApiError."""
        content = self.find_blob(repository, digest)
        if content is None:
            raise ApiError(f"{repository} has no blob {digest}")
        yield from content

    def find_blob(self, repository: str, digest: str) -> Iterator[bytes] | None:
        """Return the content of a blob; None where there is none. Raises ApiError, also while it is read."""
        answer = self._get(f"/v2/{repository}/blobs/{digest}", {}, stream=True)
        return _chunks(answer) if answer is not None else None

    def put_blob(self, repository: str, blob: Descriptor, content: Iterator[bytes]) -> None:
        """Store a blob; the registry verifies its digest. Raises ApiError."""
        answer = self._connection.send("POST", f"/v2/{repository}/blobs/uploads/", as_user=True)
        answers.require(answer, f"POST /v2/{repository}/blobs/uploads/", http.HTTPStatus.ACCEPTED)
        place = urlsplit(urljoin(self._connection.url, answer.headers.get("Location", "/")))
        path = f"{place.path}?{place.query}{'&' if place.query else ''}digest={blob.digest}"
        kind, data = {"Content-Type": "application/octet-stream"}, Sized(content, blob.size) if blob.size else b""
        answer = self._connection.send("PUT", path, as_user=True, headers=kind, data=data)
        answers.require(answer, f"PUT {place.path}", http.HTTPStatus.CREATED)

    def has_blob(self, repository: str, digest: str) -> bool:
        """Tell whether the registry has a blob. Raises ApiError."""
        path = f"/v2/{repository}/blobs/{digest}"
        return answers.exists(self._connection.send("HEAD", path, as_user=True), f"HEAD {path}")

    def created(self, repository: str, image: Manifest) -> str:
        """Return when an image was created, as its configuration has it, else as its manifest has it; or "".

        Raises ApiError.
        """
        if image.config is None or image.config.size > CONFIG_BYTES:
            return image.created
        data = b""
        for part in self.find_blob(repository, image.config.digest) or ():
            data += part
            if len(data) > CONFIG_BYTES:  # no registry compares it with the size in the manifest
                return image.created
        try:
            created = json.loads(data).get("created")
        except (ValueError, AttributeError, RecursionError):
            created = ""
        # Helm, ORAS and the like have their own configuration.
        return created if created and isinstance(created, str) else image.created

    def delete(self, repository: str, reference: str) -> bool:
        """Delete a manifest by its digest, or a tag; tell whether it existed. Raises ApiError."""
        path = f"/v2/{repository}/manifests/{reference}"
        answer = self._connection.send("DELETE", path, as_user=True)
        if answer.status_code in _MISSING:
            return False
        answers.require(answer, f"DELETE {path}", http.HTTPStatus.ACCEPTED)
        return True

    def is_damaged(self, repository: str, digest: str) -> bool:
        """Tell whether the registry has the manifest *digest*, but damaged. Raises ApiError."""
        try:
            self.manifest(repository, digest)
        except (BadManifest, Damaged, Unreadable):
            return True
        return False

    def read(
        self, repository: str, extra: Iterable[str] = (), unreadable: Callable[[str], None] | None = None
    ) -> Repository:
        """Read all tags of *repository*, all that they reach, and the manifests *extra*. Raises ApiError.

        A manifest that is missing or corrupt is left out. One that the registry fails to read is an error, as it may
        be readable again and need others, unless *unreadable* takes its tag or digest.
        """
        manifests: dict[str, Manifest] = {}
        unread: set[str] = set()
        tags: dict[str, str] = {}
        names = self.tags(repository)
        read = concurrently(lambda tag: self._try(repository, tag, unread, unreadable), names)
        for tag, found in zip(names, read, strict=True):
            if found is not None:
                tags[tag] = found.digest
                manifests[found.digest] = found
        rest = [*extra, *(child.digest for one in manifests.values() for child in one.children)]
        while rest:
            digests = [digest for digest in dict.fromkeys(rest) if digest not in manifests]
            parsed = concurrently(lambda digest: self._try(repository, digest, unread, unreadable), digests)
            children = [one for one in parsed if one]
            manifests |= {one.digest: one for one in children}
            rest = [child.digest for one in children for child in one.children]
        needed = {*names, *(child.digest for one in manifests.values() for child in one.children)}
        return Repository(repository, tags, manifests, tuple(sorted(unread & needed)))

    def _try(
        self, repository: str, reference: str, unread: set[str], unreadable: Callable[[str], None] | None
    ) -> Manifest | None:
        try:
            return self.manifest(repository, reference)
        except (BadManifest, Damaged):
            unread.add(reference)
            return None
        except Unreadable:
            if unreadable is None:
                raise
            unreadable(reference)
            unread.add(reference)
            return None

    def _list(self, path: str, key: str, page: int) -> Iterator[str]:
        """Yield the entries of a list over all its pages, each once."""
        seen: set[str] = set()
        following: str | None = f"{path}?n={page}"
        while following:
            answer = self._get(following, {})
            if answer is None:
                return
            names = [name for name in answers.names(answer, key) if name not in seen]
            seen.update(names)
            yield from names
            # A page without anything new would be requested for ever.
            following = answers.following(answer) if names else None

    def _get(self, path: str, headers: dict[str, str], *, stream: bool = False) -> requests.Response | None:
        answer = self._connection.send("GET", path, as_user=True, headers=headers, stream=stream)
        if answer.status_code in _MISSING:
            return None
        answers.require(answer, f"GET {path.partition('?')[0]}", http.HTTPStatus.OK)
        return answer


def _chunks(answer: requests.Response) -> Iterator[bytes]:
    with answer, errors():
        yield from answer.iter_content(CHUNK)


class Sized:
    """The content of a blob as a file of known size, which requests sends as it is read."""

    def __init__(self, content: Iterator[bytes], size: int) -> None:
        self._content = content
        self._rest = memoryview(b"")  # which is cut without copying: requests reads a few kilobytes at once
        self._left = size
        self.len = size

    def read(self, size: int = -1) -> bytes:
        """Return at most *size* bytes, none at the end. Raises ApiError where there are fewer or more in all."""
        while not self._rest:
            part = next(self._content, None)
            if part is None:
                break
            self._rest = memoryview(part)
            self._left -= len(part)
        if self._left < 0 or (self._left and not self._rest):  # the server would wait for the rest
            raise ApiError("a blob has another size than its manifest says")
        end = len(self._rest) if size < 0 else size
        data, self._rest = bytes(self._rest[:end]), self._rest[end:]
        return data
