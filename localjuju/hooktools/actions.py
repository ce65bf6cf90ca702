"""Hook tools of actions."""

from __future__ import annotations

import re
from typing import Any

from localjuju import JujuError
from localjuju.hooktools.tool import Call, tool
from localjuju.records.status import now

RESERVED_RESULTS = ("stdout", "stdout-encoding", "stderr", "stderr-encoding")


@tool("action-get", "", (0, 1))
def action_get(call: Call) -> Any:
    """A parameter of the action by its dotted path, or all."""
    call.task()
    value: Any = call.context.params
    for part in call.args[0].split(".") if call.args else []:
        value = value.get(part) if isinstance(value, dict) else None
    return value


@tool("action-set", "", (1, 9999), prints="")
def action_set(call: Call) -> None:
    """Add to the results, nested by dots."""
    results = call.task().results
    for name, value in call.settings().items():
        if name in RESERVED_RESULTS:
            raise JujuError(f'cannot set reserved action key "{name}"', 2)
        *parents, last = name.split(".")
        if not all(re.fullmatch(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?", part) for part in [*parents, last]):
            raise JujuError(
                f'key "{name}" must start and end with lowercase alphanumeric, and contain only '
                "lowercase alphanumeric, hyphens and periods",
                2,
            )
        inner = results
        for parent in parents:
            inner = inner.setdefault(parent, {})
        inner[last] = value


@tool("action-fail", "", (0, 1), prints="")
def action_fail(call: Call) -> None:
    """Let the action fail with a message, whatever its exit code."""
    call.task()
    call.context.failed = call.args[0] if call.args else "action failed without reason given, check action for errors"


@tool("action-log", "", (1, 9999), prints="")
def action_log(call: Call) -> None:
    """Say how the action gets on."""
    call.task().log.append(f"{now().replace('T', ' ').rstrip('Z')} +0000 UTC {' '.join(call.args)}")
