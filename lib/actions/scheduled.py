"""Actions that a timer runs, by the options gc-schedule and prune-schedule."""

from __future__ import annotations

import os
import time

from charms.layer import basic, collection, content, context, leadership, schedules
from registry.formats.timers import AGAIN
from registry.message import alone

from actions.table import ACTIONS


def run(name: str) -> int:
    """Run the action *name* as its options say; return the exit code for the timer's service.

    In a store that units share, the leader does it for all.
    """
    os.environ["JUJU_ACTION_UUID"] = f"scheduled-{name}"  # its reports have this name
    started = time.time()
    schedules.save(name, {"time": int(started), "error": alone(schedules.ENDED())})
    try:
        results = {} if _is_anothers() else ACTIONS[name](_params(name))
    except basic.ActionFailed as failure:
        schedules.save(name, {"error": failure.sentence, "seconds": round(time.time() - started)})
        return AGAIN if collection.read_request() else 1
    freed = int(results.get("freed-bytes", 0))
    schedules.save(name, {"error": "", "seconds": round(time.time() - started), "bytes": freed})
    return 0


def _is_anothers() -> bool:
    return content.current().is_shared and not leadership.is_leader()


def _params(name: str) -> dict[str, object]:
    if name == "prune":
        return context.now.options.upkeep.policy
    return {"dry-run": False, "untagged": False}
