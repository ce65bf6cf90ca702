"""What a machine gets from localjuju: the hook tools and the charms of its units."""

from __future__ import annotations

from pathlib import Path

from localjuju import VERSION, JujuError, archive
from localjuju.host import Host
from localjuju.model import Model
from localjuju.records.machine import Machine
from localjuju.records.unit import Unit
from localjuju.store import Store, kept_charm, write

HOOK_TOOL = Path(__file__).with_name("hooktool.pl")


def install_tools(store: Store, machine: Machine, host: Host) -> None:
    """Install the hook tools in a machine, and a jujud for what asks it for its version."""
    tools = host.path("/var/lib/juju/tools")
    folder = store.sockets(machine.id).parent
    write(folder / "jujud", f'#!/bin/sh\n[ "$1" != version ] || echo {VERSION}-ubuntu-amd64\n')
    host.copy(folder / "jujud", f"{tools}/machine-{machine.id}/jujud")
    host.copy(HOOK_TOOL, f"{tools}/hooktool")
    host.output(["chmod", "755", f"{tools}/hooktool", f"{tools}/machine-{machine.id}/jujud"])


def charm_folder(unit: Unit, host: Host) -> str:
    """Where the charm of a unit is, for the processes of its machine."""
    return host.path(f"/var/lib/juju/agents/{unit.tag}/charm")


def install_charm(model: Model, unit: Unit, host: Host) -> None:
    """Unpack the application's charm in the machine of a unit, and link its hook tools.

    Only files that the charm before had, and this one has not, are removed: what the charm itself wrote
    stays, as with Juju's manifest deployer.
    """
    from localjuju.hooktools.dispatch import NAMES  # only a command that installs needs them all

    app = model.applications[unit.app]
    new = kept_charm(app.charm)
    folder = charm_folder(unit, host)
    tools = host.path(f"/var/lib/juju/tools/{unit.tag}")
    host.output(["mkdir", "-p", folder, tools])
    host.output(["tar", "-x", "-C", tools], archive.links(NAMES, "../hooktool"))  # one process, not one per link
    if unit.charm and unit.charm != app.charm:
        gone = sorted(kept_charm(unit.charm).names - new.names)
        host.output(
            ["xargs", "-0", "sh", "-c", f'cd {folder} && rm -rf -- "$@"', "sh"],
            b"\0".join(name.encode() for name in gone),
        )
    if host.output(["tar", "-x", "-o", "-C", folder], archive.tar(new.path)) is None:
        raise JujuError(f"cannot unpack the charm {app.charm_name} on machine {unit.machine}")
    unit.charm = app.charm
