"""Recovery from a crash during a switch."""

from __future__ import annotations

import contextlib

from registry.deployment.bridge import Bridge
from registry.deployment.handover import Handover
from registry.deployment.health import Health, NotServing
from registry.deployment.store import Store
from registry.formats.names import MAINTENANCE
from registry.machine import engine
from registry.release.release import Release


class Recovery:
    """Completes or reverts interrupted switches."""

    def __init__(self, docker: engine.Engine, store: Store, health: Health, bridge: Bridge, handover: Handover) -> None:
        self._docker = docker
        self._store = store
        self._health = health
        self._bridge = bridge
        self._handover = handover

    def recover(self) -> bool:
        """Recover from a switch that a crash interrupted; tell whether there was one.

        If the release of the new container is current already, the old container is removed, otherwise restored. No
        temporary container is left.
        """
        names = self._store.unfinished_switch()
        current = self._store.current()
        for name in names:
            for kind in ("loopback", "next"):
                self._docker.remove(f"{name}-{kind}")
        if names:
            self._docker.remove(MAINTENANCE)  # a new store was being tried
            self._store.loopback().remove()
        for name in names:
            previous = self._docker.inspect(f"{name}-previous")
            if previous is not None and previous.may_be_removed:
                self._restore(name, names, current)
        if names:
            self.wait_for_current()  # until then a candidate may serve
            bridged = self._bridge.close()
            for name in names:
                if bridged and current is not None:
                    self._handover.drain(f"{name}-candidate", current.drain_seconds)
                self._handover.end(f"{name}-candidate")  # the crash may have come after the bridge was closed
                self._docker.remove(f"{name}-candidate")
        self._store.end_switch()
        return bool(names)

    def wait_for_current(self) -> None:
        """Wait until the current release serves, if its container runs; whether it does is reported elsewhere."""
        release = self._store.current()
        container = self._docker.inspect(release.container.name) if release is not None else None
        if release is not None and container is not None and container.is_running:
            with contextlib.suppress(NotServing):  # the earlier error is reported
                self._health.wait(release.container.name, release)

    def _restore(self, name: str, names: set[str], current: Release | None) -> None:
        """Undo the replacement of the container called *name*, one of *names*, unless the new one is current."""
        if current is not None and self._is_one_of(names, current.digest):
            self._docker.remove(f"{name}-previous")  # it was stopped before
            return
        for other in names:
            self._handover.end(other)
            self._docker.remove(other)
        self._docker.rename(f"{name}-previous", name)
        with contextlib.suppress(engine.EngineError):  # its disk may be unavailable, which the plan reports
            self._docker.start(name)

    def _is_one_of(self, names: set[str], digest: str) -> bool:
        containers = [self._docker.inspect(name) for name in names]
        return any(container is not None and container.digest == digest for container in containers)
