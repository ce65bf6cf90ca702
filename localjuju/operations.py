"""What operators do to a model: each function changes the data and queues the hooks that follow from it.

The hooks run when the agent drains the queues; nothing here touches a machine.
"""

from __future__ import annotations

import re
import uuid
from pathlib import Path
from typing import Any

from localjuju import JujuError, directive, imagename, matching, storage, store, yamltext
from localjuju.model import Model
from localjuju.records.application import Application, Resource
from localjuju.records.machine import Machine
from localjuju.records.relation import Relation
from localjuju.records.unit import Hook, Unit


def add_model(name: str, config: dict[str, Any]) -> Model:
    """A new, empty model."""
    if not re.fullmatch(r"[a-z0-9]+[a-z0-9-]*", name):
        raise JujuError(
            f'"{name}" is not a valid name: model names may only contain lowercase letters, digits and hyphens'
        )
    if name in store.models():
        raise JujuError(f'model "{name}" already exists')
    return Model(name, str(uuid.uuid4()), config)


def queue(unit: Unit, *names: str, again: bool = False) -> None:
    """Queue hooks that are not queued yet; the one that runs or has failed is not in the queue."""
    waiting = [hook.name for hook in unit.queue]
    unit.queue.extend(Hook(name) for name in names if again or name not in waiting)


def deploy(
    model: Model,
    path: Path,
    name: str,
    config: dict[str, str],
    resources: dict[str, str],
    constraints: dict[str, str],
    directives: dict[str, str],
) -> Application:
    """Add an application without units. `config` as typed, `resources` name -> path, `directives` storage's name ->
    [POOL,][COUNT,][SIZE].
    """
    sha256 = store.keep(path)
    charm = store.kept_charm(sha256)
    name = name or charm.metadata["name"]
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]*[a-z][a-z0-9]*)*", name):
        raise JujuError(f'invalid application name "{name}"')
    if name in model.applications:
        raise JujuError(f'application "{name}": application already exists')
    directive.check(charm, directives)
    app = Application(name, sha256, charm.metadata["name"], constraints=constraints, storage=directives)
    app.subordinate = bool(charm.metadata.get("subordinate"))
    app.config = {key: charm.value(key, text) for key, text in config.items()}
    for resource, source in resources.items():
        give_resource(app, resource, Path(source))
    model.applications[name] = app
    matching.add_peers(model, app)
    return app


def add_units(model: Model, app: Application, count: str, to: str, attach: list[str]) -> None:
    """Add `count` units (a number as typed), each on the next machine of `to` (N,N,...) or else on one of its own;
    `attach` has lists of IDs of storage for the one unit.
    """
    ids = [name for item in attach for name in item.split(",")]
    if ids and count != "1":
        raise JujuError("--attach-storage is for one unit: it cannot be used with --num-units")
    if not count.isdigit():
        raise JujuError(f'invalid value "{count}" for option --num-units: must be a non-negative integer')
    places = to.split(",") if to else []
    if app.subordinate:
        if places or count not in ("0", "1"):
            raise JujuError("cannot use --num-units or --to with subordinate application")
        return
    for place in places:
        model.machine(place)
    for place in [*places, *[""] * int(count)][: int(count)]:
        unit = model.add_unit(app, place or _new_machine(model, app).id)
        storage.for_new_unit(model, app, unit, ids)


def _new_machine(model: Model, app: Application) -> Machine:
    number = str(model.next_machine)
    wanted = imagename.resolve(app.constraints.get("image-id", ""))
    model.next_machine += 1
    model.machines[number] = Machine(number, wanted, f"juju-{model.uuid[-6:]}-{number}")
    return model.machines[number]


def give_resource(app: Application, name: str, source: Path) -> None:
    """Take a file as the application's resource, in place of the one before."""
    store.kept_charm(app.charm).resource(name)
    before = app.resources.get(name)
    sha256 = store.keep(source)
    app.resources[name] = Resource(sha256, source.name, source.stat().st_size, before.revision + 1 if before else 0)


def attach_resource(model: Model, app: Application, name: str, source: Path) -> None:
    """As give_resource, for an application that runs: its units run upgrade-charm, as in Juju."""
    give_resource(app, name, source)
    for unit in model.units_of(app.name):
        queue(unit, "upgrade-charm", "config-changed")


def set_config(model: Model, app: Application, values: dict[str, str], reset: list[str]) -> None:
    """Set options as typed, reset others to their defaults; nothing changes when one of them is wrong."""
    charm = store.kept_charm(app.charm)
    typed = {key: charm.value(key, text) for key, text in values.items()}
    for key in reset:
        if key not in charm.options:
            raise JujuError(f'unknown option "{key}"')
    before = {**charm.defaults(), **app.config}
    app.config = {key: value for key, value in {**app.config, **typed}.items() if key not in reset}
    if {**charm.defaults(), **app.config} != before:
        for unit in model.units_of(app.name):
            queue(unit, "config-changed")


