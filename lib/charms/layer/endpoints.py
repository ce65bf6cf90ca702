"""What the classes in interfaces/ have in common: a databag is read when it has changed, and written when it will.

charms.reactive asks Juju for every unit of a relation in each hook, and for every databag of an endpoint in each hook
of that endpoint, so that a hook becomes dearer with each unit. Juju says which databag has changed: a hook reads that
one. The others are known from unitdata, which is saved or reverted together with the hook.

What this unit has written is known from unitdata too, but Juju can drop it after that is saved: some hooks look. A hook
that failed, and that the operator told Juju to pass over, has read nothing: the next one reads everything again.

Flags: `endpoint.<name>.connected` while there is a relation, also to an application without units: a CA that was scaled
to none must not look like no CA at all.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import subprocess
from collections.abc import Mapping
from typing import Any

from charmhelpers.core import hookenv, unitdata
from charms import reactive
from registry.formats.relations import unit_number
from registry.machine.records import Records

ANEW = ("upgrade-charm", "start")
"""Hooks that read everything again: what the charm before kept may be of another form, or a hook may be missing."""

COUNTED = "config-changed"
"""Hook that looks which units are there, and at which address each relation reaches this one: Juju runs it when an
address changes."""

VERIFYING = (*ANEW, COUNTED, "update-status")
"""Hooks that compare what is published with what Juju has."""

_PLACES = {False: "published", True: "published-app"}
"""Keys of what was written, by whether it is in the application's databag."""

Bag = dict[str, str]
"""A databag: every value is a string on the wire."""


