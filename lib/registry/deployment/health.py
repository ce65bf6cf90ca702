"""Whether the registry in a container serves, and what it says where it does not."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator

from registry.client.api import Api
from registry.client.http import ApiError
from registry.machine import engine
from registry.release import container
from registry.release.release import Release

PROOF_SECONDS = 20
"""How long a registry may take until it answers."""

Connect = Callable[[str, str | None], Api]
"""Makes a client for a URL, which presents the certificate of that PEM where it is https."""


class NotServing(Exception):
    """A release does not serve; ``str()`` is a clause with the registry's own words."""


class Health:
    """Asks the registries in containers how they are."""

    def __init__(self, docker: engine.Engine, connect: Connect, sleep: Callable[[float], None]) -> None:
        self._docker = docker
        self._connect = connect
        self._sleep = sleep

    def wait(self, name: str, release: Release) -> Api:
        """Wait until the registry in the container answers; return a client for it. Raises NotServing."""
        problem = "nothing answers"
        for _ in range(PROOF_SECONDS * 10):
            current = self._docker.inspect(name)
            if current is None or current.has_ended:
                raise NotServing(self._last_words(name) or "the container ended without a word")
            if current.address is not None:
                client = self._connect(f"{release.scheme}://{current.address}:{container.PORT}", release.certificate)
                try:
                    client.check_alive()
                    return client
                except ApiError as error:
                    problem = str(error)
            self._sleep(0.1)
        raise NotServing(self._complaints(name) or self._last_words(name) or f"{problem} in {PROOF_SECONDS} s")

    @contextlib.contextmanager
    def explains(self, name: str) -> Iterator[None]:
        """Raise NotServing where the registry in the container fails a check, with its own words if it has any."""
        try:
            yield
        except ApiError as error:
            raise NotServing(self._complaints(name) or self._last_words(name) or str(error)) from error

    def _complaints(self, name: str) -> str:
        current = self._docker.inspect(name)
        if current is None or current.address is None:
            return ""
        return _line(self._connect(f"http://{current.address}:{container.DEBUG_PORT}", None).complaints())

    def _last_words(self, name: str) -> str:
        try:
            return last_words(self._docker.logs(name))
        except engine.NoSuchObject:
            return ""


def last_words(log: str) -> str:
    """Return what the registry's *log* gives as the reason of its end: its last panic, error or plain line.

    >>> last_words('time="..." level=error msg="no such host" go.version=go1.19')
    'no such host'
    """
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    for line in reversed(lines):
        if line.startswith("panic: "):
            return line[:200]
        if re.search(r"\blevel=(?:error|fatal|panic) ", line):
            # An answer that failed has its reason in a field of its own.
            said = dict(re.findall(r'\b(err\.detail|msg)="((?:[^"\\]|\\.)*)"', line))
            words = said.get("err.detail") or said.get("msg", "")
            return _line(words.replace("\\n", " ").replace("\\t", " ").replace('\\"', '"'))
    # Neither lines of a lower level, nor lines about requests.
    plain = [line for line in lines if not re.search(r'\blevel=|" \d{3} \d+ "', line)]
    return _line(plain[-1]) if plain else ""


def _line(words: str) -> str:
    """Return *words* on one line of a status."""
    return " ".join(words.split()).rstrip(".")[:200]
