"""The model as data: all records, and how one finds another.

Everything is a dataclass of JSON values, so that the whole model is one file. No input or output here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from localjuju import JujuError
from localjuju.records.application import Application
from localjuju.records.machine import Machine
from localjuju.records.relation import Relation
from localjuju.records.secret import Secret
from localjuju.records.status import now
from localjuju.records.storage import Storage
from localjuju.records.task import Task
from localjuju.records.unit import Hook, Unit, unit_number


@dataclass
class Model:
    """All of it."""

    name: str
    uuid: str
    config: dict[str, Any] = field(default_factory=dict)
    applications: dict[str, Application] = field(default_factory=dict)
    units: dict[str, Unit] = field(default_factory=dict)
    machines: dict[str, Machine] = field(default_factory=dict)
    relations: dict[str, Relation] = field(default_factory=dict)
    tasks: dict[str, Task] = field(default_factory=dict)
    secrets: dict[str, Secret] = field(default_factory=dict)
    storage: dict[str, Storage] = field(default_factory=dict)
    next_storage: int = 0
    next_machine: int = 0
    next_relation: int = 0
    next_task: int = 1
    created: str = field(default_factory=now)

    def application(self, name: str) -> Application:
        if name not in self.applications:
            raise JujuError(f'application "{name}" not found')
        return self.applications[name]

    def unit(self, name: str) -> Unit:
        """A unit by its name, or by app/leader."""
        app, _, number = name.partition("/")
        if number == "leader":
            name = self.application(app).leader
        if name not in self.units:
            raise JujuError(f'unit "{name}" not found')
        return self.units[name]

    def machine(self, number: str) -> Machine:
        if number not in self.machines:
            raise JujuError(f"machine {number} not found")
        return self.machines[number]

    def add_unit(self, app: Application, machine: str, principal: str = "") -> Unit:
        """A new unit, with the hooks of its start."""
        unit = Unit(f"{app.name}/{app.next_unit}", machine, principal=principal)
        unit.queue = [Hook(name) for name in ("install", "config-changed", "start")]
        app.next_unit += 1
        self.units[unit.name] = unit
        return unit

    def storage_of(self, unit: str) -> list[Storage]:
        """The storage that a unit has, or is to have."""
        return [item for item in self.storage.values() if item.unit == unit]

    def units_of(self, app: str) -> list[Unit]:
        return sorted((u for u in self.units.values() if u.app == app), key=lambda u: unit_number(u.name))

    def units_on(self, machine: str) -> list[Unit]:
        return [unit for unit in self.units.values() if unit.machine == machine]

    def subordinates(self, unit: Unit) -> list[Unit]:
        return [other for other in self.units.values() if other.principal == unit.name]

    def relations_of(self, app: str, endpoint: str = "") -> list[Relation]:
        """The relations of an application, all or those of one endpoint."""
        return [
            relation
            for relation in self.relations.values()
            if app in relation.endpoints and endpoint in ("", relation.endpoints[app])
        ]
