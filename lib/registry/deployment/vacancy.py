"""Whether the names that a switch needs are free: a container of somebody else is never renamed, stopped or removed."""

from __future__ import annotations

from registry.deployment.health import NotServing
from registry.formats import names
from registry.machine import engine
from registry.message import Message

IN_THE_WAY = Message(
    "The container {name} was not created by this charm, and the charm needs its name", "Rename or remove it"
)
"""Somebody else created a container with a name that the charm uses while it replaces the registry's container."""
NAMES_OVERLAP = Message(
    "The container {name} has a name that is needed to replace it", "Choose another registry-name, for example images"
)
"""An earlier revision allowed a registry-name with the end of a temporary name, for example registry-next."""


class Occupied(NotServing):
    """A name that a switch needs is not free. Nothing was tried: asking again costs nothing."""


def require_free(docker: engine.Engine, name: str, old: str) -> None:
    """Raise Occupied unless the container *old* can be replaced by one called *name*."""
    temporaries = {names.temporary(one, kind) for one in (name, old) for kind in names.KINDS}
    for one in sorted(temporaries & {name, old}):
        if docker.inspect(one) is not None:
            raise Occupied(NAMES_OVERLAP(name=one))
    for one in sorted(temporaries | ({name} - {old})):
        container = docker.inspect(one)
        if container is not None and not container.is_ours:
            raise Occupied(IN_THE_WAY(name=one))


def has_ours(docker: engine.Engine, old: str, *, is_first: bool, must_be_free: bool) -> bool:
    """Tell whether there is a container *old* to replace; the predecessor's is one before the first release.

    Raises NotServing if it is somebody else's and the name *must_be_free*.
    """
    container = docker.inspect(old)
    theirs = container is not None and not (container.is_ours or (is_first and container.is_predecessors))
    if theirs and must_be_free:
        raise NotServing(IN_THE_WAY(name=old))
    return container is not None and not theirs
