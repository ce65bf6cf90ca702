"""What Nagios calls the unit and its services: the options nagios_*."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

_WORD = r"[A-Za-z0-9_.:@-]+"
"""Nagios has its own meaning for other characters: https://assets.nagios.com/downloads/nagioscore/docs/nagioscore/4/en/configmain.html#illegal_object_name_chars"""


@dataclasses.dataclass(frozen=True)
class Naming:
    """What the operator asks for."""

    context: str
    """Begins the name of the unit's host in Nagios, where nrpe does not say it."""
    servicegroups: str
    """Names of groups for the services, separated by commas; empty: the context."""

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Naming:
        """Read the values of config.yaml's options."""
        return cls(config["nagios_context"] or "", config["nagios_servicegroups"] or "")

    def problems(self) -> dict[str, str | None]:
        """Return what is wrong: the option to a clause, or to None."""
        allowed = "is no name of Nagios's (letters, digits, _ . : @ -)"
        groups = re.fullmatch(rf"({_WORD}(\s*,\s*{_WORD})*)?", self.servicegroups, re.ASCII)
        return {
            "nagios_context": None if re.fullmatch(_WORD, self.context, re.ASCII) else f"{self.context!r} {allowed}",
            "nagios_servicegroups": None if groups else f"a part of {self.servicegroups!r} {allowed}",
        }

    def host(self, unit: str, hostname: str | None) -> str:
        """Return the name of the unit's host: *hostname*, which nrpe says, or one that begins with the context."""
        return hostname or f"{self.context}-{unit.replace('/', '-')}"

    @property
    def groups(self) -> str:
        """The groups of the services, separated by commas."""
        return self.servicegroups or self.context
