"""The images of machines: made of this host's own distribution, from where the host itself gets packages.

`localjuju:<suite>` is bare, `localjuju:<suite>-docker` has Docker in it and is what deploy takes by default.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from localjuju import JujuError
from localjuju.docker import docker, docker_or_none, running
from localjuju.imagename import host_suite, os_release
from localjuju.store import alone

PACKAGES = (
    "systemd-sysv,dbus,procps,python3,iproute2,iptables,ca-certificates,sudo,kmod,less,netbase,curl,openssl,"
    "lsb-release,iputils-ping"
)
# charmhelpers refuses to work on what does not call itself Ubuntu; the release whose Python and Docker are nearest.
UBUNTU_OF = {"bookworm": ("22.04", "jammy"), "trixie": ("24.04", "noble")}
RECIPE = "2"
"""Raised when images made before are no longer good."""
NAMED = re.compile(r"localjuju:([a-z]+)(-docker)?$")


def ensure(name: str) -> None:
    """Make the image if it is one of ours and missing or outdated."""
    if _is_good(name):
        return
    with alone():  # another command may be making it for another model
        _ensure(name)


def _is_good(name: str) -> bool:
    label = docker_or_none("image", "inspect", "-f", '{{index .Config.Labels "localjuju.recipe"}}', name)
    return label is not None and (NAMED.match(name) is None or label == RECIPE)


def _ensure(name: str) -> None:
    ours = NAMED.match(name)
    if _is_good(name):
        return
    if ours is None:
        raise JujuError(f'image "{name}" not found on this host')
    bare = f"localjuju:{ours[1]}"
    if ours[2]:
        _ensure(bare)
        _add_docker(bare, name)
    else:
        _make(ours[1], bare)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _make(suite: str, name: str) -> None:
    running()
    if os.geteuid() != 0:
        raise JujuError("making a machine image needs root: run this as root, or with sudo")
    if shutil.which("debootstrap") is None:
        raise JujuError("debootstrap is not installed: apt-get install debootstrap, and try again")
    _say(f"Making the machine image {name} (about a minute, once)")
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="localjuju-") as folder:
        root = Path(folder) / "root"
        sources = _sources(suite)
        _run("debootstrap", "--variant=minbase", f"--include={PACKAGES}", suite, str(root), _mirror(sources, suite))
        _furnish(root, sources)
        base = _name_itself(root, suite)
        labels = [f"LABEL localjuju.recipe={RECIPE}", f"LABEL localjuju.base=ubuntu@{base}"]
        changes = [part for change in ['CMD ["/sbin/init"]', *labels] for part in ("-c", change)]
        with subprocess.Popen(
            [
                "tar",
                "-C",
                str(root),
                "--exclude=./var/cache/apt/*.bin",
                "--exclude=./var/cache/apt/archives/*.deb",
                "-c",
                ".",
            ],
            stdout=subprocess.PIPE,
        ) as tar:
            _run("docker", "import", *changes, "-", name, stdin=tar.stdout)
        if tar.returncode:
            raise JujuError(f"tar of the machine image {name} failed")


def _add_docker(bare: str, name: str) -> None:
    _say(f"Adding Docker to the machine image: {name}")
    # There the command is a package of its own from trixie on.
    script = (
        "set -e; export DEBIAN_FRONTEND=noninteractive; extra=; "
        'if [ -n "$(apt-cache show docker-cli 2>/dev/null)" ]; then extra=docker-cli; fi; '
        "apt-get install -y --no-install-recommends docker.io $extra; apt-get clean; rm -f /var/cache/apt/*.bin"
    )
    container = docker("create", "--network", "host", bare, "sh", "-c", script)
    try:
        _run("docker", "start", "-a", container)
        docker("commit", "-c", 'CMD ["/sbin/init"]', container, name)
    finally:
        docker("rm", "-f", "-v", container)


def _run(*argv: str, stdin: object = subprocess.DEVNULL) -> None:
    """Run a step; its output is shown only when it fails."""
    done = subprocess.run(
        argv,
        stdin=stdin,
        stdout=subprocess.PIPE,  # type: ignore[call-overload]
        stderr=subprocess.STDOUT,
    )
    if done.returncode:
        last = "\n".join(done.stdout.decode(errors="replace").splitlines()[-15:])
        raise JujuError(f"{argv[0]} failed:\n{last}")


def _sources(suite: str) -> dict[str, str]:
    """File name -> text of the host's own package sources, for `suite` instead of the host's."""
    etc = Path("/etc/apt")
    names = ["sources.list", "sources.list.d/debian.sources", "sources.list.d/ubuntu.sources"]
    found = {name: (etc / name).read_text() for name in names if (etc / name).exists()}
    return {name: re.sub(rf"\b{host_suite()}\b", suite, text) for name, text in found.items()}


def _mirror(sources: dict[str, str], suite: str) -> str:
    """The first mirror of `suite` in the sources, in either of apt's formats."""
    patterns = (
        rf"^URIs:\s*(\S+)[^\n]*\n(?:[^\n]+\n)*?Suites:[^\n]*\b{suite}(?:\s|$)",
        rf"^deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+{suite}\s",
    )
    for text in sources.values():
        for pattern in patterns:
            if found := re.search(pattern, text, re.M):
                return found[1]
    raise JujuError(f"no mirror for {suite} in the package sources of this host (/etc/apt)")


