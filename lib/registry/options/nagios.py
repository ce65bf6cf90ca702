"""Names of the unit and its services in Nagios: the options nagios_*."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

from registry.message import Message, Text

NOT_A_NAME = Message("{value!r} is not a name that Nagios accepts", "Use letters, digits and _ . : @ -")
"""Nagios gives other characters, for example spaces and semicolons, a meaning of their own."""
NOT_NAMES = Message(
    "{value!r} is not a list of names that Nagios accepts", "Use letters, digits and _ . : @ -, with commas in between"
)
"""Nagios gives other characters, for example semicolons, a meaning of their own."""

_WORD = r"[A-Za-z0-9_.:@-]+"
"""Other characters have a meaning to Nagios: https://assets.nagios.com/downloads/nagioscore/docs/nagioscore/4/en/configmain.html#illegal_object_name_chars"""


@dataclasses.dataclass(frozen=True)
class Naming:
    """The options nagios_*."""

    context: str
    """Prefix of the unit's host name in Nagios, where nrpe does not provide the name; empty: none."""
    servicegroups: str
    """Names of service groups, separated by commas; empty: the context."""

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Naming:
        """Read the values of config.yaml's options."""
        return cls(config["nagios_context"] or "", config["nagios_servicegroups"] or "")

    def problems(self) -> dict[str, Text | None]:
        """Return what is wrong with each option, or None."""
        groups = re.fullmatch(rf"({_WORD}(\s*,\s*{_WORD})*)?", self.servicegroups, re.ASCII)
        return {
            "nagios_context": None
            if re.fullmatch(rf"({_WORD})?", self.context, re.ASCII)
            else NOT_A_NAME(value=self.context),
            "nagios_servicegroups": None if groups else NOT_NAMES(value=self.servicegroups),
        }

    def host(self, unit: str, hostname: str | None) -> str:
        """Return the name of the unit's host: *hostname* from nrpe, or one that begins with the context."""
        return hostname or "-".join(filter(None, (self.context, unit.replace("/", "-"))))

    @property
    def groups(self) -> str:
        """The groups of the services, separated by commas; empty: none."""
        return self.servicegroups or self.context
