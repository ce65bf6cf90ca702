"""Docker itself and packages: bring the machine to what the options ask for, under a registry that serves."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Mapping
from typing import Any

from charmhelpers.core import hookenv
from charms import reactive
from charms.layer import status
from charms.layer.edges import Machine
from registry.formats import daemon
from registry.machine import apt, engine
from registry.options import packages, runtime
from registry.options.proxies import Proxies

LIVE_RESTORE = "charm.docker-registry.live-restore.loaded"
"""Flag: dockerd keeps containers running while it restarts."""
LIVE_RESTORE_REFUSED = "charm.docker-registry.live-restore.refused"
"""Flag: dockerd does not take that, and the log says so."""
_MODEL = {"http_proxy": "juju-http-proxy", "https_proxy": "juju-https-proxy", "no_proxy": "juju-no-proxy"}

Trouble = tuple[str, ...]
"""Sentences for the status."""


class NoDocker(Exception):
    """There is no Docker, and none can be had; ``str()`` is what the status says."""


def provide(wanted: runtime.Runtime, machine: Machine) -> Trouble:
    """Have Docker and the operator's packages on the machine. Raises NoDocker, OSError."""
    trouble = _put_sources(wanted.extras, machine)
    wrong = tuple(f"{option}: {clause}." for option, clause in wanted.origin_problems().items() if clause)
    if not machine.has_docker():
        if wrong:
            raise NoDocker(" ".join(wrong + trouble))
        status.maintenance("Installing Docker.")
        try:
            machine.install_docker(wanted)
        except apt.PackageError as error:
            raise NoDocker(
                " ".join([f"Docker cannot be installed: {error}. It is tried again by itself.", *trouble])
            ) from error
    elif not wrong:
        trouble += _compare(wanted, machine)
    return trouble + _install_extras(wanted.extras, machine)


def _compare(wanted: runtime.Runtime, machine: Machine) -> Trouble:
    """Say so where Docker is not the one that is asked for: only the operator decides when it is replaced."""
    names = wanted.wanted_packages()
    if not names or not packages.missing(names, machine.package_states(names)):
        return ()
    try:
        machine.check_docker(wanted)
    except apt.PackageError as error:
        return (f"{error}. The Docker that is here goes on.",)
    return (
        f"docker_runtime: {' '.join(names)} can replace the Docker that is here; the action upgrade-docker does it.",
    )


def _put_sources(wanted: packages.Extras, machine: Machine) -> Trouble:
    found = wanted.problems()
    if found["install_sources"] or found["install_keys"]:
        return ()
    try:
        machine.put_sources(wanted.sources())
        if wanted.short_sources():
            known = machine.recall("sources").get("short", [])
            if new := [name for name in wanted.short_sources() if name not in known]:
                machine.put_short_sources(new)
                machine.remember("sources", {"short": [*known, *new]})
    except apt.PackageError as error:
        option = "install_keys" if isinstance(error, apt.BadKey) else "install_sources"
        return (f"{option}: {error}. It is tried again by itself.",)
    return ()


def _install_extras(wanted: packages.Extras, machine: Machine) -> Trouble:
    found = wanted.problems()
    try:
        if not found["extra_packages"] and (
            new := packages.missing(wanted.packages, machine.package_states(wanted.packages))
        ):
            status.maintenance(f"Installing {' '.join(new)}.")
            machine.install(new)
    except apt.PackageError as error:
        return (f"extra_packages: {error}. It is tried again by itself.",)
    try:
        if not found["extra_packages"] and not found["package_status"]:
            _hold(wanted, machine)
    except apt.PackageError as error:
        return (f"package_status: {error}.",)
    return ()


def _hold(wanted: packages.Extras, machine: Machine) -> None:
    """Hold Docker's packages and the operator's, or let go those that were held for that. Others' holds stay."""
    ours = machine.recall("held").get("names")
    if wanted.status == packages.INSTALL:
        if ours:
            machine.release(machine.package_states(ours))
            machine.remember("held", {})
        return
    names = {packages.bare(name) for name in wanted.packages}
    known = machine.package_states([*(ours or ()), *names])
    if ours is None or not all(name in known and known[name].held for name in {*ours, *names}):
        names |= set(machine.docker_packages())
        machine.hold(sorted(names))
        machine.remember("held", {"names": sorted(names)})


