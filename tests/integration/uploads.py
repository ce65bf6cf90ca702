"""Images made byte by byte and put into a registry over HTTP: what clients and signers leave there."""

from __future__ import annotations

import hashlib
import http
import json
import ssl
import urllib.error
import urllib.request

OCI = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


class Uploads:
    """Puts content into the registry at *url*, with the header *authorization* if it asks for a user.

    *ca* is the PEM of what to trust.
    """

    def __init__(self, url: str, authorization: str = "", ca: str | None = None) -> None:
        self._url = url
        self._context = ssl.create_default_context(cadata=ca) if ca else None
        self._user = {"Authorization": authorization} if authorization else {}

    def _send(self, method: str, path: str, data: bytes | None = None, kind: str = "") -> str:
        url = path if "//" in path else f"{self._url}{path}"
        headers = self._user | ({"Content-Type": kind} if kind else {})
        request = urllib.request.Request(url, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=30, context=self._context) as answer:
            return str(answer.headers.get("Location", ""))

    def blob(self, repository: str, data: bytes) -> dict[str, object]:
        """Put a blob; return its descriptor."""
        place = self._send("POST", f"/v2/{repository}/blobs/uploads/", b"")
        separator = "&" if "?" in place else "?"
        self._send("PUT", f"{place}{separator}digest={digest_of(data)}", data, "application/octet-stream")
        return {"digest": digest_of(data), "size": len(data), "mediaType": "application/octet-stream"}

    def begin(self, repository: str, data: bytes) -> str:
        """Begin an upload with *data*, and return where it continues."""
        place = self._send("POST", f"/v2/{repository}/blobs/uploads/", b"")
        return self._send("PATCH", place, data, "application/octet-stream")

    def finish(self, place: str, data: bytes, digest: str) -> None:
        """End an upload with the rest of its *data*."""
        self._send("PUT", f"{place}&digest={digest}", data, "application/octet-stream")

    def read(self, repository: str, digest: str) -> bytes:
        """Return a blob."""
        request = urllib.request.Request(f"{self._url}/v2/{repository}/blobs/{digest}", headers=self._user)
        with urllib.request.urlopen(request, timeout=30, context=self._context) as answer:
            return bytes(answer.read())

    def tags(self, repository: str) -> list[str]:
        """Return the tags of a repository; none where it does not exist."""
        try:
            with urllib.request.urlopen(
                f"{self._url}/v2/{repository}/tags/list", timeout=30, context=self._context
            ) as answer:
                return list(json.load(answer)["tags"] or [])
        except urllib.error.HTTPError as error:
            if error.code == http.HTTPStatus.NOT_FOUND:
                return []
            raise

    def check(self, repository: str, digest: str) -> None:
        """Pull an image of one platform, and compare it with its digests."""
        request = urllib.request.Request(
            f"{self._url}/v2/{repository}/manifests/{digest}", headers=self._user | {"Accept": OCI}
        )
        with urllib.request.urlopen(request, timeout=30, context=self._context) as answer:
            data = answer.read()
        assert digest_of(data) == digest
        for blob in (json.loads(data)["config"], *json.loads(data)["layers"]):
            assert digest_of(self.read(repository, blob["digest"])) == blob["digest"]

    def put(self, repository: str, document: dict[str, object], tag: str | None, kind: str = OCI) -> dict[str, object]:
        """Put a manifest, under its digest if there is no *tag*; return its descriptor."""
        data = json.dumps({"schemaVersion": 2, "mediaType": kind, **document}).encode()
        self._send("PUT", f"/v2/{repository}/manifests/{tag or digest_of(data)}", data, kind)
        return {"digest": digest_of(data), "size": len(data), "mediaType": kind}

    def image(self, repository: str, tag: str | None, *layers: bytes) -> dict[str, object]:
        """Put an image of *layers*."""
        config = self.blob(repository, json.dumps({"created": "2026-01-02T03:04:05Z", "os": "linux"}).encode())
        blobs = [self.blob(repository, layer) for layer in layers]
        return self.put(repository, {"config": config, "layers": blobs}, tag)

    def index(self, repository: str, tag: str, **children: dict[str, object]) -> dict[str, object]:
        """Put an index; *children* by architecture."""
        entries = [{**child, "platform": {"os": "linux", "architecture": name}} for name, child in children.items()]
        return self.put(repository, {"manifests": entries}, tag, INDEX)

    def signature(self, repository: str, subject: dict[str, object], suffix: str = ".sig") -> str:
        """Put a dependent of *subject* as cosign does; return its tag."""
        tag = f"{str(subject['digest']).replace(':', '-')}{suffix}"
        self.image(repository, tag, f"dependent {tag}".encode())
        return tag
