"""The handover: new connections go to the candidate while the old container finishes its transfers."""

from __future__ import annotations

from registry.deadline import Deadline
from registry.deployment.bridge import Bridge, Impassable
from registry.deployment.candidate import candidate_name
from registry.formats.inspection import Container
from registry.machine import engine
from registry.release.container import PORT
from registry.release.release import Release

ANSWER_SECONDS = 3
"""How long requests in progress may take to be answered, after `drain-timeout`, before their connections are cut.

A process that speaks HTTP/2 does not wait for requests whose connection was cut, so short ones must have ended before.
"""
CUT_SECONDS = 0.5
"""The same where nothing serves meanwhile."""
END_SECONDS, END_AT_ONCE_SECONDS = 5, 2
"""How long the process may take to end after the cut, before it is killed. All is less than LEAST_DRAIN."""


class Handover:
    """Moves connections from one container to another, over a bridge if it can be opened."""

    def __init__(self, docker: engine.Engine, bridge: Bridge, deadline: Deadline) -> None:
        self._docker = docker
        self._deadline = deadline
        self._bridge = bridge

    def stop(self, name: str, release: Release | None) -> str:
        """Stop the container that serves; return how, for the log.

        New connections go to the candidate of *release* while transfers in progress finish; without a candidate, or
        if no bridge can be opened, all connections are closed.
        """
        before = self._docker.inspect(name)
        try:
            if release is None or before is None or not release.drain_seconds or not _serves(before):
                raise Impassable("draining is not possible or not configured")
            self._open(release, before)
        except Impassable as error:
            self._end(name, before, CUT_SECONDS, END_AT_ONCE_SECONDS)
            return f"switched at once: {error}"
        self.drain(name, release.drain_seconds)
        return "drained the old one"

    def end_restarts(self, name: str) -> None:
        """Stop a container that ends again and again, because Docker renames none that waits for its next start.

        It has no network then, and Docker says "sandbox ... not found".
        """
        container = self._docker.inspect(name)
        if container is not None and container.status == "restarting":
            self._docker.stop(name)

    def drain(self, name: str, seconds: float) -> None:
        """Stop the container once its transfers have finished, after *seconds* at most."""
        current = self._docker.inspect(name)
        port = current.published(PORT) if current is not None and current.is_running else None
        if current is not None and port is not None:
            with self._deadline.suspended():  # this wait is the operator's
                left = self._bridge.wait_until_quiet(current.pid, port, seconds)
                # A request whose data are all sent may still be in progress, e.g. the end of a push to an object store.
                self._end(name, self._docker.inspect(name), max(left - END_SECONDS, ANSWER_SECONDS), END_SECONDS)

    def end(self, name: str) -> None:
        """Stop a container of the charm at once, if it was started: clients may be in it."""
        container = self._docker.inspect(name)
        if container is not None and container.is_started and container.may_be_removed:
            self._end(name, container, CUT_SECONDS, END_AT_ONCE_SECONDS)

    def _end(self, name: str, container: Container | None, seconds: float, more: float) -> None:
        """Stop the container; connections that are still open after *seconds* are cut, so that their requests end.

        The process has as many *more* seconds until it is killed.

        A process that is killed in the middle of a push leaves a part of a file, which registry 2.8 takes for the
        whole when the client repeats the push: it answers 201, and the image cannot be read.
        """
        process = container.pid if container is not None else 0
        with self._bridge.cut_after(seconds, process):
            self._docker.stop(name, seconds + more)

    def _open(self, release: Release, before: Container) -> None:
        """Redirect new connections from the container *before* to the candidate. Raises Impassable."""
        candidate = self._docker.inspect(candidate_name(release))
        port, local_port = before.published(PORT), candidate.published(PORT) if candidate else None
        if candidate is None or candidate.address is None or port is None or local_port is None:
            raise Impassable("there is no candidate")
        self._bridge.open(port, candidate.address, local_port, self._docker.bridges())


def _serves(container: Container) -> bool:
    """Tell whether the container runs, and publishes the registry's port."""
    return container.is_running and container.published(PORT) is not None
