"""The action check-storage: whether the storage does what the registry needs."""

from __future__ import annotations

import json
from typing import Any

from charms.layer import basic, content, relocation
from registry.message import Message, alone

from actions import progress
from actions.results import Results, report

BREAKS = Message("The storage breaks what the registry needs: {rules}", "Use another storage, or repair it")
"""A storage that is not a complete file system or object store loses images sooner or later."""


def check_storage(params: dict[str, Any]) -> Results:
    """Try the storage rule by rule. Fails with those that it breaks."""
    found: dict[str, str] = {}
    with report(".txt") as text, report(".json") as data:
        with (
            relocation.tried(content.current()) as trial,
            progress.reported(lambda: f"tried: {', '.join(found) or 'nothing yet'}"),
        ):
            for rule, problem in trial.steps():
                found[rule] = problem
                text.write(f"{rule}: {problem or 'works'}\n")
        data.write(json.dumps(found) + "\n")
    if broken := {rule: problem for rule, problem in found.items() if problem}:
        raise basic.ActionFailed(alone(BREAKS(rules="; ".join(f"{rule} ({why})" for rule, why in broken.items()))))
    return {"rules": str(len(found)), "report": str(text.path), "report-json": str(data.path), "output": text.beginning}
