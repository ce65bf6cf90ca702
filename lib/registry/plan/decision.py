"""From what the operator asks for and what is there to what shall be."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterable, Iterator, Mapping

from registry.formats import addresses, certificates, haproxy, htpasswd, relations
from registry.formats import nrpe as nagios
from registry.options import options, storage
from registry.options.proxies import NO_PROXIES, Proxies
from registry.plan import certificate as tls
from registry.plan import disk
from registry.release import configuration, container, filenames
from registry.release.image import Image
from registry.release.release import AUTH_FOLDER, Release

ANSWER_SECONDS = 600
"""How long a CA may take."""
BUCKET_AWAITED = "Waiting for s3-credentials to send a bucket and its keys."
BUCKET_GONE = (
    "s3-credentials: it gives no bucket any more. Relate it again, set storage-s3-..., or have the images on this "
    "unit's disk by `juju run {unit} start`."
)
ENVIRONMENT = {"OTEL_TRACES_EXPORTER": "none"}
"""Variables for 3.x, which sends traces to a server that nobody has unless it is told not to."""


@dataclasses.dataclass(frozen=True)
class Facts:
    """What decisions rest on beside the options, read once a hook. Its text shows no secret."""

    unit: str
    """This unit, e.g. ``docker-registry/0``."""
    hostname: str
    """The machine's own name."""
    addresses: Mapping[str, str]
    """Endpoint to the address at which its other end reaches this unit: docker-registry, and those with a relation."""
    http_secret: str = dataclasses.field(repr=False)
    """From the leader, the same on all units."""
    image: Image | None
    """The image for the option registry-image; None while it cannot be had or told."""
    applied: Release | None
    """The release in force; None before the first."""
    state: str | None
    """Docker's word for the state of the registry's container; None where there is none."""
    stopped: bool
    """The operator stopped the registry by the action `stop`."""
    port_held: bool
    """Somebody listens at the option registry-port, the registry itself maybe."""
    debug_port_held: bool
    """The same for debug-port, where it is in use."""
    on_disk: bool
    """The operator wants the images on the disk, after what had them is gone: by the action `start`."""
    name_taken: bool
    """A container of somebody else has the name of the option registry-name."""
    own: htpasswd.User
    """The charm's own user, for pushes and checks of its own."""
    users: str = dataclasses.field(repr=False)
    """Text of the file of users that is there; empty where there is none."""
    trouble: tuple[str, ...] = ()
    """Sentences from outside that keep the options from being applied, e.g. of an image that cannot be pulled."""
    model_proxies: Proxies = NO_PROXIES
    disk: disk.Disk = dataclasses.field(default_factory=disk.Disk)
    """The machine's own disk, and Juju's storage."""
    peers: tuple[relations.Peer, ...] = ()
    proxies: tuple[relations.Proxy, ...] = ()
    """Those in front."""
    offer: relations.Offer | None = None
    """From the CA of cert-provider; None without the relation."""
    nagios: relations.Nagios | None = None
    """What nrpe calls this unit, once it has said it."""
    is_watched: bool = False
    """There is a relation to nrpe."""
    clients: bool = False
    """There is a relation to clients."""
    tls_files: Mapping[str, tls.File] = dataclasses.field(default_factory=dict)
    """What is at the paths of the options tls-*-path, by kind: ca, cert, key."""
    tls_inherited: bool = False
    """The predecessor wrote those files for the relation to a CA."""
    now: float = 0
    """Seconds since 1970."""
    identity: str = ""
    """The charm's own certificate as a client, where clients have to show one."""

    @property
    def data_folder(self) -> str:
        """Folder of the machine for the images, if they shall be there."""
        return self.disk.folder(self.applied.data_folder if self.applied else None, on_disk=self.on_disk)

    @property
    def address(self) -> str:
        """The unit's address for clients."""
        return self.addresses["docker-registry"]


