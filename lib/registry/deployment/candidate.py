"""The candidate: a release is verified in a separate container before anything is replaced.

The loopback is a second such registry, with the same data and for this machine only: it accepts the charm's own pushes
where the registry itself requires tokens or certificates.
"""

from __future__ import annotations

import contextlib
import errno
import os
import platform
from collections.abc import Iterator, Mapping
from typing import Any

from registry.client.api import Api
from registry.client.http import ApiError, Refusal
from registry.client.trial import BREAKS, DELETE
from registry.deadline import Deadline
from registry.deployment.health import Connect, Health, NotServing, NotTried
from registry.deployment.maintenance import FAILED, CollectionFailed, Maintenance
from registry.deployment.store import Store
from registry.formats.htpasswd import User
from registry.machine import engine
from registry.message import Message, Sentence, alone
from registry.release import container, drift
from registry.release.container import PORT
from registry.release.release import Release

HOLD_SECONDS = 0.6
"""How long a candidate must stay healthy: two intervals of its health check."""
PROBE_REPOSITORY = "docker-registry-charm/probe"
"""Repository for the test upload to a candidate; nothing is ever stored there."""
TRIAL_FOLDER = "docker-registry-check"
"""Folder of the storage in which it is tried, each machine in one of its own: units that share it are not in step."""
_FULL = os.strerror(errno.ENOSPC).lower()
"""What the registry says of a full disk."""
UPSTREAM_UNREACHABLE = Message(
    "The upstream registry in cache-remoteurl is unreachable ({error})",
    "Check the URL, the network and trusted-ca-blob. Retrying automatically",
)
"""The unit cannot connect to the upstream registry, or does not trust its certificate: a cache would not start."""
ALTERED = Message(
    "Docker does not apply the requested container settings ({differences})",
    "Reset the options that request them, or fix the machine",
)
"""Docker created the container with other settings, for example because the machine's kernel has no memory limits."""
REMOVED = Message("The container {name} was removed", "Retry")
"""Another program removed the temporary registry to which the action pushes."""
FAILS_AS_BEFORE = Message("The registry cannot use its storage, as before this change ({error})", "Fix the storage")
"""A change was applied although the registry cannot write, because the one before could not either."""


