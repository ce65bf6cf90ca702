"""The verbs about units."""

from __future__ import annotations

from typing import Any

from localjuju import JujuError, operations, relations, storage
from localjuju.model import Model
from localjuju.records.unit import Unit
from localjuju.session import Session, verb


@verb("add-unit", "app -n/--num-units= --to= --attach-storage=*")
def add_unit(session: Session) -> None:
    """Add units, each on a machine of its own or on the next of --to N,N,..."""
    args = session.args
    with session.changing() as agent:
        app = agent.model.application(args.app)
        if app.subordinate:
            raise JujuError(f'cannot add unit to application "{app.name}": application is a subordinate')
        operations.add_units(agent.model, app, args.num_units or "1", args.to or "", args.attach_storage)


@verb("show-unit", "unit --endpoint= --app!")
def show_unit(session: Session) -> None:
    """Show a unit with its relations' data."""
    model = session.read()
    session.show(_shown(model, model.unit(session.args.unit)))


def _shown(model: Model, unit: Unit) -> dict[str, Any]:
    app, address = model.applications[unit.app], model.machine(unit.machine).address
    info = [
        {
            "relation-id": int(relation.id),
            "endpoint": relation.endpoints[unit.app],
            "related-endpoint": relation.endpoints[relation.remote_app(unit.app)],
            "application-data": relation.settings(relation.remote_app(unit.app)),
            "local-unit": {"in-scope": unit.name in relation.members, "data": relation.settings(unit.name)},
            "related-units": {
                name: {"in-scope": True, "data": relation.settings(name)}
                for name in relations.present(model, relation, unit)
            },
        }
        for relation in model.relations_of(unit.app)
    ]
    return {
        unit.name: {
            "workload-version": app.version,
            "machine": unit.machine,
            "opened-ports": unit.ports,
            "public-address": address,
            "charm": f"local:{app.charm_name}-{app.revision}",
            "leader": app.leader == unit.name,
            "life": unit.life,
            "relation-info": info,
            "provider-id": model.machine(unit.machine).instance,
            "address": address,
        }
    }


@verb("resolved", "units* --no-retry! --all!")
def resolved(session: Session) -> None:
    """Run the failed hook of a unit again, or skip it."""
    with session.changing() as agent:
        names = list(agent.model.units) if session.args.all else session.args.units
        for unit in [agent.model.unit(name) for name in names]:
            if not unit.error and not session.args.all:
                raise JujuError(f'unit "{unit.name}" is not in an error state')
            if unit.error and session.args.no_retry:
                agent.finish_hook(unit)
            unit.error = False


@verb("remove-unit", "units* --no-prompt! --force! --destroy-storage! --no-wait! --keep-instance! --num-units=")
def remove_unit(session: Session) -> None:
    """Remove units; --keep-instance leaves their machines."""
    args = session.args
    for name in args.units:
        if session.read().unit(name).principal:
            app = name.split("/")[0]
            raise JujuError(
                f'unit "{name}" is a subordinate, to remove use remove-relation. '
                f'Note: this will remove all units of "{app}"'
            )
    session.confirm(f"This command will perform the following actions:\nwill remove {', '.join(args.units)}")
    with session.changing() as agent:
        for name in args.units:
            if args.destroy_storage:
                storage.destroy_with(agent.model, name)
            operations.remove_unit(agent.model, agent.model.unit(name), args.force, args.keep_instance)
        if args.force:
            agent.remove_forced()