@dataclasses.dataclass(frozen=True)
class Plan:
    """What shall be. With problems it is the last applied release, or none."""

    problems: tuple[str, ...]
    """A sentence for each option or circumstance that keeps the options from being applied."""
    release: Release | None
    """What shall serve; None where nothing ever was applied."""
    serve: bool
    """False while the operator has stopped the registry."""
    users: str | None = dataclasses.field(repr=False)
    """Text of the file of users; None: what is there stays."""
    warnings: tuple[str, ...] = ()
    """Sentences to mind while all that was asked for is applied."""
    waiting: str = ""
    """A sentence while something that was asked for has yet to come from elsewhere."""
    away: str = ""
    """A sentence while the disk with the images of the release is away: then nothing shall run."""
    can_fall_back: bool = True
    """What serves may go on where the release does not serve. False while the disk with its images is away."""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How carrying out a plan went."""

    serving: bool
    """The registry answers."""
    netloc: str
    """Where: ``host:port``."""
    scheme: str
    """How: http or https, by a proxy perhaps: ``https, proxied``."""
    trouble: tuple[str, ...]
    """A sentence for each thing that went wrong."""


def plan(wanted: options.Options, facts: Facts) -> Plan:
    """Return what shall be for the options *wanted* and *facts*."""
    before = facts.applied.others if facts.applied else {}
    chosen = tls.choose(
        wanted.tls,
        facts.tls_files,
        before,
        facts.now,
        facts.identity,
        facts.offer,
        inherited=facts.tls_inherited,
    )
    files = _sentences({option: clause for option, clause in chosen.problems.items() if option not in wanted.clauses()})
    problems = (*options.problems(wanted), *files, *_circumstances(wanted, facts))
    bucket = BUCKET_AWAITED if wanted.storage.relation == storage.AWAITED else ""
    waiting = " ".join(filter(None, (chosen.waiting, bucket)))
    # What shall have TLS does not begin in the clear, nor go back to that; what shall have an object store does not
    # begin on the disk. What serves otherwise goes on.
    stays = facts.applied is None or (chosen.waiting and facts.applied.scheme == "https")
    if problems or facts.image is None or (waiting and stays):
        release = _with_new_certificate(wanted, facts.applied, chosen)
    else:
        release = _release(wanted, facts, facts.image, chosen.copies)
    warnings = (*_warnings(wanted, facts), *chosen.warnings)
    users = _users(wanted, facts, release)
    return Plan(
        problems,
        release,
        not facts.stopped,
        users,
        warnings,
        waiting,
        away=_away(release, facts),
        can_fall_back=not _away(facts.applied, facts),
    )


def _away(release: Release | None, facts: Facts) -> str:
    """Return a sentence where the disk of *release* is away. What runs has it still, unless Juju has taken it."""
    mounted = facts.state == "running" and facts.disk.attached is not None
    return "" if release is None or mounted else facts.disk.away(release.data_folder, facts.unit)


def _with_new_certificate(wanted: options.Options, before: Release | None, chosen: tls.Chosen) -> Release | None:
    """Return the release in force with the certificate of today: what is wrong elsewhere is not to let it run out."""
    if before is None or before.scheme == "http" or not chosen.copies or not wanted.are_right("tls-"):
        return before
    if before.asks_for_certificates != (filenames.CLIENT_CA in chosen.copies):
        return before
    others = {name: text for name, text in before.others.items() if name not in filenames.TLS_COPIES}
    return dataclasses.replace(before, others={**others, **chosen.copies})


def _sentences(problems: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(sorted(f"{option}: {clause}." for option, clause in problems.items()))


def _users(wanted: options.Options, facts: Facts, release: Release | None) -> str | None:
    """Return the text of the file of users for *release*.

    The users are applied although another option is wrong. While theirs are wrong, those from before stay; were they
    lost, nobody but the charm itself comes in.
    """
    if release is None or release.authentication != "htpasswd":
        return None
    asked = wanted.authentication
    if asked.kind == "htpasswd" and wanted.are_right("auth-"):
        return htpasswd.text((facts.own, *asked.members()), asked.cost, facts.users)
    return None if facts.users else htpasswd.text([facts.own])


def _warnings(wanted: options.Options, facts: Facts) -> tuple[str, ...]:
    generation = facts.image.generation if facts.image else 0
    left_out = [*wanted.cache.left_out(generation), *wanted.storage.left_out(generation)]
    found = [*_warnings_of_clients(wanted, facts)] if facts.clients else []
    if facts.peers and not wanted.storage.is_shared and not wanted.cache.remoteurl:
        found.append(
            "Each unit keeps its images on its own disk, so what is pushed to one is not on the others: set "
            "storage-s3-... or storage-swift-..., or remove the other units."
        )
    if not wanted.storage.is_shared:
        found += filter(None, [facts.disk.unused(facts.data_folder, facts.unit)])
    if wanted.storage.relation == storage.ASIDE:
        found.append("The options storage-... say where the images are, not s3-credentials.")
    if facts.image and left_out:
        found.append(f"{', '.join(left_out)}: left out, because the registry {facts.image.version} does not know it.")
    return tuple(found)


def _warnings_of_clients(wanted: options.Options, facts: Facts) -> Iterator[str]:
    asked = wanted.authentication
    if asked.users and not asked.password:
        yield (
            "Clients over the relation docker-registry get no credentials: set auth-basic-password, "
            "and auth-basic-user with it."
        )
    encrypted = facts.offer is not None or tls.is_requested(wanted.tls, facts.tls_files)
    if not encrypted and not (wanted.website.terminates and facts.proxies):
        yield (
            "Clients that run containerd take nothing by plain HTTP: relate a CA to cert-provider, "
            "or set tls-cert-blob."
        )


def _circumstances(wanted: options.Options, facts: Facts) -> tuple[str, ...]:
    found = list(facts.trouble)
    if facts.image is not None:
        refused = wanted.storage.refused(facts.image.generation)
        found += (f"{option}: {clause}." for option, clause in sorted(refused.items()))
    if facts.applied and facts.applied.has_bucket_of_relation and not (wanted.storage.is_shared or facts.on_disk):
        found.append(BUCKET_GONE.format(unit=facts.unit))
    # A container that is paused or restarting holds its port too. One that is there before anything was applied is
    # the predecessor's, which is about to be replaced.
    alive = facts.state in ("running", "paused", "restarting")
    for option, port, held in (
        ("registry-port", wanted.registry_port, facts.port_held),
        *(("debug-port", port, facts.debug_port_held) for port in wanted.monitoring.ports.values()),
    ):
        ours = alive and (facts.applied is None or port in facts.applied.container.ports.values())
        if held and not ours:
            found.append(
                f"{option}: {port} is in use by another program of this machine; free it or choose another port."
            )
    if facts.name_taken:
        found.append(
            f"registry-name: there is a container {wanted.registry_name!r} that this charm did not make; "
            "remove it or choose another name."
        )
    return tuple(found)


def _proxies(wanted: options.Options, facts: Facts) -> Proxies:
    """Return the registry's ways out: its own, else Docker's, else the model's. None where it never goes out."""
    if not wanted.storage.is_shared and not wanted.cache.remoteurl:
        return NO_PROXIES
    return wanted.registry_proxies.over(wanted.runtime.proxies.over(facts.model_proxies))


