"""Registries that run unknown to Docker."""

from __future__ import annotations

from charmhelpers.core import hookenv
from charms.layer.edges import Machine
from registry.formats.inspection import DIGEST_LABEL, Container
from registry.machine.engine import Engine

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
