"""Hook tools of leadership."""

from __future__ import annotations

from typing import Any

from localjuju import JujuError
from localjuju.hooktools.tool import Call, pick, tool


@tool("leader-set", "", (0, 9999), prints="")
def leader_set(call: Call) -> None:
    """At once: https://github.com/juju/juju/blob/2.9/worker/uniter/runner/context/leader.go WriteLeaderSettings."""
    if not call.context.is_leader:
        raise JujuError("cannot write leadership settings: cannot write settings: not the leader")
    app = call.context.app
    settings = {key: value for key, value in {**app.leader_settings, **call.settings()}.items() if value != ""}
    if settings != app.leader_settings:
        app.leader_settings, app.leader_version = settings, app.leader_version + 1
    call.context.save()


@tool("leader-get", "", (0, 1))
def leader_get(call: Call) -> Any:
    """One of the settings of the leader, or all."""
    return pick(call.context.app.leader_settings, call.args)


@tool("is-leader")
def is_leader(call: Call) -> bool:
    """Whether the unit leads."""
    return call.context.is_leader
