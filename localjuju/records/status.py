"""A status, and the time as Juju writes it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field


def now() -> str:
    """The time as Juju's JSON has it, e.g. 2026-01-31T12:00:00Z."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


@dataclass
class Status:
    """A workload's, an agent's, an application's or a machine's status."""

    current: str
    message: str = ""
    since: str = field(default_factory=now)
