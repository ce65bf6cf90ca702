"""A task: one run of an action or of a command on a unit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from localjuju.records.status import now


@dataclass
class Task:
    """An action or an exec that was run."""

    id: str
    unit: str
    action: str
    status: str = "running"
    message: str = ""
    results: dict[str, Any] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    enqueued: str = field(default_factory=now)
    completed: str = ""

    def shown(self) -> dict[str, Any]:
        """As `juju run --format json` prints it."""
        timing = {"enqueued": self.enqueued, "started": self.enqueued, "completed": self.completed}
        shown: dict[str, Any] = {"id": self.id, "status": self.status, "timing": timing, "unit": self.unit}
        for key in ("results", "log", "message"):
            if getattr(self, key):
                shown[key] = getattr(self, key)
        return shown