def connect(machine: Machine) -> engine.Engine:
    """Connect to Docker; first, what keeps it from starting is put back. Raises OSError, EngineError.

    That is a change which a crash cut off, or one that Docker could not take after all: while containers run on, it
    does not try the settings of its network.
    """
    record = daemon.Record.from_json(machine.recall("daemon"))
    if record.trying and record.before is not None:
        hookenv.log("New settings of Docker were being tried when a crash came; those before are put back.")
        _write(machine, _there(machine), record.before)
        machine.restart_docker()
        machine.remember("daemon", daemon.Record(record.ours).to_json())
    try:
        return machine.docker()
    except engine.EngineError as down:
        if record.trying or record.before is None or not machine.docker_has_failed():
            raise
        _go_back(machine, record, record.before, down)
    return machine.docker()


def _go_back(machine: Machine, record: daemon.Record, before: daemon.Files, down: engine.EngineError) -> None:
    """Start a Docker that has failed, with its settings or with those before. Raises *down* if that is not why."""
    there = _there(machine)
    try:
        machine.restart_docker()
    except engine.EngineError as error:
        _write(machine, there, before)
        try:
            machine.restart_docker()
        except engine.EngineError:
            _write(machine, before, there)
            raise down from None
        _refuse(machine, record.ours_before, before, there, error)


def _there(machine: Machine) -> daemon.Files:
    return daemon.Files(_readable(machine.daemon_json), machine.drop_in())


def _readable(read: Callable[[], str | None]) -> str | None:
    try:
        return read()
    except daemon.BadSettings:
        return ""


def configure(wanted: runtime.Runtime, docker: engine.Engine, machine: Machine) -> tuple[engine.Engine, Trouble]:
    """Have Docker run as the options say; return the engine to go on with, and what is wrong.

    What it does not take is put back, and not tried again until something of it changes. Raises EngineError if
    Docker does not answer any more, OSError where the machine does not take what is written.
    """
    model = Proxies.of_model(os.environ)
    trouble = tuple(f"{_MODEL[name]} of the model: {clause}." for name, clause in wanted.proxies.wrong_beside(model))
    right = not any(wanted.settings_problems().values())
    settings = wanted.settings() if right else {}
    if not right or (daemon.LIVE_RESTORE not in settings and daemon.LIVE_RESTORE not in wanted.flags()):
        in_the_way = ensure_live_restore(docker, machine)
        if in_the_way or not right:
            return docker, trouble + in_the_way
    environment, arguments = wanted.proxies.over(model).environment(), wanted.arguments()
    command = machine.docker_command() if arguments else ""
    if reactive.is_flag_set(LIVE_RESTORE_REFUSED) or (arguments and not command):
        if environment or arguments or settings != runtime.DEFAULT_SETTINGS:
            trouble += (
                "daemon-opts, docker-opts and the proxies have no effect: this Docker is not set up by "
                "/etc/docker/daemon.json and systemd's docker.service.",
            )
        return docker, trouble
    record = daemon.Record.from_json(machine.recall("daemon"))
    try:
        before = daemon.Files(machine.daemon_json(), machine.drop_in())
        after = daemon.Files(
            daemon.merged(before.daemon_json, record.ours, settings, wanted.flags()),
            daemon.drop_in(environment, command, arguments),
        )
    except daemon.BadSettings as error:
        return docker, (*trouble, unreadable(error))
    if after == before:
        known = dataclasses.replace(record, ours=settings, refused="", reason="")
        if record != known:
            machine.remember("daemon", known.to_json())
    elif record.refused == after.digest:
        trouble += (record.reason,)
    else:
        reason = _try(before, after, settings, docker, machine)
        return machine.docker(), trouble + reason
    return docker, trouble


def _try(
    before: daemon.Files, after: daemon.Files, settings: Mapping[str, Any], docker: engine.Engine, machine: Machine
) -> Trouble:
    """Let Docker run with the files *after*, which say the *settings*; if it does not, go back to those *before*."""
    ours = daemon.Record.from_json(machine.recall("daemon")).ours
    machine.remember("daemon", daemon.Record(ours, before=before, trying=True).to_json())
    try:
        _write(machine, before, after)
        _take_up(before, after, docker, machine)
    except engine.EngineError as error:
        _write(machine, after, before)
        machine.restart_docker()
        return _refuse(machine, ours, before, after, error)
    machine.remember("daemon", daemon.Record(settings, before=before, ours_before=ours).to_json())
    return ()


