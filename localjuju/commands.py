"""The verbs about models, applications and units."""

from __future__ import annotations

import platform
import time
from pathlib import Path
from typing import Any

from localjuju import VERSION, JujuError, image, modelconfig, operations, relations, status, storage, store
from localjuju.agent import Agent
from localjuju.charm import Charm
from localjuju.cli import Session, short_name, verb
from localjuju.model import Model
from localjuju.records.application import Application
from localjuju.records.unit import Hook
from localjuju.store import Store

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
LEVELS = ("TRACE", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


@verb("version", "--all!")
def version(session: Session) -> None:
    """Print the version of Juju that is followed."""
    name = f"{VERSION}-ubuntu-{ARCHITECTURES.get(platform.machine(), 'amd64')}"
    if session.args.all:
        session.show({"version": name, "git-commit": "localjuju"})
    else:
        session.show(name, "json") if session.args.format == "json" else print(name)


@verb("add-model", "name cloud? --no-switch! --config=* -c/--controller= --credential=")
def add_model(session: Session) -> None:
    """Add an empty model, and switch to it."""
    name = session.args.name
    config = operations.split_pairs(session.args.config)
    model = operations.add_model(name, config)
    Store(name).save(model)
    if not session.args.no_switch:
        store.switch(name)
    session.tell(f"Added '{name}' model on localhost/localhost")


@verb("destroy-model", "name --no-prompt! --force! --destroy-storage! --release-storage! --no-wait! -t/--timeout=")
def destroy_model(session: Session) -> None:
    """Remove a model with all that is in it; --force passes over hooks."""
    name = session.args.model = short_name(session.args.name)
    model = session.read()
    session.confirm(
        f"This will destroy the model {name} with {len(model.machines)} machines and "
        f"{len(model.applications)} applications."
    )
    with session.changing(drain=False) as agent:
        model = agent.model
        if not session.args.force:
            for app in list(model.applications.values()):
                operations.remove_application(model, app, True, False)
            agent.drain(create=False)
        for item in list(model.machines.values()):
            agent.remove_machine(item)
    session.store.remove()


@verb("models")
def models(session: Session) -> None:
    """List the models."""
    current = store.current()
    found = [_model_details(Store(name).load()) for name in store.models()]
    if session.args.format:
        session.show({"models": found, "current-model": current})
    else:
        rows = [["Model", "Machines", "Units"]]
        for details in found:
            model = Store(details["short-name"]).load()
            rows.append(
                [model.name + ("*" if model.name == current else ""), str(len(model.machines)), str(len(model.units))]
            )
        print(status.table(rows), end="")


def _model_details(model: Model) -> dict[str, Any]:
    return {
        "name": f"admin/{model.name}",
        "short-name": model.name,
        "model-uuid": model.uuid,
        "model-type": "iaas",
        "controller-uuid": "",
        "controller-name": status.CONTROLLER,
        "is-controller": False,
        "owner": "admin",
        "cloud": "localhost",
        "region": "localhost",
        "type": "localjuju",
        "life": "alive",
        "agent-version": VERSION,
        "status": {"current": "available", "since": model.created},
    }


@verb("show-model", "name?")
def show_model(session: Session) -> None:
    """Show a model's details."""
    session.args.model = session.args.name or session.args.model
    model = session.read()
    session.show({model.name: _model_details(model)})


@verb("switch", "name?")
def switch(session: Session) -> None:
    """Choose the model that commands use, or print it."""
    name = short_name(session.args.name or "")
    if not name:
        print(f"{status.CONTROLLER}:admin/{session.store.name}")
    elif name in store.models():
        store.switch(name)
    else:
        raise JujuError(f'"{name}" is not the name of a model')


@verb("model-config", "settings* --reset=* --file=")
def model_config(session: Session) -> None:
    """Print or set the model's options."""
    asked = [item for item in session.args.settings if "=" not in item]
    values = operations.split_pairs([item for item in session.args.settings if "=" in item])
    reset = [key for item in session.args.reset for key in item.split(",")]
    if values or reset:
        modelconfig.seconds(values.get("update-status-hook-interval", "5m"))
        with session.changing() as agent:
            kept = {**agent.model.config, **values}
            agent.model.config = {key: value for key, value in kept.items() if key not in reset}
        return
    config = session.read().config
    shown = {
        key: {"Value": value, "Source": "model" if key in config else "default"}
        for key, value in sorted({**modelconfig.DEFAULTS, **config}.items())
    }
    if asked:
        if asked[0] not in shown:
            raise JujuError(f'key "{asked[0]}" not found in "{session.store.name}" model')
        print(shown[asked[0]]["Value"])
    elif session.args.format:
        session.show(shown)
    else:
        rows = [["Attribute", "From", "Value"]]
        rows += [[key, item["Source"], str(item["Value"])] for key, item in shown.items()]
        print(status.table(rows), end="")


@verb(
    "deploy",
    "charm app? --config=* --resource=* --constraints=* --base= --series= --force! -n/--num-units= "
    "--channel= --trust! --to= --storage=* --attach-storage=*",
)
def deploy(session: Session) -> None:
    """Deploy a charm from a file, each unit on a machine of its own; `--constraints image-id=IMAGE` names its image."""
    args = session.args
    config = {}
    for item in args.config:
        if "=" in item:
            config.update(operations.split_pairs([item]))
        else:
            name = args.app or Charm(Path(args.charm)).metadata["name"]
            config.update(operations.config_file(item, name))
    constraints = operations.split_pairs([pair for item in args.constraints for pair in item.split()])
    with session.changing() as agent:
        app = operations.deploy(
            agent.model,
            Path(args.charm),
            args.app,
            config,
            operations.split_pairs(args.resource),
            constraints,
            operations.split_pairs(args.storage),
        )
        operations.add_units(agent.model, app, args.num_units or "1", args.to or "", args.attach_storage)
        session.tell(f'Deploying "{app.name}" from local charm "{app.charm_name}", revision {app.revision}')


@verb("add-unit", "app -n/--num-units= --to= --attach-storage=*")
def add_unit(session: Session) -> None:
    """Add units, each on a machine of its own or on the next of --to N,N,..."""
    args = session.args
    with session.changing() as agent:
        app = agent.model.application(args.app)
        if app.subordinate:
            raise JujuError(f'cannot add unit to application "{app.name}": application is a subordinate')
        operations.add_units(agent.model, app, args.num_units or "1", args.to or "", args.attach_storage)


@verb("integrate", "one other --via=")
def integrate(session: Session) -> None:
    """Relate two applications: APP[:ENDPOINT] APP[:ENDPOINT]."""
    with session.changing() as agent:
        relations.integrate(agent.model, session.args.one, session.args.other)


@verb("remove-relation", "one other --force!")
def remove_relation(session: Session) -> None:
    """End a relation between two applications; with --force, also for units that cannot be told."""
    with session.changing() as agent:
        relation = relations.find(agent.model, session.args.one, session.args.other)
        operations.remove_relation(agent.model, relation)
        if session.args.force:
            agent.drain()
            for unit in agent.model.units.values():
                if unit.hook and unit.hook.relation == relation.id:
                    agent.passed(unit)
            relation.members.clear()


@verb("status", "patterns* --color! --relations! --storage! --utc! --watch=")
def show_status(session: Session) -> None:
    """Print the model's status; hooks that are due run first, unless another command is at work."""
    session.args.quiet = True
    with session.changing(wait=False, drain=False) as agent:
        if agent:
            agent.drain(create=False)
    model = session.read()
    if session.args.format in (None, "tabular", "short"):
        print(status.tabular(model, session.args.relations), end="")
    else:
        session.show(status.full(model))


@verb("show-unit", "unit --endpoint= --app!")
def show_unit(session: Session) -> None:
    """Show a unit with its relations' data."""
    model = session.read()
    session.show(status.unit(model, model.unit(session.args.unit)))


@verb("config", "app settings* --reset=* --file=")
def config(session: Session) -> None:
    """Print or set an application's options."""
    args = session.args
    values = operations.config_file(args.file, args.app) if args.file else {}
    values.update(operations.split_pairs([item for item in args.settings if "=" in item]))
    asked = [item for item in args.settings if "=" not in item]
    reset = [key for item in args.reset for key in item.split(",")]
    if values or reset:
        with session.changing() as agent:
            operations.set_config(agent.model, agent.model.application(args.app), values, reset)
        return
    app = session.read().application(args.app)
    charm = Charm(store.blob(app.charm))
    if not asked:
        session.show(
            {
                "application": app.name,
                "application-config": {},
                "charm": app.charm_name,
                "settings": {name: _setting(app, charm, name) for name in charm.options},
            }
        )
        return
    if asked[0] not in charm.options:
        raise JujuError(f'key "{asked[0]}" not found in "{app.name}" application config or charm settings.')
    value = {**charm.defaults(), **app.config}[asked[0]]
    if args.format == "json":
        session.show(value)
    elif value is not None:
        print({True: "true", False: "false"}.get(value, value) if isinstance(value, bool) else value)


def _setting(app: Application, charm: Charm, name: str) -> dict[str, Any]:
    option = charm.options[name]
    default = option.get("default")
    source = "user" if name in app.config else "unset" if default is None else "default"
    shown = {
        "default": default,
        "description": option.get("description", ""),
        "source": source,
        "type": option.get("type", "string"),
        "value": app.config.get(name, default),
    }
    return {key: value for key, value in shown.items() if value is not None}


@verb(
    "refresh",
    "app --path= --resource=* --config=* --force! --force-units! --force-base! --base= --channel= "
    "--revision= --switch= --trust!",
)
def refresh(session: Session) -> None:
    """Replace an application's charm or resources; --force-units brings it to units in error as well."""
    args = session.args
    with session.changing() as agent:
        app = agent.model.application(args.app)
        operations.refresh(
            agent.model,
            app,
            Path(args.path) if args.path else None,
            operations.split_pairs(args.resource),
            operations.split_pairs(args.config),
        )
        for unit in agent.model.units_of(app.name) if args.force_units else []:
            if unit.error and unit.charm:
                agent.install_charm(unit, agent.host(unit.machine))


@verb("attach-resource", "app resource")
def attach_resource(session: Session) -> None:
    """Give an application a file: NAME=PATH; its units run upgrade-charm."""
    ((name, path),) = operations.split_pairs([session.args.resource]).items()
    with session.changing() as agent:
        operations.attach_resource(agent.model, agent.model.application(session.args.app), name, Path(path))


@verb("resolved", "units* --no-retry! --all!")
def resolved(session: Session) -> None:
    """Run the failed hook of a unit again, or pass it over."""
    with session.changing() as agent:
        names = list(agent.model.units) if session.args.all else session.args.units
        for unit in [agent.model.unit(name) for name in names]:
            if not unit.error and not session.args.all:
                raise JujuError(f'unit "{unit.name}" is not in an error state')
            if unit.error and session.args.no_retry:
                agent.passed(unit)
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
        _pass_over(agent, args.force)


@verb("remove-application", "apps* --no-prompt! --force! --destroy-storage! --no-wait! --keep-instance!")
def remove_application(session: Session) -> None:
    """Remove applications with their units; --keep-instance leaves their machines."""
    args = session.args
    for name in args.apps:
        session.read().application(name)
    session.confirm(f"This command will perform the following actions:\nwill remove {', '.join(args.apps)}")
    with session.changing() as agent:
        for name in args.apps:
            app = agent.model.application(name)
            if args.destroy_storage:
                storage.destroy_with(agent.model, name)
            operations.remove_application(agent.model, app, args.force, args.keep_instance)
        _pass_over(agent, args.force)


def _pass_over(agent: Agent, force: bool) -> None:
    """With --force, failed hooks are passed over, and units whose machine does not run go without their last ones."""
    forced = [unit for unit in agent.model.units.values() if force and unit.force]
    for unit in forced:
        if unit.error:
            agent.passed(unit)
    agent.drain()
    for unit in forced:
        if unit.name in agent.model.units:
            agent.forget(unit)


@verb("remove-machine", "machines* --no-prompt! --force! --keep-instance!")
def remove_machine(session: Session) -> None:
    """Remove machines that have no units (left)."""
    with session.changing() as agent:
        for name in session.args.machines:
            item = agent.model.machine(name)
            if units := agent.model.units_on(name):
                raise JujuError(f'machine {name} has unit "{units[0].name}" assigned')
            agent.remove_machine(item)


@verb("expose", "app --endpoints= --to-cidrs=")
def expose(session: Session) -> None:
    """Mark an application as reachable from outside; nothing is blocked before, either."""
    with session.changing() as agent:
        agent.model.application(session.args.app).exposed = True


@verb("unexpose", "app --endpoints=")
def unexpose(session: Session) -> None:
    """Take expose back."""
    with session.changing() as agent:
        agent.model.application(session.args.app).exposed = False


@verb("debug-log", "--limit= --replay! --no-tail! --tail! -l/--level= --include=* -n/--lines=")
def debug_log(session: Session) -> None:
    """Print what hooks and charms have logged; --tail goes on with what comes."""
    args, kept = session.args, session.store
    kept.load()
    least = LEVELS.index((args.level or "INFO").upper())

    def wanted(line: str) -> bool:
        source, _, level, *_ = line.split(" ", 3)
        return level in LEVELS[least:] and (
            not args.include
            or any(
                source.startswith((item.replace("/", "-"), "unit-" + item.replace("/", "-"))) for item in args.include
            )
        )

    limit = int(args.limit or args.lines or 0)
    seen = 0
    while True:
        lines = kept.lines("log")
        found = [line for line in lines[seen:] if wanted(line)]
        for line in found[-limit:] if not seen else found:
            print(line, flush=True)
        seen = len(lines)
        if not args.tail:
            return
        time.sleep(0.5)


@verb("hooks", "unit")
def hooks(session: Session) -> None:
    """Beside Juju: what ran on a unit, with exit code, seconds and every hook tool called."""
    runs = session.store.hook_runs(session.read().unit(session.args.unit).name)
    if session.args.format:
        session.show(runs)
    else:
        rows = [["Ended", "Hook", "Exit", "Seconds", "Hook tools"]]
        rows += [
            [
                run["ended"],
                f"{run['hook']} {run.get('remote', '')}",
                str(run["exit"]),
                str(run["seconds"]),
                str(len(run["tools"])),
            ]
            for run in runs
        ]
        print(status.table(rows), end="")


@verb("hook", "unit hook")
def hook(session: Session) -> None:
    """Beside Juju: run a hook, update-status for one, now."""
    with session.changing() as agent:
        agent.drain(update_status=False)
        unit = agent.model.unit(session.args.unit)
        if unit.error or agent.model.machine(unit.machine).status.current != "started":
            raise JujuError(f"unit {unit.name} can run no hook: it is in error, or its machine does not run")
        unit.hook = unit.hook or Hook(session.args.hook)
        agent.run_next(unit)


@verb("image", "--suite=")
def make_image(session: Session) -> None:
    """Beside Juju: make the images of machines, if they are missing; print their names."""
    suite = session.args.suite or image.host_suite()
    for name in (f"localjuju:{suite}", f"localjuju:{suite}-docker"):
        image.ensure(name)
        print(name)
