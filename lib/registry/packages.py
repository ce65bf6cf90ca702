"""Debian packages of Docker, through apt and dpkg."""

from __future__ import annotations

import contextlib
import os
import pathlib
import re
import shutil
import subprocess
import time

SOCKET = pathlib.Path("/var/run/docker.sock")
# Nothing ever asks a question, and changed configuration files stay as they are.
_APT = ("apt-get", "--yes", "--quiet", "-o", "DPkg::Lock::Timeout=300", "-o", "Dpkg::Options::=--force-confold")
_FOLDER = "/usr/bin"
# apt itself waits for dpkg's locks, but not for that of its lists; dpkg waits for none.
_LOCKED = re.compile(r"Could not get lock|Unable to lock|lock (?:is|was) locked by another process")
_LOCK_SECONDS = 300
_RETRY_SECONDS = 3


class PackageError(Exception):
    """apt or dpkg failed; ``str()`` is a clause with their own last words."""


def docker_is_there() -> bool:
    """Tell whether this machine has a Docker engine and its command, wherever they came from."""
    engine = shutil.which("dockerd") is not None or SOCKET.exists()
    return engine and shutil.which("docker") is not None


def install_docker() -> None:
    """Install the distribution's Docker. Raises PackageError."""
    _configure()
    _run(*_APT, "update")
    wanted = ["docker.io", "ca-certificates"]
    # From Debian 13 on the command is a package of its own, and only recommended.
    if _run("apt-cache", "--names-only", "search", "^docker-cli$"):
        wanted.append("docker-cli")
    _run(*_APT, "install", "--no-install-recommends", *wanted)


def upgrade_docker() -> str:
    """Upgrade the packages that Docker's programs came from; return their names and versions, one a line.

    Raises PackageError.
    """
    programs = [shutil.which(name) for name in ("dockerd", "docker", "containerd", "runc")]
    owners = {_owner(path) for path in programs if path} - {""}
    if not owners:
        raise PackageError("Docker was not installed from packages; upgrade it the way it was installed")
    names = sorted(owners)
    _configure()
    _run(*_APT, "update")
    _run(*_APT, "install", "--only-upgrade", "--no-install-recommends", *names)
    return _run("dpkg-query", "--show", "--showformat", "${Package} ${Version}\n", *names).strip()


def finish() -> bool:
    """Finish an installation that a reboot cut off; tell whether there was one. Raises PackageError."""
    if not _run("dpkg", "--audit").strip():
        return False
    _configure()
    _run(*_APT, "--fix-broken", "--no-remove", "install")
    return True


def _configure() -> None:
    """Configure what was unpacked only: apt does nothing else before. What needs more packages is left to apt."""
    with contextlib.suppress(PackageError):
        _run("dpkg", "--configure", "-a", "--force-confold")


def _owner(path: str) -> str:
    """Return the package that *path* belongs to, or an empty string."""
    found = subprocess.run(
        [f"{_FOLDER}/dpkg-query", "--search", os.path.realpath(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    return found.stdout.partition(":")[0]


def _run(program: str, *words: str) -> str:
    """Run the program, again and again for a while as long as another apt or dpkg holds a lock that it needs."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}
    end = time.monotonic() + _LOCK_SECONDS
    while True:
        command = [f"{_FOLDER}/{program}", *words]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False, env=environment)
        if done.returncode == 0:
            return done.stdout
        if not _LOCKED.search(done.stderr) or time.monotonic() >= end:
            raise PackageError(_last_words(done.stderr or done.stdout) or f"{program} failed ({done.returncode})")
        time.sleep(_RETRY_SECONDS)


def _last_words(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    errors = [line.removeprefix("E: ") for line in lines if line.startswith(("E: ", "dpkg: error"))]
    return [*lines, *errors][-1] if lines else ""
