"""The unit's machine, as far as the charm touches it beside the registry's container."""

from __future__ import annotations

import contextlib
import glob
import json
import os
import pathlib
import shutil
import socket
import stat
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from registry.client import api, openstack
from registry.deployment import bridge, store, switch
from registry.formats import certificates, daemon, htpasswd, nrpe, relations, sources_list
from registry.machine import apt, engine, openssl
from registry.machine.files import write_file
from registry.options import packages, runtime, swift
from registry.plan import certificate as tls
from registry.plan import disk

DAEMON_JSON = pathlib.Path("/etc/docker/daemon.json")
DROP_IN = pathlib.Path(daemon.DROP_IN)
DEFAULTS = "/etc/default/docker"
CERTS_FOLDER = pathlib.Path("/etc/docker/certs.d")
MEMORY_FOLDER = pathlib.Path("/var/lib/docker-registry")
OUTPUT_FOLDER = MEMORY_FOLDER / "output"
"""What actions printed, as far as it was too much for Juju."""
CHECKS = "checks"
"""Under which it is remembered that NRPE has to read its checks anew."""
FILE_LIMIT = 1 << 20
"""Bytes of an operator's file at most: a thousand certificates."""
OUTPUTS = 10
"""How many of them are kept."""
PLUGIN = pathlib.Path(__file__).parents[3] / "templates/check_docker_registry"
REPOSITORIES = "docker/registry/v2/repositories"
"""Where a registry has a folder for each repository, in that of its data."""
_FOLDER = "/usr/bin"


