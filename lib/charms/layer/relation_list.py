"""Which relations there are, without asking Juju for each endpoint in each hook.

charms.reactive runs `relation-ids` for every endpoint of metadata.yaml at the start of every hook, a process each. A
relation begins and ends with a hook of its own, so the list of the hook before counts in those of others.
"""

from __future__ import annotations

from charmhelpers.core import hookenv, unitdata
from charms import reactive
from charms.layer import endpoints
from charms.reactive.relations import relation_factory


def take_over() -> None:
    """Make the endpoints here, and not in charms.reactive."""
    theirs = reactive.Endpoint._startup
    hookenv._atstart[:] = [entry for entry in hookenv._atstart if entry[0] not in (theirs, _make_endpoints)]
    hookenv.atstart(_make_endpoints)


def _make_endpoints() -> None:
    for name in sorted(hookenv.relation_types()):
        made = relation_factory(name)(name, _relation_ids(name))
        reactive.Endpoint._endpoints[name] = made
        made._manage_flags()


def _relation_ids(name: str) -> list[str]:
    """Return the relations of an endpoint: those known, unless this hook is about it or reads everything again."""
    hook = hookenv.hook_name()
    known = unitdata.kv().get(endpoints.key(name))
    anew = endpoints.Endpoint.is_anew or hook in (*endpoints.ANEW, endpoints.COUNTED)
    if known is None or anew or hook.startswith(f"{name}-relation-"):
        return sorted(hookenv.relation_ids(name))
    return sorted(known)
