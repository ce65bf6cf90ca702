"""When actions that have to run now and then did so last, and whether they succeeded."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from charms.layer import context

NAMES = ("backup", "garbage-collect", "verify")
"""The actions whose runs are recorded; those that only show what they would do are not."""

RECORD = "runs"


def read() -> Mapping[str, Mapping[str, Any]]:
    """Return the last runs by the action's name. Raises OSError."""
    return context.machine.records.load(RECORD)


def save(name: str, *, failed: bool) -> None:
    """Record that a run of the action *name* has ended now. Raises OSError."""
    records = context.machine.records
    before = records.load(RECORD)
    success = {} if failed else {"succeeded": int(time.time())}
    records.save(RECORD, {**before, name: {**before.get(name, {}), "failed": failed, **success}})
