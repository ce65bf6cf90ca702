"""Debian packages of Docker, through apt and dpkg."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess

SOCKET = pathlib.Path("/var/run/docker.sock")
# apt waits for other runs of itself; nothing ever asks a question, and changed configuration files stay as they are.
_APT = (
    "/usr/bin/apt-get",
    "--yes",
    "--quiet",
    "-o",
    "DPkg::Lock::Timeout=300",
    "-o",
    "Dpkg::Options::=--force-confold",
)


class PackageError(Exception):
    """apt or dpkg failed; ``str()`` is a clause with their own last words."""


def docker_is_there() -> bool:
    """Tell whether this machine has a Docker engine and its command, wherever they came from."""
    engine = shutil.which("dockerd") is not None or SOCKET.exists()
    return engine and shutil.which("docker") is not None


def install_docker() -> None:
    """Install the distribution's Docker. Raises PackageError."""
    _run(*_APT, "update")
    wanted = ["docker.io", "ca-certificates"]
    # From Debian 13 on the command is a package of its own, and only recommended.
    if _run("/usr/bin/apt-cache", "--names-only", "search", "^docker-cli$"):
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
    _run(*_APT, "update")
    _run(*_APT, "install", "--only-upgrade", "--no-install-recommends", *names)
    return _run("/usr/bin/dpkg-query", "--show", "--showformat", "${Package} ${Version}\n", *names).strip()


def _owner(path: str) -> str:
    """Return the package that *path* belongs to, or an empty string."""
    found = subprocess.run(
        ["/usr/bin/dpkg-query", "--search", os.path.realpath(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    return found.stdout.partition(":")[0]


def _run(*command: str) -> str:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode != 0:
        lines = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        raise PackageError(lines[-1].removeprefix("E: ") if lines else f"{command[0]} failed ({done.returncode})")
    return done.stdout