def _refuse(
    machine: Machine, ours: Mapping[str, Any], before: daemon.Files, after: daemon.Files, error: engine.EngineError
) -> Trouble:
    """Remember that Docker does not start with the files *after*, and return the sentence."""
    json_differs, drop_in_differs = before.daemon_json != after.daemon_json, before.drop_in != after.drop_in
    options = [*(["daemon-opts"] if json_differs else []), *(["docker-opts"] if drop_in_differs else [])]
    reason = f"{' and '.join(options)}: {error}. It runs with what was before."
    machine.remember("daemon", daemon.Record(ours, after.digest, reason).to_json())
    return (reason,)


def _take_up(before: daemon.Files, after: daemon.Files, docker: engine.Engine, machine: Machine) -> None:
    """Have dockerd read its files anew, without a restart where it can be seen that it takes them so."""
    if daemon.is_reloadable(before, after) and machine.takes_daemon_json() and machine.reload_docker():
        hookenv.log("Docker has read its new settings.")
        return
    on = daemon.live_restore(after.daemon_json or "") is True
    if on and daemon.live_restore(before.daemon_json or "") is not True:
        machine.reload_docker()  # or the containers would stop for this one time
        docker.live_restore(within=5)
    machine.restart_docker()
    hookenv.log("Docker has restarted with its new settings.")


def _write(machine: Machine, there: daemon.Files, wanted: daemon.Files) -> None:
    if there.daemon_json != wanted.daemon_json:
        machine.write_daemon_json(wanted.daemon_json)
    if there.drop_in != wanted.drop_in:
        machine.write_drop_in(wanted.drop_in)


def forget_refusals(machine: Machine) -> None:
    """Let a Docker that has just come try what the one before it did not take."""
    reactive.clear_flag(LIVE_RESTORE_REFUSED)
    record = daemon.Record.from_json(machine.recall("daemon"))
    machine.remember("daemon", dataclasses.replace(record, refused="", reason="").to_json())


def ensure_live_restore(docker: engine.Engine, machine: Machine) -> Trouble:
    """Have dockerd leave containers running while it restarts; return a sentence if daemon.json is in the way.

    Where dockerd does not take it, daemon.json stays as it was, and a warning in the log says so, once.
    """
    try:
        text = machine.daemon_json()
        said = daemon.live_restore(text or "")
        settled = reactive.is_flag_set(LIVE_RESTORE_REFUSED) or (said is True and reactive.is_flag_set(LIVE_RESTORE))
        if said is False or settled:
            return ()
        is_on = docker.live_restore()
        if is_on is False:
            is_on = _turn_on_live_restore(docker, machine, text, write=said is None)
    except daemon.BadSettings as error:
        return (unreadable(error),)
    except (OSError, engine.EngineError) as error:
        return (f"Docker cannot be told to keep containers running while it restarts: {error}.",)
    if is_on:
        reactive.set_flag(LIVE_RESTORE)
    elif is_on is False:
        reactive.set_flag(LIVE_RESTORE_REFUSED)
        hookenv.log(
            "This Docker does not take live-restore by `systemctl reload docker`. Turn it on where this Docker is "
            "configured; until then the registry is away while Docker restarts.",
            level=hookenv.WARNING,
        )
    return ()


def unreadable(error: daemon.BadSettings) -> str:
    """Return the sentence for a daemon.json that Docker would not start with."""
    return f"{error}: mend it, or Docker will not start again."


def _turn_on_live_restore(docker: engine.Engine, machine: Machine, text: str | None, *, write: bool) -> bool:
    """Say it in daemon.json, which has *text*, and tell whether dockerd took it; without *write* it is said already."""
    is_on = False
    try:
        if write:
            machine.write_daemon_json(daemon.with_live_restore(text or ""))
        # Also where it was said before: a crash may have come between writing and reloading.
        is_on = machine.reload_docker() and docker.live_restore(within=5) is True
    finally:
        if write and not is_on:  # dockerd would not start with what it does not take
            machine.write_daemon_json(text)
    return is_on
