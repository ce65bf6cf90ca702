"""Actions whose last run is recorded, for the metrics of the charm."""

from __future__ import annotations

import contextlib
from typing import Any

from charms.layer import context, monitoring, runs

from actions.results import Action, Results


def recorded(name: str, action: Action) -> Action:
    """Return *action*, which records how it ended if it is one of `runs.NAMES`.

    Nothing is recorded where it only shows what it would do, and of a cache, for which these actions are not.
    """

    def run(params: dict[str, Any]) -> Results:
        current = context.machine.store.current()
        if params.get("dry-run") or current is None or current.upstream:
            return action(params)
        failed = True
        try:
            done = action(params)
            failed = False
        finally:
            with contextlib.suppress(OSError):  # the action has done its work, or has its own words
                runs.save(name, failed=failed)
                monitoring.write()
        return done

    return run if name in runs.NAMES else action
