"""A deployed charm, and the files given for its resources."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from localjuju.records.status import Status


@dataclass
class Resource:
    """A file given for a resource of a charm."""

    sha256: str
    filename: str
    size: int
    revision: int


@dataclass
class Application:
    """A deployed charm with its options, its files and its units' common state."""

    name: str
    charm: str
    """sha256 of the .charm file, by which the store keeps it."""
    charm_name: str
    revision: int = 0
    base: str = ""
    """NAME@CHANNEL of the machines, known once there is one."""
    config: dict[str, Any] = field(default_factory=dict)
    """Only the options that the operator has set."""
    resources: dict[str, Resource] = field(default_factory=dict)
    constraints: dict[str, str] = field(default_factory=dict)
    exposed: bool = False
    subordinate: bool = False
    life: str = "alive"
    status: Status | None = None
    """What the leader said with status-set --application; None: derived from the units."""
    version: str = ""
    leader: str = ""
    """The leading unit; empty before one is up."""
    leader_settings: dict[str, str] = field(default_factory=dict)
    leader_version: int = 0
    """Counts the changes of leader_settings."""
    storage: dict[str, str] = field(default_factory=dict)
    """name -> [POOL,][COUNT,][SIZE], as the operator gave it to `deploy`."""
    next_unit: int = 0
