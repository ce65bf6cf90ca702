"""Actions on the registry's service, or on another container that the operator names: start, stop, upgrade-docker."""

from __future__ import annotations

from typing import Any

from charmhelpers.core import unitdata
from charms import reactive
from charms.layer import attempts, basic, context, database, docker_runtime, flags, juju_storage, ownership, status
from registry.client.http import ApiError
from registry.machine.engine import Engine
from registry.message import Message, about, alone, joined

from actions.results import Results

NO_CONTAINER = Message("there is no container {name!r} on the machine", "Name an existing one")
"""The parameter names a container that Docker does not know."""

DOWN_AFTER_UPGRADE = Message("Docker is upgraded, but the registry does not serve", "The reason follows")
"""Docker is newer now, and something keeps the registry from serving; the sentences after it say what to do."""


def start(params: dict[str, Any]) -> Results:
    """Start the registry, or the container that the parameter name names."""
    name, docker = params["name"], context.machine.connect()
    if name and not _is_own(docker, name):
        _require(docker, name)
        docker.start(name)
        return {}
    attempts.forget()
    ownership.forget()
    # After the action stop nobody has been told yet that the disk is not there, so this is no consent to go without.
    if not (reactive.is_flag_set(flags.STOPPED) and juju_storage.find_lost(context.machine.store.current())):
        reactive.set_flag(flags.ON_DISK)
    reactive.clear_flag(flags.STOPPED)
    basic.run_handlers()
    reactive.clear_flag(flags.ON_DISK)
    if not _serves():
        raise basic.ActionFailed(status.sentences())
    return {"message": status.sentences()}


def stop(params: dict[str, Any]) -> Results:
    """Stop the registry until the action start, or stop the container that the parameter name names."""
    name, docker = params["name"], context.machine.connect()
    if name and not _is_own(docker, name):
        _require(docker, name)
        docker.stop(name)
        if params["remove"]:
            docker.remove_ended(name)
        return {}
    reactive.set_flag(flags.STOPPED)
    # Saved before anything is done: a registry that is stopped only halfway must not start again automatically.
    unitdata.kv().flush()
    if error := unitdata.kv().error:
        raise basic.ActionFailed(database.not_saved(error))
    basic.run_handlers()
    # Whatever else kept the charm from it: this was requested, and it fails with Docker's own words.
    for own in _own_names(docker):
        container = docker.inspect(own)
        if container is not None and container.is_started:
            docker.stop(own)
        if container is not None and params["remove"]:
            docker.remove(own)
    return {}


def upgrade_docker(params: dict[str, Any]) -> Results:
    """Upgrade Docker's packages, or install the requested ones; the registry keeps serving, with live-restore."""
    runtime = context.now.options.runtime
    problems = docker_runtime.about_all(runtime.origin_problems())
    if problems:
        raise basic.ActionFailed(joined(*problems))
    output = context.machine.docker_packages.upgrade(runtime)
    docker_runtime.forget_refusals(context.machine)
    basic.run_handlers()
    must_serve = context.machine.store.current() and not reactive.is_flag_set(flags.STOPPED)
    if must_serve and not _serves():
        raise basic.ActionFailed(joined(alone(DOWN_AFTER_UPGRADE()), status.sentences()))
    return {"output": output, "message": status.sentences()}


def _own_names(docker: Engine) -> set[str]:
    """Return the name of the registry's container; none before the first release if somebody else's has it."""
    current = context.machine.store.current()
    name = current.container.name if current else context.now.options.registry_name
    container = docker.inspect(name)
    is_foreign = container is not None and not (container.is_ours or (not current and container.is_predecessors))
    return set() if is_foreign else {name}


def _is_own(docker: Engine, name: str) -> bool:
    """Tell whether the operator's *name* is that of the registry's container, or its ID, or the beginning of its ID.

    Somebody may have renamed it.
    """
    container, own, current = docker.inspect(name), _own_names(docker), context.machine.store.current()
    if container is None:
        return name in own
    return container.name in own or (current is not None and container.digest == current.digest)


def _serves() -> bool:
    """Tell whether the current release runs and answers, whatever else the status says. Raises EngineError."""
    current = context.machine.store.current()
    if current is None:
        return False
    container = context.machine.connect().inspect(current.container.name)
    if container is None or not container.is_running:
        return False
    try:
        context.client(current).check_alive()
    except ApiError:
        return False
    return True


def _require(docker: Engine, name: str) -> None:
    if docker.inspect(name) is None:
        raise basic.ActionFailed(about("name", NO_CONTAINER(name=name)))
