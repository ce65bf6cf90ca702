"""One run of a hook, an action or a command: what it may read, and what it has asked to write.

Juju's rules (https://documentation.ubuntu.com/juju/3.6/reference/hook-command/): status, the application's
version, log lines and leader-set count at once; ports, relation data, state-set and storage-add count when the hook
succeeds.
"""

from __future__ import annotations

import os
import threading
from typing import Any

from localjuju import JujuError, relations, storage
from localjuju.directive import Directive
from localjuju.host import Host
from localjuju.model import Model
from localjuju.records.application import Application
from localjuju.records.relation import Relation
from localjuju.records.status import now
from localjuju.records.task import Task
from localjuju.records.unit import Hook, Unit
from localjuju.store import Store, blob, kept_charm


class Context:
    """Lives from the start of the process in the machine to its end."""

    def __init__(
        self,
        store: Store,
        model: Model,
        unit: Unit,
        host: Host,
        hook: Hook | None = None,
        task: Task | None = None,
        params: dict[str, Any] | None = None,
    ):
        self.store, self.model, self.unit, self.host = store, model, unit, host
        self.hook = hook or Hook("")
        self.task = task
        """The task, for an action; hook tools named action-... need it."""
        self.params = params or {}
        self.app: Application = model.applications[unit.app]
        self.charm = kept_charm(unit.charm or self.app.charm)
        self.name = hook.name if hook else task.action if task else "run-commands"
        self.id = f"{unit.name}-{self.name}-{os.urandom(8).hex()}"
        self.lock = threading.Lock()
        """Held for each hook tool: one at a time, as in Juju."""
        self.tools: list[list[str]] = []
        """The hook tools that were called, with their arguments."""
        self.ports: dict[str, bool] = {}
        """Asked for: to open (True) or close a range."""
        self.databags: dict[tuple[str, str], dict[str, str]] = {}
        """(relation id, unit or application) -> settings to write; an empty value removes."""
        self.state: dict[str, str] = {}
        self.storage: dict[str, int] = {}
        """Asked for: name -> how many more."""
        self.failed: str | None = None
        """action-fail's message."""
        self.reboot = ""
        """after or now, by juju-reboot."""

    @property
    def is_leader(self) -> bool:
        return self.app.leader == self.unit.name

    def flush(self) -> None:
        """Make what was asked for count: the process has succeeded."""
        kept = [port for port in self.unit.ports if self.ports.get(port, True)]
        self.unit.ports = sorted({*kept, *(port for port, opened in self.ports.items() if opened)})
        for (relation, owner), settings in self.databags.items():
            if relation in self.model.relations:
                relations.write(self.model.relations[relation], owner, settings, self.unit.name)
        self.unit.state = self.pending_state()
        for name, count in self.storage.items():
            storage.add(self.model, self.unit, name, Directive(count))

    def pending_state(self) -> dict[str, str]:
        """state-get's view: what is kept, and what this run has changed; an empty value removes."""
        return {key: value for key, value in {**self.unit.state, **self.state}.items() if value != ""}

    def relations(self, endpoint: str = "") -> list[Relation]:
        """The relations that the unit takes part in, all or those of one endpoint."""
        found = self.model.relations_of(self.unit.app, endpoint)
        return [relation for relation in found if self.unit.name in relation.members]

    def remote_units(self, relation: Relation) -> list[str]:
        """The units for which -joined has run, or runs now, and -departed has not."""
        joined = {name for name in relation.members[self.unit.name].versions if "/" in name}
        if relation.id == self.hook.relation and self.hook.remote_unit:
            departs = self.hook.name.endswith("-relation-departed")
            joined = joined - {self.hook.remote_unit} if departs else joined | {self.hook.remote_unit}
        return sorted(joined)

    def databag(self, relation: Relation, owner: str) -> dict[str, str]:
        """A databag as this run sees it; JujuError when there is none, or it is not for this unit to read."""
        if owner == self.unit.app and not self.is_leader and not relation.is_peer:
            raise JujuError("permission denied")
        if "/" in owner and owner not in relation.bags:
            raise JujuError(f'cannot read settings for unit "{owner}" in relation {relation.id}: unit not found')
        merged = {**relation.settings(owner), **self.databags.get((relation.id, owner), {})}
        return {key: value for key, value in merged.items() if value != ""}

    def config(self) -> dict[str, Any]:
        """Every option, None for one that is unset and has no default."""
        return {**self.charm.defaults(), **{k: v for k, v in self.app.config.items() if k in self.charm.options}}

    def log(self, level: str, message: str, source: str = "juju-log") -> None:
        """Add to the model's debug log, one line each."""
        log(self.store, self.unit, level, f"unit.{self.unit.name}.{source}", message)

    def save(self) -> None:
        """What counts at once is seen by other commands at once."""
        self.store.save(self.model)

    def resource(self, name: str) -> str:
        """The path in the machine of a resource's file, which is brought there if need be."""
        declared = self.charm.resource(name)
        given = self.app.resources.get(name)
        if given is None:
            raise JujuError(f'could not download resource: resource "{self.app.name}/{name}" not found')
        folder = f"/var/lib/juju/agents/{self.unit.tag}/resources/{name}"
        path = f"{self.host.path(folder)}/{declared.get('filename') or given.filename}"
        mark = f"{self.host.path(folder)}/.{given.sha256}"
        if self.host.output(["test", "-e", mark]) is None:
            self.host.output(["rm", "-rf", self.host.path(folder)])
            self.host.copy(blob(given.sha256), path)
            self.host.output(["touch", mark])
        return path


def log(store: Store, unit: Unit, level: str, source: str, message: str) -> None:
    """Lines in Juju's format: unit-app-0: 12:00:00 INFO unit.app/0.juju-log text."""
    for line in message.splitlines() or [""]:
        store.append("log", f"{unit.tag}: {now()[11:19]} {level.upper()} {source} {line}")
