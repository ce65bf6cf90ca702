"""Images of machines that have the packages of a stand-in charm already: apt would take longer than most tests.

A stand-in lists its packages in a file `packages`, installs what is missing itself, and so works without such an image.
"""

from __future__ import annotations

import fcntl
import hashlib
import pathlib
import tempfile
import zipfile
from collections.abc import Mapping

import images
import yaml

from localjuju import image, imagename
from localjuju.docker import docker, docker_or_none

LABEL = "localjuju.prepared-for"
NEWEST_DOCKER = """set -e; export DEBIAN_FRONTEND=noninteractive; cd /etc/apt/sources.list.d
mirror=$(sed -n "s/^URIs: *//p" *.sources | head -1)
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror sid main" >sid.list
printf "#!/bin/sh\\nexit 101\\n" >/usr/sbin/policy-rc.d; chmod 755 /usr/sbin/policy-rc.d
apt-get update -q; apt-get install -q -y --no-install-recommends -t sid docker.io docker-cli containerd runc
rm /usr/sbin/policy-rc.d sid.list; apt-get clean"""
"""Script that installs it; nothing is started in the container."""


def constraints(charm: str | pathlib.Path) -> dict[str, str]:
    """Return the constraint that has a charm deployed to its image, which is made if need be; none for most charms."""
    with zipfile.ZipFile(charm) as archive:
        if "packages" not in archive.namelist():
            return {}
        packages = archive.read("packages").decode().split()
        name = yaml.safe_load(archive.read("metadata.yaml"))["name"]
    return {"image-id": with_packages(name, packages)}


def with_packages(name: str, packages: list[str]) -> str:
    """Return the image of a machine that has these packages; it is made if need be."""
    base = imagename.resolve("")
    image.ensure(base)
    origin = docker("image", "inspect", "-f", "{{.Id}}", base)
    key = hashlib.sha256(" ".join([origin, *packages]).encode()).hexdigest()
    tag = f"localjuju-prepared:{name}-{key[:12]}"
    with (images.CACHE / f"prepared-{name}").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)  # tests that run side by side want the same
        if docker_or_none("image", "inspect", "-f", "{{.Id}}", tag) is None:
            _make(tag, base, name, packages)
    return tag


def newest_docker() -> str:
    """Return the image of a machine with the newest Docker that Debian has, on its newest stable release."""
    base = "localjuju:trixie"
    image.ensure(base)
    key = docker("image", "inspect", "-f", "{{.Id}}", base).removeprefix("sha256:")
    tag = f"localjuju-prepared:docker-{key[:12]}"
    with (images.CACHE / "prepared-docker").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if docker_or_none("image", "inspect", "-f", "{{.Id}}", tag) is None:
            _run_and_commit(tag, base, "docker", NEWEST_DOCKER)
    return tag


def with_files(name: str, files: Mapping[str, str], suite: str = "") -> str:
    """Return the image of a machine with Docker whose owner has written these *files*; it is made anew each time."""
    base = imagename.resolve(suite)
    image.ensure(base)
    container = docker("create", base)
    try:
        with tempfile.TemporaryDirectory() as folder:
            for path, text in files.items():
                file = pathlib.Path(folder, path.lstrip("/"))
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text)
            docker("cp", f"{folder}/.", f"{container}:/")
        docker("commit", container, f"localjuju-prepared:{name}")
    finally:
        docker("rm", "-f", "-v", container)
    return f"localjuju-prepared:{name}"


def _make(tag: str, base: str, name: str, packages: list[str]) -> None:
    """Make an image, in place of those that were for other packages or another base."""
    script = (
        "set -e; export DEBIAN_FRONTEND=noninteractive; apt-get update -q; "
        'apt-get install -q -y --no-install-recommends "$@"; apt-get clean'
    )
    _run_and_commit(tag, base, name, script, *packages)


def _run_and_commit(tag: str, base: str, name: str, script: str, *words: str) -> None:
    for other in docker("images", "-q", "--filter", f"label={LABEL}={name}").split():
        docker_or_none("rmi", other)
    container = docker("create", "--network", "host", base, "sh", "-c", script, "sh", *words)
    try:
        docker("start", "-a", container)
        docker("commit", "-c", 'CMD ["/sbin/init"]', "-c", f"LABEL {LABEL}={name}", container, tag)
    finally:
        docker("rm", "-f", "-v", container)
