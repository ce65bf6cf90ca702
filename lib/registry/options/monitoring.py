"""Logs and metrics: the options log-*, prometheus-metrics and debug-*."""

from __future__ import annotations

import dataclasses
import ipaddress
from collections.abc import Mapping
from typing import Any

from registry.message import Message, Text
from registry.options.checks import as_choice, choice_problem, no_effect, port_problem

NOT_AN_ADDRESS = Message("{value!r} is not an IP address", "Use an address of this machine, for example 127.0.0.1")
"""The value is a host name or not an address at all; Docker publishes ports at IP addresses only."""

LOOPBACK = "127.0.0.1"

LEVELS = ("error", "warn", "info", "debug")
FORMATS = ("json", "text")
DRIVERS = ("json-file", "journald", "syslog")
"""Drivers of Docker that need no further setting: https://docs.docker.com/engine/logging/configure/."""


@dataclasses.dataclass(frozen=True)
class Monitoring:
    """The options for logs and metrics."""

    log_level: str
    log_format: str
    log_driver: str
    log_access: bool
    """Log each request, independent of the level."""
    metrics: bool
    """Serve metrics, health and profiles on a second port, unauthenticated."""
    debug_port: int
    """Port of the machine for metrics."""
    debug_address: str | None
    """The only address of the machine at which metrics are served; None: all of them."""

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Monitoring:
        """Read the values of config.yaml's options."""
        return cls(
            log_level=as_choice(config["log-level"] or "", LEVELS),
            log_format=as_choice(config["log-format"] or "", FORMATS),
            log_driver=as_choice(config["log-driver"] or "", DRIVERS),
            log_access=bool(config["log-access"]),
            metrics=bool(config["prometheus-metrics"]),
            debug_port=int(config["debug-port"] or 0),
            debug_address=config["debug-address"] or None,
        )

    def with_agent(self) -> Monitoring:
        """Return these options where an agent on the machine scrapes metrics: only it can, unless they say more."""
        if self.metrics:
            return self
        return dataclasses.replace(self, metrics=True, debug_address=self.debug_address or LOOPBACK)

    @property
    def ports(self) -> dict[str, int]:
        """The ports in use by option, without registry-port."""
        return {"debug-port": self.debug_port} if self.metrics else {}

    def unused(self) -> dict[str, Text]:
        """Return what is set without effect, by options."""
        given = ["debug-address"] if self.debug_address else []
        return no_effect(given, "prometheus-metrics", "off") if not self.metrics else {}

    def problems(self) -> dict[str, Text | None]:
        """Return what is wrong with each option, or None."""
        return {
            "debug-address": _address_problem(self.debug_address) if self.debug_address else None,
            "debug-port": port_problem(self.debug_port),
            "log-driver": choice_problem(self.log_driver, DRIVERS),
            "log-format": choice_problem(self.log_format, FORMATS),
            "log-level": choice_problem(self.log_level, LEVELS),
        }


def _address_problem(address: str) -> Text | None:
    try:
        # Docker reads none with a zone, and would publish the port at all addresses.
        ipaddress.ip_address(address if "%" not in address else "")
    except ValueError:
        return NOT_AN_ADDRESS(value=address)
    return None
