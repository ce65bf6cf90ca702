"""Which relations two applications can have: endpoints matched as Juju does it.

The rules are those of InferEndpoints in Juju's state/state.go.
"""

from __future__ import annotations

import json
from itertools import product

from localjuju import JujuError, store
from localjuju.charm import JUJU_INFO, Endpoint
from localjuju.model import Model
from localjuju.records.application import Application
from localjuju.records.relation import Relation

ROLES = ("requires", "provides")
End = tuple[str, Endpoint]


def _ends(model: Model, text: str) -> list[End]:
    """What APP or APP:ENDPOINT can mean, peers left out."""
    app, colon, name = text.partition(":")
    found = store.kept_charm(model.application(app).charm).endpoints
    if colon and name not in found:
        raise JujuError(f'application "{app}" has no "{name}" relation')
    return [(app, end) for end in found.values() if end.role != "peers" and name in ("", end.name)]


def _fit(model: Model, one: End, other: End) -> bool:
    roles = {one[1].role, other[1].role}
    if one[0] == other[0] or one[1].interface != other[1].interface or roles != set(ROLES):
        return False
    subordinate = any(model.applications[app].subordinate for app, _ in (one, other))
    return subordinate or "container" not in (one[1].scope, other[1].scope)


def key(ends: dict[str, str]) -> str:
    """How Juju names a relation: app:endpoint of both, the requirer's first."""
    return " ".join(f"{app}:{name}" for app, name in ends.items())


def integrate(model: Model, one: str, other: str) -> Relation:
    """Relate two applications by APP or APP:ENDPOINT each."""
    pairs = [pair for pair in product(_ends(model, one), _ends(model, other)) if _fit(model, *pair)]
    if len(pairs) > 1:
        declared = [pair for pair in pairs if JUJU_INFO not in (pair[0][1].name, pair[1][1].name)]
        pairs = declared if len(declared) == 1 else pairs
    if not pairs:
        raise JujuError("no relations found")
    sorted_pairs = [sorted(pair, key=lambda end: ROLES.index(end[1].role)) for pair in pairs]
    keys = [{app: end.name for app, end in pair} for pair in sorted_pairs]
    if len(keys) > 1:
        raise JujuError(_ambiguous(f"{one} {other}", [key(item) for item in keys]))
    if any(relation.endpoints == keys[0] for relation in model.relations.values()):
        raise JujuError(
            f'cannot add relation "{key(keys[0])}"\nrelation {key(keys[0])} already exists: \n\n'
            "Use 'juju status --relations' to view the current relations."
        )
    ends = sorted_pairs[0]
    scope = "container" if "container" in [end.scope for _, end in ends] else "global"
    return _add(model, ends[0][1].interface, scope, keys[0])


def _ambiguous(asked: str, keys: list[str]) -> str:
    return f"ambiguous relation: {json.dumps(asked)} could refer to {'; '.join(map(json.dumps, sorted(keys)))}"


def _add(model: Model, interface: str, scope: str, endpoints: dict[str, str]) -> Relation:
    relation = Relation(str(model.next_relation), interface, scope, endpoints)
    model.next_relation += 1
    model.relations[relation.id] = relation
    return relation


def add_peers(model: Model, app: Application) -> None:
    """The peer relations that the charm declares and the application does not have yet."""
    for end in store.kept_charm(app.charm).endpoints.values():
        if end.role == "peers" and not model.relations_of(app.name, end.name):
            _add(model, end.interface, end.scope, {app.name: end.name})


def find(model: Model, one: str, other: str) -> Relation:
    """The relation between two applications, by APP or APP:ENDPOINT each."""

    def is_side(relation: Relation, text: str) -> bool:
        app, _, name = text.partition(":")
        return app in relation.endpoints and name in ("", relation.endpoints[app])

    for text in (one, other):
        model.application(text.partition(":")[0])
    found = [
        relation
        for relation in model.relations.values()
        if not relation.is_peer and is_side(relation, one) and is_side(relation, other)
    ]
    if not found:
        raise JujuError(f'relation matching "{one} {other}" not found')
    if len(found) > 1:
        raise JujuError(_ambiguous(f"{one} {other}", [key(relation.endpoints) for relation in found]))
    return found[0]
