"""Relations: which units take part, and which hooks they still have to run for them.

The next hook follows from comparing the relation with what the unit's hooks have seen of it (`Membership`), as Juju's
unit agent does (https://github.com/juju/juju, worker/uniter/relation/resolver.go), so that several changes before a
hook lead to one hook. `matching` has which relations there can be.
"""

from __future__ import annotations

from localjuju import store
from localjuju.charm import JUJU_INFO
from localjuju.model import Model
from localjuju.records.application import Application
from localjuju.records.relation import Databag, Membership, Relation
from localjuju.records.unit import Hook, Unit

JOINED = -1
"""Stands for the version after -joined: its -changed is still to run."""


def enter(model: Model, unit: Unit) -> list[Application]:
    """Let a unit take part in the relations that its charm knows; the subordinates that it is yet to get.

    Its databag has what Juju puts there: https://documentation.ubuntu.com/juju/3.6/reference/hook-command/
    list-of-hook-commands/relation-get/. A subordinate takes part for its own principal alone.
    """
    wanted = []
    for relation in model.relations_of(unit.app):
        other = model.applications[relation.remote_app(unit.app)]
        inside = relation.scope == "container" and not relation.is_peer
        if unit.name not in relation.members and relation.life == "alive":
            if inside and unit.principal and other.name != unit.principal.split("/")[0] and not other.subordinate:
                continue
            if relation.endpoints[unit.app] not in store.kept_charm(unit.charm).endpoints:
                continue
            address = model.machine(unit.machine).address
            names = ("ingress-address", "private-address")
            settings = {"egress-subnets": f"{address}/32", **dict.fromkeys(names, address)}
            relation.bags[unit.name] = Databag(settings)
            relation.members[unit.name] = Membership(created=relation.endpoints[unit.app] == JUJU_INFO)
            if inside and other.subordinate and not unit.principal:
                there = [subordinate.app for subordinate in model.subordinates(unit)]
                wanted += [other] if other.name not in there else []
    return wanted


def present(model: Model, relation: Relation, unit: Unit) -> list[str]:
    """The remote units that take part: within a container's scope, those on the same principal."""
    found = []
    for name in relation.members:
        other = model.units[name]
        near = relation.scope != "container" or relation.is_peer
        near = near or (other.principal or other.name) == (unit.principal or unit.name)
        if other is not unit and other.app == relation.remote_app(unit.app) and other.life == "alive" and near:
            found.append(name)
    return sorted(found)


def _hook(relation: Relation, unit: Unit, kind: str, remote: str = "", departing: str = "") -> Hook:
    """A relation's hook; `remote` is a unit, an application, or empty."""
    app = remote.split("/")[0] or relation.remote_app(unit.app)
    remote_unit = remote if "/" in remote else ""
    return Hook(f"{relation.endpoints[unit.app]}-relation-{kind}", relation.id, remote_unit, app, departing)


def _heard(model: Model, unit: Unit) -> list[tuple[Relation, Membership]]:
    """The relations that run hooks on a unit, in the order of their making."""
    return [
        (relation, relation.members[unit.name])
        for relation in model.relations_of(unit.app)
        if unit.name in relation.members and relation.endpoints[unit.app] != JUJU_INFO
    ]


def created(model: Model, unit: Unit) -> Hook | None:
    """The -relation-created that a unit has yet to run."""
    for relation, member in _heard(model, unit):
        if not member.created and relation.life == "alive":
            return _hook(relation, unit, "created")
    return None


def next_hook(model: Model, unit: Unit) -> Hook | None:
    """The next hook that a unit has to run for its relations.

    Juju takes them in an order of chance, peers last (https://github.com/juju/juju,
    internal/worker/uniter/relation/resolver.go): a unit that goes may lose any of them first. Here it loses the
    youngest first.
    """
    heard = _heard(model, unit)
    if unit.life == "dying":
        heard = sorted(heard, key=lambda one: (not one[0].is_peer, heard.index(one)), reverse=True)
    for relation, member in heard:
        ending = "dying" in (unit.life, relation.life)
        if hook := _next(relation, unit, member, [] if ending else present(model, relation, unit)):
            return hook
        # Juju breaks no peer relation: a unit leaves it, and it ends with the application.
        if ending and member.created and not relation.is_peer:
            return _hook(relation, unit, "broken")
    return None


def _next(relation: Relation, unit: Unit, member: Membership, there: list[str]) -> Hook | None:
    """In Juju's order: the -changed that a -joined has promised, who has gone, data, who is new, units' data."""
    versions = {name: bag.version for name, bag in relation.bags.items()}
    known = sorted(name for name in member.versions if "/" in name)
    for name in known:
        if member.versions[name] == JOINED and name in there:
            return _hook(relation, unit, "changed", name)
    for name in known:
        if name not in there:
            return _hook(relation, unit, "departed", name, name if unit.life == "alive" else unit.name)
    app = relation.remote_app(unit.app)
    if there and versions.get(app, 0) != member.versions.get(app, 0):
        return _hook(relation, unit, "changed", app)
    for name in there:
        if name not in member.versions:
            return _hook(relation, unit, "joined", name)
    for name in there:
        if member.versions[name] != versions[name]:
            return _hook(relation, unit, "changed", name)
    return None


def record(model: Model, unit: Unit, hook: Hook) -> None:
    """Record what a unit now knows of a relation: its hook has succeeded, or was skipped."""
    relation = model.relations.get(hook.relation)
    if relation is None or unit.name not in relation.members:
        return
    member, remote = relation.members[unit.name], hook.remote_unit or hook.remote_app
    kind = hook.name.rpartition("-")[2]
    if kind == "created":
        member.created = True
    elif kind == "broken":
        del relation.members[unit.name]
    elif kind == "departed":
        member.versions.pop(remote, None)
    else:
        member.versions[remote] = JOINED if kind == "joined" else relation.bags[remote].version


def write(relation: Relation, owner: str, settings: dict[str, str], writer: str) -> None:
    """Change a databag, an empty value removes; what changes nothing is no change.

    A leader hears nothing of what it says to its own peers.
    """
    bag = relation.bags.setdefault(owner, Databag())
    changed = {key: value for key, value in {**bag.settings, **settings}.items() if value != ""}
    if changed == bag.settings:
        return
    bag.settings, bag.version = changed, bag.version + 1
    if relation.is_peer and owner in relation.endpoints:
        relation.members[writer].versions[owner] = bag.version


def leave(model: Model) -> None:
    """Remove the relations that have ended, and the members that run no hooks for it."""
    for relation in list(model.relations.values()):
        for name in list(relation.members):
            unit = model.units[name]
            silent = relation.endpoints[unit.app] == JUJU_INFO or not relation.members[name].created
            if silent and "dying" in (unit.life, relation.life):
                del relation.members[name]
        if relation.life == "dying" and not relation.members:
            del model.relations[relation.id]
