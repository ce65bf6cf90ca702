"""A storage instance."""

from __future__ import annotations

from dataclasses import dataclass, field

from localjuju.records.status import Status


@dataclass
class Storage:
    """A storage instance: a file system that outlives the unit it is attached to."""

    id: str
    """name/number; the number is the model's only one."""
    unit: str
    """To which it is, or is to be, attached; empty while detached."""
    location: str
    """Where it is, or was last, in the machine."""
    pool: str
    size: int
    """MiB, as asked for."""
    status: Status = field(default_factory=lambda: Status("pending"))
    """pending, attached, detaching or detached."""
    life: str = "alive"
    """dying: it is destroyed once it is detached."""

    @property
    def name(self) -> str:
        return self.id.split("/")[0]

    @property
    def number(self) -> str:
        return self.id.split("/")[1]
