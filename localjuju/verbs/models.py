"""The verbs about models."""

from __future__ import annotations

import platform
from typing import Any

from localjuju import VERSION, JujuError, modelconfig, operations, store, tables
from localjuju.model import Model
from localjuju.session import Session, short_name, verb
from localjuju.status import CONTROLLER
from localjuju.store import Store

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


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
    session.report(f"Added '{name}' model on localhost/localhost")


@verb("destroy-model", "name --no-prompt! --force! --destroy-storage! --release-storage! --no-wait! -t/--timeout=")
def destroy_model(session: Session) -> None:
    """Remove a model with all that is in it; --force skips the hooks."""
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
        print(tables.table(rows), end="")


def _model_details(model: Model) -> dict[str, Any]:
    return {
        "name": f"admin/{model.name}",
        "short-name": model.name,
        "model-uuid": model.uuid,
        "model-type": "iaas",
        "controller-uuid": "",
        "controller-name": CONTROLLER,
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
        print(f"{CONTROLLER}:admin/{session.store.name}")
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
        print(tables.table(rows), end="")
