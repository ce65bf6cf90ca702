"""The facts of this hook, read once. Nothing here changes anything."""

from __future__ import annotations

import os
import socket
import time

from charmhelpers.core import hookenv
from charms import reactive
from charms.layer import collection, context, docker_runtime, flags, juju_storage, leadership, room, tls_client
from charms.layer.context import Now, endpoint
from registry.formats.inspection import Container
from registry.options.options import Options
from registry.options.proxies import Proxies
from registry.plan.facts import Facts
from registry.release.drift import NOTHING, Need, needs
from registry.release.release import Release


def read(now: Now) -> Facts:
    """Return what the decision depends on. Raises EngineError, OSError."""
    assert now.docker is not None
    machine, options = context.machine, now.options
    current, container = machine.store.current(), now.container
    foreign = _is_foreign(container, current)
    if foreign:
        container = None
    nrpe, on_disk = endpoint("nrpe-external-master"), reactive.is_flag_set(flags.ON_DISK)
    return Facts(
        unit=hookenv.local_unit(),
        hostname=socket.gethostname(),
        model=os.environ.get("JUJU_MODEL_NAME", ""),
        addresses=now.addresses,
        ingress=now.ingress,
        http_secret=leadership.get("http-secret") or "",
        image=now.image,
        current=current,
        container=container,
        drift=NOTHING if foreign else _read_drift(current, container),
        stopped=reactive.is_flag_set(flags.STOPPED),
        drained=reactive.is_flag_set(flags.DRAINED),
        on_disk=on_disk,
        disk=(disk := juju_storage.read_disk(current, container, on_disk=on_disk)),
        space=room.read(current, disk),
        was_low=room.read_low(current),
        port_held=context.is_held(options.registry_port),
        debug_port_held=any(map(context.is_held, options.monitoring.ports.values())),
        cpus=os.cpu_count() or 0,
        debug_address_missing=_is_debug_address_missing(options),
        name_taken=_is_name_taken(now, current, foreign=foreign),
        is_displaced=foreign and current is not None,
        errors=now.image_errors,
        model_proxies=Proxies.of_model(os.environ),
        published_address=docker_runtime.read_published_address(machine, now.docker, current),
        peers=(peers := endpoint("peer").peers()),
        followed=collection.follow(peers),
        collecting_until=collection.read_request(),
        proxies=context.proxies(),
        silent_proxies=tuple(name for name in context.FRONTS[1:] if _is_silent(name)),
        offer=now.offer,
        nagios=nrpe.nagios(),
        clients=bool(endpoint("docker-registry").relation_ids),
        own=context.own_user(),
        users=machine.credentials.users(),
        verdicts=machine.credentials.verdicts(),
        tls_files=tls_client.read_files(),
        tls_inherited=reactive.is_flag_set(flags.PREDECESSOR_TLS),
        now=time.time(),
        identity=now.identity,
    )


def _is_silent(name: str) -> bool:
    """Tell whether there is a proxy that has not answered, or refuses the registry as its service."""
    return bool(endpoint(name).relation_ids) and not endpoint(name).proxies()


def _is_debug_address_missing(options: Options) -> bool:
    """Tell whether metrics are requested at an address that the machine does not have."""
    address = options.monitoring.debug_address if options.monitoring.ports else None
    valid = address is not None and options.are_valid("debug-address")
    return valid and not context.machine.ports.has_address(str(address))


def _read_drift(current: Release | None, container: Container | None) -> Need:
    """Return what the container needs to be that of the current release."""
    if current is None:
        return NOTHING
    store = context.machine.store
    return needs(store.body(current), container, store.is_intact(current))


def _is_name_taken(now: Now, current: Release | None, *, foreign: bool) -> bool:
    """Tell whether a container of somebody else has the name of the option registry-name.

    *foreign* tells it of the name of the current release, or before the first one.
    """
    name = now.options.registry_name
    if current is None or current.container.name == name:
        return foreign
    assert now.docker is not None
    return _is_foreign(now.docker.inspect(name), current)


def _is_foreign(container: Container | None, current: Release | None) -> bool:
    """Tell whether there is a *container*, and somebody else created it.

    Before the first release, the predecessor's is replaced, where the predecessor was this unit's charm.
    """
    if container is None or container.is_ours:
        return False
    inherited = current is None and reactive.is_flag_set(flags.PREDECESSOR)
    return not (inherited and container.is_predecessors)
