"""The charm's options as one typed value, and what is wrong with it.

A theme of options is a module of its own; here they come together.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from typing import Any

import yaml

from registry.formats import addresses
from registry.formats.haproxy import Website
from registry.formats.nrpe import Naming
from registry.formats.relations import Bucket
from registry.images import reference
from registry.options.authentication import Authentication
from registry.options.cache import Cache
from registry.options.limits import Limits
from registry.options.monitoring import Monitoring, port_problem
from registry.options.runtime import Proxies, Runtime
from registry.options.storage import Storage
from registry.plan.certificate import Tls

DEFAULT_IMAGE = "registry:2"
DRAIN_LIMIT = 600
"""Seconds. Juju lets nothing else happen on the machine meanwhile."""
SECRET = "secret:"  # noqa: S105 - how the name of one begins
"""What stands before the ID of a Juju secret: https://documentation.ubuntu.com/juju/3.6/reference/secret/"""
PASSWORDS = (
    "auth-basic-password",
    "cache-password",
    "storage-s3-accesskey",
    "storage-s3-secretkey",
    "storage-swift-password",
    "tls-key-blob",
)
"""Options that may name a Juju secret: its key with the last word of the option's name is taken, else its only key."""
MAPS = ("auth-basic-users",)
"""Options that may name a Juju secret whose keys and values are taken, all of them."""


class SecretError(Exception):
    """A Juju secret cannot be read; ``str()`` is a clause for the operator, without full stop."""


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
        config, unread = _reveal(config, read) if read else (config, {})
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

    def over(self, given: Bucket | None) -> Options:
        """Return these options with what the relation s3-credentials gives, if there is one."""
        return dataclasses.replace(self, storage=self.storage.over(given))

    def clauses(self) -> dict[str, str]:
        """Return what is wrong: the option to a clause."""
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
            "drain-timeout": None
            if 0 <= self.drain_timeout <= DRAIN_LIMIT
            else f"{self.drain_timeout} is not a number of seconds from 0 to {DRAIN_LIMIT}",
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

    def are_right(self, prefix: str) -> bool:
        """Tell whether nothing is wrong with the options whose names begin with *prefix*."""
        return not any(option.startswith(prefix) for option in self.clauses())


def problems(options: Options) -> tuple[str, ...]:
    """Return a sentence for each thing that is wrong, sorted, each with the option's name in front."""
    return tuple(sorted(f"{option}: {clause}." for option, clause in options.clauses().items()))


def _reveal(
    config: Mapping[str, Any], read: Callable[[str], Mapping[str, str]]
) -> tuple[Mapping[str, Any], dict[str, str]]:
    """Put what is in Juju's secrets in the place of their names; return a clause for each that cannot be read."""
    revealed, unread = dict(config), {}
    for option in (*PASSWORDS, *MAPS):
        uri = config[option] or ""
        if not uri.startswith(SECRET):
            continue
        try:
            content = read(uri.strip())
            revealed[option] = (
                yaml.safe_dump(dict(content)) if option in MAPS else _password(uri, content, option.rpartition("-")[2])
            )
        except SecretError as error:
            unread[option] = str(error)
    return revealed, unread


def _password(uri: str, content: Mapping[str, str], key: str) -> str:
    values = [content[key]] if key in content else list(content.values())
    if len(values) == 1 and values[0]:
        return values[0]
    raise SecretError(f"{uri} has no key `{key}`, and not one key alone")


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
