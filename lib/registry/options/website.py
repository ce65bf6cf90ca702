"""How a proxy in front connects to the registry: the options website-*."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from registry.message import Text
from registry.options.checks import choice_problem, range_problem

PASSTHROUGH, TERMINATE = "passthrough", "terminate"
INTERVAL_RANGE = (100, 60_000)
FALL_RANGE = (1, 100)


@dataclasses.dataclass(frozen=True)
class Website:
    """The options website-*."""

    tls: str
    """Where TLS ends: at the registry (passthrough) or at the proxy (terminate)."""
    check_interval: int
    """Milliseconds between checks of a unit."""
    check_fall: int
    """Number of consecutive failed checks after which a unit gets no requests."""

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Website:
        """Read the values of config.yaml's options."""
        return cls(
            tls=config["website-tls"] or "",
            check_interval=int(config["website-check-interval"] or 0),
            check_fall=int(config["website-check-fall"] or 0),
        )

    @property
    def terminates(self) -> bool:
        """TLS ends at the proxy."""
        return self.tls == TERMINATE

    def problems(self) -> dict[str, Text | None]:
        """Return what is wrong with each option, or None."""
        return {
            "website-tls": choice_problem(self.tls, (PASSTHROUGH, TERMINATE)),
            "website-check-interval": range_problem(self.check_interval, *INTERVAL_RANGE, "milliseconds"),
            "website-check-fall": range_problem(self.check_fall, *FALL_RANGE),
        }
