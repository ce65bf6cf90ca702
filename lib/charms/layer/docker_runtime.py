"""Docker itself and packages: bring the machine to what the options request, under a registry that serves."""

from __future__ import annotations

import functools
import os

from charmhelpers.core import hookenv
from charms import reactive
from charms.layer import status
from charms.layer.edges import Machine
from registry.machine import dockerd_settings
from registry.machine.apt import BadKey, PackageError
from registry.machine.dockerd_settings import Errors
from registry.machine.engine import Engine
from registry.options import packages, runtime
from registry.options.proxies import Proxies

LIVE_RESTORE = "charm.docker-registry.live-restore.loaded"
LIVE_RESTORE_REFUSED = "charm.docker-registry.live-restore.refused"
"""Flags: what an older charm knows of live-restore; this one has it in its record of dockerd."""
_MODEL = {"http_proxy": "juju-http-proxy", "https_proxy": "juju-https-proxy", "no_proxy": "juju-no-proxy"}


class NoDocker(Exception):
    """There is no Docker, and none can be had; ``str()`` is what the status says."""


def ensure_packages(options: runtime.Runtime, machine: Machine) -> Errors:
    """Have Docker and the operator's packages on the machine. Raises NoDocker, OSError."""
    errors = _ensure_sources(options.packages, machine)
    wrong = tuple(f"{option}: {clause}." for option, clause in options.origin_problems().items() if clause)
    if not machine.docker_packages.has_docker():
        if wrong:
            raise NoDocker(" ".join(wrong + errors))
        status.maintenance("Installing Docker.")
        try:
            machine.docker_packages.install(options)
        except PackageError as error:
            raise NoDocker(
                " ".join([f"Docker cannot be installed: {error}. It is tried again by itself.", *errors])
            ) from error
    elif not wrong:
        errors += _compare(options, machine)
    return errors + _ensure_packages(options.packages, machine)


def _compare(options: runtime.Runtime, machine: Machine) -> Errors:
    """Say so where Docker is not the requested one: only the operator decides when it is replaced."""
    names = options.requested_packages()
    if not names or not packages.missing(names, machine.apt.read_states(names)):
        return ()
    try:
        machine.docker_packages.simulate(options)
    except PackageError as error:
        return (f"{error}. The Docker that is here goes on.",)
    return (
        f"docker_runtime: {' '.join(names)} can replace the Docker that is here; the action upgrade-docker does it.",
    )


def _ensure_sources(options: packages.Packages, machine: Machine) -> Errors:
    problems = options.problems()
    if problems["install_sources"] or problems["install_keys"]:
        return ()
    try:
        machine.apt_sources.ensure("extra", options.sources())
        if options.short_sources():
            known = machine.records.load("sources").get("short", [])
            if new := [name for name in options.short_sources() if name not in known]:
                machine.apt_sources.add_short(new)
                machine.records.save("sources", {"short": [*known, *new]})
    except PackageError as error:
        option = "install_keys" if isinstance(error, BadKey) else "install_sources"
        return (f"{option}: {error}. It is tried again by itself.",)
    return ()


def _ensure_packages(options: packages.Packages, machine: Machine) -> Errors:
    problems = options.problems()
    try:
        if not problems["extra_packages"] and (
            new := packages.missing(options.names, machine.apt.read_states(options.names))
        ):
            status.maintenance(f"Installing {' '.join(new)}.")
            machine.apt.install(new)
    except PackageError as error:
        return (f"extra_packages: {error}. It is tried again by itself.",)
    try:
        if not problems["extra_packages"] and not problems["package_status"]:
            _ensure_holds(options, machine)
    except PackageError as error:
        return (f"package_status: {error}.",)
    return ()


def _ensure_holds(options: packages.Packages, machine: Machine) -> None:
    """Hold Docker's packages and the operator's, or release those that were held for that. Others' holds stay."""
    ours = machine.records.load("held").get("names")
    if options.status == packages.INSTALL:
        if ours:
            machine.apt.release(machine.apt.read_states(ours))
            machine.records.save("held", {})
        return
    names = {packages.bare(name) for name in options.names}
    known = machine.apt.read_states([*(ours or ()), *names])
    if ours is None or not all(name in known and known[name].held for name in {*ours, *names}):
        names |= set(machine.docker_packages.find())
        machine.apt.hold(sorted(names))
        machine.records.save("held", {"names": sorted(names)})


def connect(machine: Machine) -> Engine:
    """Connect to Docker; first, restore settings that keep it from starting. Raises OSError, EngineError."""
    _take_over_flags(machine)
    return _settings(machine).connect()


def ensure_settings(options: runtime.Runtime, docker: Engine, machine: Machine) -> tuple[Engine, Errors]:
    """Have Docker run as the options say; return the engine to go on with, and what is wrong.

    Raises EngineError if Docker does not answer any more, OSError where the machine does not take what is written.
    """
    model = Proxies.of_model(os.environ)
    errors = tuple(
        f"{_MODEL[name]} of the model: {clause}." for name, clause in options.proxies.fallback_problems(model)
    )
    docker, more = _settings(machine).ensure(options, options.proxies.with_fallback(model).environment(), docker)
    return docker, errors + more


def forget_refusals(machine: Machine) -> None:
    """Let a Docker that has just been installed try what the one before it did not take. Raises OSError."""
    _take_over_flags(machine)
    _settings(machine).forget_refusals()


def forget_live_restore(machine: Machine) -> None:
    """Let another unit on this machine look at live-restore for itself. Raises OSError."""
    _settings(machine).forget_live_restore()


def _settings(machine: Machine) -> dockerd_settings.DockerdSettings:
    warn = functools.partial(hookenv.log, level=hookenv.WARNING)
    return dockerd_settings.DockerdSettings(
        machine.dockerd, machine.records, machine.connect, log=hookenv.log, warn=warn
    )


def _take_over_flags(machine: Machine) -> None:
    """Record what a charm before this one kept in flags."""
    loaded, refused = (bool(reactive.is_flag_set(flag)) for flag in (LIVE_RESTORE, LIVE_RESTORE_REFUSED))
    if loaded or refused:
        _settings(machine).note_live_restore(loaded=loaded, refused=refused)
        reactive.clear_flag(LIVE_RESTORE)
        reactive.clear_flag(LIVE_RESTORE_REFUSED)
