"""The verbs about relations."""

from __future__ import annotations

from localjuju import matching, operations
from localjuju.session import Session, verb


@verb("integrate", "one other --via=")
def integrate(session: Session) -> None:
    """Relate two applications: APP[:ENDPOINT] APP[:ENDPOINT]."""
    with session.changing() as agent:
        matching.integrate(agent.model, session.args.one, session.args.other)


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
