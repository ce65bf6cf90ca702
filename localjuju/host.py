"""A machine as the rest of localjuju sees it: `Host` is the seam between the model and what runs it.

Everything that happens to a machine or in one goes through it. `machine.DockerHost` is the real one; the unit tests
put folders and processes of this host in its place.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any, Protocol

from localjuju.model import Model
from localjuju.records.machine import Machine
from localjuju.store import Store

SOCKETS = "/var/lib/juju/sockets"
"""Where a machine finds the folder that it shares with this host, for the hook tools' socket."""
SOCKET = "agent.socket"


class Host(Protocol):
    """One machine, seen from outside."""

    def path(self, path: str) -> str:
        """Where a path of a Juju machine is for the processes in this one."""

    def create(self) -> tuple[str, str]:
        """Make the machine and wait until it is up; its base (ubuntu@22.04) and its address."""

    def destroy(self) -> None:
        """Remove the machine with all that is on it; nothing to do is fine."""

    def boot(self) -> str:
        """An identifier of this boot; empty while the machine does not run."""

    def stop(self) -> None:
        """Shut down as an operator would."""

    def crash(self) -> None:
        """Cut the power."""

    def start(self) -> None:
        """Boot, and wait until it is up."""

    def mount(self, number: str, location: str) -> None:
        """Let the storage with this number be at a location from now on, after a reboot too; once more is fine."""

    def unmount(self, location: str) -> None:
        """Let no storage be there any more; nothing to do is fine."""

    def listen(self, address: str, hears: bool) -> None:
        """Accept what comes from an address, or drop it, until the next call or the next boot."""

    def network(self) -> tuple[str, str, str]:
        """The subnet, the MAC and the name of the interface that has the machine's address."""

    def popen(
        self, argv: list[str], env: Mapping[str, str] | None = None, cwd: str = "/", mark: str = "", **streams: Any
    ) -> subprocess.Popen[bytes]:
        """Start a process as root, with just `env` if given; `mark` is a name by which `kill` ends it.

        It writes to a terminal (`tty`) or to pipes.
        """

    def kill(self, mark: str) -> None:
        """End what was started with this mark, and its children, if it still runs."""

    def output(self, argv: list[str], stdin: IO[bytes] | bytes | None = None) -> str | None:
        """What a command prints, None if it fails."""

    def copy(self, source: Path, target: str) -> None:
        """Bring a file to the machine."""


Provider = Callable[[Store, Model, Machine], Host]
