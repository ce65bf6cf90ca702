"""From the container that runs to the one that shall, without leaving the machine with none.

A release first proves itself as a candidate beside the one that serves. Then the switch: the new container is
created, the old one stopped, the new one started; if it does not serve, the old one comes back. Meanwhile the
candidate takes new connections, where a bridge to it can be built, and the old one has time to end its transfers.
Containers on the way have the registry's name with `-candidate`, `-loopback`, `-next` or `-previous`; a note on disk
says that a switch is under way, so that whoever comes after a crash can tidy up.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Protocol

from registry.client import api
from registry.deployment.bridge import Impassable
from registry.deployment.store import Applied
from registry.formats.htpasswd import User
from registry.machine import engine
from registry.release import container
from registry.release.release import Release

PROOF_SECONDS = 20
"""How long a registry may take until it answers."""
HOLD_SECONDS = 1.2
"""How long a candidate must stay well: two intervals of its health check."""
PROBE_REPOSITORY = "docker-registry-charm/probe"
"""Where the candidate takes the start of an upload, or refuses it; nothing is ever stored there."""


class NotServing(Exception):
    """A release does not serve; ``str()`` is a clause with the registry's own words."""


class Registry(Protocol):
    """What a proof asks of the registry: `api.Api`."""

    def check_alive(self) -> None:
        """Raise ApiError unless the registry is well."""

    def check_closed(self) -> None:
        """Raise ApiError unless a stranger is turned away."""

    def check_writable(self, repository: str) -> None:
        """Raise ApiError unless the charm's own user can begin an upload."""

    def check_is_registry(self, environment: Mapping[str, str]) -> None:
        """Raise ApiError unless there is a registry, by the proxies of *environment*."""

    def complaints(self) -> str:
        """Return what the registry's checks of itself found, "" if nothing; to be asked of its debug server."""

    def check_read_only(self, repository: str) -> None:
        """Raise ApiError unless the charm's own user can look into the storage, and cannot begin an upload."""


class Bridge(Protocol):
    """What leads new connections elsewhere: `bridge.Bridge`."""

    def open(self, port: int, address: str, local_port: int, bridges: Iterable[str]) -> None:
        """Lead them to the container at *address*. Raises Impassable, EngineError."""

    def close(self) -> bool:
        """Let them go where they went; tell whether they did not. Raises EngineError."""

    def wait_until_quiet(self, process: int, port: int, seconds: float) -> float:
        """Wait until nothing moves on the connections of a container; return what is left of *seconds*."""