def _release(wanted: options.Options, facts: Facts, image: Image, tls_copies: Mapping[str, str]) -> Release:
    asked = wanted.authentication
    mounts = []
    if not wanted.storage.is_shared:
        mounts.append(container.Mount(facts.data_folder, configuration.DATA_FOLDER))
    if asked.kind == "htpasswd":
        mounts.append(container.Mount(AUTH_FOLDER, configuration.AUTH_FOLDER, read_only=True))
    debug = {str(container.DEBUG_PORT): port for port in wanted.monitoring.ports.values()}
    where = wanted.monitoring.debug_address
    others = dict(tls_copies)
    if asked.kind == "token":
        others[filenames.TOKEN_CA] = certificates.bundle(asked.token.root_certs or "")
    if wanted.storage.relation == storage.IN_USE:
        others[filenames.STORE] = json.dumps({"source": storage.RELATION}) + "\n"
    environment = {**(ENVIRONMENT if image.generation >= 3 else {}), **_proxies(wanted, facts).environment()}
    if wanted.storage.s3.ca:
        others[filenames.STORE_CA] = certificates.bundle(wanted.storage.s3.ca)
        # Go reads this file in place of the image's bundle, and the image's folder of certificates all the same.
        environment["SSL_CERT_FILE"] = f"{container.CONFIG_FOLDER}/{filenames.STORE_CA}"
    return Release(
        container.ContainerSpec(
            name=wanted.registry_name,
            image_id=image.id,
            ports={str(container.PORT): wanted.registry_port, **debug},
            addresses=dict.fromkeys(debug, where) if where else {},
            mounts=tuple(mounts),
            environment=environment,
            memory=wanted.limits.memory_bytes,
            nano_cpus=wanted.limits.nano_cpus,
            log_size=wanted.limits.log_size,
            log_files=wanted.limits.log_files,
        ),
        configuration.config_yml(wanted, facts.http_secret, image.generation, encrypted=bool(tls_copies)),
        others,
    )


