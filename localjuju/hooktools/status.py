"""Hook tools by which a unit says how it is: status, version, log."""

from __future__ import annotations

from typing import Any

from localjuju import JujuError
from localjuju.hooktools.tool import Call, tool
from localjuju.records.status import Status

STATUSES = ("maintenance", "blocked", "waiting", "active")


@tool("juju-log", "log-level= debug", (0, 9999), prints="")
def juju_log(call: Call) -> None:
    """Log a line, with the relation in a relation's hook."""
    source = "juju-log"
    if call.context.hook.relation:
        source += f" {call.relation_name(call.relation())}:"
    call.context.log(call.flags.get("log-level") or "INFO", " ".join(call.args), source)


@tool("status-set", "application", (1, 9999), prints="")
def status_set(call: Call) -> None:
    """Set the status of the unit, or by its leader of the application, at once."""
    if call.args[0] not in STATUSES:
        raise JujuError(f'invalid status "{call.args[0]}", expected one of [{" ".join(STATUSES)}]', 2)
    status = Status(call.args[0], " ".join(call.args[1:]))
    if not call.flags.get("application"):
        call.context.unit.workload = status
    elif call.context.is_leader:
        call.context.app.status = status
    else:
        raise JujuError("this unit is not the leader")
    call.context.save()


@tool("status-get", "include-data application")
def status_get(call: Call) -> Any:
    """The status last set, not that of a failed hook."""
    context = call.context
    status = (context.app.status if call.flags.get("application") else None) or context.unit.workload
    if not call.flags.get("include-data") and call.flags.get("format", "smart") == "smart":
        return status.current
    return {"message": status.message, "status": status.current, "status-data": {}}


@tool("application-version-set", "", (1, 1), prints="")
def application_version_set(call: Call) -> None:
    """Set the version of the workload, at once."""
    call.context.app.version = call.args[0]
    call.context.save()
