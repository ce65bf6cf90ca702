"""The candidate: a release verifies itself in a container of its own before anything is replaced.

A second registry of that kind, over the same data and for this machine alone, is the loopback: it takes the charm's
own pushes where the registry itself lets only holders of tokens or certificates in.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from registry.client.api import Api
from registry.client.http import ApiError
from registry.deployment.health import Connect, Health, NotServing
from registry.deployment.store import Store
from registry.formats.htpasswd import User
from registry.machine import engine
from registry.release import container, drift
from registry.release.release import Release

HOLD_SECONDS = 1.2
"""How long a candidate must stay well: two intervals of its health check."""
PROBE_REPOSITORY = "docker-registry-charm/probe"
"""Where the candidate takes the start of an upload, or refuses it; nothing is ever stored there."""


class Candidates:
    """Runs registries beside the one that serves.

    *own* is the charm's user, whom the clients of *connect* use too.
    """

    def __init__(
        self,
        docker: engine.Engine,
        store: Store,
        own: User,
        connect: Connect,
        health: Health,
        sleep: Callable[[float], None],
    ) -> None:
        self._docker = docker
        self._store = store
        self._own = own
        self._connect = connect
        self._health = health
        self._sleep = sleep

    def verify(self, release: Release) -> None:
        """Run *release* as a candidate, which stays. Raises NotServing unless it does all that is required of it.

        A pull-through cache gets none: two of them overwrite each other's list of what is too old when. But 2.8 does
        not start while its upstream is unreachable.
        """
        if release.upstream is not None:
            self.check_upstream(release)
            return
        name = candidate_name(release)
        self._store.begin_switch({release.container.name})
        self._docker.remove(name)
        body = container.candidate_body(self._store.body(release))
        self._docker.create(name, body)
        self._require_as_requested(name, body)
        self._docker.start(name)
        client = self._health.wait(name, release)
        with self._health.explains(name):
            for _ in range(4):
                self._sleep(HOLD_SECONDS / 4)
                client.check_alive()
            if release.authentication is not None:
                client.check_closed()
            if release.authentication != "token":
                _check_storage(client, release)
        if release.authentication == "token":
            # Nobody but its server has a token: whether the data can be written, another registry has to tell.
            with self.loopback(release) as port, self._health.explains(f"{release.container.name}-loopback"):
                _check_storage(self._connect(f"http://127.0.0.1:{port}", None), release)

    def check_upstream(self, release: Release) -> None:
        """Raise NotServing while the upstream of *release*, if it has one, is unreachable."""
        if release.upstream is None:
            return
        try:
            self._connect(release.upstream, None).check_is_registry(release.container.environment)
        except ApiError as error:
            raise NotServing(f"cache-remoteurl is away: {error}") from error

    @contextlib.contextmanager
    def loopback(self, release: Release) -> Iterator[int]:
        """Run a registry over the data of *release* for the charm's own user alone; give its port at 127.0.0.1.

        Raises NotServing, EngineError, OSError.
        """
        loopback, store = release.loopback(self._own), self._store.loopback()
        name = loopback.container.name
        around = self._store.unfinished_switch()
        self._store.begin_switch({release.container.name} | around)
        try:
            self._docker.remove(name)
            store.write(loopback)
            self._docker.create(name, container.loopback_body(store.body(loopback)))
            self._docker.start(name)
            self._health.wait(name, loopback)
            current = self._docker.inspect(name)
            port = current.published(container.PORT) if current else None
            if port is None:
                raise NotServing(f"container {name} is gone")
            yield port
        finally:
            self._docker.remove(name)
            store.remove()
            if not around:
                self._store.end_switch()

    def _require_as_requested(self, name: str, body: Mapping[str, Any]) -> None:
        """Raise NotServing where Docker made something else of *body*: each hook would find it altered and replace it.

        So does one on a machine whose kernel has no limits.
        """
        current = self._docker.inspect(name)
        lost = drift.differences(body, current) if current is not None else []
        if lost:
            raise NotServing(f"Docker does not take it as asked: {'; '.join(lost)}")


def candidate_name(release: Release) -> str:
    """Return the name of the container in which *release* verifies itself."""
    return f"{release.container.name}-candidate"


def _check_storage(client: Api, release: Release) -> None:
    """Raise ApiError unless the registry can do to its storage what is configured."""
    if release.is_read_only:
        client.check_read_only(PROBE_REPOSITORY)
    else:
        client.check_writable(PROBE_REPOSITORY)
