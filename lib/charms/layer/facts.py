"""The facts of this hook, read once. Nothing here changes anything."""

from __future__ import annotations

import os
import socket
import time

from charmhelpers.core import hookenv
from charms import reactive
from charms.layer import context, docker_runtime, flags, juju_storage, leadership, tls_client
from charms.layer.context import Now, endpoint
from registry.formats.inspection import Container
from registry.options.proxies import Proxies
from registry.plan.facts import Facts
from registry.release.drift import NOTHING, Need, needs
from registry.release.release import Release


def read(now: Now) -> Facts:
    """Return what the decision depends on. Raises EngineError, OSError."""
    machine, options = context.machine, now.options
    current, container = machine.store.current(), now.container
    taken = _is_name_taken(now, current, container)
    if current is None and taken:
        container = None
    nrpe = endpoint("nrpe-external-master")
    return Facts(
        unit=hookenv.local_unit(),
        hostname=socket.gethostname(),
        addresses=now.addresses,
        http_secret=leadership.get("http-secret") or "",
        image=now.image,
        current=current,
        container=container,
        drift=_read_drift(current, container),
        stopped=reactive.is_flag_set(flags.STOPPED),
        on_disk=reactive.is_flag_set(flags.ON_DISK),
        disk=juju_storage.read_disk(),
        port_held=context.is_held(options.registry_port),
        debug_port_held=any(map(context.is_held, options.monitoring.ports.values())),
        name_taken=taken,
        errors=now.image_errors,
        model_proxies=Proxies.of_model(os.environ),
        published_address=docker_runtime.read_published_address(machine),
        peers=endpoint("peer").peers(),
        proxies=endpoint("website").proxies(),
        offer=now.offer,
        nagios=nrpe.nagios(),
        clients=bool(endpoint("docker-registry").relation_ids),
        own=context.own_user(),
        users=machine.credentials.users(),
        tls_files=tls_client.read_files(),
        tls_inherited=reactive.is_flag_set(flags.PREDECESSOR_TLS),
        now=time.time(),
        identity=now.identity,
    )


def _read_drift(current: Release | None, container: Container | None) -> Need:
    """Return what the container needs to be that of the current release."""
    if current is None:
        return NOTHING
    store = context.machine.store
    return needs(store.body(current), container, store.is_intact(current))


def _is_name_taken(now: Now, current: Release | None, container: Container | None) -> bool:
    """Tell whether a container of somebody else has the name of the option registry-name.

    Before the first release, the predecessor's container does not count: it is replaced. Nor does the one that the
    current release uses.
    """
    name = now.options.registry_name
    if current is not None and current.container.name == name:
        return False
    assert now.docker is not None
    other = now.docker.inspect(name) if current is not None else container
    return other is not None and not other.is_ours and not other.is_predecessors
