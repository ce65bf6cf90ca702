"""The verbs about relations."""

from __future__ import annotations

from localjuju import JujuError, matching, operations, relations
from localjuju.session import Session, verb


@verb("integrate", "one other --via=")
def integrate(session: Session) -> None:
    """Relate two applications: APP[:ENDPOINT] APP[:ENDPOINT]."""
    with session.changing() as agent:
        matching.integrate(agent.model, session.args.one, session.args.other)


@verb("ingress", "unit endpoint address")
def ingress(session: Session) -> None:
    """Beside Juju: the address at which the relations of an endpoint reach a unit, as from another model."""
    unit_name, endpoint, address = session.args.unit, session.args.endpoint, session.args.address
    with session.changing() as agent:
        unit = agent.model.unit(unit_name)
        related = [one for one in agent.model.relations_of(unit.app, endpoint) if unit.name in one.members]
        if not related:
            raise JujuError(f"unit {unit.name} has no relation at endpoint {endpoint}")
        for relation in related:
            relation.ingress[unit.name] = address
            settings = {"ingress-address": address, "egress-subnets": f"{address}/32"}
            relations.write(relation, unit.name, settings, unit.name)
        operations.queue(unit, "config-changed")


@verb("remove-relation", "one other --force!")
def remove_relation(session: Session) -> None:
    """End a relation between two applications; with --force, also for units whose hooks fail."""
    with session.changing() as agent:
        relation = matching.find(agent.model, session.args.one, session.args.other)
        operations.remove_relation(agent.model, relation)
        if session.args.force:
            agent.drain()
            for unit in agent.model.units.values():
                if unit.hook and unit.hook.relation == relation.id:
                    agent.finish_hook(unit)
            relation.members.clear()
