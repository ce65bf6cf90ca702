"""Processes of this machine that are registries with a configuration of the charm's."""

from __future__ import annotations

import contextlib
import os
import pathlib
import signal
import time
from collections.abc import Callable, Iterable

PROC = pathlib.Path("/proc")
STOP_SECONDS = 10
"""How long a registry may take to end before it is killed."""


class Processes:
    """The machine's processes. *command* is the end of a registry's command line, *config* its folder inside."""

    def __init__(
        self,
        command: str,
        config: str,
        proc: pathlib.Path = PROC,
        kill: Callable[[int, int], None] = os.kill,
        seconds: float = STOP_SECONDS,
    ) -> None:
        self._command = command.encode().replace(b" ", b"\0") + b"\0"
        self._config = config.lstrip("/")
        self._proc = proc
        self._kill = kill
        self._seconds = seconds

    def find(self, folders: Iterable[pathlib.Path]) -> set[int]:
        """Return the IDs of the registries that have one of *folders* as their configuration.

        That is the same folder on the same disk: a registry in a nested machine has another one at the same path.
        """
        ours = {place for folder in folders if (place := _place(folder))}
        pids = [int(name) for name in os.listdir(self._proc) if name.isdigit()] if ours else []
        return {pid for pid in pids if self._is_registry(pid) and _place(self._inside(pid)) in ours}

    def outside(self, pids: Iterable[int], containers: Iterable[int]) -> set[int]:
        """Return those of *pids* that are in none of the *containers*, by the IDs of the first processes of these.

        The first process is not the registry itself where Docker adds an init to each container, for example.
        """
        first = set(containers)
        spaces = {space for pid in first if (space := self._namespace(pid))}
        return {pid for pid in pids if pid not in first and self._namespace(pid) not in spaces}

    def end(self, pid: int) -> None:
        """End a process, and wait for that."""
        for number, seconds in ((signal.SIGTERM, self._seconds), (signal.SIGKILL, 1)):
            end = time.monotonic() + seconds
            with contextlib.suppress(ProcessLookupError):
                self._kill(pid, number)
            while self._is_registry(pid) and time.monotonic() < end:
                time.sleep(0.05)
            if not self._is_registry(pid):
                return

    def _is_registry(self, pid: int) -> bool:
        try:
            with open(f"{self._proc}/{pid}/cmdline", "rb", buffering=0) as file:  # in each hook, for all processes
                return file.read(4096).endswith(self._command)
        except OSError:
            return False

    def _namespace(self, pid: int) -> str | None:
        try:
            return os.readlink(f"{self._proc}/{pid}/ns/mnt")
        except OSError:
            return None

    def _inside(self, pid: int) -> pathlib.Path:
        return self._proc / str(pid) / "root" / self._config


def _place(folder: pathlib.Path) -> tuple[int, int] | None:
    try:
        found = folder.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
