"""Hook tools about the machine and its cloud."""

from __future__ import annotations

from typing import Any

from localjuju import JujuError
from localjuju.hooktools.tool import Call, tool


@tool("juju-reboot", "now", prints="")
def juju_reboot(call: Call) -> None:
    """Reboot after the hook, or cut it off."""
    if call.context.task:
        raise JujuError("juju-reboot is not supported when running an action.")
    call.context.reboot = "now" if call.flags.get("now") else "after"
    if call.context.reboot == "now":
        call.context.host.kill(call.context.unit.tag)


@tool("credential-get")
def credential_get(call: Call) -> Any:
    """There is no cloud."""
    raise JujuError("cannot access cloud credentials")
