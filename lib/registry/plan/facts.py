"""What a decision depends on, besides the options."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from registry.formats import htpasswd, relations
from registry.formats.inspection import Container
from registry.message import Sentence
from registry.options.floor import Space
from registry.options.proxies import NO_PROXIES, Proxies
from registry.plan.certificate import File
from registry.plan.disk import Disk
from registry.release.drift import NOTHING, Need
from registry.release.image import Image
from registry.release.release import Release


@dataclasses.dataclass(frozen=True)
class Facts:
    """What a decision depends on, besides the options; read once a hook. Its text shows no secret."""

    unit: str
    """This unit, e.g. ``docker-registry/0``."""
    hostname: str
    """The machine's own name."""
    addresses: Mapping[str, str]
    """Endpoint to the address at which its other end reaches this unit: docker-registry, and those with a relation."""
    http_secret: str = dataclasses.field(repr=False)
    """From the leader, the same on all units."""
    image: Image | None
    """The image of the option registry-image; None while it is unavailable."""
    current: Release | None
    """The current release; None before the first."""
    container: Container | None
    """The registry's container, of the current release or with the name of the option registry-name."""
    stopped: bool
    """The operator stopped the registry by the action `stop`."""
    port_held: bool
    """A program listens on the option registry-port, possibly the registry itself."""
    debug_port_held: bool
    """The same for debug-port, where it is in use."""
    on_disk: bool
    """The operator requests the images on the unit's disk, after their storage is gone: by the action `start`."""
    name_taken: bool
    """A container of somebody else has the name of the option registry-name."""
    own: htpasswd.User
    """The charm's own user, for pushes and checks of its own."""
    users: str = dataclasses.field(repr=False)
    """Text of the existing file of users; empty where there is none."""
    verdicts: htpasswd.Verdicts = dataclasses.field(default_factory=htpasswd.Verdicts)
    """Which of those users were verified by an earlier hook."""
    drained: bool = False
    """The operator took the unit from the proxy by the action `drain`."""
    is_displaced: bool = False
    """A container of somebody else has the name of the current release, so nothing of ours serves."""
    ingress: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Relation to the address at which its other end reaches this unit, where that is not the endpoint's: it is in
    another model."""
    cpus: int = 0
    """How many CPUs the machine has; 0 where that is unknown."""
    debug_address_missing: bool = False
    """The machine has no address as the option debug-address, where it is in use."""
    drift: Need = NOTHING
    """What the container needs to be that of the current release."""
    errors: tuple[Sentence, ...] = ()
    """Errors from outside that keep the options from being applied, for example of an image that cannot be pulled."""
    model_proxies: Proxies = NO_PROXIES
    published_address: str = ""
    """The one address at which Docker publishes ports unless it is told otherwise; empty: all."""
    disk: Disk = dataclasses.field(default_factory=Disk)
    """The machine's own disk, and Juju's storage."""
    space: Space | None = None
    """Of the disk with the images; None where they are elsewhere, or where it is unknown."""
    was_low: bool | None = None
    """That disk had less free than its floor when it was seen last; None where it never had enough."""
    user: str = ""
    """User and group as which the registry can run where its images are to be; empty: root."""
    peers: tuple[relations.Peer, ...] = ()
    collecting_until: int = 0
    """Until when this unit requests all to refuse pushes, because it collects garbage; 0: it does not."""
    proxies: tuple[relations.Proxy, ...] = ()
    """Those in front."""
    silent_proxies: tuple[str, ...] = ()
    """Endpoints with a proxy that has not said where clients reach it."""
    offer: relations.Offer | None = None
    """From the CA of cert-provider; None without the relation."""
    nagios: relations.Nagios | None = None
    """What nrpe calls this unit, once it has published it."""
    clients: bool = False
    """There is a relation to clients."""
    tls_files: Mapping[str, File] = dataclasses.field(default_factory=dict)
    """What is at the paths of the options tls-*-path, by kind: ca, cert, key."""
    tls_inherited: bool = False
    """The predecessor wrote those files for the relation to a CA."""
    now: float = 0
    """Seconds since 1970."""
    model: str = ""
    """Name of the Juju model."""
    identity: str = ""
    """The charm's own certificate as a client, where clients must present one."""

    followed: Mapping[str, int] = dataclasses.field(default_factory=dict)
    """Other units that request this one to refuse pushes, with the time until which they do."""

    @property
    def collectors(self) -> Mapping[str, int]:
        """The units that request all units to refuse pushes, with the time until which they do."""
        return {**({self.unit: self.collecting_until} if self.collecting_until else {}), **self.followed}

    @property
    def data_folder(self) -> str:
        """Folder of the machine for the images, if they are stored there."""
        return self.disk.folder(self.current.data_folder if self.current else None, on_disk=self.on_disk)

    @property
    def address(self) -> str:
        """The unit's address for clients."""
        return self.addresses["docker-registry"]
