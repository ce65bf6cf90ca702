"""The verbs of the handlers: what the charm does to its registry. When it does so is in reactive/docker_registry.py."""

from __future__ import annotations

import base64
import contextlib
import os
import secrets

from charmhelpers.core import hookenv
from charms import reactive
from charms.layer import (
    attempts,
    collection,
    context,
    docker_runtime,
    facts,
    flags,
    juju_storage,
    leadership,
    orphans,
    owner,
    ownership,
    room,
    runs,
    schedules,
    serving,
    status,
    tls_client,
)
from charms.layer.context import docker_failed, machine_failed, reports_errors
from registry.deployment.candidate import PROBE_REPOSITORY
from registry.machine.engine import Engine, EngineError
from registry.message import Message, alone
from registry.plan import decision, disk, report

DOCKER_DOWN = Message("Docker failed: {error}", "See `journalctl -u docker` on the machine")
"""Docker does not answer, or does not run as the options request."""

SECRET_AWAITED = Message(
    "Waiting for the leader to share the registry's secret", "Check the leader if this takes minutes"
)
"""The leader has not finished its installation yet. All units must have the same secret."""

SERIES_UPGRADE = Message("Series upgrade in progress", "Finish it with `juju upgrade-machine <machine> complete`")
"""The machine's release is being upgraded (Juju 2.9: `juju upgrade-series`). The charm changes nothing meanwhile."""

LEAVING = Message("Being removed", "The last hook removes the registry")
"""Juju is removing the unit."""

REMOVED = Message("Removed", "The images stay in {place}")
"""The unit is removed from the machine; its images are not."""

OF_THE_REGISTRY = (
    *(attempts.RECORD, collection.RECORD, juju_storage.RECORD, ownership.RECORD, room.RECORD, runs.RECORD),
    *(schedules.RECORD.format(name=name) for name in schedules.NAMES),
)
"""Records that end with the registry; those of Docker and of packages stay as these do."""


def begin() -> None:
    """Begin a hook or an action: forget what the previous one read and did."""
    for flag in flags.OF_THIS_HOOK:
        reactive.clear_flag(flag)
    context.begin()
    try:
        owner.claim()
    except OSError as error:  # a full disk; the recorded owner stays
        hookenv.log(f"The owner of the machine cannot be recorded: {error}.", level=hookenv.WARNING)
    if os.environ.get("JUJU_DEPARTING_UNIT") == hookenv.local_unit():
        # https://documentation.ubuntu.com/juju/3.6/reference/hook/: its relations end one by one, in any order.
        # The current release continues until the last hook: without its CA, for example, it would fall back to plain
        # HTTP while a proxy still sends it requests.
        reactive.set_flag(flags.LEAVING)


def ensure_docker() -> None:
    """Have Docker and the operator's packages as the options request, and clean up after a crash."""
    now, machine = context.now, context.machine
    try:
        with machine.deadline.suspended():  # apt has an end of its own
            now.errors += docker_runtime.ensure_packages(now.options.runtime, machine)
        docker = docker_runtime.connect(machine)
        docker, errors = docker_runtime.ensure_settings(now.options.runtime, docker, machine)
        now.errors += errors
        for kept in (machine.store, machine.credentials, machine.records):
            with contextlib.suppress(OSError):  # on a disk that is read-only they stay
                kept.remove_drafts()
        now.docker = _recover(docker)
        orphans.rename_back(now, machine)
        collection.end_interrupted(now.docker)
        orphans.end(now.docker, machine, now.container)
    except docker_runtime.NoDocker as error:
        status.add(report.Report("blocked", error.problems))
    except EngineError as error:
        status.blocked(alone(DOCKER_DOWN(error=error)))
    except OSError as error:
        status.blocked(machine_failed(error))
    else:
        reactive.set_flag(flags.DOCKER)


def _recover(docker: Engine) -> Engine:
    """Clean up after a switch that a crash interrupted; return the engine to use.

    Where the machine died while a container started, dockerd holds its port without a container until it is restarted.
    That is done where containers keep running meanwhile.
    """
    store, options = context.machine.store, context.now.options
    if not store.unfinished_switch():
        return docker
    current = store.current()
    ports = {options.registry_port, *options.monitoring.ports.values()}
    ports |= set(current.container.ports.values()) if current else set()
    held = {port for port in ports if context.is_held(port)} - docker.published_ports()
    if held and docker.live_restore():
        hookenv.log(f"Docker holds port {min(held)} without a container since a crash; restarting it frees the port.")
        context.machine.dockerd.restart()
        docker = context.machine.connect()
    context.switch(docker).recover()
    return docker


