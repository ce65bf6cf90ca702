"""Registries that Docker or the charm has lost sight of: they run unknown to Docker, or under another name."""

from __future__ import annotations

import dataclasses

from charmhelpers.core import hookenv
from charms.layer.context import Now
from charms.layer.edges import Machine
from registry.formats.inspection import DIGEST_LABEL, Container
from registry.machine.engine import Engine
from registry.message import Message, alone

RENAMED = Message("The registry's container was renamed to {name}, and has its name {own} again")
"""Somebody renamed the container. The charm replaces it by its name, so it gave the name back; it served meanwhile."""

STARTED = "dockerd-start"
"""Name of the record of Docker's start after which no registry ran unknown to it."""


def end(docker: Engine, machine: Machine, container: Container | None) -> None:
    """End registries of the charm's that run unknown to Docker: a second one would serve the same data.

    Docker loses sight of a container that runs where it starts with other settings by which it finds them, so that is
    looked at after each start. *container* is the registry's own. Raises EngineError, OSError.
    """
    start = {"start": machine.dockerd.read_start()}
    if start["start"] and machine.records.load(STARTED) == start:
        return
    processes = machine.processes
    lost = processes.find(machine.store.folders.glob("*"))
    lost = processes.outside(lost, {container.pid} if container else set())
    if lost:
        known = map(docker.inspect, docker.labelled(DIGEST_LABEL))
        lost = processes.outside(lost, {one.pid for one in known if one is not None})
    for pid in sorted(lost):
        hookenv.log(f"Docker has lost sight of the registry with process ID {pid}; ending it.", hookenv.WARNING)
        processes.end(pid)
    machine.records.save(STARTED, start)


def rename_back(now: Now, machine: Machine) -> None:
    """Give the registry's container its name back, which costs no service, and say so. Raises EngineError."""
    current, container = machine.store.current(), now.container
    if current is None or container is None or container.name == current.container.name:
        return
    assert now.docker is not None
    now.docker.rename(container.id, current.container.name)
    now.warnings.append(alone(RENAMED(name=container.name, own=current.container.name)))
    now.container = dataclasses.replace(container, name=current.container.name)
