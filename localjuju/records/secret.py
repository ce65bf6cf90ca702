"""A user secret without its values."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from localjuju.records.status import now

SECRET = re.compile(r"(?:secret:)?(?://[0-9a-f-]{36}/)?([0-9a-z]{20})")
"""How a secret is named: secret:ID, secret://MODEL-UUID/ID or ID alone."""


@dataclass
class Secret:
    """A user's secret without its values, which `localjuju.secret` keeps in files of their own."""

    id: str
    """20 characters, as Juju's xid has them."""
    name: str
    info: str = ""
    revisions: dict[str, str] = field(default_factory=dict)
    """number -> when it was made."""
    made: int = 0
    """How many there have been: a number is never given again."""
    auto_prune: bool = False
    apps: list[str] = field(default_factory=list)
    """Who may read it."""
    tracked: dict[str, int] = field(default_factory=dict)
    """unit -> the revision that it reads, until it asks for --refresh."""
    labels: dict[str, str] = field(default_factory=dict)
    """unit -> its own name for the secret."""
    created: str = field(default_factory=now)

    @property
    def latest(self) -> int:
        return max(map(int, self.revisions))
