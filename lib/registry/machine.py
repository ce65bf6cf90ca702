"""The unit's machine, as far as the charm touches it beside the registry's container."""

from __future__ import annotations

import contextlib
import os
import pathlib
import socket
import stat
import subprocess

from registry import api, applied, daemon, engine, htpasswd, packages, plan

DAEMON_JSON = pathlib.Path("/etc/docker/daemon.json")
OUTPUT_FOLDER = pathlib.Path("/var/lib/docker-registry/output")
"""What actions printed, as far as it was too much for Juju."""
OUTPUTS = 10
"""How many of them are kept."""


class Machine:
    """The machine as it is. Tests have another one, in memory."""

    def __init__(self) -> None:
        self.store = applied.Applied()

    def has_docker(self) -> bool:
        """Tell whether a Docker engine and its command are there."""
        return packages.docker_is_there()

    def install_docker(self) -> None:
        """Install the distribution's Docker. Raises PackageError."""
        packages.install_docker()

    def upgrade_docker(self) -> str:
        """Upgrade Docker's packages; return their names and versions. Raises PackageError."""
        return packages.upgrade_docker()

    def docker(self) -> engine.Engine:
        """Connect to Docker; one whose installation was cut off is finished first. Raises EngineError."""
        try:
            return engine.Engine()
        except engine.EngineError as down:
            try:
                if not packages.finish():
                    raise
            except packages.PackageError as error:
                raise engine.EngineError(f"{down}, and its installation cannot be finished: {error}") from error
            return engine.Engine()

    def client(self, url: str, user: htpasswd.User) -> api.Api:
        """Return a client for the registry at *url*, which asks as *user* where it has to."""
        return api.Api(url, user)

    def daemon_json(self) -> str | None:
        """Return the text of dockerd's daemon.json, or None if there is none. Raises BadSettings, OSError."""
        try:
            return DAEMON_JSON.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except UnicodeDecodeError as error:
            raise daemon.BadSettings(f"/etc/docker/daemon.json is not UTF-8 ({error})") from error

    def write_daemon_json(self, text: str | None) -> None:
        """Write daemon.json, or remove it where *text* is None. Raises OSError."""
        path = pathlib.Path(os.path.realpath(DAEMON_JSON))  # a link stays one
        if text is None:
            path.unlink(missing_ok=True)
            return
        # Its mode stays: it may hold a proxy's password, and then others cannot read it.
        mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o644
        path.parent.mkdir(parents=True, exist_ok=True)
        applied.write_file(path, text, mode)

    def reload_docker(self) -> bool:
        """Have dockerd read daemon.json again; False where it is no systemd unit called docker, or does not do it."""
        try:
            done = subprocess.run(["/usr/bin/systemctl", "reload", "docker"], check=False, capture_output=True)
        except FileNotFoundError:
            return False
        return done.returncode == 0

    def restart_docker(self) -> None:
        """Restart dockerd. Raises EngineError."""
        try:
            subprocess.run(["/usr/bin/systemctl", "restart", "docker"], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise engine.EngineError(f"Docker cannot be restarted: {error}") from error

    def keep_output(self, name: str, text: str) -> pathlib.Path:
        """Keep what an action printed in a file called *name*, for root alone; the oldest go. Raises OSError."""
        OUTPUT_FOLDER.mkdir(mode=0o700, parents=True, exist_ok=True)
        applied.write_file(OUTPUT_FOLDER / name, text)
        for old in sorted(OUTPUT_FOLDER.iterdir(), key=lambda path: path.stat().st_mtime)[:-OUTPUTS]:
            old.unlink()
        return OUTPUT_FOLDER / name

    def is_free(self, port: int) -> bool:
        """Tell whether nobody listens at *port*."""
        with contextlib.closing(socket.socket()) as probe:
            # Without it, connections that linger of a registry just stopped look like somebody who listens.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("0.0.0.0", port))  # noqa: S104 - it never listens
            except OSError:
                return False
        return True

    def ensure_data_folder(self) -> None:
        """Make the folder of the images, unless it is there."""
        pathlib.Path(plan.DATA_FOLDER).mkdir(mode=0o700, parents=True, exist_ok=True)
