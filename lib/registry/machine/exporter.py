"""The program that serves the charm's metrics on this machine."""

from __future__ import annotations

import os
import pathlib
import shutil

from registry.formats import exporter
from registry.machine.files import LocalFiles
from registry.machine.ports import Ports
from registry.machine.records import Records
from registry.machine.systemd import Systemd
from registry.message import Fault, Message

RECORD = "exporter"
"""Name of the record that the socket has to be started again."""
PROGRAM = pathlib.Path(__file__).parents[3] / "templates/docker_registry_metrics"

NOT_SERVED = Message(
    "The charm's metrics cannot be served at 127.0.0.1:{port}: {error}", "Choose another debug-port if it is in use"
)
"""The agent of cos-agent scrapes the charm's metrics at the port after debug-port, and systemd cannot listen there."""


class NotServed(Fault):
    """The metrics are written, and nobody can read them."""


class Metrics:
    """The charm's metrics on the machine. Tests use another *root*."""

    def __init__(self, files: LocalFiles, records: Records, systemd: Systemd, ports: Ports, root: str = "") -> None:
        self._files = files
        self._records = records
        self._systemd = systemd
        self._ports = ports
        self._root = root

    def ensure(self, served: exporter.Exporter, text: str) -> None:
        """Serve the metrics in *text*. Raises OSError, NotServed."""
        self._files.ensure(self._root + exporter.FILE, text, 0o644)
        self._files.ensure(self._root + exporter.PROGRAM, PROGRAM.read_text(), 0o755)
        for path, unit in exporter.units(served).items():
            if not self._files.has_text(self._root + path, unit):
                self._records.save(RECORD, {"changed": True})  # before the file: a crash may precede the start
                self._files.ensure(self._root + path, unit, 0o644)
        if self._records.load(RECORD) or self._ports.is_free(served.port):
            self._start(served.port)

    def _start(self, port: int) -> None:
        name = os.path.basename(exporter.SOCKET)
        for words in (("daemon-reload",), ("enable", name), ("restart", name)):
            done = self._systemd.systemctl(*words)
            if done.returncode:
                lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
                raise NotServed(NOT_SERVED(port=port, error=lines[0]))
        self._records.remove(RECORD)

    def remove(self) -> None:
        """Stop serving metrics, and remove all files for it. Raises OSError."""
        if not os.path.exists(self._root + exporter.SOCKET):
            return
        self._systemd.systemctl("disable", "--now", os.path.basename(exporter.SOCKET))
        for folder in (exporter.FOLDER, os.path.dirname(exporter.PROGRAM)):
            shutil.rmtree(self._root + folder, ignore_errors=True)
        # The socket's unit last: by it a removal that was interrupted is known.
        for path in (exporter.SERVICE, exporter.SOCKET):
            self._files.remove(self._root + path)
        self._systemd.systemctl("daemon-reload")
        self._records.remove(RECORD)
