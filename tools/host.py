#!/usr/bin/env python3
"""Makes this Debian or Ubuntu machine able to build the charm and to run it on local machines.

Installs what is missing with apt, and starts dockerd when it does not answer. What is there stays as it is:
no setting is changed, no container touched. Only the standard library is imported, and no module of the
project: it runs with the system's Python before there is a virtual environment.
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
    # The module, not a program: Debian's Python has venv, but not what fills one.
    "ensurepip": "python3-venv",
    # A kernel with AppArmor on refuses to start any container without its parser.
    "apparmor_parser": "apparmor",
}
"""What has to be there, and the package that brings it."""

SPACE_DOCKER = 3 * GIB
"""Free bytes wanted below Docker's data root: two machine images, and a machine with a Docker of its own."""

SPACE_CHECKOUT = 1 * GIB
"""Free bytes wanted in the checkout: the virtual environment, the charm and the registry's archive."""

START_SECONDS = 60
"""How long dockerd may take to answer."""


class Trouble(Exception):
    """What keeps the work from going on, as one sentence that says what to do."""


def run(*command: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end and return it with its output as text; a failure is for the caller to see."""
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}
    return subprocess.run(command, capture_output=True, text=True, errors="replace", env=environment)


def lacking() -> set[str]:
    """Return the names in PACKAGES that this machine has not."""
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
    wanted = {PACKAGES[name] for name in absent if not (name == "docker" and cli_is_apart)}
    return sorted(wanted | ({"docker-cli"} if cli_is_apart and "docker" in absent else set()))


def apt_problem(packages: Collection[str], output: str) -> str:
    """Return the sentence for an apt-get install that failed, with apt's own reason from its output."""
    reasons = re.findall(r"^(?:E|Err): *(.+)$", output, flags=re.MULTILINE) or ["it gives no reason"]
    if "Unable to locate package" in output or "Failed to fetch" in output:
        advice = "See that this machine reaches its package archive (apt-get update), then run this again."
    else:
        advice = "Put that right, then run this again."
    return f"apt-get cannot install {' '.join(packages)}: {reasons[0].rstrip('.')}. {advice}"


def space_problem(free: Mapping[str, int], wanted: Mapping[str, int]) -> str | None:
    """Return the sentence for the first file system with too little room, or None.

    Both map a folder to bytes; a file system that holds several of the folders is one key with their sum.
    """
    for folder, need in wanted.items():
        if free[folder] < need:
            return (
                f"The disk is nearly full: {free[folder] / GIB:.1f} GB are free at {folder}, and"
                f" {need / GIB:.0f} GB are needed; make room there, then run this again."
            )
    return None


def last_error(log: str) -> str:
    """Return the last line of dockerd's log that tells of a failure, or else its last line."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    failures = [line for line in lines if re.search(r"failed|level=(error|fatal)|permission denied", line)]
    return (failures or lines or ["its log is empty"])[-1]


def docker_root() -> str | None:
    """Return the folder where Docker keeps its data, or None when no daemon answers."""
    if not shutil.which("docker"):
        return None
    asked = run("docker", "info", "--format", "{{.DockerRootDir}}")
    return asked.stdout.strip() or None if asked.returncode == 0 else None


def ensure_packages(say: Callable[[str], None]) -> bool:
    """Install what is missing, and say so; return True if there was anything to install. Raises Trouble."""
    absent = lacking()
    if not absent:
        return False
    if not shutil.which("apt-get"):
        raise Trouble(
            f"This machine has no apt-get: install {', '.join(packages_for(absent, False))} by hand,"
            " or use Debian 12 or Ubuntu 22.04 or later."
        )
    say("Updating the package lists")
    # A list that cannot be had is no veto: another archive may have all that is needed.
    output = run("apt-get", "update").stderr
    packages = packages_for(absent, cli_is_apart=run("apt-cache", "show", "docker-cli").returncode == 0)
    say(f"Installing {' '.join(packages)}")
    options = ("-y", "-q", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=120")
    installed = run("apt-get", "install", *options, *packages)
    if installed.returncode != 0:
        raise Trouble(apt_problem(packages, installed.stderr + output))
    return True


def start_docker(say: Callable[[str], None]) -> None:
    """Start dockerd and wait until it answers. Raises Trouble."""
    if os.environ.get("DOCKER_HOST"):
        raise Trouble(f"No Docker answers at DOCKER_HOST={os.environ['DOCKER_HOST']}: unset it, then run this again.")
    if os.path.isdir("/run/systemd/system"):
        say("Starting Docker: systemctl start docker")
        started = run("systemctl", "start", "docker")
        if started.returncode == 0 and _await_docker(lambda: True):
            return
        log = run("journalctl", "-u", "docker", "-n", "50", "-o", "cat").stdout
        raise Trouble(docker_problem(log, "journalctl -u docker"))
    log_file = Path("/var/log/dockerd.log")
    say(f"Starting Docker: dockerd (its log: {log_file})")
    offset = log_file.stat().st_size if log_file.exists() else 0
    with log_file.open("ab") as log_end:
        # A session of its own: neither Ctrl-C here nor the end of this process is the end of dockerd.
        daemon = subprocess.Popen(
            ["dockerd"], stdin=subprocess.DEVNULL, stdout=log_end, stderr=log_end, start_new_session=True
        )
    if _await_docker(lambda: daemon.poll() is None):
        return
    if daemon.poll() is None:
        daemon.terminate()
    raise Trouble(docker_problem(log_file.read_bytes()[offset:].decode(errors="replace"), str(log_file)))


def docker_problem(log: str, where: str) -> str:
    """Return the sentence for a Docker daemon that does not start; where names its log."""
    return (
        f"Docker does not start here: {last_error(log).rstrip('.')}. Put that right (the whole log: {where}),"
        " or use a virtual machine, where Docker is known to run."
    )


def file_systems(wanted: Mapping[str, int]) -> dict[str, int]:
    """Return the bytes wanted by file system: wanted's folders, or those above them, that are on one as one."""
    sums: dict[int, tuple[str, int]] = {}
    for folder, need in wanted.items():
        there = next(path for path in (Path(folder), *Path(folder).parents) if path.exists())
        first, before = sums.get(there.stat().st_dev, (str(there), 0))
        sums[there.stat().st_dev] = (first, before + need)
    return dict(sums.values())


def ensure_space(docker_folder: str) -> None:
    """Raise Trouble if the disk has too little room for Docker's data or for the checkout."""
    wanted = file_systems({docker_folder: SPACE_DOCKER, str(CHECKOUT): SPACE_CHECKOUT})
    problem = space_problem({folder: shutil.disk_usage(folder).free for folder in wanted}, wanted)
    if problem:
        raise Trouble(problem)


def prepare(say: Callable[[str], None]) -> None:
    """Make this machine able to run it all, and say each thing that is done. Raises Trouble."""
    if os.geteuid() != 0:
        raise Trouble("Only root can install packages and start Docker: run it as root, e.g. with sudo.")
    root = docker_root()
    ensure_space(root or "/var/lib/docker")
    ensure_packages(say)
    if not root:
        start_docker(say)


def _apparmor_is_on() -> bool:
    switch = Path("/sys/module/apparmor/parameters/enabled")
    return switch.exists() and switch.read_text().startswith("Y")


def _await_docker(is_alive: Callable[[], bool]) -> bool:
    """Wait until Docker answers; False when the time is over, or 5 s after its process has ended.

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
    """Prepare this machine; 0 when it is ready, 1 with a sentence when it cannot be."""
    try:
        prepare(lambda line: print(line, flush=True))
    except Trouble as trouble:
        print(trouble, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    print("This machine is ready.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
