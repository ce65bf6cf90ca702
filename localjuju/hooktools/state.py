"""Hook tools of the state that a unit keeps."""

from __future__ import annotations

from typing import Any

from localjuju.hooktools.tool import Call, pick, tool


@tool("state-get", "", (0, 1))
def state_get(call: Call) -> Any:
    """One value, or all."""
    return pick(call.context.pending_state(), call.args)


@tool("state-set", "file=", (0, 9999), prints="")
def state_set(call: Call) -> None:
    """Ask to keep values."""
    call.context.state.update(call.settings())


@tool("state-delete", "", (1, 1), prints="")
def state_delete(call: Call) -> None:
    """Ask to forget a value."""
    call.context.state[call.args[0]] = ""
