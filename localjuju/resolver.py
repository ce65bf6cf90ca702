"""Which hook a unit runs next, and which unit leads.

Juju's order (https://github.com/juju/juju, internal/worker/uniter/resolver.go): a hook that was cut off or has
failed; storage, also before install; -relation-created; leadership; what an operator's command leads to; relations;
update-status. A unit that is to go gives its storage back, ends its relations, stops and is removed.
"""

from __future__ import annotations

from localjuju import relations, storage
from localjuju.model import Model
from localjuju.records.application import Application
from localjuju.records.unit import Hook, Unit


def next_hook(model: Model, unit: Unit) -> Hook | None:
    """The hook that a unit runs next; None when there is nothing to do."""
    if unit.hook:
        return unit.hook
    if unit.life == "dying":
        return _last_hook(model, unit)
    if hook := storage.next_hook(model, unit):
        return hook
    queued = next((hook for hook in unit.queue if hook.name != "update-status"), None)
    if not unit.installed:
        return queued
    hook = relations.created(model, unit) or _leadership(model, unit) or queued or relations.next_hook(model, unit)
    return hook or next(iter(unit.queue), None)


def _last_hook(model: Model, unit: Unit) -> Hook | None:
    if unit.queue and unit.installed:
        return unit.queue[0]
    if hook := storage.next_hook(model, unit) or relations.next_hook(model, unit):
        return hook
    if unit.started:
        return Hook("stop")
    return Hook("remove") if unit.installed and not model.subordinates(unit) else None


def _leadership(model: Model, unit: Unit) -> Hook | None:
    app = model.applications[unit.app]
    if app.leader == unit.name:
        return None if unit.elected else Hook("leader-elected")
    return Hook("leader-settings-changed") if unit.leader_version != app.leader_version else None


def is_gone(model: Model, unit: Unit) -> bool:
    """Whether a unit has run its last hook, or never ran one."""
    return unit.life == "dying" and not model.subordinates(unit) and next_hook(model, unit) is None


def elect(model: Model, app: Application) -> None:
    """Let the first unit lead whose machine is up, if the leader has gone or its machine is down.

    Juju's leader loses its lease within a minute of its agent's end
    (https://documentation.ubuntu.com/juju/3.6/reference/unit/#leader-unit).
    """
    running = [unit for unit in model.units_of(app.name) if model.machine(unit.machine).status.current == "started"]
    alive = [unit.name for unit in running if unit.life == "alive"]
    if app.leader not in [unit.name for unit in running] and (alive or app.leader not in model.units):
        app.leader = alive[0] if alive else ""
    for unit in model.units_of(app.name):
        unit.elected = unit.elected and unit.name == app.leader
