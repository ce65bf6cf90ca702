"""Hook tools about relations."""

from __future__ import annotations

from typing import Any

from localjuju import JujuError
from localjuju.hooktools.tool import Call, pick, tool


@tool("relation-ids", "", (0, 1))
def relation_ids(call: Call) -> list[str]:
    """An endpoint that does not exist has no ids either."""
    app = call.context.unit.app
    name = call.args[0] if call.args else ""
    if not name and call.context.hook.relation:
        name = call.relation().endpoints[app]
    if not name:
        raise JujuError("no endpoint name specified", 2)
    return [call.relation_name(relation) for relation in call.context.relations(name)]


@tool("relation-list", "relation= app")
def relation_list(call: Call) -> Any:
    """The remote units, or with --app the remote application."""
    relation = call.relation()
    if call.flags.get("app"):
        return relation.remote_app(call.context.unit.app)
    return call.context.remote_units(relation)


@tool("relation-get", "relation= app", (0, 2))
def relation_get(call: Call) -> Any:
    """A databag: of the remote unit, or of a named unit or application."""
    relation = call.relation()
    owner = call.args[1] if len(call.args) == 2 else call.context.hook.remote_unit
    if call.flags.get("app"):
        owner = (owner or call.context.hook.remote_app).split("/")[0]
    if not owner:
        raise JujuError("no unit id specified", 2)
    return pick(call.context.databag(relation, owner), call.args)


@tool("relation-set", "relation= app file=", (0, 9999), prints="")
def relation_set(call: Call) -> None:
    """Ask to write to the unit's own databag, or by its leader to the application's."""
    if call.flags.get("app") and not call.context.is_leader:
        raise JujuError("cannot write relation settings: permission denied")
    owner = call.context.unit.app if call.flags.get("app") else call.context.unit.name
    call.context.databags.setdefault((call.relation().id, owner), {}).update(call.settings())


@tool("goal-state")
def goal_state(call: Call) -> Any:
    """The units and relations that there are to be, as apiserver/facades/agent/uniter has them: without peers."""
    model, unit = call.context.model, call.context.unit

    def units(app: str) -> dict[str, Any]:
        found = [other for other in model.units_of(app) if other.principal in ("", unit.name, unit.principal)]
        shown = {other.name: other.life if other.life == "dying" else other.shown.current for other in found}
        return {other.name: {"status": shown[other.name], "since": other.shown.since} for other in found}

    related: dict[str, Any] = {}
    for relation in model.relations_of(unit.app):
        other = relation.remote_app(unit.app)
        state = {"status": "joined" if relation.members else "joining", "since": relation.since}
        if not relation.is_peer:
            related.setdefault(relation.endpoints[unit.app], {}).update({other: state, **units(other)})
    return {"units": units(unit.app), "relations": related}
