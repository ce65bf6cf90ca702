"""The actions drain and resume: a unit without requests from the proxy, and back."""

from __future__ import annotations

from typing import Any

from charmhelpers.core import unitdata
from charms import reactive
from charms.layer import basic, content, context, database, flags, status
from registry.message import Message, alone

from actions import progress
from actions.results import Results

NO_PROXY = Message(
    "There is no proxy in front of this unit", "To keep clients out, run the action stop: they then see no registry"
)
"""Clients connect to the unit itself, so nobody can send them elsewhere."""


def drain(params: dict[str, Any]) -> Results:
    """Take the unit from the proxy; if that is done, wait until its transfers have ended."""
    if not context.proxies():
        raise basic.ActionFailed(alone(NO_PROXY()))
    if not reactive.is_flag_set(flags.DRAINED):
        # Juju tells the proxy at the end of the action.
        _change(is_drained=True)
        return {"message": status.sentences(), "transfers": "unknown; run drain again to wait for their end"}
    release = content.current()
    container = context.machine.connect().inspect(release.container.name)
    left = 1.0
    if container is not None and container.is_running:
        with progress.reported(lambda: "waiting for transfers to end"):
            bridge, seconds = context.machine.bridge(), float(params["timeout"])
            left = bridge.wait_until_quiet(container.pid, release.port, seconds)
    return {"transfers": "ended" if left else "in progress"}


def resume(params: dict[str, Any]) -> Results:
    """Give the unit back to the proxy."""
    _change(is_drained=False)
    return {"message": status.sentences()}


def _change(*, is_drained: bool) -> None:
    if is_drained:
        reactive.set_flag(flags.DRAINED)
    else:
        reactive.clear_flag(flags.DRAINED)
    unitdata.kv().flush()
    if error := unitdata.kv().error:
        raise basic.ActionFailed(database.not_saved(error))
    basic.run_handlers()
