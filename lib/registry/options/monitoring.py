"""What the registry tells of itself: the options log-level, log-access, prometheus-metrics and debug-*."""

from __future__ import annotations

import dataclasses
import ipaddress
from collections.abc import Mapping
from typing import Any

from registry.options.checks import choice_problem, port_problem

LEVELS = ("error", "warn", "info", "debug")


@dataclasses.dataclass(frozen=True)
class Monitoring:
    """What the operator asks for."""

    log_level: str
    log_access: bool
    """A line in the log for each request, whatever the level."""
    metrics: bool
    """There is a second server, for metrics, health and profiles. It asks nobody who he is."""
    debug_port: int
    """Port of the machine for it."""
    debug_address: str | None
    """Address of the machine at which alone it answers; None: at all of them."""

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Monitoring:
        """Read the values of config.yaml's options."""
        return cls(
            log_level=config["log-level"] or "",
            log_access=bool(config["log-access"]),
            metrics=bool(config["prometheus-metrics"]),
            debug_port=int(config["debug-port"] or 0),
            debug_address=config["debug-address"] or None,
        )

    @property
    def ports(self) -> dict[str, int]:
        """Return the options whose ports are in use, beside registry-port."""
        return {"debug-port": self.debug_port} if self.metrics else {}

    def problems(self) -> dict[str, str | None]:
        """Return what is wrong: the option to a clause, or to None."""
        return {
            "debug-address": _address_problem(self.debug_address) if self.debug_address else None,
            "debug-port": port_problem(self.debug_port),
            "log-level": choice_problem(self.log_level, LEVELS),
        }


def _address_problem(address: str) -> str | None:
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return f"{address!r} is not an address of the machine, such as 127.0.0.1"
    return None
