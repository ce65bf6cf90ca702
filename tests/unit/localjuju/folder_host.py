"""A machine that is a folder: hooks run as processes of this host, with the real hook tools and socket."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from localjuju import JujuError
from localjuju.host import SOCKETS
from localjuju.model import Model
from localjuju.records.machine import Machine
from localjuju.store import Store


class FolderHost:
    """The `Host` of the unit tests. Its boots are counted in a file; no file, no power."""

    def __init__(self, store: Store, model: Model, machine: Machine):
        self.address = f"192.0.2.{10 + int(machine.id)}"
        self.store = store
        self.sockets = store.sockets(machine.id)
        self.root = self.sockets.parent / "host"
        self.power = self.root / "power"
        self.count = self.root / "boots"

    def path(self, path: str) -> str:
        return f"{self.root}{path}"

    def create(self) -> tuple[str, str]:
        if (self.root.parent / "broken").exists():
            raise JujuError("this machine does not come up")
        for folder in ("run", "tmp", str(Path(SOCKETS).parent)):
            (self.root / folder.lstrip("/")).mkdir(parents=True)
        Path(self.path(SOCKETS)).symlink_to(self.sockets)
        self.start()
        return "ubuntu@22.04", self.address

    def destroy(self) -> None:
        shutil.rmtree(self.root)

    def boot(self) -> str:
        return self.count.read_text() if self.power.exists() else ""

    def stop(self) -> None:
        self.crash()

    def crash(self) -> None:
        self.power.unlink()
        for mark in (self.root / "run").glob("*.pid"):
            self.kill(mark.stem)
            mark.unlink()

    def start(self) -> None:
        if not self.power.exists():
            self.count.write_text(str(int(self.count.read_text()) + 1 if self.count.exists() else 1))
            self.power.touch()

    def mount(self, number: str, location: str) -> None:
        self.unmount(location)
        at = Path(self.path(location))
        at.parent.mkdir(parents=True, exist_ok=True)
        at.symlink_to(self.store.storage(number))

    def unmount(self, location: str) -> None:
        Path(self.path(location)).unlink(missing_ok=True)

    def listen(self, address: str, hears: bool) -> None:
        deaf = self.root / f"deaf-to-{address}"
        deaf.unlink(missing_ok=True) if hears else deaf.touch()

    def network(self) -> tuple[str, str, str]:
        return "192.0.2.0/24", "02:00:00:00:00:01", "eth0"

    def popen(
        self, argv: list[str], env: Mapping[str, str] | None = None, cwd: str = "/", mark: str = "", **streams: Any
    ) -> subprocess.Popen[bytes]:
        streams.pop("tty", None)
        marked = ["sh", "-c", 'echo $$ >"$0"; exec "$@"', str(self.root / "run" / f"{mark}.pid")] if mark else []
        return subprocess.Popen([*marked, *argv], env=env, cwd=cwd, **{**streams, "start_new_session": True})

    def kill(self, mark: str) -> None:
        self.output(["sh", "-c", f"kill -s KILL -- -$(cat {self.root}/run/{mark}.pid)"])

    def output(self, argv: list[str], stdin: IO[bytes] | bytes | None = None) -> str | None:
        data = stdin if isinstance(stdin, bytes) or stdin is None else stdin.read()
        # The interpreter of the tests first: the one that PATH finds may be a slow launcher of another.
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        done = subprocess.run(argv, input=data, capture_output=True, env={**os.environ, "PATH": path})
        return done.stdout.decode() if done.returncode == 0 else None

    def copy(self, source: Path, target: str) -> None:
        if not source.exists():
            raise JujuError(f"{source} not found")
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copyfile(source, target)