def config_file(path: str, app: str) -> dict[str, str]:
    """The options in a file as `juju config --file` takes it: YAML, by application."""
    values = (yamltext.load(Path(path).read_text()) or {}).get(app)
    if not isinstance(values, dict):
        raise JujuError(f'no settings found for "{app}" in {path}')
    return {key: str(value) for key, value in values.items()}


def refresh(
    model: Model, app: Application, path: Path | None, resources: dict[str, str], config: dict[str, str]
) -> None:
    """Replace the charm, or its resources, or both."""
    if path is None and not resources:
        raise JujuError(f'application "{app.name}" was deployed from a local charm: name the new one with --path')
    if path is not None:
        sha256 = store.keep(path)
        charm = store.kept_charm(sha256)
        if charm.metadata["name"] != app.charm_name:
            raise JujuError(f'cannot refresh "{app.name}" from charm "{app.charm_name}" to "{charm.metadata["name"]}"')
        missing = set(store.kept_charm(app.charm).endpoints) - set(charm.endpoints)
        used = {relation.endpoints[app.name] for relation in model.relations_of(app.name)} & missing
        if used:
            raise JujuError(
                f'cannot upgrade application "{app.name}" to charm: would break relation "{app.name}:{sorted(used)[0]}"'
            )
        app.charm, app.revision = sha256, app.revision + 1
        matching.add_peers(model, app)
        app.config = {key: value for key, value in app.config.items() if key in charm.options}
    charm = store.kept_charm(app.charm)
    app.config.update({key: charm.value(key, text) for key, text in config.items()})
    for name, source in resources.items():
        give_resource(app, name, Path(source))
    for unit in model.units_of(app.name):
        queue(unit, "upgrade-charm", "config-changed")


def remove_unit(model: Model, unit: Unit, force: bool, keep_machine: bool) -> None:
    """Let a unit stop and go, its subordinates too. One in error waits for `resolved`, unless `force`."""
    if unit.life == "alive":
        unit.life = "dying"
        unit.queue.clear()
    unit.force = unit.force or force
    machine = model.machine(unit.machine)
    machine.keep = machine.keep or keep_machine
    for subordinate in model.subordinates(unit):
        remove_unit(model, subordinate, force, keep_machine)


def remove_relation(model: Model, relation: Relation) -> None:
    """End a relation, with hooks; subordinates that no other relation holds are removed with it."""
    relation.life = "dying"
    if relation.scope != "container":
        return
    for unit in list(model.units.values()):
        if unit.principal and unit.app in relation.endpoints and not _is_held(model, unit):
            remove_unit(model, unit, False, False)


def _is_held(model: Model, unit: Unit) -> bool:
    """Whether a subordinate still has a relation with its principal's application."""
    return any(
        relation.scope == "container"
        and relation.life == "alive"
        and unit.principal.split("/")[0] in relation.endpoints
        for relation in model.relations_of(unit.app)
    )


def remove_application(model: Model, app: Application, force: bool, keep_machine: bool) -> None:
    """Let all units and relations go, and the application after them."""
    app.life = "dying"
    for relation in model.relations_of(app.name):
        if not relation.is_peer:
            remove_relation(model, relation)
    for unit in model.units_of(app.name):
        remove_unit(model, unit, force, keep_machine)


def upgrade_machine(model: Model, machine: Machine, step: str, base: str) -> None:
    """Take a step of upgrade-machine, prepare or complete; in between, nothing runs on the machine's units."""
    if (step == "prepare") == bool(machine.upgrading):
        raise JujuError(f"machine {machine.id} is {'already' if machine.upgrading else 'not'} being upgraded")
    target = base if step == "prepare" else machine.upgrading
    name = "pre-series-upgrade" if step == "prepare" else "post-series-upgrade"
    for unit in model.units_on(machine.id):
        hook = Hook(name, env={"JUJU_TARGET_BASE": target})
        unit.queue.insert(0, hook)
    if step == "complete":
        machine.base, machine.upgrading = machine.upgrading, ""


def split_pairs(pairs: list[str]) -> dict[str, str]:
    """k=v arguments; a value @path is the text of that file, as in `juju config`."""
    found = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise JujuError(f'expected "key=value", got "{pair}"')
        found[key] = Path(value[1:]).read_text() if value.startswith("@") else value
    return found