class Altered(NotTried):
    """Docker does not create the container as it is requested."""


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
        self.warnings: list[Sentence] = []
        """What does not work, but did not work before either."""

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
        self.require_unaltered(name, body)
        self._docker.start(name)
        client = self._health.wait(name, release)
        if release.authentication is not None:
            with self._health.explains(name, release):
                client.check_authentication()
        try:
            self._verify_storage(name, client, release)
        except NotServing as error:
            if isinstance(error.__cause__, Refusal) or not self._failed_before(release, error):
                raise
            self.warnings.append(alone(FAILS_AS_BEFORE(error=error.__cause__ or error)))
        self._try_new_store(release)

    def _try_new_store(self, release: Release) -> None:
        """Raise NotServing if the images are to be in another object store than before, and it breaks a rule."""
        current = self._store.current()
        is_known = current is not None and current.place_of_images == release.place_of_images
        if is_known or not release.is_shared or release.is_read_only:
            return
        broken = ""
        try:
            with self.trial(release) as port:
                broken = self._connect(f"http://127.0.0.1:{port}", None, self._deadline).try_storage()
        except CollectionFailed as error:
            broken = broken or f"{DELETE} ({error.text})"
        if broken:
            raise NotServing(BREAKS(rules=broken))

    @contextlib.contextmanager
    def trial(self, release: Release) -> Iterator[int]:
        """Run a registry as `loopback`, with a folder of its own in the same storage, and leave nothing there.

        Raises also CollectionFailed.
        """
        apart, store = release.for_trial(f"{TRIAL_FOLDER}/{platform.node()}"), self._store.loopback()
        with self.loopback(apart, deletes=True) as port:
            try:
                yield port
            finally:
                store.write(apart)
                self._collect(Maintenance(self._docker, store), apart, port)

    def _collect(self, maintenance: Maintenance, release: Release, port: int) -> None:
        """Delete all blobs of *release*, none of which is used. Raises CollectionFailed, EngineError.

        Object stores have no empty folders, and without the folder of repositories nothing is collected: an upload
        keeps it there.
        """
        client = self._connect(f"http://127.0.0.1:{port}", None, Deadline(60))
        try:
            with client.uploading():
                maintenance.collect(release, dry_run=False)
        except ApiError as error:
            raise CollectionFailed(FAILED(error=error)) from error

    def _verify_storage(self, name: str, client: Api, release: Release) -> None:
        """Raise NotServing unless the registry in the container stays healthy, and can use its storage."""
        with self._health.explains(name, release):
            for _ in range(4):
                self._deadline.pause(HOLD_SECONDS / 4)
                client.check_alive()
            if release.authentication != "token":
                _check_storage(client, release)
        if release.authentication == "token":
            # Only the token server issues tokens, so another registry checks whether the data can be written.
            with self.loopback(release) as port, self._health.explains(f"{release.container.name}-loopback", release):
                _check_storage(self._connect(f"http://127.0.0.1:{port}", None, self._deadline), release)

    def _failed_before(self, release: Release, error: NotServing) -> bool:
        """Tell whether the current registry runs over the same storage, and cannot use it either.

        Then it is no reason to keep, for example, a registry open that is about to require passwords. A read-only one
        can only be asked to read; a full disk is full for both.
        """
        current = self._store.current()
        if current is None or current.place != release.place:
            return False
        if current.is_read_only and _FULL in error.text.lower():
            return True
        container = self._docker.inspect(current.container.name)
        if container is None or container.address is None or not container.is_running:
            return False
        url = f"{current.scheme}://{container.address}:{PORT}"
        try:
            self._verify_storage(container.name, self._connect(url, current.certificate, self._deadline), current)
        except NotServing as error:
            return not isinstance(error.__cause__, Refusal)
        return False

    def check_upstream(self, release: Release) -> None:
        """Raise NotTried while the upstream of *release*, if it has one, is unreachable."""
        if release.upstream is None:
            return
        try:
            upstream = self._connect(release.upstream, None, self._deadline)
            upstream.check_is_registry(release.container.environment, release.trusted_ca)
        except ApiError as error:
            raise NotTried(UPSTREAM_UNREACHABLE(error=error)) from error

    @contextlib.contextmanager
    def loopback(self, release: Release, *, deletes: bool = False) -> Iterator[int]:
        """Run a registry with the data of *release* for the charm's own user only; yield its port at 127.0.0.1.

        With *deletes* it accepts changes that *release* refuses. Raises NotServing, EngineError, OSError.
        """
        loopback, store = release.loopback(self._own, deletes=deletes), self._store.loopback()
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
        except Exception:  # of any kind; it is raised again, and no error of the removal hides it
            with contextlib.suppress(engine.EngineError, OSError):
                self._remove_loopback(name, store, outer)
            raise
        self._remove_loopback(name, store, outer)

    def _remove_loopback(self, name: str, store: Store, outer: set[str]) -> None:
        self._docker.remove(name)
        store.remove()
        if not outer:
            self._store.end_switch()

    def require_unaltered(self, name: str, body: Mapping[str, Any]) -> None:
        """Raise Altered if Docker did not apply all of *body*: each hook would replace the container.

        Docker ignores memory limits, for example, if the kernel does not support them.
        """
        current = self._docker.inspect(name)
        differences = drift.differences(body, current) if current is not None else []
        if differences:
            raise Altered(ALTERED(differences="; ".join(differences)))


def candidate_name(release: Release) -> str:
    """Return the name of the container in which *release* is verified."""
    return f"{release.container.name}-candidate"


def _check_storage(client: Api, release: Release) -> None:
    """Raise ApiError unless the registry can use its storage as configured."""
    if release.is_read_only:
        client.check_read_only(PROBE_REPOSITORY)
    else:
        client.check_writable(PROBE_REPOSITORY)
