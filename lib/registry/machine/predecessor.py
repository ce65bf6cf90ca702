"""Files that the predecessor of this charm wrote for Docker, NRPE and the registry."""

from __future__ import annotations

import glob
import pathlib
from collections.abc import Sequence

from registry.formats import daemon, nrpe
from registry.machine.apt import Apt
from registry.machine.files import LocalFiles, UnreadableError
from registry.machine.systemd import Systemd

CERTS_FOLDER = "/etc/docker/certs.d"
DEFAULTS = "/etc/default/docker"
DOCKER_SERVICE = "/systemd/system/docker.service"
"""The end of its path, which begins with /lib or /usr/lib."""


class Predecessor:
    """The predecessor's files; *registry* is the folder of the registry's configuration. Tests use another *root*."""

    def __init__(
        self, registry: pathlib.Path, files: LocalFiles, apt: Apt, systemd: Systemd, root: pathlib.Path | None = None
    ) -> None:
        self._registry = registry
        self._files = files
        self._apt = apt
        self._systemd = systemd
        self._root = str(root or "")

    def remove(self, arguments: Sequence[str]) -> str:
        """Remove its files, and return the path that was restored from its package, "" if none was.

        The *arguments* of dockerd are now in the charm's drop-in. Raises OSError, PackageError.
        """
        for name in ("htpasswd", "auth_token.pem"):
            (self._registry / name).unlink(missing_ok=True)
        for pattern in nrpe.PREDECESSORS:
            for path in glob.glob(self._root + pattern):
                self._files.remove(path)
        self._remove_links()
        self._remove_arguments(arguments)
        restored = self._apt.restore(DOCKER_SERVICE)
        if restored:
            self._systemd.systemctl("daemon-reload")  # running services continue
        return restored

    def _remove_links(self) -> None:
        """Remove its links for Docker's clients, to the registry's certificate or dangling, which makes Docker fail."""
        for link in pathlib.Path(self._root + CERTS_FOLDER).glob("*/client.*"):
            if link.is_symlink() and not (link.exists() and self._registry not in link.resolve().parents):
                link.unlink()

    def _remove_arguments(self, arguments: Sequence[str]) -> None:
        path = self._root + DEFAULTS
        try:
            text = self._files.read(path)
        except UnreadableError:
            return
        if text is not None:
            self._files.ensure(path, daemon.without_options(text, arguments), 0o644)