def _furnish(root: Path, sources: dict[str, str]) -> None:
    """Packages as the host gets them, its own certificate authorities, and the user that cloud images have."""
    for stale in [root / "etc/apt/sources.list", *(root / "etc/apt/sources.list.d").glob("*")]:
        stale.unlink(missing_ok=True)
    for name, text in sources.items():
        (root / "etc/apt" / name).write_text(text)
    settings = subprocess.run(["apt-config", "dump"], check=True, capture_output=True, text=True).stdout
    kept = [
        line
        for line in settings.splitlines()
        if line.startswith("Acquire::") and not line.startswith(("Acquire::IndexTargets", "Acquire::Changelogs"))
    ]
    (root / "etc/apt/apt.conf.d/80host").write_text("\n".join(kept) + "\n")
    authorities = Path("/usr/local/share/ca-certificates")
    if authorities.exists():
        shutil.copytree(authorities, root / "usr/local/share/ca-certificates", dirs_exist_ok=True)
    for line in (
        "update-ca-certificates",
        "useradd -m -s /bin/bash -G sudo ubuntu",
        "systemctl mask systemd-udevd.service systemd-udevd-control.socket systemd-udevd-kernel.socket "
        "console-getty.service getty.target systemd-logind.service",
    ):
        _run("chroot", str(root), *line.split())
    (root / "etc/sudoers.d/ubuntu").write_text("ubuntu ALL=(ALL) NOPASSWD:ALL\n")
    for name, text in (("hostname", "localhost\n"), ("machine-id", ""), ("resolv.conf", "")):
        (root / "etc" / name).write_text(text)
    for cached in (root / "var/cache/apt/archives").glob("*.deb"):
        cached.unlink()
    shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
    _run("chroot", str(root), "apt-get", "update")
    (root / "etc/resolv.conf").write_text("")


def _name_itself(root: Path, suite: str) -> str:
    """Let a Debian call itself Ubuntu; the release's number."""
    facts = os_release(root)
    if facts["ID"] == "ubuntu":
        return facts["VERSION_ID"]
    number, codename = UBUNTU_OF.get(suite, ("24.04", "noble"))
    named = {
        "PRETTY_NAME": f'"Ubuntu {number}"',
        "NAME": '"Ubuntu"',
        "VERSION_ID": f'"{number}"',
        "VERSION": f'"{number} ({codename})"',
        "VERSION_CODENAME": codename,
        "ID": "ubuntu",
        "ID_LIKE": "debian",
        "UBUNTU_CODENAME": codename,
    }
    lsb = {
        "DISTRIB_ID": "Ubuntu",
        "DISTRIB_RELEASE": number,
        "DISTRIB_CODENAME": codename,
        "DISTRIB_DESCRIPTION": f'"Ubuntu {number}"',
    }
    for path, content in (("etc/os-release", named), ("etc/lsb-release", lsb)):
        (root / path).unlink(missing_ok=True)
        (root / path).write_text("".join(f"{name}={value}\n" for name, value in content.items()))
    return number
