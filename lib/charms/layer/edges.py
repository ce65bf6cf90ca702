"""The unit's machine: all that the charm touches outside its own process, part by part."""

from __future__ import annotations

import math
import pathlib
from collections.abc import Mapping, Sequence

from registry.client import api, openstack
from registry.client.content import PAGE, Content
from registry.client.http import Connection
from registry.client.trial import Trial
from registry.client.upstream import Access, Upstream
from registry.deadline import Deadline
from registry.deployment import bridge, credentials, outside, store
from registry.formats import certificates, htpasswd, relations
from registry.machine import openssl
from registry.machine.apt import Apt, PackageError
from registry.machine.apt_sources import AptSources
from registry.machine.checks import Checks
from registry.machine.content_files import ContentFiles
from registry.machine.docker_packages import DockerPackages
from registry.machine.dockerd import Dockerd
from registry.machine.engine import Engine, EngineError
from registry.machine.exporter import Metrics
from registry.machine.files import LocalFiles
from registry.machine.folders import Folders
from registry.machine.ownership import Ownership
from registry.machine.ports import Ports
from registry.machine.predecessor import Predecessor
from registry.machine.processes import Processes
from registry.machine.records import Records
from registry.machine.short_sources import ShortSources
from registry.machine.systemd import Systemd
from registry.machine.timers import Timers
from registry.options import swift
from registry.release import container

PATIENCE = 600
"""Seconds in which a registry answers an action: in an object store, it copies a blob that was pushed, and reads all
tags of a repository one by one before it deletes an image."""


class Machine:
    """The machine as it is. Tests have another one, in memory, with the same parts."""

    def __init__(self) -> None:
        self.deadline = Deadline()
        """The end of all waits of this hook: `begin` renews it."""
        systemd = Systemd()
        self.store = store.Store()
        self.credentials = credentials.Credentials()
        self.files = LocalFiles()
        self.folders = Folders()
        self.ownership = Ownership()
        self.ports = Ports()
        self.outside = outside.Outside()
        self.records = Records()
        self.apt = Apt()
        self.apt_sources = AptSources(self.apt)
        self.short_sources = ShortSources(self.apt, self.records)
        self.docker_packages = DockerPackages(self.apt, self.apt_sources)
        self.dockerd = Dockerd(systemd)
        self.processes = Processes(container.PROCESS, container.CONFIG_FOLDER)
        self.checks = Checks(self.files, self.records, systemd)
        self.metrics = Metrics(self.files, self.records, systemd, self.ports)
        self.timers = Timers(self.files, self.records, systemd)
        self.predecessor = Predecessor(self.store.root, self.files, self.apt, systemd)

    def begin(self) -> None:
        """Begin a hook or an action."""
        self.deadline = Deadline()

    def connect(self) -> Engine:
        """Connect to Docker, and finish its installation first where that was interrupted. Raises EngineError."""
        try:
            return Engine(self.deadline)
        except EngineError as down:
            try:
                if not self.apt.finish():
                    raise
            except PackageError as error:
                raise EngineError(f"{down}, and its installation cannot be finished: {error}") from error
            return Engine(self.deadline)

    def bridge(self) -> bridge.Bridge:
        """Return the bridge that redirects connections during a switch."""
        return bridge.Bridge()

    def client(
        self, url: str, user: htpasswd.User, certificate: str | None, deadline: Deadline | None = None
    ) -> api.Api:
        """Return a client for the registry at *url*, which authenticates as *user* where needed: see `api.Api`.

        Its requests end with the *deadline*, or with that of the hook.
        """
        deadline = deadline or self.deadline
        return api.Api(Connection(url, user, certificate, self._identity(), deadline, keep_alive=False))

    def content(self, url: str, user: htpasswd.User, certificate: str | None, page: int = PAGE) -> Content:
        """Return a client for what is in the registry at *url*, as *user*: an action may take as long as it needs.

        It requests lists in pages of at most *page* entries.
        """
        connection = Connection(url, user, certificate, self._identity(), Deadline(math.inf), PATIENCE)
        return Content(connection, min(page, PAGE))

    def upstream(self, host: str, access: Access) -> Content:
        """Return a client for what is in the registry *host*, elsewhere."""
        return Content(Upstream(host, access))

    def trial(self, url: str, user: htpasswd.User) -> Trial:
        """Return what tries the storage of the registry at *url*, as *user*."""
        # The manifest goes with its thousand tags, one after the other.
        return Trial(Connection(url, user, deadline=Deadline(math.inf), seconds=600))

    def content_files(self, folder: str) -> ContentFiles:
        """Return the files with the content of a registry on this machine."""
        return ContentFiles(folder)

    def _identity(self) -> pathlib.Path | None:
        identity = self.credentials.identity_file
        return identity if identity.exists() else None

    def ensure_identity(self, name: str) -> str:
        """Return the charm's own client certificate, created for *name* once. Raises OSError."""
        return certificates.bundle(self.credentials.identity(lambda: openssl.identity(name)))

    def make_request(self, names: Sequence[str]) -> relations.Request:
        """Return a new key with the request for a certificate of *names*, saved until the next one. Raises OSError."""
        request = openssl.request(names)
        self.credentials.save_request(request)
        return request

    def ensure_swift_ready(self, options: swift.Swift, environment: Mapping[str, str], ca: str) -> bool:
        """Prepare an empty container of Swift for the registry: `openstack.ensure_ready`. Raises SwiftError."""
        return openstack.ensure_ready(options, environment, ca, self.deadline)
