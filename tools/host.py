#!/usr/bin/env python3
"""Prepares this Debian or Ubuntu machine to build the charm and to run it on local machines.

Installs missing packages with apt, and starts dockerd if it does not answer. No setting is changed and no container
touched. Only the standard library is imported, because it runs with the system's Python before there is a virtual
environment.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
GIB = 1024**3

PACKAGES = {
    "debootstrap": "debootstrap",
    "docker": "docker.io",
    "dockerd": "docker.io",
    "git": "git",
    "iptables": "iptables",
    "ps": "procps",
    "skopeo": "skopeo",
    # A module, not a program: Debian's Python has venv, but no pip for it.
    "ensurepip": "python3-venv",
    # Where the kernel enables AppArmor, no container starts without its parser.
    "apparmor_parser": "apparmor",
}
"""Required programs, and the package of each."""

SPACE_DOCKER = 3 * GIB
"""Free bytes required below Docker's data root: two machine images, and a machine with a Docker of its own."""

SPACE_CHECKOUT = 1 * GIB
"""Free bytes required in the checkout: the virtual environment, the charm and the registry's archive."""

START_SECONDS = 60
"""How long dockerd may take to answer."""


class Failure(Exception):
    """A problem that the user can fix; ``str()`` says what to do."""


def run(*command: str) -> subprocess.CompletedProcess[str]:
    """Run a command and return it with its output as text; its failure is for the caller to handle."""
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}
    return subprocess.run(command, capture_output=True, text=True, errors="replace", env=environment)


def lacking() -> set[str]:
    """Return the names in PACKAGES that are missing on this machine."""
    path = f"{os.environ.get('PATH', '')}:/usr/local/sbin:/usr/sbin:/sbin"
    absent = {name for name in PACKAGES if not shutil.which(name, path=path)}
    if importlib.util.find_spec("ensurepip"):
        absent.discard("ensurepip")
    if not _apparmor_is_on():
        absent.discard("apparmor_parser")
    return absent


def packages_for(absent: Collection[str], cli_is_apart: bool) -> list[str]:
    """Return the packages, sorted, that bring what is absent.

    From Debian 13 on the `docker` command is not in docker.io but in docker-cli (cli_is_apart).
    """
    required = {PACKAGES[name] for name in absent if not (name == "docker" and cli_is_apart)}
    return sorted(required | ({"docker-cli"} if cli_is_apart and "docker" in absent else set()))


def apt_problem(packages: Collection[str], output: str) -> str:
    """Return the sentence for an apt-get install that failed, with apt's own reason from its output."""
    reasons = re.findall(r"^(?:E|Err): *(.+)$", output, flags=re.MULTILINE) or ["no reason given"]
    if "Unable to locate package" in output or "Failed to fetch" in output:
        advice = "Check the connection to the package archive (`apt-get update`), then run this again."
    else:
        advice = "Fix this, then run it again."
    return f"apt-get cannot install {' '.join(packages)}: {reasons[0].rstrip('.')}. {advice}"


def space_problem(free: Mapping[str, int], required: Mapping[str, int]) -> str | None:
    """Return the sentence for the first file system with too little space, or None.

    Both map a folder to bytes; a file system with several of the folders is one key with their sum.
    """
    for folder, need in required.items():
        if free[folder] < need:
            return (
                f"Not enough disk space: {free[folder] / GIB:.1f} GB are free at {folder}, and"
                f" {need / GIB:.0f} GB are required. Free some space, then run this again."
            )
    return None


def last_error(log: str) -> str:
    """Return the last line of dockerd's log that reports a failure, or else its last line."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    failures = [line for line in lines if re.search(r"failed|level=(error|fatal)|permission denied", line)]
    return (failures or lines or ["its log is empty"])[-1]


def docker_root() -> str | None:
    """Return the folder of Docker's data, or None if no daemon answers."""
    if not shutil.which("docker"):
        return None
    info = run("docker", "info", "--format", "{{.DockerRootDir}}")
    return info.stdout.strip() or None if info.returncode == 0 else None


