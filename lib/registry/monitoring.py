"""What the registry tells of itself: the options log-level and log-access."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

LEVELS = ("error", "warn", "info", "debug")


@dataclasses.dataclass(frozen=True)
class Monitoring:
    """What the operator asks for."""

    log_level: str
    log_access: bool
    """A line in the log for each request, whatever the level."""

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Monitoring:
        """Read the values of config.yaml's options."""
        return cls(log_level=config["log-level"] or "", log_access=bool(config["log-access"]))

    def problems(self) -> dict[str, str | None]:
        """Return what is wrong: the option to a clause, or to None."""
        known = self.log_level in LEVELS
        return {"log-level": None if known else f"{self.log_level!r} is none of {', '.join(LEVELS)}"}
