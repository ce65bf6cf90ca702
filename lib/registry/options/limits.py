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
TOO_SMALL = Message("{value!r} is less than Docker accepts", "Use {least} or more, for example 512m")
"""Docker starts no container with less memory: https://docs.docker.com/engine/containers/resource_constraints/."""
TOO_LARGE = Message("{value!r} is more than any machine has", "Use a smaller size, for example 512m or 2g")
"""Docker counts bytes in 63 bits, and the value has more."""
TOO_MANY_CPUS = Message("the machine has {count} CPUs, and Docker accepts no higher limit", "Use {count} or less")
"""The limit is higher than what it limits, for example because the machine is smaller than those it was made for."""
DOCKER_REFUSES = Message("Docker refuses the value ({error})", "Use another one, or reset the option")
"""Docker does not create or start a container with the value, in its own words."""
NOT_CPUS = Message("{value!r} is not a number of CPUs", "Use a number of at least 0.01, for example 1.5")
"""Docker limits CPU time to a decimal number of CPUs, the minimum being 0.01."""

LEAST_MEMORY = "6m"
"""Docker's minimum, as an option: linuxMinMemory of https://github.com/moby/moby, daemon/daemon_unix.go."""
REFUSALS = {
    r"Range of CPUs is from[^:]*": "container-cpu-limit",
    r"(?i:minimum memory limit)[^:]*|[^:]*\(memory limit too low\?\)": "container-memory-limit",
    r"(?<=failed to initialize logging driver: ).*": "log-driver",
}
"""What Docker says of a value, as regular expressions, and the option it is of."""
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
        return size_bytes(self.memory) if self.memory else 0

    @property
    def nano_cpus(self) -> int:
        """`cpus` in billionths of a CPU, 0 for none. Only where there are no problems."""
        return int(Decimal(self.cpus) * 1_000_000_000) if self.cpus else 0

    def problems(self) -> dict[str, Text | None]:
        """Return what is wrong with each option, or None."""
        return {
            "container-cpu-limit": _cpus_problem(self.cpus) if self.cpus else None,
            "container-memory-limit": size_problem(self.memory, LEAST_MEMORY) if self.memory else None,
            "log-max-files": range_problem(self.log_files, 1, 1000),
            "log-max-size": size_problem(self.log_size),
        }


def size_bytes(size: str) -> int:
    """Return the bytes of a size without a problem."""
    digits = size.rstrip("bkmgBKMG")
    return int(digits) * _UNITS[size[len(digits) :].lower()]


def size_problem(size: str, least: str = "1") -> Text | None:
    """Check a size as Docker reads it."""
    if not re.fullmatch(r"[1-9][0-9]*[bkmg]?", size[:100], re.IGNORECASE | re.ASCII):
        return NOT_A_SIZE(value=size)
    if len(size) > 20 or size_bytes(size) >= 2**63:
        return TOO_LARGE(value=size)
    return TOO_SMALL(value=size, least=least) if size_bytes(size) < size_bytes(least) else None


def refused(error: str) -> tuple[str, Text] | None:
    """Return the option whose value makes Docker raise the *error*, and what to say of it; None if none does."""
    found = ((option, re.search(pattern, error)) for pattern, option in REFUSALS.items())
    return next(((option, DOCKER_REFUSES(error=words[0].strip())) for option, words in found if words), None)


def _cpus_problem(cpus: str) -> Text | None:
    # Docker's minimum is 0.01; more CPUs than the machine has are a fact of the machine.
    if re.fullmatch(r"(?=\.?[0-9])[0-9]{0,4}(\.[0-9]{0,9})?", cpus, re.ASCII) and Decimal(cpus) >= Decimal("0.01"):
        return None
    return NOT_CPUS(value=cpus)