def ensure_packages(say: Callable[[str], None]) -> bool:
    """Install missing packages, with progress; tell whether there were any. Raises Failure."""
    absent = lacking()
    if not absent:
        return False
    if not shutil.which("apt-get"):
        raise Failure(
            f"This machine has no apt-get. Install {', '.join(packages_for(absent, False))} yourself,"
            " or use Debian 12, Ubuntu 22.04 or later."
        )
    say("Updating the package lists")
    # An error is ignored: another archive may have all that is required.
    output = run("apt-get", "update").stderr
    packages = packages_for(absent, cli_is_apart=run("apt-cache", "show", "docker-cli").returncode == 0)
    say(f"Installing {' '.join(packages)}")
    options = ("-y", "-q", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=120")
    installed = run("apt-get", "install", *options, *packages)
    if installed.returncode != 0:
        raise Failure(apt_problem(packages, installed.stderr + output))
    return True


def start_docker(say: Callable[[str], None]) -> None:
    """Start dockerd and wait until it answers. Raises Failure."""
    if os.environ.get("DOCKER_HOST"):
        raise Failure(
            f"Docker does not answer at DOCKER_HOST={os.environ['DOCKER_HOST']}. Unset it, then run this again."
        )
    if os.path.isdir("/run/systemd/system"):
        say("Starting Docker: systemctl start docker")
        started = run("systemctl", "start", "docker")
        if started.returncode == 0 and _await_docker(lambda: True):
            return
        log = run("journalctl", "-u", "docker", "-n", "50", "-o", "cat").stdout
        raise Failure(docker_problem(log, "journalctl -u docker"))
    log_file = Path("/var/log/dockerd.log")
    say(f"Starting Docker: dockerd (log: {log_file})")
    offset = log_file.stat().st_size if log_file.exists() else 0
    with log_file.open("ab") as log_end:
        # In a session of its own, so that dockerd survives Ctrl-C and the end of this process.
        daemon = subprocess.Popen(
            ["dockerd"], stdin=subprocess.DEVNULL, stdout=log_end, stderr=log_end, start_new_session=True
        )
    if _await_docker(lambda: daemon.poll() is None):
        return
    if daemon.poll() is None:
        daemon.terminate()
    raise Failure(docker_problem(log_file.read_bytes()[offset:].decode(errors="replace"), str(log_file)))


def docker_problem(log: str, where: str) -> str:
    """Return the sentence for a Docker daemon that does not start; *where* is its log."""
    return (
        f"Docker does not start: {last_error(log).rstrip('.')}. Fix this (complete log: {where}),"
        " or use a virtual machine."
    )


def file_systems(required: Mapping[str, int]) -> dict[str, int]:
    """Return the required bytes per file system, by its first folder that exists."""
    sums: dict[int, tuple[str, int]] = {}
    for folder, need in required.items():
        existing = next(path for path in (Path(folder), *Path(folder).parents) if path.exists())
        first, before = sums.get(existing.stat().st_dev, (str(existing), 0))
        sums[existing.stat().st_dev] = (first, before + need)
    return dict(sums.values())


def ensure_space(docker_folder: str) -> None:
    """Raise Failure if the disk has too little space for Docker's data or for the checkout."""
    required = file_systems({docker_folder: SPACE_DOCKER, str(CHECKOUT): SPACE_CHECKOUT})
    problem = space_problem({folder: shutil.disk_usage(folder).free for folder in required}, required)
    if problem:
        raise Failure(problem)


def prepare(say: Callable[[str], None]) -> None:
    """Prepare this machine, with progress. Raises Failure."""
    if os.geteuid() != 0:
        raise Failure("Only root can install packages and start Docker. Run this as root, for example with sudo.")
    root = docker_root()
    ensure_space(root or "/var/lib/docker")
    ensure_packages(say)
    if not root:
        start_docker(say)


def _apparmor_is_on() -> bool:
    switch = Path("/sys/module/apparmor/parameters/enabled")
    return switch.exists() and switch.read_text().startswith("Y")


def _await_docker(is_alive: Callable[[], bool]) -> bool:
    """Wait until Docker answers; False after START_SECONDS, or 5 s after its process has ended.

    The 5 s are for a daemon that the package has just started: then ours ends, and that one answers.
    """
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if docker_root():
            return True
        if not is_alive():
            end = min(end, time.monotonic() + 5)
        time.sleep(0.2)
    return False


def main() -> int:
    """Prepare this machine; return 0, or 1 after a failure, which is printed."""
    try:
        prepare(lambda line: print(line, flush=True))
    except Failure as failure:
        print(failure, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    print("This machine is ready.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
