"""The charm's options as one typed value, and what is wrong with it; each theme of options has a module of its own."""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Callable, Mapping
from typing import Any

from registry.formats import addresses, certificates, names
from registry.formats.relations import Bucket
from registry.images import reference
from registry.message import Message, Sentence, Text, about
from registry.options.authentication import Authentication
from registry.options.cache import Cache
from registry.options.checks import no_effect, port_problem, range_problem
from registry.options.content import Content
from registry.options.floor import Space
from registry.options.limits import Limits
from registry.options.monitoring import Monitoring
from registry.options.nagios import Naming
from registry.options.proxies import Proxies
from registry.options.runtime import Runtime
from registry.options.secrets import reveal
from registry.options.storage import Storage
from registry.options.tls import Tls, blob_problem
from registry.options.upkeep import Upkeep
from registry.options.values import Values
from registry.options.website import Website

NOT_A_CONTAINER_NAME = Message(
    "{name!r} is not a container name", "Use two or more letters, digits and _ . -, beginning with a letter or digit"
)
"""Docker does not accept the name."""
RESERVED_NAME = Message(
    "{name!r} is reserved for a temporary container of the charm", "Choose another name, for example registry"
)
"""The charm has containers with the ends -candidate, -loopback, -next and -previous, and two more, for a moment."""
SAME_PORT = Message("both are {port}", "Use another port for the metrics")
"""The registry and its metrics cannot listen on one port."""
READ_ONLY_CACHE = Message("a cache stores the images that it serves", "Reset this option or cache-remoteurl")
"""A pull-through cache cannot be read-only."""
NO_CLIENT_CERTIFICATE = Message(
    "tls-client-ca-blob requires client certificates, and a proxy that terminates TLS has none",
    "Use passthrough, or reset tls-client-ca-blob",
)
"""The registry requires client certificates, which do not pass a proxy that terminates TLS."""

RECEIVED = "receive-ca-certs"
"""The relation to applications whose CAs the registry trusts."""
DEFAULT_IMAGE = "registry:2"
DRAIN_LIMIT = 600
"""Seconds, during which Juju runs nothing else on the machine."""


