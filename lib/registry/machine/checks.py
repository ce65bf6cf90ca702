"""The checks that NRPE runs on this machine, and its plugin."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Mapping

from registry.formats import nrpe
from registry.machine.files import LocalFiles
from registry.machine.records import Records
from registry.machine.systemd import Systemd

RECORD = "checks"
"""Name of the record that NRPE has to be reloaded."""
PLUGIN = pathlib.Path(__file__).parents[3] / "templates/check_docker_registry"


class Checks:
    """The charm's files for NRPE and Nagios. Tests use another *root*."""

    def __init__(self, files: LocalFiles, records: Records, systemd: Systemd, root: pathlib.Path | None = None) -> None:
        self._files = files
        self._records = records
        self._systemd = systemd
        self._root = str(root or "")

    def ensure(self, files: Mapping[str, str]) -> None:
        """Make these of `nrpe.files` exactly the charm's files on the machine. Raises OSError.

        A folder that does not exist is not created: NRPE and Nagios create theirs. NRPE is reloaded if a file has
        changed.
        """
        requested = {self._root + path: text for path, text in files.items()}
        requested = {path: text for path, text in requested.items() if os.path.isdir(os.path.dirname(path))}
        outdated = self._find(with_plugin=not files) - set(requested)
        new = {path: text for path, text in requested.items() if not self._files.has_text(path, text)}
        if outdated or new:
            self._records.save(RECORD, {"changed": True})  # before the first of them: a crash may precede the reload
        for path in outdated:
            self._files.remove(path)
        for path, text in new.items():
            self._files.ensure(path, text, 0o644)
        if requested:
            self._files.ensure(self._root + nrpe.PLUGIN, PLUGIN.read_text(), 0o755)
        if self._records.load(RECORD):
            done = self._systemd.systemctl("reload-or-restart", "nagios-nrpe-server")
            if done.returncode == 0 or not requested:
                self._records.save(RECORD, {})

    def _find(self, *, with_plugin: bool) -> set[str]:
        """Return the paths of the charm's files that exist."""
        folders = [self._root + folder for folder in (nrpe.FOLDER, nrpe.EXPORT_FOLDER)]
        checks = {
            f"{folder}/{name}"
            for folder in filter(os.path.isdir, folders)
            for name in os.listdir(folder)
            if nrpe.is_ours(name)
        }
        others = {nrpe.CA_FILE, nrpe.PLUGIN} if with_plugin else {nrpe.CA_FILE}
        return checks | {self._root + path for path in others if os.path.exists(self._root + path)}
