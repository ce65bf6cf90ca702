"""The switch from one release to the next, in which the registry keeps serving.

A release is first verified as a candidate while the current one serves. Then the new container is created, the old one
stopped and the new one started; if it does not serve, the old one is restored. Meanwhile new connections go to the
candidate, if a bridge to it can be opened, and the old container has time to finish its transfers. Temporary containers
have the registry's name with `-candidate`, `-loopback`, `-next` or `-previous`; a file on disk says that a switch is
in progress, for the recovery after a crash.
"""

from __future__ import annotations

import contextlib

from registry.client.api import Api
from registry.deadline import Deadline
from registry.deployment.bridge import Bridge
from registry.deployment.candidate import Altered, Candidates, candidate_name
from registry.deployment.handover import Handover
from registry.deployment.health import NOT_STARTED, Connect, Health, NotServing
from registry.deployment.recovery import Recovery
from registry.deployment.store import Store
from registry.deployment.vacancy import has_ours, require_free
from registry.formats.htpasswd import User
from registry.formats.inspection import DIGEST_LABEL, Container
from registry.machine import engine
from registry.message import Sentence
from registry.release import drift
from registry.release.release import Release


class Switch:
    """Switches the machine from one release to the next.

    *own* is the charm's user. *connect* creates a client that uses it too, for a URL and, for https, the certificate
    that the server must present.
    """

    def __init__(
        self,
        docker: engine.Engine,
        store: Store,
        own: User,
        connect: Connect,
        bridge: Bridge,
        deadline: Deadline,
    ) -> None:
        self._docker = docker
        self._store = store
        self._bridge = bridge
        self._health = Health(docker, connect, deadline)
        self._candidates = Candidates(docker, store, own, connect, self._health, deadline)
        self._handover = Handover(docker, bridge, deadline)
        self._recovery = Recovery(docker, store, self._health, bridge, self._handover)

    def deploy(self, release: Release, container: Container | None, *, fall_back: bool = True) -> list[str]:
        """Make *release* serve and make it current; return a line for each change, none if it served already.

        *container* is the one with the name of the current release, or of the new one if there is none. Raises
        NotServing, EngineError or OSError, while the previous release serves, if it can and may (*fall_back*).
        """
        before = self._store.current()
        if self.recover():
            container = self._docker.inspect((before or release).container.name)
        if before is not None and before.digest == release.digest:
            return self._keep(release, container)
        intact = self._store.is_intact(release)
        old = before.container.name if before is not None else release.container.name
        require_free(self._docker, release.container.name, old)
        try:
            self._store.write(release)
            self._candidates.verify(release)
        except (NotServing, engine.EngineError, OSError):
            with _first_error_stays():
                self._end(release)
            with _first_error_stays():
                if before is not None and fall_back:
                    self._keep(before, self._docker.inspect(before.container.name))
            raise
        done = self._replace(release, old, keep=intact, has_candidate=True, fall_back=fall_back)
        self._store.make_current(release)
        return [*done, f"release {release.digest} is current"]

    def try_out(self, release: Release) -> bool:
        """Tell whether *release* serves as a candidate, which is removed. Raises NotServing, EngineError, OSError."""
        try:
            self._store.write(release)
            self._candidates.verify(release)
        finally:
            self._end(release)
        return not self.warnings

    @property
    def warnings(self) -> tuple[Sentence, ...]:
        """What does not work although it was deployed, because it did not work before either."""
        return tuple(self._candidates.warnings)

    def pause(self, container: Container | None) -> None:
        """Stop the registry's *container* and keep it. Raises EngineError."""
        if container is not None:
            self._handover.end(container.name)

    def clear(self) -> None:
        """Remove every container that this charm created, also those of a switch in progress."""
        self._bridge.close()
        for name in self._docker.labelled(DIGEST_LABEL):
            self._handover.end(name)
            self._docker.remove(name)
        self._store.end_switch()

    def recover(self) -> bool:
        """Recover from a switch that a crash interrupted; tell whether there was one. Call it before facts are read.

        Raises EngineError.
        """
        return self._recovery.recover()

    def loopback(self, release: Release, *, deletes: bool = False) -> contextlib.AbstractContextManager[int]:
        """Run a registry with the data of *release* for the charm's own user only; yield its port at 127.0.0.1.

        With *deletes* it accepts changes that *release* refuses. Raises NotServing, EngineError, OSError.
        """
        return self._candidates.loopback(release, deletes=deletes)

    def trial(self, release: Release) -> contextlib.AbstractContextManager[int]:
        """Run a registry as `loopback`, with a folder of its own in the same storage: `Candidates.trial`."""
        return self._candidates.trial(release)

    def _keep(self, release: Release, container: Container | None) -> list[str]:
        """Run the container of a verified release as configured, whether it was altered, killed or removed."""
        name = release.container.name
        need = drift.needs(self._store.body(release), container, self._store.is_intact(release))
        if need.step is drift.Step.NOTHING:
            return []
        self._store.write(release)
        if container is None or need.step is drift.Step.REPLACE:
            if container is not None and container.is_running:
                self._candidates.check_upstream(release)
            try:
                return [*need.reasons, *self._replace(release, name, keep=False, has_candidate=False)]
            except Altered:
                # The next one would not be as requested either: this one serves on.
                if container is not None and not container.is_started:
                    with _first_error_stays():
                        self._docker.start(name)
                        self._health.wait(name, release)
                raise
        if container.status == "paused":
            self._docker.unpause(name)
        if container.status != "restarting":
            self._docker.start(name)
        self._wait(release)
        return [f"container {name} was {container.status}, and is started"]

    def _replace(
        self, release: Release, old: str, *, keep: bool, has_candidate: bool, fall_back: bool = True
    ) -> list[str]:
        """Replace the container called *old*, if there is one, with that of *release*.

        With *keep*, a container that is as configured stays: a crash came after the switch. If the release
        *has_candidate*, that one serves new connections meanwhile. After an error the old container is restored, and
        started if it may (*fall_back*).
        """
        name, body = release.container.name, self._store.body(release)
        if keep and drift.needs(body, self._docker.inspect(name), intact=True).step is drift.Step.NOTHING:
            self._end(release)
            return []
        require_free(self._docker, name, old)
        had_old = has_ours(self._docker, old, is_first=self._store.current() is None, must_be_free=name == old)
        self._store.begin_switch({name, old})
        self._docker.remove(f"{name}-next")
        try:
            self._docker.create(f"{name}-next", body)
            self._candidates.require_unaltered(f"{name}-next", body)
        except (NotServing, engine.EngineError):
            with _first_error_stays():
                self._docker.remove(f"{name}-next")
                self._end(release)
            raise
        if name != old:
            self._docker.remove(name)
        if had_old:
            self._docker.remove(f"{old}-previous")
            self._handover.end_restarts(old)
            self._docker.rename(old, f"{old}-previous")
        self._docker.rename(f"{name}-next", name)
        how = "there was no container before"
        try:
            if had_old:
                how = self._handover.stop(f"{old}-previous", release if has_candidate else None)
            self._start(release)
        except (NotServing, engine.EngineError) as error:
            with _first_error_stays():  # the next hook recovers
                self._roll_back(name, old, had_old, fall_back)
                self._end(release)
            if isinstance(error, engine.Disconnected):
                raise  # it says nothing about the release, which the next hook tries again
            refused = error if isinstance(error, NotServing) else NotServing(NOT_STARTED(error=error))
            refused.interrupted = had_old and not refused.is_chance  # what was ended by chance is tried again
            raise refused from error
        # From here on, a crash leaves the new container.
        self._store.make_current(release)
        self._docker.remove(f"{old}-previous")
        self._end(release)
        return [f"container {name} created for release {release.digest} ({how})"]

    def _start(self, release: Release) -> None:
        """Start the container of *release*, and wait until it serves. Raises NotServing, EngineError."""
        name = release.container.name
        self._docker.start(name)
        started = self._docker.inspect(name)
        if started is not None:
            self._bridge.introduce(started)
        client = self._wait(release)
        if release.upstream is not None and release.authentication is not None:
            # No candidate has been verified.
            with self._health.explains(name, release):
                client.check_authentication()

    def _wait(self, release: Release) -> Api:
        """Wait until the container of *release* serves. Raises NotServing: for the upstream, if that is the reason."""
        try:
            return self._health.wait(release.container.name, release)
        except NotServing:
            self._candidates.check_upstream(release)
            raise

    def _end(self, release: Release) -> None:
        """Close the bridge, remove the candidate, and end the switch."""
        if self._bridge.close():
            self._handover.drain(candidate_name(release), release.drain_seconds)
        self._docker.remove(candidate_name(release))
        self._store.end_switch()

    def _roll_back(self, name: str, old: str, had_old: bool, fall_back: bool) -> None:
        self._handover.end(name)
        self._docker.remove(name)
        if had_old:
            self._docker.rename(f"{old}-previous", old)
        if had_old and fall_back:
            self._docker.start(old)
            self._recovery.wait_for_current()


def _first_error_stays() -> contextlib.suppress:
    """Return a context for what is done after an error: that one is reported, whatever happens here."""
    return contextlib.suppress(NotServing, engine.EngineError, OSError)