def checks(facts: Facts, release: Release) -> nagios.Watched:
    """Return what NRPE looks at while *release* is in force."""
    return nagios.Watched(
        release.port, release.ca, release.asks_for_certificates, container.PROCESS, release.data_folder
    )


@dataclasses.dataclass(frozen=True)
class Shared:
    """What others are told of a registry that serves."""

    peer: relations.Peer
    access: relations.Access | None
    """For clients; None while it cannot be said how they reach *release*: what they were told stays true."""
    services: str | None
    """For proxies: YAML text; None while the options website-* are wrong: what they were told stays true."""


def shared(wanted: options.Options, facts: Facts, release: Release) -> Shared:
    """Return what to tell about *release*.

    Every unit tells clients the same, so that it does not matter whom they ask: http-host, else the proxy in front,
    else the primary.
    """
    first = relations.primary(facts.unit, facts.peers)
    server = haproxy.Server(
        facts.unit,
        facts.addresses.get("website", facts.address),
        release.port,
        backup=first != facts.unit and not release.is_shared,
        encrypted=release.certificate is not None,
        asks_for_certificates=release.asks_for_certificates,
        terminates=wanted.website.terminates,
        check_interval=wanted.website.check_interval,
        check_fall=wanted.website.check_fall,
        pem=release.certificate + release.others[filenames.TLS["key"]] if release.certificate else None,
    )
    own = relations.Peer(facts.unit, facts.address, release.port, release.scheme)
    services = haproxy.services(server) if wanted.are_right("website-") else None
    return Shared(own, _access(wanted, facts, release), services)


def _is_early(host: str | None, facts: Facts, release: Release) -> bool:
    """Tell whether a certificate with *host* in it is asked for, and the one in force does not bear it yet.

    A CA that makes the key as well does not say whether it answers the request before or this one: for some time it
    is taken to be still at work.
    """
    asked = facts.offer
    if not (facts.clients and host and asked and release.has_certificate_of_relation):
        return False
    served = certificates.examine(release.certificate or "", release.others[filenames.TLS["key"]], release.ca)
    pending = asked.certificate is None or facts.now - asked.made < ANSWER_SECONDS
    return pending and host in asked.names and bool(tls.missing_names([host], served))


