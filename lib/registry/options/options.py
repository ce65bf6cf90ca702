"""The charm's options as one typed value, and what is wrong with it.

A theme of options is a module of its own; here they come together.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Callable, Mapping
from typing import Any

from registry.formats import addresses
from registry.formats.relations import Bucket
from registry.images import reference
from registry.options.authentication import Authentication
from registry.options.cache import Cache
from registry.options.checks import port_problem, range_problem
from registry.options.limits import Limits
from registry.options.monitoring import Monitoring
from registry.options.nagios import Naming
from registry.options.proxies import Proxies
from registry.options.runtime import Runtime
from registry.options.secrets import reveal
from registry.options.storage import Storage
from registry.options.tls import Tls
from registry.options.website import Website

DEFAULT_IMAGE = "registry:2"
DRAIN_LIMIT = 600
"""Seconds. Juju lets nothing else happen on the machine meanwhile."""


@dataclasses.dataclass(frozen=True)
class Options:
    """What the operator asks for. Unset and empty options are None here, and nowhere else."""

    authentication: Authentication
    cache: Cache
    limits: Limits
    monitoring: Monitoring
    naming: Naming
    """In Nagios."""
    runtime: Runtime
    storage: Storage
    tls: Tls
    website: Website
    drain_timeout: int
    """Seconds that transfers have to end when the container is replaced."""
    http_host: str | None
    """URL at which clients reach the registry."""
    registry_image: str
    """Image of the registry."""
    registry_name: str
    """Name of its container."""
    registry_port: int
    """Port of the machine at which it answers."""
    registry_proxies: Proxies
    """Ways out for the registry that are not Docker's."""
    unread: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Options whose Juju secret cannot be read, each with a clause."""

    @classmethod
    def from_config(cls, config: Mapping[str, Any], read: Callable[[str], Mapping[str, str]] | None = None) -> Options:
        """Read the values of config.yaml's options; *config* has each of them.

        *read* returns what is in the Juju secret of a URI, or raises SecretError.
        """
        config, unread = reveal(config, read) if read else (config, {})
        return cls(
            authentication=Authentication.from_config(config),
            cache=Cache.from_config(config),
            limits=Limits.from_config(config),
            monitoring=Monitoring.from_config(config),
            naming=Naming.from_config(config),
            runtime=Runtime.from_config(config),
            storage=Storage.from_config(config),
            tls=Tls.from_config(config),
            website=Website.from_config(config),
            drain_timeout=int(config["drain-timeout"] or 0),
            http_host=config["http-host"] or None,
            registry_image=config["registry-image"] or "",
            registry_name=config["registry-name"] or "",
            registry_port=int(config["registry-port"] or 0),
            registry_proxies=Proxies(
                http=(config["registry-http-proxy"] or "").strip(),
                https=(config["registry-https-proxy"] or "").strip(),
                no="",
            ),
            unread=unread,
        )

    def with_bucket(self, given: Bucket | None) -> Options:
        """Return these options with what the relation s3-credentials gives, if there is one."""
        return dataclasses.replace(self, storage=self.storage.with_bucket(given))

    @functools.cached_property
    def problems(self) -> Mapping[str, str]:
        """What is wrong: the option to a clause. Looked for once."""
        found = {
            **self.authentication.problems(),
            **self.cache.problems(),
            **self.limits.problems(),
            **self.monitoring.problems(),
            **self.naming.problems(),
            **self.runtime.problems(),
            **self.storage.problems(),
            **self.tls.problems(),
            **self.website.problems(),
            "drain-timeout": range_problem(self.drain_timeout, 0, DRAIN_LIMIT, "seconds"),
            "http-host": addresses.url_problem(self.http_host) if self.http_host else None,
            "registry-image": _image_problem(self.registry_image),
            "registry-name": _name_problem(self.registry_name),
            "registry-http-proxy": self.registry_proxies.problems()["http_proxy"],
            "registry-https-proxy": self.registry_proxies.problems()["https_proxy"],
            "registry-port": port_problem(self.registry_port),
            **self._together(),
            **self.unread,
        }
        return {option: clause for option, clause in found.items() if clause}

    def _together(self) -> dict[str, str]:
        """Return what is wrong with options of two themes."""
        found = {}
        if self.registry_port in self.monitoring.ports.values():
            found["debug-port, registry-port"] = f"both are {self.registry_port}; give the metrics a port of their own"
        if self.storage.read_only and self.cache.remoteurl:
            found["storage-read-only"] = "a cache stores what it passes on; reset this option or cache-remoteurl"
        if self.website.terminates and self.tls.client_ca:
            found["website-tls"] = "a proxy has no certificate to show, as tls-client-ca-blob asks; take passthrough"
        return found

    @property
    def sentences(self) -> tuple[str, ...]:
        """A sentence for each thing that is wrong, sorted, each with the option's name in front."""
        return tuple(sorted(f"{option}: {clause}." for option, clause in self.problems.items()))

    def are_valid(self, prefix: str) -> bool:
        """Tell whether nothing is wrong with the options whose names begin with *prefix*."""
        return not any(option.startswith(prefix) for option in self.problems)


def _image_problem(text: str) -> str | None:
    try:
        reference.Reference.parse(text)
    except reference.BadReference as error:
        return str(error)
    return None


def _name_problem(name: str) -> str | None:
    # https://github.com/moby/moby: RestrictedNameChars
    if re.fullmatch(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+", name):
        return None
    return f"{name!r} is not the name of a container (letters, digits, _ . -, two at least)"
