"""The packages of Docker: those installed, and those of the requested Docker."""

from __future__ import annotations

import contextlib
import pathlib
import platform
import shutil
from collections.abc import Iterator, Sequence

from registry.machine.apt import EXACTLY, GET, Apt, BadKey, PackageError
from registry.machine.apt_sources import AptSources
from registry.message import Message, Text
from registry.options import packages, runtime

SOCKET = pathlib.Path("/var/run/docker.sock")
SNAPS = (pathlib.Path("/snap/bin/docker"), pathlib.Path("/snap/docker/current"))
"""What the snap of Docker has on a machine."""
USERS = pathlib.Path("/run/user")
"""Folder of the sockets of Docker without root, which each of its users runs: $XDG_RUNTIME_DIR/docker.sock."""

NOT_PACKAGED = Message("Docker was not installed from packages", "Upgrade it the way it was installed")
"""The programs of Docker belong to no package of apt, for example because they are those of a snap."""

PODMAN = Message(
    "The command docker of this machine is podman's", "Remove the package podman-docker; the charm installs Docker"
)
"""podman-docker imitates Docker, and APT would remove it in favour of Docker: the owner of the machine decides that."""

SNAP = Message(
    "Docker of this machine is a snap, which cannot read the registry's files and images",
    "Remove it with `snap remove docker`; the charm installs Docker",
)
"""The snap's Docker is confined to its own folders and those in /home: what is mounted from elsewhere is empty."""

ROOTLESS = Message(
    "Docker of this machine runs without root", "Start the system's Docker: `systemctl enable --now docker`"
)
"""A user of the machine runs Docker, with his own containers and network; the charm needs the one that root runs."""


class DockerPackages:
    """Docker's packages on this machine. An error that is due to an option begins with its name."""

    def __init__(
        self,
        apt: Apt,
        sources: AptSources,
        socket: pathlib.Path = SOCKET,
        snaps: Sequence[pathlib.Path] = SNAPS,
        users: pathlib.Path = USERS,
    ) -> None:
        self._apt = apt
        self._sources = sources
        self._socket = socket
        self._snaps = snaps
        self._users = users

    def has_docker(self) -> bool:
        """Tell whether this machine has a Docker engine and its command, from any source."""
        has_engine = shutil.which("dockerd") is not None or self._socket.exists()
        return has_engine and shutil.which("docker") is not None

    def find_unusable(self) -> Text | None:
        """Return why the charm cannot use the Docker of this machine, and must not install another; else None."""
        if self._is_podman():
            return PODMAN()
        return SNAP() if self._is_snap() else None

    def find_rootless(self) -> Text | None:
        """Return a text if a user of this machine runs Docker, and root does not: for where no Docker answers."""
        is_there = self._socket.exists()
        if is_there and not self._socket.resolve().is_relative_to(self._users):
            return None
        return ROOTLESS() if is_there or any(self._users.glob("*/docker.sock")) else None

    def _is_podman(self) -> bool:
        """Tell whether this machine's command `docker` is the script of the package podman-docker."""
        path = shutil.which("docker")
        if path is None:
            return False
        with open(path, "rb") as file:
            start = file.read(1000)
        return start.startswith(b"#!") and b"podman" in start

    def _is_snap(self) -> bool:
        """Tell whether the only Docker of this machine is a snap, with its command in the search path or not."""
        path = shutil.which("dockerd")
        is_packaged = path is not None and not path.startswith("/snap/")
        return not is_packaged and any(one.exists() for one in self._snaps)

    def install(self, options: runtime.Runtime) -> None:
        """Install the requested Docker. Raises PackageError."""
        self._apt.configure()
        names = self._ensure_source(options)
        self._apt.run(*GET, "update")
        with _about("docker_runtime_package", options):
            self._apt.run(*GET, "install", "--no-install-recommends", *(names or self._distribution()))

    def simulate(self, options: runtime.Runtime) -> None:
        """Add the source of the requested Docker to apt, and simulate its installation. Raises PackageError."""
        names = self._ensure_source(options)
        with _about("docker_runtime_package", options):
            words = self._replacing(names or self._distribution())
            self._apt.run(*GET, "install", *EXACTLY, "--simulate", *words)

    def upgrade(self, options: runtime.Runtime) -> str:
        """Upgrade Docker's packages, or replace them with the requested ones; return names and versions, one per line.

        Packages on hold are upgraded too, and stay on hold. Raises PackageError.
        """
        owners = self.find()
        if not owners:
            raise PackageError(NOT_PACKAGED())
        self._apt.configure()
        requested = options.requested_packages()
        if packages.missing(requested, self._apt.read_states(requested)):
            words = self._replacing(self._ensure_source(options) or self._distribution())
        else:
            words = ["--only-upgrade", *owners]
        held = self._apt.run("apt-mark", "showhold", *owners).split()
        self._apt.run(*GET, "update")
        try:
            with _about("docker_runtime_package", options):
                self._apt.run(*GET, "install", *EXACTLY, "--no-install-recommends", *words)
        finally:
            installed = self._apt.read_states(held)
            self._apt.hold(name for name in held if name in installed)
        shown = self._apt.run("dpkg-query", "--show", "--showformat", "${Package} ${Version}\n", *self.find())
        return shown.strip()

    def find(self) -> list[str]:
        """Return the names of the packages that Docker's programs belong to, sorted."""
        programs = [shutil.which(name) for name in ("dockerd", "docker", "containerd", "runc")]
        return sorted({self._apt.find_owner(path) for path in programs if path} - {""})

    def _distribution(self) -> list[str]:
        """Return the packages of the distribution's Docker. From Debian 13, the command has a package of its own."""
        cli = self._apt.run("apt-cache", "--names-only", "search", "^docker-cli$")
        return ["docker.io", "ca-certificates", *(["docker-cli"] if cli else [])]

    def _ensure_source(self, options: runtime.Runtime) -> list[str]:
        """Add the source of the requested Docker to apt; return its packages, none for the distribution's."""
        if options.docker_runtime == runtime.AUTO:
            return []
        architecture = self._apt.run("dpkg", "--print-architecture").strip()
        origin = options.origin(architecture, platform.freedesktop_os_release()["VERSION_CODENAME"])
        try:
            self._sources.ensure("docker", [origin.source] if origin and origin.source else [])
        except BadKey as error:
            raise _named("docker_runtime_key_url", options, error) from error
        except PackageError as error:
            raise _named("docker_runtime_repo", options, error) from error
        return list(origin.packages) if origin else []

    def _replacing(self, names: Sequence[str]) -> list[str]:
        """Return apt's arguments to install *names* and remove the package of the current dockerd."""
        path = shutil.which("dockerd")
        old = self._apt.find_owner(path) if path else ""
        return [*names, *([f"{old}-"] if old and old not in map(packages.bare, names) else [])]


@contextlib.contextmanager
def _about(option: str, options: runtime.Runtime) -> Iterator[None]:
    try:
        yield
    except PackageError as error:
        raise _named(option, options, error) from error


def _named(option: str, options: runtime.Runtime, error: PackageError) -> PackageError:
    """Return the error with the option to fix in front; there is none where the distribution's Docker fails."""
    if options.docker_runtime != runtime.CUSTOM:
        option = "docker_runtime" if options.docker_runtime != runtime.AUTO else ""
    return PackageError(error.words, option)