def _access(wanted: options.Options, facts: Facts, release: Release) -> relations.Access | None:
    readable = wanted.are_right("http-host") and wanted.are_right("auth-") and wanted.are_right("website-tls")
    asked = wanted.authentication
    if not readable or release.authentication != asked.kind:
        return None
    first = {peer.unit: peer for peer in facts.peers}.get(relations.primary(facts.unit, facts.peers))
    if first and first.scheme not in (None, release.scheme):
        # One of the two is about to follow.
        return None
    own = (first.address, first.port or release.port) if first else (facts.address, release.port)
    if wanted.http_host and _is_early(addresses.hostname(wanted.http_host), facts, release):
        wanted = dataclasses.replace(wanted, http_host=None)
    if facts.proxies and _is_early(facts.proxies[0].address, facts, release):
        facts = dataclasses.replace(facts, proxies=())
    netloc, scheme = _place(wanted, facts, release, *own)
    user = asked.user if asked.password else None
    ends_in_front = release.certificate is None and scheme == "https"
    ca = facts.proxies[0].certificate if ends_in_front else release.ca
    unit = min((facts.unit, *(peer.unit for peer in facts.peers)))
    return relations.Access(netloc, f"{scheme}://{netloc}", user, asked.password, ca, unit)


def _place(wanted: options.Options, facts: Facts, release: Release, address: str, port: int) -> tuple[str, str]:
    """Return netloc and scheme for clients: those of http-host, else of the proxy in front, else of *address*."""
    host = wanted.http_host if wanted.are_right("http-host") else None
    if facts.proxies:
        scheme = "https" if wanted.website.terminates else release.scheme
        return addresses.netloc(host, facts.proxies[0].address, release.port), scheme
    return addresses.netloc(host, address, port), release.scheme


def place(wanted: options.Options, facts: Facts, release: Release) -> tuple[str, str]:
    """Return where and how clients reach this unit, for its status, e.g. ``("10.0.8.8:5000", "http, proxied")``."""
    netloc, scheme = _place(wanted, facts, release, facts.address, release.port)
    return netloc, f"{scheme}, proxied" if facts.proxies else scheme


def certificate_names(
    http_host: str | None, own: Mapping[str, str], hostname: str, proxies: Iterable[str]
) -> tuple[str, ...]:
    """Return the names and addresses that a certificate for this unit has to bear, the common name first.

    *own* are the unit's addresses by endpoint; the one for the CA comes first.
    """
    host = addresses.hostname(http_host) if http_host else None
    first = own.get("cert-provider", own["docker-registry"])
    names = dict.fromkeys(name for name in (first, *own.values(), hostname, host, *proxies) if name)
    # easyrsa makes a file's name and a command of it.
    return tuple(name for name in names if re.fullmatch(r"[\w.:-]+", name, re.ASCII))


def status(planned: Plan, outcome: Outcome, unit: str) -> tuple[str, str]:
    """Return the unit's status, e.g. ``("active", "Ready at 10.0.0.1:5000 (http).")``.

    What serves although something is wrong is said too, so that nobody takes a blocked unit for a dead one.
    """
    problems = [*planned.problems, *outcome.trouble]
    stopped = f"Stopped by the action stop; `juju run {unit} start` starts it again." if not planned.serve else ""
    if stopped or planned.away:
        return "blocked", " ".join(filter(None, [stopped, planned.away, *problems]))
    if not problems and planned.waiting:
        serves = f"The registry serves at {outcome.netloc} ({outcome.scheme}) meanwhile."
        return "waiting", " ".join([planned.waiting, *([serves] if outcome.serving else []), *planned.warnings])
    if not problems:
        return "active", " ".join([f"Ready at {outcome.netloc} ({outcome.scheme}).", *planned.warnings])
    if outcome.serving:
        problems.append(f"The last good configuration serves at {outcome.netloc}.")
    return "blocked", " ".join([*problems, *planned.warnings])
