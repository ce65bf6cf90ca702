"""dockerd as a service: its two files of settings, and systemd's docker.service."""

from __future__ import annotations

import contextlib
import os
import pathlib
import stat
import subprocess
import time

from registry.formats import daemon
from registry.machine.engine import EngineError
from registry.machine.files import make_folder, write_file
from registry.machine.systemd import Systemd

DAEMON_JSON = pathlib.Path("/etc/docker/daemon.json")
SAVED = "daemon.json.saved"
"""Name of the copy of somebody else's daemon.json, beside it."""
DROP_IN = pathlib.Path(daemon.DROP_IN)
PID_FILE = pathlib.Path("/run/docker.pid")
UNIT = "docker.service"
VALIDATE_SECONDS = 20
"""How long `dockerd --validate` may take."""


class Dockerd:
    """The dockerd of this machine."""

    def __init__(
        self,
        systemd: Systemd,
        daemon_json: pathlib.Path = DAEMON_JSON,
        drop_in: pathlib.Path = DROP_IN,
        pid_file: pathlib.Path = PID_FILE,
    ) -> None:
        self._systemd = systemd
        self._pid_file = pid_file
        self._daemon_json = daemon_json
        self._drop_in = drop_in

    def read_daemon_json(self) -> str | None:
        """Return the text of daemon.json, None if it does not exist. Raises BadSettings, OSError."""
        try:
            return self._daemon_json.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except UnicodeDecodeError as error:
            raise daemon.BadSettings(daemon.NOT_UTF8(error=error)) from error

    def write_daemon_json(self, text: str | None) -> None:
        """Write daemon.json, or remove it if *text* is None. Raises OSError."""
        path = pathlib.Path(os.path.realpath(self._daemon_json))  # a link stays a link
        if text is None:
            path.unlink(missing_ok=True)
            return
        # An existing file keeps its mode. It may contain a password, so a new one is readable by root only.
        mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o600
        make_folder(path.parent)
        write_file(path, text, mode)

    def save_daemon_json(self) -> pathlib.Path:
        """Copy daemon.json to a file beside it, which replaces an earlier copy. Raises OSError."""
        copy = self._daemon_json.with_name(SAVED)
        write_file(copy, self._daemon_json.read_text(encoding="utf-8"))
        return copy

    def read_drop_in(self) -> str | None:
        """Return the text of the charm's drop-in of docker.service, None if it does not exist. Raises OSError."""
        try:
            return self._drop_in.read_text(encoding="utf-8")
        except (FileNotFoundError, UnicodeDecodeError):
            return None

    def write_drop_in(self, text: str | None) -> None:
        """Write the drop-in, or remove it if *text* is None, and reload systemd. Raises OSError."""
        if text is None:
            self._drop_in.unlink(missing_ok=True)
        else:
            make_folder(self._drop_in.parent)
            write_file(self._drop_in, text, 0o644)
        self._systemd.systemctl("daemon-reload")

    def read_command(self) -> str:
        """Return the command of docker.service without the charm's drop-in; "" if there is no such unit."""
        return daemon.exec_start(self._systemd.systemctl("cat", UNIT).stdout)

    def find_file(self, word: str) -> str:
        """Return the file of docker.service, ours aside, that has *word* in it; "" if there is none."""
        return daemon.file_with(self._systemd.systemctl("cat", UNIT).stdout, word)

    def read_start(self) -> str:
        """Return what tells one start of dockerd from another, "" if that is unknown."""
        try:
            return f"{self._pid_file.read_text().strip()} {self._pid_file.stat().st_mtime_ns}"
        except OSError:
            return ""

    def read_running(self) -> list[str]:
        """Return the command of the running dockerd, empty if it does not run."""
        with contextlib.suppress(OSError, ValueError):
            command = _command(int(self._pid_file.read_text()))
            if command and command[0].endswith("dockerd"):
                return command
        with contextlib.suppress(OSError, ValueError):  # its file is elsewhere
            main = self._systemd.systemctl("show", "--value", "--property=MainPID", UNIT)
            return _command(int(main.stdout or 0))
        return []

    def is_daemon_json_valid(self) -> bool:
        """Tell whether the running dockerd accepts daemon.json; False if it has no `--validate` (before 23.0)."""
        command = self.read_running()
        # With its own arguments, because dockerd rejects settings that are both there and in the file.
        if not command:
            return False
        try:
            done = subprocess.run([*command, "--validate"], capture_output=True, check=False, timeout=VALIDATE_SECONDS)
        except subprocess.TimeoutExpired:
            return False
        return done.returncode == 0

    def has_failed(self) -> bool:
        """Tell whether systemd has given up starting dockerd; False if dockerd was stopped."""
        return self._systemd.systemctl("is-failed", "--quiet", UNIT).returncode == 0

    def reload(self) -> bool:
        """Reload daemon.json; False if docker is not a systemd unit, or the reload fails."""
        return self._systemd.systemctl("reload", "docker").returncode == 0

    def restart(self) -> None:
        """Restart dockerd. Raises EngineError, with dockerd's own message if there is one."""
        begin = time.time()
        self._systemd.systemctl("reset-failed", UNIT)  # earlier failures would prevent the start
        done = self._systemd.systemctl("restart", "docker")
        if done.returncode:
            log = self._systemd.read_journal(UNIT, int(begin))
            message = daemon.reason(log) or daemon.reason(done.stderr)
            raise EngineError(f"Docker does not start: {message}" if message else "Docker does not start")


def _command(pid: int) -> list[str]:
    """Return the command line of a process. Raises OSError."""
    return pathlib.Path(f"/proc/{pid}/cmdline").read_text().split("\0")[:-1] if pid else []
