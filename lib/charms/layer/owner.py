"""Which unit of this charm has the machine: the registry, Docker's settings, packages and checks are there once.

The first unit on a machine owns it until it is removed. Another one, also of another application, changes nothing.
"""

from __future__ import annotations

import os

from charmhelpers.core import hookenv
from charms import reactive
from charms.layer import context, flags, status
from registry.message import Message, Sentence, alone

RECORD = "owner"
"""Name of the record of the unit that owns the machine."""

OCCUPIED = Message(
    "The unit {owner} of this charm is on the same machine, and there can be one registry on a machine",
    "Remove one of the two units",
)
"""Two units would change the same files, and stop each other's container. The second changes nothing."""


def claim() -> None:
    """Make this unit the owner of the machine, unless another one is; then set the flag that says so.

    Raises OSError.
    """
    if read_other():
        reactive.set_flag(flags.OCCUPIED)
        return
    reactive.clear_flag(flags.OCCUPIED)
    if _read() != hookenv.local_unit():
        context.machine.records.save(RECORD, {"unit": hookenv.local_unit()})


def read_other() -> str | None:
    """Return the other unit that owns the machine, if there is one. Raises OSError.

    A unit whose agent is gone owns nothing, for example one that was removed by force.
    """
    owner = _read()
    if owner is None or owner == hookenv.local_unit() or not context.machine.folders.is_there(_agent_folder(owner)):
        return None
    return owner


def release() -> None:
    """Leave the machine to another unit. Raises OSError."""
    context.machine.records.remove(RECORD)


def sentence() -> Sentence:
    """Return the sentence about a machine that another unit owns. Raises OSError."""
    return alone(OCCUPIED(owner=read_other()))


def report() -> None:
    """Say that another unit owns the machine."""
    status.blocked(sentence())


def _read() -> str | None:
    """Return the unit that owns the machine, None if there is none. Raises OSError."""
    return context.machine.records.load(RECORD).get("unit")


def _agent_folder(unit: str) -> str:
    """Return the folder of Juju's agent of a *unit* on this machine, beside that of this unit."""
    agents = os.path.dirname(os.path.dirname(hookenv.charm_dir()))
    return os.path.join(agents, f"unit-{unit.replace('/', '-')}")
