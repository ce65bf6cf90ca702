"""The verbs about applications: deploy, configure, refresh, remove."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from localjuju import JujuError, operations, storage, store
from localjuju.charm import Charm
from localjuju.deployer import install_charm
from localjuju.records.application import Application
from localjuju.session import Session, verb


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
        session.report(f'Deploying "{app.name}" from local charm "{app.charm_name}", revision {app.revision}')


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
    charm = store.kept_charm(app.charm)
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
                install_charm(agent.model, unit, agent.host(unit.machine))


@verb("attach-resource", "app resource")
def attach_resource(session: Session) -> None:
    """Give an application a file: NAME=PATH; its units run upgrade-charm."""
    ((name, path),) = operations.split_pairs([session.args.resource]).items()
    with session.changing() as agent:
        operations.attach_resource(agent.model, agent.model.application(session.args.app), name, Path(path))


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
        if args.force:
            agent.remove_forced()


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
