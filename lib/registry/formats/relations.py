"""What units, clients, proxies and CAs tell each other, as values; the classes in interfaces/ put them on the wire."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Peer:
    """Where a unit's registry answers."""

    unit: str
    address: str
    port: int | None
    """None, like the scheme, while the unit has not said it: it is new, or the predecessor's."""
    scheme: str | None


@dataclasses.dataclass(frozen=True)
class Proxy:
    """A proxy in front of the units."""

    address: str
    """As clients see it."""
    certificate: str | None = None
    """PEM of its own, where it has told one."""


@dataclasses.dataclass(frozen=True)
class Access:
    """What a client has to know."""

    netloc: str
    """``host[:port]``, without scheme."""
    url: str
    user: str | None
    password: str | None = dataclasses.field(repr=False)
    ca: str | None
    """PEM of the CA to trust; None where the registry speaks plain HTTP."""
    unit: str
    """The unit whose word counts with clients."""


@dataclasses.dataclass(frozen=True)
class Certificate:
    """What a CA answers: PEM texts."""

    ca: str
    chain: str
    """The certificates between the CA and this one; may be empty."""
    certificate: str
    key: str = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True)
class Request:
    """What a CA is asked to sign, with the key that never leaves the unit: PEM texts."""

    names: tuple[str, ...]
    """Addresses and host names that the certificate shall bear, the common name first."""
    csr: str
    key: str = dataclasses.field(repr=False)
    made: float
    """Seconds since 1970."""


@dataclasses.dataclass(frozen=True)
class Offer:
    """What the relation to a CA gives, from the moment that it is there."""

    names: tuple[str, ...]
    """What was asked for."""
    certificate: Certificate | None
    """None while the CA has not answered, or by half only."""
    refusal: str = ""
    """The CA's words, where it does not give what was asked for."""
    made: float = 0
    """When that was asked for, in seconds since 1970."""


@dataclasses.dataclass(frozen=True)
class Bucket:
    """What an S3 integrator gives, from the moment that it is there; empty is what it does not say."""

    bucket: str = ""
    accesskey: str = dataclasses.field(default="", repr=False)
    secretkey: str = dataclasses.field(default="", repr=False)
    endpoint: str = ""
    """URL of a store that is not Amazon's, or of Amazon's in a region."""
    region: str = ""
    path: str = ""
    """Folder in the bucket."""
    storageclass: str = ""
    signature: str = ""
    """Version of the API's signatures: 2 or 4."""
    ca: str = ""
    """Whose certificates the store has, PEM or base64 of it."""
    trouble: str = ""
    """A clause for what keeps it from being read."""

    @property
    def is_whole(self) -> bool:
        """There is all that is needed."""
        return bool(self.bucket and self.accesskey and self.secretkey)


@dataclasses.dataclass(frozen=True)
class Nagios:
    """What Nagios calls this unit."""

    hostname: str
    context: str


def unit_number(unit: str) -> int:
    """Return the number of a unit: 10 comes after 9."""
    return int(unit.rpartition("/")[2])


def primary(unit: str, peers: tuple[Peer, ...]) -> str:
    """Return the unit with the lowest number among *unit* and its *peers*: the same one, whoever asks."""
    return min((unit, *(peer.unit for peer in peers)), key=unit_number)
