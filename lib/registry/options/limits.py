"""What the registry's container may use up: the options container-*-limit and log-max-*."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

_UNITS = {"": 1, "b": 1, "k": 1024, "m": 1024**2, "g": 1024**3}


@dataclasses.dataclass(frozen=True)
class Limits:
    """What the operator asks for."""

    memory: str | None
    """As Docker writes it: a number with b, k, m or g; None is no limit."""
    cpus: str | None
    """Processors, as a decimal; None is no limit."""
    log_size: str
    """Of one file of the container's log, written as `memory` is."""
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
        """`cpus` in billionths of a processor, 0 for none. Only where there are no problems."""
        return int(Decimal(self.cpus) * 1_000_000_000) if self.cpus else 0

    def problems(self) -> dict[str, str | None]:
        """Return what is wrong: the option to a clause, or to None."""
        return {
            "container-cpu-limit": _cpus_problem(self.cpus) if self.cpus else None,
            "container-memory-limit": _size_problem(self.memory) if self.memory else None,
            "log-max-files": None
            if 1 <= self.log_files <= 1000
            else f"{self.log_files} is not a number from 1 to 1000",
            "log-max-size": _size_problem(self.log_size),
        }


def _bytes(size: str) -> int:
    digits = size.rstrip("bkmgBKMG")
    return int(digits) * _UNITS[size[len(digits) :].lower()]


def _size_problem(size: str) -> str | None:
    if re.fullmatch(r"[1-9][0-9]{0,14}[bkmg]?", size, re.IGNORECASE | re.ASCII):
        return None
    return f"{size!r} is not a size, such as 512m or 2g"


def _cpus_problem(cpus: str) -> str | None:
    # Docker's least is a hundredth of a processor; what is more than the machine has it refuses itself.
    if re.fullmatch(r"[0-9]{1,4}(\.[0-9]{1,9})?", cpus, re.ASCII) and Decimal(cpus) >= Decimal("0.01"):
        return None
    return f"{cpus!r} is not a number of processors, such as 1.5"
