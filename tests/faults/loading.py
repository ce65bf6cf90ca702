"""Many clients at once, over TLS and with a password, in one process: each has a connection of its own."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import secrets
import ssl
import threading
from collections.abc import Iterator

from uploads import OCI, digest_of

READ_ONLY = 405
PIECE = 1 << 16


class Client:
    """One client; what was cut at the end of a connection that was kept open, it asks once again, as Docker does."""

    def __init__(self, address: str, context: ssl.SSLContext, authorization: str) -> None:
        self._connection = http.client.HTTPSConnection(address, 5000, timeout=120, context=context)
        self._headers = {"Authorization": authorization, "Accept": OCI}

    @contextlib.contextmanager
    def ask(
        self, method: str, path: str, body: bytes | None = None, kind: str = ""
    ) -> Iterator[http.client.HTTPResponse]:
        headers = self._headers | ({"Content-Type": kind} if kind else {})
        was_open = self._connection.sock is not None
        try:
            self._connection.request(method, path, body, headers)
            answer = self._connection.getresponse()
        except (ConnectionError, http.client.HTTPException, ssl.SSLError):
            self.close()
            if not was_open:
                raise
            self._connection.request(method, path, body, headers)
            answer = self._connection.getresponse()
        yield answer
        answer.read()

    def close(self) -> None:
        self._connection.close()


class Failed(Exception):
    """The registry has answered as it shall not."""


class Refused(Exception):
    """The registry takes no pushes for the moment."""


class Again(Exception):
    """A transfer was cut, after `drain-timeout`, and begins anew; so does a push whose answer was cut."""


class Load:
    """So many clients pull one image and so many push others, each again and again until the body has ended.

    Every client does its work once at least. `acknowledged` has the layers of what was pushed, by tag.
    """

    def __init__(self, address: str, ca: str, authorization: str, *, pulls: int = 500, pushes: int = 50) -> None:
        self._context = ssl.create_default_context(cadata=ca)
        self._address, self._authorization = address, authorization
        self._end, self._lock = threading.Event(), threading.Lock()
        jobs = [self._pull] * pulls + [self._push] * pushes
        self._threads = [threading.Thread(target=self._repeat, args=(job,), daemon=True) for job in jobs]
        self.image = ""
        self.acknowledged: dict[str, str] = {}
        self.pulls = self.refused = self.again = self.turned_away = 0
        self.failures: list[str] = []

    def client(self) -> Client:
        return Client(self._address, self._context, self._authorization)

    def prepare(self, layer: bytes) -> None:
        """Push the image that is pulled."""
        with contextlib.closing(self.client()) as client:
            self._push(client, "pulled", layer)
        self.image = "pulled"

    def _repeat(self, job) -> None:
        client = self.client()
        for _ in range(1000):
            try:
                job(client)
            except Refused:
                self.refused += 1
                self._end.wait(0.5)
            except Again:
                self.again += 1
                client.close()
            except (ConnectionRefusedError, ConnectionResetError):  # before an answer: it was a new connection
                self.turned_away += 1
                client.close()
            except (Failed, OSError, http.client.HTTPException) as error:
                self.failures.append(f"{job.__name__}: {type(error).__name__} {error}")
                client.close()
            if self._end.is_set():
                break
        client.close()

    @staticmethod
    def _check(answer: http.client.HTTPResponse, *expected: int) -> None:
        if answer.status == READ_ONLY:
            raise Refused
        if answer.status not in expected:
            raise Failed(f"{answer.status} {answer.read()[:200]!r}")

    def _pull(self, client: Client) -> None:
        with client.ask("GET", f"/v2/load/manifests/{self.image}") as answer:
            self._check(answer, 200)
            manifest = json.loads(answer.read())
        for blob in (manifest["config"], *manifest["layers"]):
            found = hashlib.sha256()
            with client.ask("GET", f"/v2/load/blobs/{blob['digest']}") as answer:
                self._check(answer, 200)
                while piece := answer.read(PIECE):
                    found.update(piece)
            if f"sha256:{found.hexdigest()}" != blob["digest"]:
                raise Again
        with self._lock:
            self.pulls += 1

    def _push(self, client: Client, tag: str = "", layer: bytes = b"") -> None:
        tag, layer = tag or secrets.token_hex(6), layer or secrets.token_bytes(100_000)
        blobs = []
        for data in (json.dumps({"os": "linux", "created": tag}).encode(), layer):
            with client.ask("POST", "/v2/load/blobs/uploads/") as answer:
                self._check(answer, 202)
                place = answer.headers["Location"]
            place = place[place.index("/v2/") :]
            with client.ask("PUT", f"{place}&digest={digest_of(data)}", data, "application/octet-stream") as answer:
                if answer.status in (400, 404):
                    raise Again  # it has ended before the cut, or garbage collection has removed it
                self._check(answer, 201)
            blobs.append({"digest": digest_of(data), "size": len(data), "mediaType": "application/octet-stream"})
        document = {"schemaVersion": 2, "mediaType": OCI, "config": blobs[0], "layers": blobs[1:]}
        with client.ask("PUT", f"/v2/load/manifests/{tag}", json.dumps(document).encode(), OCI) as answer:
            if answer.status in (400, 404):
                raise Again  # garbage collection has removed a blob that had no manifest yet
            self._check(answer, 201)
        with self._lock:
            self.acknowledged[tag] = blobs[1]["digest"]

    def lost(self) -> list[str]:
        """Return what is not there of the images that were acknowledged."""
        found = []
        with contextlib.closing(self.client()) as client:
            for tag, digest in self.acknowledged.items():
                for path in (f"manifests/{tag}", f"blobs/{digest}"):
                    with client.ask("HEAD", f"/v2/load/{path}") as answer:
                        if answer.status != 200:
                            found.append(f"{tag}: {path}")
        return found

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *args: object) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join(120)
        found = f"{self.pulls} pulls, {len(self.acknowledged)} pushes, {self.refused} refused while read-only"
        repeated = f"{self.again} begun anew, {self.turned_away} turned away"
        print(f"{found}, {repeated}, {len(self.failures)} failed: {sorted(set(self.failures))[:5]}")
