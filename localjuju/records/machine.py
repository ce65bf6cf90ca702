"""What the model knows of a machine."""

from __future__ import annotations

from dataclasses import dataclass, field

from localjuju.records.status import Status


@dataclass
class Machine:
    """What units run on; see `localjuju.machine` for the real thing."""

    id: str
    image: str
    instance: str
    base: str = ""
    address: str = ""
    boot: str = ""
    """An identifier of the last boot that was seen; empty before the first."""
    status: Status = field(default_factory=lambda: Status("pending"))
    keep: bool = False
    """Stays when its last unit goes."""
    upgrading: str = ""
    """The base of an upgrade-machine between prepare and complete: its units' hooks wait."""
