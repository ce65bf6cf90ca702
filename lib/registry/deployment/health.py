"""Whether the registry in a container serves, and its own words if it does not."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Iterator

from registry.client.api import Api
from registry.client.http import ApiError
from registry.deadline import Deadline
from registry.formats.inspection import Container
from registry.machine import engine
from registry.message import Fault, Message, Sentence, Text, about, alone
from registry.release import container, store_faults
from registry.release.release import Release

BY_SIGKILL = 137
"""Exit code of a container that was killed."""
STACK = re.compile(r"goroutine \d|created by |\S+\.go:\d+( \+0x[0-9a-f]+)?$|(panic|[\w./*()-]+)\(.*\)$")
"""Lines of a stack that Go prints."""
START_SECONDS, LEAST_SECONDS = 20, 5
"""How long a registry may take until it answers, and what is left for that after the hook's deadline.

Without it, a registry that has just replaced another one would be refused for the time that others took.
"""

Connect = Callable[[str, "str | None", Deadline], Api]
"""Creates a client for a URL and, if that is https, the PEM of the certificate that the server must present.

No request of it takes longer than until the deadline.
"""

NOT_STARTED = Message(
    "The registry does not start with this configuration: {error}",
    "Fix the cause and run the action start, or reset the options",
)
"""A container with the new configuration ended, did not answer or failed a check; its own words follow."""

KILLED = Message(
    "The registry was killed while its new configuration was verified",
    "Retrying automatically. If it stays, look for what kills it with `journalctl -k`",
)
"""An operator, a program or the kernel killed the container, which says nothing about the configuration."""

OUT_OF_MEMORY = Message("the registry needs more memory than {limit} bytes", "Use a higher limit, for example 512m")
"""The kernel ended the registry because it reached the limit."""


class NotServing(Fault):
    """A release does not serve; the text has the registry's own words."""

    def __init__(self, text: Text, *, option: str = "", interrupted: bool = False, is_chance: bool = False) -> None:
        super().__init__(text)
        self.option = option
        """The option that is the likely cause; empty where it is unknown."""
        self.interrupted = interrupted
        """The registry was stopped for the attempt."""
        self.is_chance = is_chance
        """It says nothing about the release: the next attempt may succeed."""

    @property
    def sentence(self) -> Sentence:
        """The text with its option in front, if it has one."""
        return about(self.option, self.text) if self.option else alone(self.text)


class NotTried(NotServing):
    """Something else is to blame than the release: its registry was not started, or cannot serve because of that."""


class Health:
    """Checks the registries in containers."""

    def __init__(self, docker: engine.Engine, connect: Connect, deadline: Deadline) -> None:
        self._docker = docker
        self._connect = connect
        self._deadline = deadline

    def wait(self, name: str, release: Release) -> Api:
        """Wait until the registry in the container answers; return a client for it. Raises NotServing."""
        problem, deadline = "it has no address", self._deadline.within(START_SECONDS, LEAST_SECONDS)
        seconds = deadline.left
        while True:
            current = self._docker.inspect(name)
            if current is not None and current.is_out_of_memory and release.container.memory:
                raise NotServing(OUT_OF_MEMORY(limit=release.container.memory), option="container-memory-limit")
            if current is None or current.has_ended:
                words = self._last_error(name) or "the container ended without an error"
                raise _not_serving(release, words, current)
            if current.address is not None:
                url = f"{release.scheme}://{current.address}:{container.PORT}"
                try:
                    self._connect(url, release.certificate, deadline).check_alive()
                    return self._connect(url, release.certificate, self._deadline)
                except ApiError as error:
                    problem = str(error)
            if not deadline.pause(0.1):
                break
        problem = f"no answer within {seconds:.0f} s ({problem})"
        raise _not_serving(release, self._reason(name) or problem, None)

    @contextlib.contextmanager
    def explains(self, name: str, release: Release) -> Iterator[None]:
        """Turn a failed check of the registry in the container into NotServing, with its own words if there are any."""
        try:
            yield
        except ApiError as error:
            words = self._reason(name) or str(error)
            raise _not_serving(release, words, self._docker.inspect(name)) from error

    def _reason(self, name: str) -> str:
        """Return the registry's own words, "" if there are none."""
        return self._health_errors(name) or self._last_error(name)

    def _health_errors(self, name: str) -> str:
        current = self._docker.inspect(name)
        if current is None or current.address is None:
            return ""
        url = f"http://{current.address}:{container.DEBUG_PORT}"
        return _line(self._connect(url, None, self._deadline).read_health_errors())

    def _last_error(self, name: str) -> str:
        try:
            return last_error(self._docker.logs(name))
        except engine.NoSuchObject:
            return ""


def _not_serving(release: Release, words: str, current: Container | None) -> NotServing:
    ended = current if current is not None and current.has_ended else None
    if ended and ended.exit_code == BY_SIGKILL and not ended.is_out_of_memory:
        return NotServing(KILLED(), is_chance=True)
    fault = store_faults.find(release, words)
    return NotServing(fault.text, option=fault.option) if fault else NotServing(NOT_STARTED(error=words))


def last_error(log: str) -> str:
    """Return why the registry ended, from its *log*: its last panic, error or plain line.

    >>> last_error('time="..." level=error msg="no such host" go.version=go1.19')
    'no such host'
    """
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    for line in reversed(lines):
        if line.startswith("panic: "):
            return line[:200]
        fields = _fields(line)
        if fields.get("level") in ("error", "fatal", "panic"):
            # A failed answer has its reason in a separate field.
            return _line(fields.get("err.detail") or fields.get("msg", ""))
    # Neither lines of a lower level nor of requests, nor the stack of what Go's HTTP server survives.
    plain = [
        line for line in lines if not _fields(line) and not re.search(r'" \d{3} \d+ "', line) and not STACK.match(line)
    ]
    return _line(plain[-1]) if plain else ""


def _fields(line: str) -> dict[str, str]:
    """Return the fields of a *line* of the log: JSON, or before the registry has read its configuration, NAME=VALUE."""
    with contextlib.suppress(ValueError):
        fields = json.loads(line)
        return {name: str(value) for name, value in fields.items()} if isinstance(fields, dict) else {}
    level = re.search(r"\blevel=(\w+)", line)
    quoted = dict(re.findall(r'\b(err\.detail|msg)="((?:[^"\\]|\\.)*)"', line))
    words = {name: re.sub(r"\\[nt]", " ", text).replace('\\"', '"') for name, text in quoted.items()}
    return {"level": level[1], **words} if level else {}


def _line(words: str) -> str:
    """Return *words* on one line, as a status has them."""
    return " ".join(words.split()).rstrip(".")[:200]
