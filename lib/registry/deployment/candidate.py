"""The candidate: a release is verified in a separate container before anything is replaced.

The loopback is a second such registry, with the same data and for this machine only: it accepts the charm's own pushes
where the registry itself requires tokens or certificates.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from registry.client.api import Api
from registry.client.http import ApiError
from registry.deadline import Deadline
from registry.deployment.health import Connect, Health, NotServing
from registry.deployment.store import Store
from registry.formats.htpasswd import User
from registry.machine import engine
from registry.message import Message
from registry.release import container, drift
from registry.release.release import Release

HOLD_SECONDS = 1.2
"""How long a candidate must stay healthy: two intervals of its health check."""
PROBE_REPOSITORY = "docker-registry-charm/probe"
"""Repository for the test upload to a candidate; nothing is ever stored there."""

UPSTREAM_UNREACHABLE = Message(
    "The upstream registry in cache-remoteurl is unreachable ({error})", "Check the URL. Retrying automatically"
)
"""The unit cannot connect to the upstream registry, so a pull-through cache of it would not start."""
ALTERED = Message(
    "Docker does not apply the requested container settings ({differences})",
    "Reset the options that request them, or fix the machine",
)
"""Docker created the container with other settings, for example because the machine's kernel has no memory limits."""
REMOVED = Message("The container {name} was removed", "Retry")
"""Another program removed the temporary registry to which the action pushes."""


class Candidates:
    """Runs candidate and loopback registries.

    *own* is the charm's user, which the clients of *connect* use too.
    """

    def __init__(
        self,
        docker: engine.Engine,
        store: Store,
        own: User,
        connect: Connect,
        health: Health,
        deadline: Deadline,
    ) -> None:
        self._docker = docker
        self._store = store
        self._own = own
        self._connect = connect
        self._health = health
        self._deadline = deadline

    def verify(self, release: Release) -> None:
        """Run *release* as a candidate, which keeps running. Raises NotServing if it fails a check.

        A pull-through cache has no candidate: two caches would overwrite each other's list of expiry times. But 2.8
        does not start while its upstream is unreachable.
        """
        if release.upstream is not None:
            self.check_upstream(release)
            return
        name = candidate_name(release)
        self._store.begin_switch({release.container.name})
        self._docker.remove(name)
        body = container.candidate_body(self._store.body(release))
        self._docker.create(name, body)
        self._require_unaltered(name, body)
        self._docker.start(name)
        client = self._health.wait(name, release)
        with self._health.explains(name):
            for _ in range(4):
                self._deadline.pause(HOLD_SECONDS / 4)
                client.check_alive()
            if release.authentication is not None:
                client.check_authentication()
            if release.authentication != "token":
                _check_storage(client, release)
        if release.authentication == "token":
            # Only the token server issues tokens, so another registry checks whether the data can be written.
            with self.loopback(release) as port, self._health.explains(f"{release.container.name}-loopback"):
                _check_storage(self._connect(f"http://127.0.0.1:{port}", None, self._deadline), release)

    def check_upstream(self, release: Release) -> None:
        """Raise NotServing while the upstream of *release*, if it has one, is unreachable."""
        if release.upstream is None:
            return
        try:
            upstream = self._connect(release.upstream, None, self._deadline)
            upstream.check_is_registry(release.container.environment, release.trusted_ca)
        except ApiError as error:
            raise NotServing(UPSTREAM_UNREACHABLE(error=error)) from error

    @contextlib.contextmanager
    def loopback(self, release: Release) -> Iterator[int]:
        """Run a registry with the data of *release* for the charm's own user only; yield its port at 127.0.0.1.

        Raises NotServing, EngineError, OSError.
        """
        loopback, store = release.loopback(self._own), self._store.loopback()
        name = loopback.container.name
        outer = self._store.unfinished_switch()
        self._store.begin_switch({release.container.name} | outer)
        try:
            self._docker.remove(name)
            store.write(loopback)
            self._docker.create(name, container.loopback_body(store.body(loopback)))
            self._docker.start(name)
            self._health.wait(name, loopback)
            current = self._docker.inspect(name)
            port = current.published(container.PORT) if current else None
            if port is None:
                raise NotServing(REMOVED(name=name))
            yield port
        finally:
            self._docker.remove(name)
            store.remove()
            if not outer:
                self._store.end_switch()

    def _require_unaltered(self, name: str, body: Mapping[str, Any]) -> None:
        """Raise NotServing if Docker did not apply all of *body*: each hook would replace the container.

        Docker ignores memory limits, for example, if the kernel does not support them.
        """
        current = self._docker.inspect(name)
        differences = drift.differences(body, current) if current is not None else []
        if differences:
            raise NotServing(ALTERED(differences="; ".join(differences)))


def candidate_name(release: Release) -> str:
    """Return the name of the container in which *release* is verified."""
    return f"{release.container.name}-candidate"


def _check_storage(client: Api, release: Release) -> None:
    """Raise ApiError unless the registry can use its storage as configured."""
    if release.is_read_only:
        client.check_read_only(PROBE_REPOSITORY)
    else:
        client.check_writable(PROBE_REPOSITORY)
