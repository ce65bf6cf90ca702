"""A relation with its databags, and what each unit in it has been notified of."""

from __future__ import annotations

from dataclasses import dataclass, field

from localjuju.records.status import now


@dataclass
class Databag:
    """What a unit or an application says to the other side."""

    settings: dict[str, str] = field(default_factory=dict)
    version: int = 0
    """Counts the changes."""


@dataclass
class Membership:
    """What the hooks of a unit have seen of a relation."""

    created: bool = False
    versions: dict[str, int] = field(default_factory=dict)
    """Remote unit that has joined, or remote application -> the version of its databag that -changed last ran for."""


@dataclass
class Relation:
    """Both sides of a relation; a peer relation has one endpoint."""

    id: str
    interface: str
    scope: str
    endpoints: dict[str, str]
    """application -> the name of its endpoint."""
    bags: dict[str, Databag] = field(default_factory=dict)
    """Unit that is or was in scope, or application -> its databag."""
    members: dict[str, Membership] = field(default_factory=dict)
    """Unit that takes part, from before -relation-created until after -relation-broken."""
    ingress: dict[str, str] = field(default_factory=dict)
    """Unit -> the address at which the other side reaches it, where that is not its machine's: as between models."""
    life: str = "alive"
    since: str = field(default_factory=now)

    @property
    def is_peer(self) -> bool:
        return len(self.endpoints) == 1

    def settings(self, owner: str) -> dict[str, str]:
        """The databag of a unit or an application; empty when there is none."""
        return self.bags[owner].settings if owner in self.bags else {}

    def remote_app(self, app: str) -> str:
        """The application at the other end as seen by `app`; itself for peers."""
        return next((name for name in self.endpoints if name != app), app)