@reports_errors
def share_secret() -> None:
    """Share the secret that all units need, as the leader: also one that changes nothing on its own machine.

    That of the current release is kept where the leader's data have none: a failed hook reverts leader data, but not
    the registry that it started. On a machine that another unit owns, that release is of the other unit.
    """
    if not leadership.is_leader():
        return
    current = None if reactive.is_flag_set(flags.OCCUPIED) else context.machine.store.current()
    secret = current.http_secret if current else base64.b64encode(secrets.token_bytes(32)).decode()
    leadership.set({"http-secret": secret})


@reports_errors
def await_secret() -> None:
    """Say that the secret is not there yet, unless this unit is the leader, which shares it."""
    if not leadership.is_leader():
        status.waiting(alone(SECRET_AWAITED()))


@reports_errors
def compare() -> None:
    """Compare the options with the facts, and set the flag for what is to be done."""
    now = context.now
    if now.is_incomplete:
        return
    now.facts = ownership.settled(now, facts.read(now))
    now.plan = decision.decide(now.options, now.facts)
    context.machine.credentials.save_verdicts(now.plan.verdicts)
    room.record(now.facts.current, now.plan)
    if now.plan.is_paused:
        reactive.set_flag(flags.PAUSED)
    elif now.plan.outdated:
        reactive.set_flag(flags.OUTDATED)
    else:
        attempts.forget()  # what was refused before is not requested any more
        _finish()


@reports_errors
def deploy() -> None:
    """Carry out the plan: the users first, because a registry without them creates a user of its own."""
    now, machine = context.now, context.machine
    assert now.plan is not None and now.facts is not None
    before = machine.store.current()
    try:
        # For a registry that has passwords, or is about to be tried with them.
        has_users = before is not None and before.authentication == "htpasswd"
        if now.plan.users is not None and (has_users or not attempts.is_refused(now, now.plan.release)):
            machine.credentials.write_users(now.plan.users)
            ownership.share_users(now.facts)
        if now.plan.release is not None:
            attempts.deploy(now, now.plan.release)
        current = machine.store.current()
        if current is not None and current.authentication != "htpasswd":
            machine.credentials.remove_users()
    except EngineError as error:
        now.errors.append(docker_failed(error))
    except OSError as error:
        now.errors.append(machine_failed(error))
    _finish()


@reports_errors
def pause() -> None:
    """Stop the registry: the operator requested it, or the disk with its images is unavailable."""
    now = context.now
    assert now.docker is not None and now.facts is not None
    try:
        context.switch(now.docker).pause(now.facts.container)
    except EngineError as error:
        now.errors.append(docker_failed(error))
    _finish()


def _finish() -> None:
    """Report the result: ports and version for Juju, the status, and the flag for the handlers that publish."""
    now = context.now
    assert now.facts is not None and now.plan is not None
    current = context.machine.store.current()
    if current is not None and current.data_folder:
        context.machine.folders.remove_repository(current.data_folder, PROBE_REPOSITORY)
    now.outcome = serving.examine(now, current)
    if now.outcome.serving and current is not None and current.data_folder == now.facts.data_folder:
        juju_storage.record_disk(current.data_folder, now.facts.disk)
    if now.outcome.serving and current is not None:
        room.ensure_reserve(current, now.facts)
    status.add(report.status(now.plan, now.outcome, now.facts.unit, tuple(now.warnings)))
    if current is not None:
        reactive.set_flag(flags.DEPLOYED)


def remove() -> None:
    """Remove the registry from the machine: containers, configuration and credentials. The images stay."""
    if reactive.is_flag_set(flags.OCCUPIED):
        return  # nothing on the machine is this unit's
    machine = context.machine
    current = machine.store.current()
    room.remove()
    try:
        context.switch(machine.connect()).clear()
    except (EngineError, OSError) as error:
        hookenv.log(f"The registry's container could not be removed: {error}.", level=hookenv.WARNING)
    tls_client.remove_files()
    docker_runtime.forget_live_restore(machine)
    docker_runtime.remove_sources(machine)
    machine.checks.ensure({})
    machine.timers.ensure({})
    machine.credentials.remove()
    machine.store.remove()
    for record in OF_THE_REGISTRY:
        machine.records.remove(record)
    owner.release()
    kept = disk.whereabouts(current.data_folder if current else disk.LOCAL, juju_storage.read())
    hookenv.log(f"The registry is removed; its images stay in {kept}.")
    status.maintenance(alone(REMOVED(place=kept)))


def report_series_upgrade() -> None:
    """Say that nothing is changed meanwhile."""
    status.blocked(alone(SERIES_UPGRADE()))


def report_leaving() -> None:
    """Say that the registry serves until the unit's last hook."""
    status.maintenance(alone(LEAVING()))