class Endpoint(reactive.Endpoint):  # type: ignore[misc]
    """The relations of one endpoint."""

    reads_application = False
    """Whether the other application's own databag is read too."""

    is_anew = False
    """Whether this hook or action reads everything again; set at its start."""

    def _manage_departed(self) -> None:
        """Keep no list of departed units: nobody would ever empty it."""

    def _manage_flags(self) -> None:
        """Learn what the hook is about, in place of charms.reactive, which reads every unit's databag."""
        before = unitdata.kv().get(self._key)
        self._kept: dict[str, dict[str, Any]] = {
            relation: self._learn(relation, (before or {}).get(relation))
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

        *application*: in the application's databag, which only the leader may write.
        """
        digest = hashlib.sha256(json.dumps(dict(settings), sort_keys=True).encode()).hexdigest()
        if self._is_published(relation, settings, digest, application=application):
            return
        # By standard input, not by charmhelpers: what it writes to a file for this stays if the tool fails.
        words = ["relation-set", "-r", relation, *(["--app"] if application else []), "--file", "-"]
        text = json.dumps({key: value or "" for key, value in settings.items()})  # YAML as well
        subprocess.run(words, input=text, text=True, check=True)
        self._kept[relation][_PLACES[application]] = digest
        # Not now: Juju reverts this if the hook fails, and unitdata may be flushed before.
        hookenv.atexit(unitdata.kv().set, self._key, self._kept)

    def _is_published(
        self, relation: str, settings: Mapping[str, str | None], digest: str, *, application: bool
    ) -> bool:
        """Tell whether *settings* are in the databag: by what Juju says in some hooks, else by the last write."""
        known = bool(self._kept[relation].get(_PLACES[application]) == digest)
        joining = self._is_about(relation) and hookenv.hook_name().endswith("-joined")
        # Nobody reads the databag while the other end has no unit; it is checked once one joins.
        looks = joining or (hookenv.hook_name() in VERIFYING and self._kept[relation]["units"])
        if not known or not looks:
            return known
        words = ["--app", "-r", relation, "-", hookenv.application_name()]
        bag = ask("relation-get", *(words if application else ["-r", relation, "-", hookenv.local_unit()]))
        return not isinstance(bag, dict) or all(bag.get(key, "") == (value or "") for key, value in settings.items())

    def ingress(self, relation: str, own: str) -> str:
        """Return the address at which the other end of *relation* reaches this unit: for another model, the public one.

        *own* is the unit's address for the endpoint. Juju is asked when one of the two may have changed.
        """
        known = self._kept[relation].get("ingress") or ["", own]
        if known[0] == own and hookenv.hook_name() not in (*ANEW, COUNTED) and not self._is_about(relation):
            return str(known[1])
        address = _ingress(self.endpoint_name, relation) or (known[1] if known[0] == own else own)
        if [own, address] != known:
            self._kept[relation]["ingress"] = [own, address]
            unitdata.kv().set(self._key, self._kept)
        return str(address)

    def provider(self, relation: str) -> str:
        """Return the name of the other application; empty while none of its units is there."""
        return next(iter(self._kept[relation]["units"]), "").partition("/")[0]

    @property
    def _key(self) -> str:
        return key(self.endpoint_name)

    def _is_about(self, relation: str) -> bool:
        """Tell whether the hook is about this relation."""
        of_ours = hookenv.hook_name().startswith(f"{self.endpoint_name}-relation-")
        return bool(of_ours and hookenv.relation_id() == relation)

    def _learn(self, relation: str, kept: dict[str, Any] | None) -> dict[str, Any]:
        """Return what is known of *relation*: the databags that may have changed read, the others as *kept*."""
        hook, known = hookenv.hook_name(), kept or {"units": {}, "app": {}}
        anew = self.is_anew or known.get("unread", False)
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
        kept = ("ingress",) if anew else ("ingress", *_PLACES.values())
        return {"units": units, "app": app, **{name: known[name] for name in kept if name in known}}


def key(endpoint: str) -> str:
    """Return the key in unitdata of what is known of an endpoint: what it holds, by relation."""
    return f"endpoint.{endpoint}"


def begin(records: Records) -> None:
    """Note that a relation's hook begins; read everything again if the one before did not end and is not this one.

    It failed or was cut off, and Juju was told to pass over it: what it was about was never read.
    """
    hook, name = hookenv.hook_name(), f"hook-{hookenv.local_unit().replace('/', '-')}"
    about = {"hook": hook, "relation": hookenv.relation_id(), "remote": hookenv.remote_unit()}
    Endpoint.is_anew |= hook in ANEW
    with contextlib.suppress(OSError):  # a full disk has errors enough that the status shows
        unfinished = records.load(name)
        Endpoint.is_anew |= bool(unfinished) and unfinished != about
        if "-relation-" in hook and unfinished != about:
            records.save(name, about)
        if "-relation-" in hook or unfinished:
            hookenv.atexit(records.remove, name)


def address(endpoint: str, peers: tuple[str, ...] = ()) -> str:
    """Return the address at which this model reaches this unit through the endpoint.

    In a relation's hook, Juju answers for that relation unless told another one, and to another model it gives the
    public address: the relation *peers* never leads there. Without it the address of the last hook counts.
    """
    here, known = hookenv.relation_id(), _remembered(endpoint, None)
    if not here or here in peers or not (known or peers):
        return _remembered(endpoint, _ingress(endpoint)) or str(hookenv.unit_private_ip())
    return _remembered(endpoint, _ingress(endpoint, peers[0]) if peers else None) or str(hookenv.unit_private_ip())


def public_address() -> str:
    """Return the unit's public address; empty where Juju never said one."""
    return _remembered("public", ask("unit-get", "public-address"))


def _ingress(endpoint: str, relation: str = "") -> str | None:
    """Return Juju's first ingress address of an endpoint, or of one of its relations."""
    answer = ask("network-get", endpoint, *(["-r", relation] if relation else []))
    found = answer.get("ingress-addresses") if isinstance(answer, dict) else None
    return found[0] if isinstance(found, list) and found and isinstance(found[0], str) else None


def _remembered(name: str, now: Any) -> str:
    """Return an address, or the last one that was known: another one for once would be published to everybody."""
    key = f"address.{name}"
    known = unitdata.kv().get(key)
    if not (now and isinstance(now, str)) or now == known:
        return str(known or "")
    unitdata.kv().set(key, now)
    return str(now)


def ask(tool: str, *words: str) -> Any:
    """Return the answer of a hook tool; None if it fails, or answers with anything but JSON."""
    done = subprocess.run(
        [tool, "--format=json", *words], capture_output=True, text=True, errors="replace", check=False
    )
    try:
        return json.loads(done.stdout) if done.returncode == 0 else None
    except ValueError:
        return None


def _bag(answer: Any) -> Bag:
    return {str(key): str(value) for key, value in answer.items()} if isinstance(answer, dict) else {}


def _tool(error: Exception) -> str:
    return f"{error.cmd[0]} failed" if isinstance(error, subprocess.CalledProcessError) else str(error)
