"""What keeps the options from being applied, and what an operator should know although they are applied."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping

from registry.formats import addresses
from registry.message import Message, Sentence, Text, about, alone
from registry.options import storage
from registry.options.limits import TOO_MANY_CPUS
from registry.options.options import Options
from registry.plan import certificate, disk
from registry.plan.facts import Facts
from registry.plan.published import client_scheme
from registry.release import advisories

BUCKET_GONE = Message(
    "the relation provides no bucket any more",
    "Relate the integrator again, set storage-s3-..., or run `juju run {unit} start` to serve from the unit's disk",
)
"""The images are in the bucket of a relation that was removed. The operator decides what is served instead."""

PORT_IN_USE = Message("{port} is in use by another program on this machine", "Stop it or choose another port")
"""Another program listens on the port: `sudo ss -ltnp` on the machine shows which."""

NO_SUCH_ADDRESS = Message("the machine has no address {address}", "Use one that `ip address` shows, or reset it")
"""Docker cannot publish metrics at an address that the machine does not have, or has no more."""

NAME_IN_USE = Message(
    "the container {name!r} exists and was not created by this charm", "Remove it or choose another name"
)
"""Somebody else created a container with the configured name."""

SEPARATE_IMAGES = Message(
    "Each unit keeps its images on its own disk, so an image pushed to one is missing on the others",
    "Set storage-s3-... or storage-swift-..., or remove the other units",
)
"""There are several units, and no object store is configured."""

OPTIONS_OVERRIDE_BUCKET = Message(
    "the options storage-... take precedence over its bucket", "Reset them or remove the relation"
)
"""An object store is configured by options, and an S3 integrator is related as well."""

DISK_FULL = Message(
    "The disk with the images has no {what} left, so pushes fail",
    "Run the actions prune or delete-image, then garbage-collect; or enlarge it",
)
"""The file system of the images is full. Pulls still work, and options are applied."""

COLLECTING = Message(
    "Pushes are refused while {unit} collects garbage", "They are accepted again when it ends, at {time} at the latest"
)
"""A unit deletes what no image needs from the object store. A push to any unit at that time could be lost."""

DISK_LOW = Message(
    "Pushes are refused, because the disk with the images has only {free} free",
    "Run the actions prune or delete-image, then garbage-collect; or enlarge it, or change storage-minimum-free",
)
"""Less is free than storage-minimum-free says. Pushes are accepted again once half as much again is free."""

DISK_SCARCE = Message(
    "The disk with the images has only {free} free",
    "Run the actions prune or delete-image, then garbage-collect; or enlarge it",
)
"""Less is free than the default of storage-minimum-free, since the charm looks at it. Pushes are still accepted."""

IGNORED = Message("ignored, because registry {version} does not support it", "Reset it or set another registry-image")
"""The option has no effect in this version of the registry."""

DRAINED = Message("Drained: the proxy sends it no new requests", "Run `juju run {unit} resume` to end this")
"""The operator ran the action drain on this unit, and it stays drained through hooks, reboots and refreshes."""

DRAINED_ALONE = Message(
    "Drained, and there is no other unit: clients see no registry", "Run `juju run {unit} resume` to end this"
)
"""The action drain ran on the only unit. The proxy has no server: it answers 503, or nothing with TLS."""

ADVISORIES = Message(
    "registry {version} has faults that concern this registry: {ids}",
    "Set an image of {fixed} or newer. The action advisories shows what they are",
)
"""The version has known vulnerabilities, or other faults, that concern a registry with these options."""

NO_CREDENTIALS = Message(
    "Clients over the relation docker-registry get no credentials",
    "Set auth-basic-password, and auth-basic-user with it",
)
"""Users are configured, but none whose password the charm may publish to related clients."""

PLAIN_HTTP = Message(
    "Clients that run containerd cannot pull over plain HTTP", "Relate a CA to cert-provider, or set tls-cert-blob"
)
"""Clients are related, and the registry has no certificate."""


PLAIN_HTTP_HOST = Message(
    "clients are told to use plain HTTP, although the registry speaks TLS",
    "Begin it with https://, unless something in front of the registry ends TLS",
)
"""The URL begins with http://, and the registry has a certificate."""

NO_ANSWER = Message(
    "the proxy does not serve the registry yet",
    "Set http-host to a name that leads to the proxy, or see the status of the proxy",
)
"""A proxy is related and has not published where clients reach it. It may need a name, the CA, or another port."""

ROUTE_HAS_NO_CERTIFICATE = Message(
    "tls-client-ca-blob requires client certificates, and this proxy has none",
    "Relate haproxy-route-tcp instead, or reset tls-client-ca-blob",
)
"""TLS ends at the proxy, so the registry rejects all that comes from it."""

IGNORED_PARTS = Message("the {parts} of the URL is ignored", "Set scheme, host and port only: https://HOST:PORT")
"""Image names have a host and a port, so a registry cannot be below a path."""

NO_TLS_FOR_CA = Message(
    "ignored, because clients use no TLS", "Set tls-cert-blob and tls-key-blob, or an http-host with https://"
)
"""There is a CA for clients to trust, and nothing that presents a certificate."""


def sentences(problems: Mapping[str, Text]) -> tuple[Sentence, ...]:
    """Return a sentence for each option, sorted by its name."""
    return tuple(sorted(about(option, text) for option, text in problems.items()))


def of_options(options: Options) -> tuple[Sentence, ...]:
    """Return a sentence for each option that is wrong, sorted by its name."""
    return sentences(options.problems)


def warnings(options: Options, facts: Facts) -> tuple[Sentence, ...]:
    """Return a sentence for each thing that an operator should know while all options are applied."""
    return tuple(_warnings(options, facts))