@dataclasses.dataclass(frozen=True)
class Options:
    """All options. Unset and empty options become None here, and nowhere else."""

    authentication: Authentication
    cache: Cache
    content: Content
    limits: Limits
    monitoring: Monitoring
    naming: Naming
    """Names in Nagios."""
    runtime: Runtime
    storage: Storage
    tls: Tls
    upkeep: Upkeep
    website: Website
    drain_timeout: int
    """Seconds that transfers get to finish when the container is replaced."""
    http_host: str | None
    """URL at which clients reach the registry."""
    registry_image: str
    """Image of the registry."""
    registry_name: str
    """Name of its container."""
    registry_port: int
    """Port of the machine at which it answers."""
    registry_proxies: Proxies
    """The registry's own proxies, which override Docker's."""
    trusted_ca: str | None
    """PEM, or base64 of it, of CAs that the registry trusts as a client, besides the image's."""
    received_cas: tuple[str, ...] = ()
    """The same from the relation receive-ca-certs."""
    unread: Mapping[str, Text] = dataclasses.field(default_factory=dict)
    """Options whose value is missing, each with the reason: their Juju secret cannot be read, or it is blank."""

    @classmethod
    def from_config(cls, config: Mapping[str, Any], read: Callable[[str], Mapping[str, str]] | None = None) -> Options:
        """Read the values of config.yaml's options; *config* has each of them.

        *read* returns the content of the Juju secret with a URI, or raises SecretError.
        """
        values = Values(config)
        config, unread = reveal(values, read) if read else (values, dict[str, Text]())
        unread |= values.problems()
        return cls(
            authentication=Authentication.from_config(config),
            cache=Cache.from_config(config),
            content=Content.from_config(config),
            limits=Limits.from_config(config),
            monitoring=Monitoring.from_config(config),
            naming=Naming.from_config(config),
            runtime=Runtime.from_config(config),
            storage=Storage.from_config(config),
            tls=Tls.from_config(config),
            upkeep=Upkeep.from_config(config),
            website=Website.from_config(config),
            drain_timeout=int(config["drain-timeout"] or 0),
            http_host=config["http-host"] or None,
            registry_image=config["registry-image"] or "",
            registry_name=config["registry-name"] or "",
            registry_port=int(config["registry-port"] or 0),
            registry_proxies=Proxies(config["registry-http-proxy"] or "", config["registry-https-proxy"] or "", no=""),
            trusted_ca=config["trusted-ca-blob"] or None,
            unread=unread,
        )

    def with_bucket(self, bucket: Bucket | None) -> Options:
        """Return these options with the bucket of the relation s3-credentials, if there is one."""
        return dataclasses.replace(self, storage=self.storage.with_bucket(bucket))

    def with_cas(self, texts: tuple[str, ...]) -> Options:
        """Return these options with what the relation receive-ca-certs has, PEM unless it is junk."""
        return dataclasses.replace(self, received_cas=texts)

    @property
    def trusted_cas(self) -> str:
        """PEM of the CAs that the registry trusts as a client, besides the image's. Raises BadCertificates."""
        return certificates.chain(
            *(certificates.bundle(text) for text in (self.trusted_ca, *self.received_cas) if text)
        )

    def low(self, space: Space | None, before: bool | None) -> bool | None:
        """Tell whether the disk with the images is low: see `Floor.low`. None where that is of no interest."""
        if self.storage.is_shared or self.cache.remoteurl:
            return None
        return self.storage.floor.low(space, before) if space else before

    def is_scarce(self, space: Space) -> bool:
        """Tell whether the disk with the images has less free than its floor."""
        return self.low(space, before=False) is True

    def with_agent(self, present: bool) -> Options:
        """Return these options with metrics for the agent of the relation cos-agent, if it is *present*."""
        return dataclasses.replace(self, monitoring=self.monitoring.with_agent()) if present else self

    @functools.cached_property
    def problems(self) -> Mapping[str, Text]:
        """What is wrong, by option. Computed once."""
        texts = {
            **self.authentication.problems(),
            **self.cache.problems(),
            **self.content.problems(),
            **self.limits.problems(),
            **self.monitoring.problems(),
            **self.naming.problems(),
            **self.runtime.problems(),
            **self.storage.problems(),
            **self.tls.problems(),
            **self.upkeep.problems(),
            **self.website.problems(),
            "drain-timeout": range_problem(self.drain_timeout, 0, DRAIN_LIMIT, "seconds"),
            "http-host": addresses.registry_problem(self.http_host) if self.http_host else None,
            "registry-image": _image_problem(self.registry_image),
            "registry-name": _name_problem(self.registry_name),
            "registry-http-proxy": self.registry_proxies.problems()["http_proxy"],
            "registry-https-proxy": self.registry_proxies.problems()["https_proxy"],
            "registry-port": port_problem(self.registry_port),
            "trusted-ca-blob": blob_problem("ca", self.trusted_ca or ""),
            RECEIVED: next(filter(None, (blob_problem("ca", text) for text in self.received_cas)), None),
            **self._together(),
            **self.unread,
        }
        return {option: text for option, text in texts.items() if text}

    @property
    def unused(self) -> Mapping[str, Text]:
        """What is set without effect, by options."""
        proxies = {
            "registry-http-proxy": self.registry_proxies.http,
            "registry-https-proxy": self.registry_proxies.https,
        }
        given = [] if self.storage.is_shared or self.cache.remoteurl else [name for name, url in proxies.items() if url]
        return {
            **self.authentication.unused(),
            **self.cache.unused(),
            **self.monitoring.unused(),
            **self.runtime.unused(),
            **self.storage.unused(),
            **self._floor_unused(),
            **self.upkeep.unused(is_cache=self.cache.remoteurl is not None),
            **no_effect(given, "cache-remoteurl or storage-s3-bucket"),
        }

    def _floor_unused(self) -> dict[str, Text]:
        floor = [] if self.storage.floor.is_default else ["storage-minimum-free"]
        if self.cache.remoteurl:
            return no_effect(floor, "cache-remoteurl", "set")
        return no_effect(floor, "the store of the images", "not a disk") if self.storage.is_shared else {}

    def _together(self) -> dict[str, Text]:
        """Return what is wrong with combinations of options of two themes."""
        problems = {}
        if self.registry_port in self.monitoring.ports.values():
            problems["debug-port, registry-port"] = SAME_PORT(port=self.registry_port)
        if self.storage.read_only and self.cache.remoteurl:
            problems["storage-read-only"] = READ_ONLY_CACHE()
        if self.website.terminates and self.tls.client_ca:
            problems["website-tls"] = NO_CLIENT_CERTIFICATE()
        return problems

    @property
    def sentences(self) -> tuple[Sentence, ...]:
        """A sentence about each option that is wrong, sorted by option."""
        return tuple(sorted(about(option, text) for option, text in self.problems.items()))

    def are_valid(self, prefix: str) -> bool:
        """Tell whether the options whose names begin with *prefix* have no problems."""
        return not any(option.startswith(prefix) for option in self.problems)


def _image_problem(text: str) -> Text | None:
    try:
        reference.Reference.parse(text)
    except reference.BadReference as error:
        return error.text
    return None


def _name_problem(name: str) -> Text | None:
    # https://github.com/moby/moby: RestrictedNameChars
    if re.fullmatch(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+", name):
        return RESERVED_NAME(name=name) if names.is_temporary(name) else None
    return NOT_A_CONTAINER_NAME(name=name)
