"""What the classes in interfaces/ have in common: a databag is read when it has changed, and written when it will.

charms.reactive asks Juju for every unit of a relation in each hook, and for every databag of an endpoint in each hook
of that endpoint, so that a hook becomes dearer with each unit. Juju says which databag has changed: a hook reads that
one. The others are known from unitdata, which is saved or reverted together with the hook.

Flags: `endpoint.<name>.connected` while there is a relation, also to an application without units: a CA that was scaled
to none must not look like no CA at all.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Mapping
from typing import Any

from charmhelpers.core import hookenv, unitdata
from charms import reactive
from registry.formats.relations import unit_number

ANEW = ("upgrade-charm", "start")
"""Hooks that read everything again: what the charm before kept may be of another form, or a hook may be missing."""

COUNTED = "config-changed"
"""Hook that looks which units are there: `juju resolved --no-retry` passes over a departure."""

Bag = dict[str, str]
"""A databag: every value is a string on the wire."""


class Endpoint(reactive.Endpoint):  # type: ignore[misc]
    """The relations of one endpoint."""

    reads_application = False
    """Whether the other application's own databag is read too."""

    def _manage_departed(self) -> None:
        """Keep no list of departed units: nobody would ever empty it."""

    def _manage_flags(self) -> None:
        """Learn what the hook is about, in place of charms.reactive, which reads every unit's databag."""
        before = unitdata.kv().get(self._key) or {}
        self._kept: dict[str, dict[str, Any]] = {
            relation: self._learn(relation, before.get(relation))
            for relation in self.relations.keys()  # noqa: SIM118 - a list with keys
            if not (self._is_about(relation) and hookenv.hook_name().endswith("-broken"))
        }
        if self._kept != before:
            unitdata.kv().set(self._key, self._kept)
        connected = self.expand_name("connected")
        if reactive.is_flag_set(connected) != bool(self._kept):  # also a flag that stays is written to the database
            reactive.toggle_flag(connected, bool(self._kept))

    @property
    def relation_ids(self) -> tuple[str, ...]:
        """The relations of this endpoint, the oldest one first."""
        return tuple(sorted(self._kept, key=lambda relation: int(relation.rpartition(":")[2])))

    def units(self, relation: str) -> dict[str, Bag]:
        """Return the units at the other end, or the peers, with their databags."""
        return dict(self._kept[relation]["units"])

    def application(self, relation: str) -> Bag:
        """Return the databag of the other application."""
        return dict(self._kept[relation]["app"])

    def publish(self, relation: str, settings: Mapping[str, str | None], *, application: bool = False) -> None:
        """Have *settings* in this unit's databag; None takes a key away. Costs nothing if they are there already.

        *application*: in the application's databag, which only the leader may write. An endpoint writes one of the two.
        """
        digest = hashlib.sha256(json.dumps(dict(settings), sort_keys=True).encode()).hexdigest()
        if self._kept[relation]["published"] == digest:
            return
        # By standard input, not by charmhelpers: what it writes to a file for this stays if the tool fails.
        words = ["relation-set", "-r", relation, *(["--app"] if application else []), "--file", "-"]
        text = json.dumps({key: value or "" for key, value in settings.items()})  # YAML as well
        subprocess.run(words, input=text, text=True, check=True)
        self._kept[relation]["published"] = digest
        # Not now: Juju reverts this if the hook fails, and unitdata may be flushed before.
        hookenv.atexit(unitdata.kv().set, self._key, self._kept)

    def provider(self, relation: str) -> str:
        """Return the name of the other application; empty while none of its units is there."""
        return next(iter(self._kept[relation]["units"]), "").partition("/")[0]

    @property
    def _key(self) -> str:
        return f"endpoint.{self.endpoint_name}"

    def _is_about(self, relation: str) -> bool:
        """Tell whether the hook is about this relation."""
        of_ours = hookenv.hook_name().startswith(f"{self.endpoint_name}-relation-")
        return bool(of_ours and hookenv.relation_id() == relation)

    def _learn(self, relation: str, kept: dict[str, Any] | None) -> dict[str, Any]:
        """Return what is known of *relation*: the databags that may have changed read, the others as *kept*."""
        hook, known = hookenv.hook_name(), kept or {"units": {}, "app": {}, "published": ""}
        anew = hook in ANEW or known.get("unread", False)
        if kept is not None and not anew and hook != COUNTED and not self._is_about(relation):
            return known
        try:
            return self._read(relation, known, anew=anew)
        except (subprocess.CalledProcessError, ValueError) as error:
            # What was known is more than nothing: a CA that has published nothing would have its TLS given up.
            hookenv.log(f"Juju did not answer about {relation}: {_tool(error)}", level=hookenv.WARNING)
            return {**known, "unread": True}

    def _read(self, relation: str, known: dict[str, Any], *, anew: bool) -> dict[str, Any]:
        hook = hookenv.hook_name()
        remote = hookenv.remote_unit() if self._is_about(relation) else None
        leaving = remote if hook.endswith("-departed") else None
        names = [name for name in hookenv.related_units(relation) if name != leaving]
        units = {
            name: known["units"][name]
            if name in known["units"] and name != remote and not anew
            else _bag(hookenv.relation_get(rid=relation, unit=name))
            for name in sorted(names, key=unit_number)
        }
        app = known["app"]
        if self.reads_application and units and (anew or not remote or not app):
            application = next(iter(units)).partition("/")[0]
            app = _bag(hookenv.relation_get(rid=relation, app=application))
        return {"units": units, "app": app, "published": known["published"] if hook not in ANEW else ""}


def address(endpoint: str) -> str:
    """Return the address at which others reach this unit through the endpoint: Juju's first ingress address."""
    found = _ask("network-get", endpoint, "--format=json")
    addresses = found.get("ingress-addresses") if isinstance(found, dict) else None
    first = addresses[0] if isinstance(addresses, list) and addresses else None
    return _remembered(endpoint, first) or str(hookenv.unit_private_ip())


def public_address() -> str:
    """Return the unit's public address; empty where Juju never said one."""
    return _remembered("public", _ask("unit-get", "--format=json", "public-address"))


def _remembered(name: str, now: Any) -> str:
    """Return an address, or the last one that was known: another one for once would be published to everybody."""
    key = f"address.{name}"
    known = unitdata.kv().get(key)
    if not (now and isinstance(now, str)) or now == known:
        return str(known or "")
    unitdata.kv().set(key, now)
    return str(now)


def _ask(*words: str) -> Any:
    """Return the answer of a hook tool; None if it fails, or answers with anything but JSON."""
    done = subprocess.run(words, capture_output=True, text=True, errors="replace", check=False)
    try:
        return json.loads(done.stdout) if done.returncode == 0 else None
    except ValueError:
        return None


def _bag(answer: Any) -> Bag:
    return {str(key): str(value) for key, value in answer.items()} if isinstance(answer, dict) else {}


def _tool(error: Exception) -> str:
    return f"{error.cmd[0]} failed" if isinstance(error, subprocess.CalledProcessError) else str(error)
