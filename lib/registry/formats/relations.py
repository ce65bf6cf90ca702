"""The data of relations as values; the classes in interfaces/ read and write them as databags."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from registry.message import Text

LONGEST = 12 * 3600
"""Seconds that a garbage collection in a store that units share may take."""
MARGIN = 300
"""Seconds by which it ends earlier than its request: the clocks of two units differ."""


def is_in_force(until: float, now: float) -> bool:
    """Tell whether a request to refuse pushes *until* then counts *now*, both in seconds since 1970.

    One that ends later than any collection is of a machine whose clock is wrong, and is not to be followed.
    """
    return now < until <= now + LONGEST + MARGIN


@dataclasses.dataclass(frozen=True)
class Peer:
    """The address of another unit's registry."""

    unit: str
    address: str
    port: int | None
    """None, like the scheme, until the unit publishes it: it is new, or runs the predecessor."""
    scheme: str | None
    ingress: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Relation to the address at which its other end reaches the unit, where that is another one."""
    read_only_until: int = 0
    """It requests all units to refuse pushes until then, in seconds since 1970: it collects garbage. 0: it does not."""
    refuses_pushes: Mapping[str, int] = dataclasses.field(default_factory=dict)
    """Units whose such request it follows, each with the time in the request."""


@dataclasses.dataclass(frozen=True)
class Proxy:
    """A proxy in front of the units."""

    address: str
    """At which clients reach it."""
    certificate: str | None = None
    """PEM of its certificate, where it publishes one."""
    netloc: str | None = None
    """``host[:port]`` for clients, where it publishes that; None: it listens on the registry's port."""
    terminates: bool | None = None
    """TLS ends at it; None: as the option website-tls says."""


@dataclasses.dataclass(frozen=True)
class Access:
    """How a client connects to the registry."""

    netloc: str
    """``host[:port]``, without scheme."""
    url: str
    user: str | None
    password: str | None = dataclasses.field(repr=False)
    ca: str | None
    """PEM of the CA to trust; None where the registry serves plain HTTP."""
    unit: str
    """The unit whose databag clients use."""


@dataclasses.dataclass(frozen=True)
class Certificate:
    """A certificate from a CA: PEM texts."""

    ca: str
    chain: str
    """Intermediate certificates; may be empty."""
    certificate: str
    key: str = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True)
class Request:
    """A certificate signing request, with the key that never leaves the unit: PEM texts."""

    names: tuple[str, ...]
    """Subject alternative names, addresses and host names, the common name first."""
    csr: str
    key: str = dataclasses.field(repr=False)
    made: float
    """Seconds since 1970."""


@dataclasses.dataclass(frozen=True)
class Offer:
    """The state of the relation to a CA, from its creation."""

    names: tuple[str, ...]
    """The requested subject alternative names."""
    certificate: Certificate | None
    """None until the CA has answered completely."""
    refusal: str = ""
    """The CA's own reason, where it does not issue the requested certificate."""
    made: float = 0
    """When it was requested, in seconds since 1970."""


@dataclasses.dataclass(frozen=True)
class Bucket:
    """The bucket of an S3 integrator, from the creation of the relation; what it does not provide is empty."""

    bucket: str = ""
    accesskey: str = dataclasses.field(default="", repr=False)
    secretkey: str = dataclasses.field(default="", repr=False)
    endpoint: str = ""
    """URL of the object store; may be empty for Amazon S3."""
    region: str = ""
    path: str = ""
    """Folder in the bucket."""
    storageclass: str = ""
    signature: str = ""
    """Version of the API's signatures: 2 or 4."""
    ca: str = ""
    """CA of the store's certificate, PEM or base64 of it."""
    error: Text | None = None
    """Why the keys cannot be read."""

    @property
    def is_complete(self) -> bool:
        """It has everything that is required."""
        return bool(self.bucket and self.accesskey and self.secretkey)


@dataclasses.dataclass(frozen=True)
class Nagios:
    """The unit's name in Nagios."""

    hostname: str
    context: str


def json_list(text: str) -> list[Any]:
    """Return the list in *text*, which the other end of a relation has written: empty if it is anything else."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):  # nested too deeply
        return []
    return value if isinstance(value, list) else []


def json_object(text: str) -> dict[str, Any]:
    """Return the object in *text*, which the other end of a relation has written: empty if it is anything else."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def unit_number(unit: str) -> int:
    """Return the number of a unit, by which units are sorted: 10 follows 9."""
    return int(unit.rpartition("/")[2])


def primary(unit: str, peers: tuple[Peer, ...]) -> str:
    """Return the unit with the lowest number among *unit* and its *peers*, which is the same on all units."""
    return min((unit, *(peer.unit for peer in peers)), key=unit_number)
