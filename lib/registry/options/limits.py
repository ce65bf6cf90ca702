"""Limits of the registry's container: the options container-*-limit and log-max-*."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from registry.message import Message, Text
from registry.options.checks import range_problem

NOT_A_SIZE = Message("{value!r} is not a size", "Use a number with b, k, m or g, for example 512m or 2g")
"""Docker reads sizes as whole numbers with one of these units; zero and fractions are not accepted."""
NOT_CPUS = Message("{value!r} is not a number of CPUs", "Use a number of at least 0.01, for example 1.5")
"""Docker limits CPU time to a decimal number of CPUs, the minimum being 0.01."""

_UNITS = {"": 1, "b": 1, "k": 1024, "m": 1024**2, "g": 1024**3}


@dataclasses.dataclass(frozen=True)
class Limits:
    """The options container-*-limit and log-max-*."""

    memory: str | None
    """A size as Docker reads it: a number with b, k, m or g; None is no limit."""
    cpus: str | None
    """CPUs, a decimal number; None is no limit."""
    log_size: str
    """Size of one file of the container's log, like `memory`."""
    log_files: int

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Limits:
        """Read the values of config.yaml's options."""
        return cls(
            memory=config["container-memory-limit"] or None,
            cpus=config["container-cpu-limit"] or None,
            log_size=config["log-max-size"] or "",
            log_files=int(config["log-max-files"] or 0),
        )

    @property
    def memory_bytes(self) -> int:
        """`memory` in bytes, 0 for none. Only where there are no problems."""
        return _bytes(self.memory) if self.memory else 0

    @property
    def nano_cpus(self) -> int:
        """`cpus` in billionths of a CPU, 0 for none. Only where there are no problems."""
        return int(Decimal(self.cpus) * 1_000_000_000) if self.cpus else 0

    def problems(self) -> dict[str, Text | None]:
        """Return what is wrong with each option, or None."""
        return {
            "container-cpu-limit": _cpus_problem(self.cpus) if self.cpus else None,
            "container-memory-limit": _size_problem(self.memory) if self.memory else None,
            "log-max-files": range_problem(self.log_files, 1, 1000),
            "log-max-size": _size_problem(self.log_size),
        }


def _bytes(size: str) -> int:
    digits = size.rstrip("bkmgBKMG")
    return int(digits) * _UNITS[size[len(digits) :].lower()]


def _size_problem(size: str) -> Text | None:
    if re.fullmatch(r"[1-9][0-9]{0,14}[bkmg]?", size, re.IGNORECASE | re.ASCII):
        return None
    return NOT_A_SIZE(value=size)


def _cpus_problem(cpus: str) -> Text | None:
    # Docker's minimum is 0.01; it rejects more CPUs than the machine has itself.
    if re.fullmatch(r"[0-9]{1,4}(\.[0-9]{1,9})?", cpus, re.ASCII) and Decimal(cpus) >= Decimal("0.01"):
        return None
    return NOT_CPUS(value=cpus)