class Machine:
    """The machine as it is. Tests have another one, in memory."""

    def __init__(self) -> None:
        self.store = store.Applied()

    def has_docker(self) -> bool:
        """Tell whether a Docker engine and its command are there."""
        return apt.docker_is_there()

    def install_docker(self, wanted: runtime.Runtime) -> None:
        """Install the Docker that is asked for. Raises PackageError."""
        apt.install_docker(wanted)

    def check_docker(self, wanted: runtime.Runtime) -> None:
        """See whether the Docker that is asked for can take the place of the one that is there. Raises PackageError."""
        apt.check_docker(wanted)

    def upgrade_docker(self, wanted: runtime.Runtime) -> str:
        """Upgrade Docker's packages, or replace them; return names and versions. Raises PackageError."""
        return apt.upgrade_docker(wanted)

    def docker_packages(self) -> list[str]:
        """Return the names of the packages that Docker's programs came from."""
        return apt.docker_packages()

    def put_sources(self, sources: Sequence[sources_list.Source]) -> None:
        """Let apt know the operator's sources, and none of before. Raises PackageError."""
        apt.put_sources("extra", sources)

    def put_short_sources(self, names: Iterable[str]) -> None:
        """Let apt know sources such as ``ppa:owner/name``. Raises PackageError."""
        apt.put_short_sources(names)

    def package_states(self, names: Iterable[str]) -> dict[str, packages.State]:
        """Return those of the packages that are installed, by name."""
        return apt.states(names)

    def install(self, names: Iterable[str]) -> None:
        """Install packages. Raises PackageError."""
        apt.install(names)

    def hold(self, names: Iterable[str]) -> None:
        """Keep apt from changing installed packages. Raises PackageError."""
        apt.hold(names)

    def release(self, names: Iterable[str]) -> None:
        """Let apt change them again. Raises PackageError."""
        apt.release(names)

    def recall(self, name: str) -> dict[str, Any]:
        """Return what was remembered under this name, or an empty one. Raises OSError."""
        try:
            return dict(json.loads((MEMORY_FOLDER / f"{name}.json").read_text()))
        except (FileNotFoundError, ValueError, TypeError):
            return {}

    def remember(self, name: str, found: Mapping[str, Any]) -> None:
        """Remember this on the machine, for root alone: it outlives the unit. Raises OSError."""
        MEMORY_FOLDER.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_file(MEMORY_FOLDER / f"{name}.json", json.dumps(found) + "\n")

    def docker(self) -> engine.Engine:
        """Connect to Docker; one whose installation was cut off is finished first. Raises EngineError."""
        try:
            return engine.Engine()
        except engine.EngineError as down:
            try:
                if not apt.finish():
                    raise
            except apt.PackageError as error:
                raise engine.EngineError(f"{down}, and its installation cannot be finished: {error}") from error
            return engine.Engine()

    def bridge(self) -> bridge.Bridge:
        """Return what leads connections elsewhere during a switch."""
        return bridge.Bridge()

    def client(self, url: str, user: htpasswd.User, certificate: str | None) -> api.Api:
        """Return a client for the registry at *url*, which asks as *user* where it has to: see `api.Api`."""
        shown = self.store.identity_file
        return api.Api(url, user, certificate, shown if shown.exists() else None)

    def identity(self, name: str) -> str:
        """Return the certificate by which the charm itself is known, made for *name* once. Raises OSError."""
        return certificates.bundle(self.store.identity(lambda: openssl.identity(name)))

    def request(self, names: Sequence[str]) -> relations.Request:
        """Return a new key with the request for a certificate of *names*, kept until the next one. Raises OSError."""
        made = openssl.request(names)
        self.store.keep_request(made)
        return made

    def read(self, path: str) -> tls.File:
        """Read a file of the operator's, whoever owns it."""
        try:
            with open(path, "rb", opener=_without_waiting) as file:
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    return tls.File(error=f"{path} is no file")
                data = file.read(FILE_LIMIT + 1)
        except FileNotFoundError:
            return tls.File()
        except (OSError, ValueError) as error:
            return tls.File(error=f"{path} cannot be read ({getattr(error, 'strerror', None) or error})")
        if len(data) > FILE_LIMIT:
            return tls.File(error=f"{path} is larger than {FILE_LIMIT} bytes")
        return tls.File(text=data.decode(errors="replace"))

    def write(self, path: str, text: str, mode: int) -> None:
        """Write a file where the operator wants it, unless it is so already and for no more eyes. Raises OSError."""
        if self.read(path).text != text or stat.S_IMODE(os.stat(path).st_mode) & ~mode:
            pathlib.Path(path).parent.mkdir(parents=True, exist_ok=True)
            write_file(pathlib.Path(path), text, mode)

    def unlink(self, path: str) -> None:
        """Remove a file, if it is there. Raises OSError."""
        pathlib.Path(path).unlink(missing_ok=True)

    def put_checks(self, files: Mapping[str, str]) -> None:
        """Have these files of `nagios.files` on the machine, and none of before. Raises OSError.

        Folders that are not there are not made: NRPE and Nagios make theirs. NRPE reads its files anew if one changed.
        """
        wanted = {path: text for path, text in files.items() if os.path.isdir(os.path.dirname(path))}
        folders = [folder for folder in (nrpe.FOLDER, nrpe.EXPORT_FOLDER) if os.path.isdir(folder)]
        there = {f"{folder}/{name}" for folder in folders for name in os.listdir(folder) if nrpe.is_ours(name)}
        left = {nrpe.CA_FILE} if files else {nrpe.CA_FILE, nrpe.PLUGIN}
        gone = {path for path in {*there, *left} - set(wanted) if os.path.exists(path)}
        new = {path: text for path, text in wanted.items() if self.read(path).text != text}
        if gone | set(new):
            self.remember(CHECKS, {"changed": True})  # before the first of them: a crash may come before the reload
        for path in gone:
            self.unlink(path)
        for path, text in new.items():
            self.write(path, text, 0o644)
        if wanted:
            self.write(nrpe.PLUGIN, PLUGIN.read_text(), 0o755)
        if self.recall(CHECKS):
            done = _systemctl("reload-or-restart", "nagios-nrpe-server")
            if done.returncode == 0 or not wanted:
                self.remember(CHECKS, {})

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
        # Its mode stays. It may hold a password, so a new one is for root alone.
        mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o600
        path.parent.mkdir(parents=True, exist_ok=True)
        write_file(path, text, mode)

    def drop_in(self) -> str | None:
        """Return the text of the charm's drop-in of docker.service, or None if there is none. Raises OSError."""
        try:
            return DROP_IN.read_text(encoding="utf-8")
        except (FileNotFoundError, UnicodeDecodeError):
            return None

    def write_drop_in(self, text: str | None) -> None:
        """Write it, or remove it where *text* is None, and tell systemd. Raises OSError."""
        if text is None:
            DROP_IN.unlink(missing_ok=True)
        else:
            DROP_IN.parent.mkdir(parents=True, exist_ok=True)
            write_file(DROP_IN, text, 0o644)
        _systemctl("daemon-reload")

    def leave_predecessor(self, arguments: Sequence[str]) -> str:
        """Take away what the charm before this one wrote for Docker and for the registry; return what was given back.

        *arguments* of dockerd have another place now. Raises OSError, PackageError.
        """
        for name in ("htpasswd", "auth_token.pem"):
            (self.store.root / name).unlink(missing_ok=True)
        for pattern in nrpe.PREDECESSORS:
            for path in glob.glob(pattern):
                self.unlink(path)
        # It had Docker show the registry's own certificate to the registry; a link to nothing keeps Docker out.
        for link in CERTS_FOLDER.glob("*/client.*"):
            if link.is_symlink() and not (link.exists() and self.store.root not in link.resolve().parents):
                link.unlink()
        text = self.read(DEFAULTS).text
        if text is not None:
            self.write(DEFAULTS, daemon.without_options(text, arguments), 0o644)
        given_back = apt.restore("/systemd/system/docker.service")
        if given_back:
            _systemctl("daemon-reload")  # what runs goes on running
        return given_back

    def docker_command(self) -> str:
        """Return the command of docker.service, as others than the charm set it; "" where there is no such unit."""
        return daemon.exec_start(_systemctl("cat", "docker.service").stdout)

    def takes_daemon_json(self) -> bool:
        """Tell whether the dockerd that runs calls daemon.json right; False where it cannot tell (before 23.0)."""
        try:
            process = int(_systemctl("show", "--value", "--property=MainPID", "docker.service").stdout or 0)
            command = pathlib.Path(f"/proc/{process}/cmdline").read_text().split("\0")[:-1] if process else []
        except (OSError, ValueError):
            return False
        # With its own arguments, because dockerd takes nothing both from there and from the file.
        done = subprocess.run([*command, "--validate"], capture_output=True, check=False) if command else None
        return done is not None and done.returncode == 0

    def reload_docker(self) -> bool:
        """Have dockerd read daemon.json again; False where it is no systemd unit called docker, or does not do it."""
        return _systemctl("reload", "docker").returncode == 0

    def docker_has_failed(self) -> bool:
        """Tell whether systemd has given up starting dockerd, which nobody has stopped."""
        return _systemctl("is-failed", "--quiet", "docker.service").returncode == 0

    def restart_docker(self) -> None:
        """Restart dockerd. Raises EngineError, with its own words where it has any."""
        begin = time.time()
        _systemctl("reset-failed", "docker.service")  # what went wrong before is not to count
        done = _systemctl("restart", "docker")
        if done.returncode:
            log = _run("journalctl", "-o", "cat", f"--since=@{int(begin)}", "_SYSTEMD_UNIT=docker.service")
            words = daemon.reason(log.stdout) or daemon.reason(done.stderr)
            raise engine.EngineError(f"Docker does not start: {words}" if words else "Docker does not start")

    def keep_output(self, name: str, text: str) -> pathlib.Path:
        """Keep what an action printed in a file called *name*, for root alone; the oldest go. Raises OSError."""
        OUTPUT_FOLDER.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_file(OUTPUT_FOLDER / name, text)
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

    def make_swift_ready(self, asked: swift.Swift, environment: Mapping[str, str]) -> bool:
        """Make an empty container of Swift one that the registry takes: `openstack.make_ready`. Raises SwiftError."""
        return openstack.make_ready(asked, environment)

    def forget_probes(self, folder: str) -> None:
        """Remove what the registry over *folder* leaves of an upload that was cancelled: a file that would stay."""
        probe = pathlib.Path(folder, REPOSITORIES, switch.PROBE_REPOSITORY)
        shutil.rmtree(probe, ignore_errors=True)
        with contextlib.suppress(OSError):
            probe.parent.rmdir()

    def ensure_folder(self, folder: str) -> None:
        """Make a folder for images, unless it is there. Raises OSError."""
        pathlib.Path(folder).mkdir(mode=0o700, parents=True, exist_ok=True)

    def disk(self, storage: disk.Storage | None) -> disk.Disk:
        """Return what there is for images, on *storage* and beside it. Raises OSError."""
        if storage is None:
            return disk.Disk()
        has_images = [_has_images(folder) for folder in (storage.folder, disk.LOCAL)]
        return disk.Disk(storage, os.path.isdir(storage.folder), *has_images)


def _has_images(folder: str) -> bool:
    """Tell whether a registry over *folder* has repositories, beside that of its proof. Raises OSError."""
    try:
        with os.scandir(f"{folder}/{REPOSITORIES}") as found:
            return any(entry.name != os.path.dirname(switch.PROBE_REPOSITORY) for entry in found)
    except (FileNotFoundError, NotADirectoryError):
        return False


def _systemctl(*words: str) -> subprocess.CompletedProcess[str]:
    return _run("systemctl", *words)


def _run(program: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a program, whatever comes of it; one that is not there fails like others."""
    command = [f"{_FOLDER}/{program}", *words]
    try:
        return subprocess.run(command, check=False, capture_output=True, text=True, errors="replace")
    except FileNotFoundError as error:
        return subprocess.CompletedProcess(command, 127, "", str(error))


def _without_waiting(path: str, flags: int) -> int:
    """Open what may be a pipe that nobody writes to."""
    return os.open(path, flags | os.O_NONBLOCK)
