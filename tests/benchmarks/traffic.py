"""Requests at a steady rate and transfers that last, while something is done to the registry."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import http.client
import itertools
import ssl
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "integration"))

import test_switch

RATE = 100
WORKERS = 8
SIZE = 40_000_000
USER = ("bench", "bench")


class Client(test_switch.Client):
    """A client of the registry at an address, at the first of *ports* that is open; with TLS if it has a *context*."""

    def __init__(self, address: str, *ports: int, context: ssl.SSLContext | None = None) -> None:
        super().__init__(address)
        self._ports, self._context = ports, context

    def connection(self, port: int = 0):
        kind = http.client.HTTPSConnection if self._context else http.client.HTTPConnection
        more = {"context": self._context} if self._context else {}
        user = "Basic " + base64.b64encode(":".join(USER).encode()).decode()

        class Connection(kind):
            def endheaders(self, *words, **options):
                self.putheader("Authorization", user)
                super().endheaders(*words, **options)

        return Connection(self._address, port or self._ports[0], timeout=20, **more)

    def is_answered(self) -> bool:
        for port in self._ports:
            failures = contextlib.suppress(OSError, http.client.HTTPException)
            with failures, contextlib.closing(self.connection(port)) as connection:
                connection.request("GET", "/v2/")
                if connection.getresponse().status in (200, 401):
                    return True
        return False

    def put(self, data: bytes) -> str:
        """Push a blob; return its digest."""
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        self.finish(self.begin(), digest, data)
        return digest


class Requests:
    """RATE requests a second, each over a connection of its own; `failed` of them, `gap` the longest time between."""

    def __init__(self, client: Client) -> None:
        self._client, self._stop, self._lock = client, threading.Event(), threading.Lock()
        self._threads = [threading.Thread(target=self._ask, args=(at,), daemon=True) for at in range(WORKERS)]
        self.asked = self.failed = 0
        self._answers: list[float] = []

    def _ask(self, at: int) -> None:
        begin, number = self._begin, at
        while not self._stop.wait(max(0.0, begin + number / RATE - time.monotonic())):
            is_answered, now = self._client.is_answered(), time.monotonic()
            with self._lock:
                self.asked += 1
                self.failed += not is_answered
                self._answers += [now] if is_answered else []
            # What is late is left out: a slow machine is not asked the more for it.
            number = max(number + WORKERS, int((now - begin) * RATE) // WORKERS * WORKERS + at)

    @property
    def gap(self) -> float:
        times = [self._begin, *sorted(self._answers), self._end]
        return max(after - before for before, after in itertools.pairwise(times))

    def __enter__(self) -> Requests:
        self._begin = time.monotonic()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self._end = time.monotonic()


class Transfers:
    """A pull and a push that take seconds; `cut` of them, afterwards."""

    def __init__(self, client: Client, digest: str, pushed: bytes) -> None:
        self._client = client
        self._expected = {digest, f"sha256:{hashlib.sha256(pushed).hexdigest()}"}
        self._calls = [
            test_switch.Background(client.pull_slowly, digest),
            test_switch.Background(client.push_slowly, pushed),
        ]

    @property
    def cut(self) -> int:
        found = set()
        for call in self._calls:
            with contextlib.suppress(OSError, http.client.HTTPException, AssertionError):
                found.add(call.result())
        return len(self._expected - found)