def _warnings(options: Options, facts: Facts) -> Iterator[Sentence]:
    generation = facts.image.generation if facts.image else 0
    ignored = [*options.cache.ignored(generation), *options.storage.ignored(generation)]
    if facts.drained:
        yield alone((DRAINED if facts.peers else DRAINED_ALONE)(unit=facts.unit))
    yield from _warnings_of_places(options, facts)
    if facts.peers and not options.storage.is_shared and not options.cache.remoteurl:
        yield alone(SEPARATE_IMAGES())
    yield from _warnings_of_space(options, facts)
    if options.storage.is_shared:
        for unit, until in facts.collectors.items():
            end = datetime.datetime.fromtimestamp(until, datetime.timezone.utc)
            yield alone(COLLECTING(unit=unit, time=f"{end:%H:%M} UTC"))
    unused = facts.disk.unused(facts.data_folder, facts.unit)
    if unused and not options.storage.is_shared:
        yield unused
    if options.storage.relation == storage.OVERRIDDEN:
        yield about(storage.RELATION, OPTIONS_OVERRIDE_BUCKET())
    yield from sentences({**options.unused, **({} if _is_encrypted(options, facts) else options.tls.unused())})
    if facts.image and ignored:
        yield about(", ".join(ignored), IGNORED(version=facts.image.version))
    version = facts.image.version if facts.image else ""
    if known := advisories.affecting(version, advisories.features(options)):
        ids, fixed = ", ".join(one.id for one in known), advisories.newest(one.fixed for one in known)
        yield about("registry-image", ADVISORIES(version=version, ids=ids, fixed=fixed))


def _warnings_of_space(options: Options, facts: Facts) -> Iterator[Sentence]:
    """Yield what an operator should know of the room on the disk with the images."""
    space, low = facts.space, options.low(facts.space, facts.was_low)
    if space is None:
        return
    if low:
        yield alone(DISK_LOW(free=space.words()))
    elif space.shortage:
        yield alone(DISK_FULL(what=space.shortage))
    elif low is None and options.is_scarce(space):
        yield alone(DISK_SCARCE(free=space.words()))


def _is_encrypted(options: Options, facts: Facts) -> bool:
    return facts.offer is not None or certificate.is_requested(options.tls, facts.tls_files)


def _warnings_of_places(options: Options, facts: Facts) -> Iterator[Sentence]:
    """Yield what an operator should know of where clients go, and how."""
    encrypted = _is_encrypted(options, facts)
    own = "https" if encrypted else "http"
    scheme = client_scheme(options, facts.proxies, own)
    for name in facts.silent_proxies:
        yield about(name, NO_ANSWER())
    if options.tls.client_ca and any(proxy.terminates for proxy in facts.proxies):
        yield about("haproxy-route", ROUTE_HAS_NO_CERTIFICATE())
    if facts.clients and options.authentication.users and not options.authentication.password:
        yield alone(NO_CREDENTIALS())
    if options.http_host and options.are_valid("http-host"):
        if scheme == "http" and encrypted:
            yield about("http-host", PLAIN_HTTP_HOST())
        if parts := addresses.ignored(options.http_host):
            yield about("http-host", IGNORED_PARTS(parts=parts))
    if scheme == "http" and facts.clients and not encrypted:
        yield alone(PLAIN_HTTP())
    if scheme == "http" and options.tls.blobs["ca"] and not encrypted:
        yield about("tls-ca-blob", NO_TLS_FOR_CA())


def circumstances(options: Options, facts: Facts) -> tuple[tuple[str, Text], ...]:
    """Return each thing on the machine or around it that keeps an option from being applied, with the option."""
    return tuple(_circumstances(options, facts))


def hidden_images(options: Options, facts: Facts) -> tuple[Sentence, ...]:
    """Return a sentence if only the running container still has the images, so that nothing may replace it."""
    if facts.disk.is_hidden and facts.disk.lost and not options.storage.is_shared:
        return (alone(disk.HIDDEN(folder=facts.disk.lost)),)
    return ()


def _circumstances(options: Options, facts: Facts) -> Iterator[tuple[str, Text]]:
    if facts.image is not None:
        unsupported = options.storage.unsupported(facts.image.generation)
        yield from sorted(unsupported.items())
    if facts.current and facts.current.has_bucket_of_relation and not (options.storage.is_shared or facts.on_disk):
        yield storage.RELATION, BUCKET_GONE(unit=facts.unit)
    if facts.name_taken:
        yield "registry-name", NAME_IN_USE(name=options.registry_name)
    if facts.current and facts.current.is_shared and not (options.storage.is_shared or facts.on_disk):
        yield from sorted(options.storage.halves().items())  # otherwise the registry would go on with an empty disk
    # A container that is paused or restarting holds its port too. One that exists before anything was applied is the
    # predecessor's, which is about to be replaced.
    alive = facts.container is not None and facts.container.is_started
    for option, port, held in (
        ("registry-port", options.registry_port, facts.port_held),
        *(("debug-port", port, facts.debug_port_held) for port in options.monitoring.ports.values()),
    ):
        ours = alive and (facts.current is None or port in facts.current.container.ports.values())
        if held and not ours:
            yield option, PORT_IN_USE(port=port)
    limits = options.limits
    if facts.cpus and options.are_valid("container-cpu-limit") and limits.nano_cpus > facts.cpus * 10**9:
        yield "container-cpu-limit", TOO_MANY_CPUS(count=facts.cpus)
    if facts.debug_address_missing:
        yield "debug-address", NO_SUCH_ADDRESS(address=options.monitoring.debug_address)