class Switch:
    """Takes the machine from one release to the next.

    *own* is the charm's user. *client* makes a client that uses it too, of a URL and, for https, of the certificate
    that has to be presented.
    """

    def __init__(
        self,
        docker: engine.Engine,
        applied: Applied,
        own: User,
        client: Callable[[str, str | None], Registry],
        bridge: Bridge,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._docker = docker
        self._applied = applied
        self._own = own
        self._client = client
        self._bridge = bridge
        self._sleep = sleep

    def bring(self, release: Release, state: Mapping[str, Any] | None, *, fall_back: bool = True) -> list[str]:
        """Make *release* serve and put it in force; return a line for each thing done, none if it served already.

        *state* is the inspection of the container that bears the name of the release in force, or else of the new
        one. Raises NotServing with the release before serving as before, if it can and may *fall_back*; EngineError;
        OSError.
        """
        before = self._applied.in_force()
        if self.recover():
            state = self._docker.inspect((before or release).container.name)
        if before is not None and before.digest == release.digest:
            return self._keep(release, state)
        intact = self._applied.is_intact(release)
        try:
            self._applied.write(release)
            self._prove(release)
        except (NotServing, engine.EngineError, OSError):
            self._end(release)
            if before is not None and fall_back:
                self._keep(before, self._docker.inspect(before.container.name))
            raise
        old = before.container.name if before is not None else release.container.name
        done = self._replace(release, old, keep=intact, beside=True, fall_back=fall_back)
        self._applied.put_in_force(release)
        return [*done, f"release {release.digest} is in force"]

    def halt(self, state: Mapping[str, Any] | None) -> None:
        """Stop the registry's container, of which *state* is the inspection, and let it be. Raises EngineError."""
        if state is not None and state["State"]["Running"]:
            self._docker.stop(state["Name"].lstrip("/"))

    def clear(self) -> None:
        """Remove every container that this charm made, also those of a switch under way."""
        self._bridge.close()
        for name in self._docker.labelled(container.DIGEST_LABEL):
            self._docker.remove(name)
        self._applied.end_switch()

    def _keep(self, release: Release, state: Mapping[str, Any] | None) -> list[str]:
        """Have the container of a proven release run as it shall, whether it was altered, killed or removed."""
        name = release.container.name
        intact = self._applied.is_intact(release)
        altered = container.differences(self._body(release), state) if state is not None else []
        if intact and not altered and container.is_running(state):
            return []
        self._applied.write(release)
        if state is None or altered or not intact or state["State"]["Status"] in ("dead", "removing"):
            if container.is_running(state):
                self._check_upstream(release)
            return [*altered, *self._replace(release, name, keep=False, beside=False)]
        if state["State"]["Paused"]:
            self._docker.unpause(name)
        if not state["State"]["Restarting"]:
            self._docker.start(name)
        self._wait(name, release)
        return [f"container {name} was {state['State']['Status']}; started it"]

    def _prove(self, release: Release) -> None:
        """Run *release* beside what serves, as a candidate that stays. Raises NotServing unless it does all it shall.

        Not so a pull-through cache: two of them overwrite each other's list of what is too old when. But 2.8 does not
        start while its upstream is away.
        """
        if release.upstream is not None:
            self._check_upstream(release)
            return
        name = _candidate(release)
        self._applied.begin_switch({release.container.name})
        self._docker.remove(name)
        body = container.candidate_body(self._body(release))
        self._docker.create(name, body)
        self._require_as_asked(name, body)
        self._docker.start(name)
        client = self._wait(name, release)
        with self._told_by(name):
            for _ in range(4):
                self._sleep(HOLD_SECONDS / 4)
                client.check_alive()
            if release.authentication is not None:
                client.check_closed()
            if release.authentication != "token":
                _check_storage(client, release)
        if release.authentication == "token":
            # Nobody but its server has a token: whether the data can be written, another registry has to tell.
            with self.loopback(release) as port, self._told_by(f"{release.container.name}-loopback"):
                _check_storage(self._client(f"http://127.0.0.1:{port}", None), release)

    def _check_upstream(self, release: Release) -> None:
        """Raise NotServing while the upstream of *release*, if it has one, is away."""
        if release.upstream is None:
            return
        try:
            self._client(release.upstream, None).check_is_registry(release.container.environment)
        except api.ApiError as error:
            raise NotServing(f"cache-remoteurl is away: {error}") from error

    def _require_as_asked(self, name: str, body: Mapping[str, Any]) -> None:
        """Raise NotServing where Docker made something else of *body*: each hook would find it altered and replace it.

        So does one on a machine whose kernel has no limits.
        """
        state = self._docker.inspect(name)
        lost = container.differences(body, state) if state is not None else []
        if lost:
            raise NotServing(f"Docker does not take it as asked: {'; '.join(lost)}")

    @contextlib.contextmanager
    def _told_by(self, name: str) -> Iterator[None]:
        """Raise NotServing where the registry in the container fails a check, with its own words if it has any."""
        try:
            yield
        except api.ApiError as error:
            raise NotServing(self._complaints(name) or self._last_words(name) or str(error)) from error

    @contextlib.contextmanager
    def loopback(self, release: Release) -> Iterator[int]:
        """Run a registry over the data of *release* for the charm's own user alone; give its port at 127.0.0.1.

        Raises NotServing, EngineError, OSError.
        """
        beside, store = release.beside(self._own), self._applied.loopback()
        name = beside.container.name
        around = self._applied.unfinished_switch()
        self._applied.begin_switch({release.container.name} | around)
        try:
            self._docker.remove(name)
            store.write(beside)
            body = container.create_body(beside.container, str(store.folder(beside)), beside.digest)
            self._docker.create(name, container.loopback_body(body))
            self._docker.start(name)
            self._wait(name, beside)
            state = self._docker.inspect(name)
            if state is None:
                raise NotServing(f"container {name} is gone")
            yield container.published(state, container.PORT)
        finally:
            self._docker.remove(name)
            store.remove()
            if not around:
                self._applied.end_switch()

    def _replace(self, release: Release, old: str, *, keep: bool, beside: bool, fall_back: bool = True) -> list[str]:
        """Take the machine from the container called *old* (if there is one) to that of *release*.

        With *keep*, a container that is right already is left alone: a crash came after the switch. *beside* it a
        candidate runs, which takes what comes meanwhile. What goes wrong lets the old one run again, if it may
        *fall_back*.
        """
        name, body = release.container.name, self._body(release)
        state = self._docker.inspect(name)
        if keep and state is not None and container.is_running(state) and not container.differences(body, state):
            self._end(release)
            return []
        self._applied.begin_switch({name, old})
        self._docker.remove(f"{name}-next")
        self._docker.create(f"{name}-next", body)
        if name != old:
            self._docker.remove(name)
        had_old = self._docker.inspect(old) is not None
        if had_old:
            self._docker.remove(f"{old}-previous")
            self._docker.rename(old, f"{old}-previous")
        self._docker.rename(f"{name}-next", name)
        how = "nothing served before"
        try:
            if had_old:
                how = self._leave(f"{old}-previous", release if beside else None)
            self._docker.start(name)
            self._docker.introduce(name)
            client = self._wait(name, release)
            if release.upstream is not None and release.authentication is not None:
                # There was no candidate to show it.
                with self._told_by(name):
                    client.check_closed()
        except (NotServing, engine.EngineError) as error:
            self._roll_back(name, old, had_old, fall_back)
            self._end(release)
            raise NotServing(str(error)) from error
        # From here on the new one is what a crash leaves.
        self._applied.put_in_force(release)
        self._docker.remove(f"{old}-previous")
        self._end(release)
        return [f"container {name} made for release {release.digest} ({how})"]

    def _leave(self, name: str, release: Release | None) -> str:
        """Stop the container that served; tell how.

        The candidate for *release* takes new connections, and what is under way may end; without one, or where that
        cannot be, all is cut.
        """
        state = self._docker.inspect(name)
        try:
            if release is None or not release.drain_seconds or not _serves_somebody(state):
                raise Impassable("not to be drained")
            self._open(release, state)
        except Impassable as error:
            self._docker.stop(name, 0)
            return f"switched at once: {error}"
        self._drain(name, release.drain_seconds)
        return "drained the one before"

    def _open(self, release: Release, before: Mapping[str, Any] | None) -> None:
        """Lead new connections for the container *before* to the candidate. Raises Impassable."""
        candidate = self._docker.inspect(_candidate(release))
        address = container.address(candidate) if candidate else None
        if candidate is None or before is None or address is None:
            raise Impassable("there is no candidate")
        port, local_port = (container.published(state, container.PORT) for state in (before, candidate))
        self._bridge.open(port, address, local_port, self._docker.bridges())

    def _drain(self, name: str, seconds: float) -> None:
        """Stop the container once its transfers have ended, after so many *seconds* at most."""
        state = self._docker.inspect(name)
        if state is not None and _serves_somebody(state):
            port = container.published(state, container.PORT)
            left = self._bridge.wait_until_quiet(state["State"]["Pid"], port, seconds)
            # A request that has sent all its data, such as the end of a push to an object store, is still at work.
            self._docker.stop(name, max(left, 1))

    def _end(self, release: Release) -> None:
        """Let new connections come the usual way again; the candidate goes, and the switch is over."""
        if self._bridge.close():
            self._drain(_candidate(release), release.drain_seconds)
        self._docker.remove(_candidate(release))
        self._applied.end_switch()

    def _roll_back(self, name: str, old: str, had_old: bool, fall_back: bool) -> None:
        self._docker.remove(name)
        if had_old:
            self._docker.rename(f"{old}-previous", old)
        if had_old and fall_back:
            self._docker.start(old)
            self._wait_for_what_is_in_force()

    def _wait_for_what_is_in_force(self) -> None:
        release = self._applied.in_force()
        if release is not None and container.is_running(self._docker.inspect(release.container.name)):
            with contextlib.suppress(NotServing):  # what went wrong before is what there is to say
                self._wait(release.container.name, release)

    def recover(self) -> bool:
        """Tidy up after a switch that a crash cut off; tell whether there was one. To be called before facts are read.

        If the release of the new container is in force already, the old container goes; else the old one serves
        again. Nothing is left over.
        """
        names = self._applied.unfinished_switch()
        in_force = self._applied.in_force()
        for name in names:
            for kind in ("loopback", "next"):
                self._docker.remove(f"{name}-{kind}")
        if names:
            self._applied.loopback().remove()
        for name in names:
            if self._docker.inspect(f"{name}-previous") is not None:
                self._come_back(name, names, in_force)
        if names:
            self._wait_for_what_is_in_force()  # until then a candidate may serve
            bridged = self._bridge.close()
            for name in names:
                if bridged and in_force is not None:
                    self._drain(f"{name}-candidate", in_force.drain_seconds)
                self._docker.remove(f"{name}-candidate")
        self._applied.end_switch()
        return bool(names)

    def _come_back(self, name: str, names: set[str], in_force: Release | None) -> None:
        """Undo the replacement of the container called *name*, one of *names*, unless the new one is in force."""
        if in_force is not None and self._has(names, in_force.digest):
            self._docker.remove(f"{name}-previous")
            return
        for other in names:
            self._docker.remove(other)
        self._docker.rename(f"{name}-previous", name)
        with contextlib.suppress(engine.EngineError):  # its disk may be away; whoever wants it to run will say so
            self._docker.start(name)

    def _has(self, names: set[str], digest: str) -> bool:
        states = [self._docker.inspect(name) for name in names]
        return any(
            state and (state["Config"]["Labels"] or {}).get(container.DIGEST_LABEL) == digest for state in states
        )

    def _wait(self, name: str, release: Release) -> Registry:
        """Wait until the registry in the container answers; return a client for it. Raises NotServing."""
        problem = "nothing answers"
        for _ in range(PROOF_SECONDS * 10):
            state = self._docker.inspect(name)
            if state is None or state["State"]["Status"] in ("exited", "dead", "restarting"):
                raise NotServing(self._last_words(name) or "the container ended without a word")
            host = container.address(state)
            if host is not None:
                client = self._client(f"{release.scheme}://{host}:{container.PORT}", release.certificate)
                try:
                    client.check_alive()
                    return client
                except api.ApiError as error:
                    problem = str(error)
            self._sleep(0.1)
        raise NotServing(self._complaints(name) or self._last_words(name) or f"{problem} in {PROOF_SECONDS} s")

    def _body(self, release: Release) -> dict[str, Any]:
        return container.create_body(release.container, str(self._applied.folder(release)), release.digest)

    def _complaints(self, name: str) -> str:
        state = self._docker.inspect(name)
        host = container.address(state) if state is not None else None
        return _line(self._client(f"http://{host}:{container.DEBUG_PORT}", None).complaints()) if host else ""

    def _last_words(self, name: str) -> str:
        try:
            return last_words(self._docker.logs(name))
        except engine.NoSuchObject:
            return ""


def _candidate(release: Release) -> str:
    return f"{release.container.name}-candidate"


def _serves_somebody(state: Mapping[str, Any] | None) -> bool:
    """Tell whether the container of an inspection runs, and publishes the registry's port."""
    ports = state["NetworkSettings"]["Ports"] if state is not None and container.is_running(state) else {}
    return bool(ports.get(f"{container.PORT}/tcp"))


def _check_storage(client: Registry, release: Release) -> None:
    """Raise ApiError unless the registry can do to its storage what it shall."""
    if release.is_read_only:
        client.check_read_only(PROBE_REPOSITORY)
    else:
        client.check_writable(PROBE_REPOSITORY)


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
    # Neither what has a level less, nor lines about requests.
    plain = [line for line in lines if not re.search(r'\blevel=|" \d{3} \d+ "', line)]
    return _line(plain[-1]) if plain else ""


def _line(words: str) -> str:
    """Return *words* on one line of a status."""
    return " ".join(words.split()).rstrip(".")[:200]
