"""Docker itself and packages: bring the machine to what the options request, under a registry that serves."""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping

from charmhelpers.core import hookenv
from charms import reactive
from charms.layer import status
from charms.layer.edges import Machine
from registry.formats import daemon, daemon_effects, dockerd_flags
from registry.machine import dockerd_record, dockerd_settings
from registry.machine.apt import BadKey, PackageError
from registry.machine.engine import Engine, EngineError
from registry.message import Message, Sentence, Text, about, alone
from registry.options import packages, runtime
from registry.options.proxies import Proxies
from registry.release.container import PORT
from registry.release.release import Release

LIVE_RESTORE = "charm.docker-registry.live-restore.loaded"
LIVE_RESTORE_REFUSED = "charm.docker-registry.live-restore.refused"
"""Flags: what an older charm knows of live-restore; this one has it in its record of dockerd."""
_MODEL = {"http_proxy": "juju-http-proxy", "https_proxy": "juju-https-proxy", "no_proxy": "juju-no-proxy"}


INSTALLING_DOCKER = Message("Installing Docker")
"""The machine has no Docker yet."""

INSTALLING_PACKAGES = Message("Installing {packages}")
"""Packages of the option extra_packages are missing."""

INSTALL_FAILED = Message(
    "Docker cannot be installed: {error}", "Check the network and the package sources. Retrying automatically"
)
"""The machine has no Docker, and APT failed, in its own words."""

REPLACE_FAILED = Message(
    "Docker cannot be replaced: {error}", "Fix this or reset docker_runtime. The installed Docker stays in use"
)
"""Another Docker is requested than the installed one, and APT cannot install it."""

CAN_BE_REPLACED = Message("{packages} can replace the installed Docker", "Run the action upgrade-docker")
"""Another Docker is requested than the installed one. The operator decides when it is replaced."""

SOURCES_FAILED = Message("APT failed: {error}", "Check the value and the network. Retrying automatically")
"""APT refused the repositories or keys of the option, in its own words."""

PACKAGES_FAILED = Message(
    "the packages cannot be installed: {error}", "Check their names and the network. Retrying automatically"
)
"""APT failed, in its own words."""

HOLD_FAILED = Message(
    "the packages cannot be held or released: {error}", "Check APT on the machine. Retrying automatically"
)
"""APT failed, in its own words."""

Errors = tuple[Sentence, ...]


class NoDocker(Exception):
    """There is no Docker that can be used, and the charm cannot change that."""

    def __init__(self, problems: Errors) -> None:
        super().__init__(*problems)
        self.problems = problems


def about_all(problems: Mapping[str, Text | None]) -> Errors:
    """Return a sentence for each option with a problem."""
    return tuple(about(option, text) for option, text in problems.items() if text)


def ensure_packages(options: runtime.Runtime, machine: Machine) -> Errors:
    """Have Docker and the operator's packages on the machine. Raises NoDocker, OSError."""
    errors = _ensure_sources(options.packages, machine)
    wrong = about_all(options.origin_problems())
    if unusable := machine.docker_packages.find_unusable():
        raise NoDocker((alone(unusable), *errors))
    if not machine.docker_packages.has_docker():
        if wrong:
            raise NoDocker(wrong + errors)
        status.maintenance(alone(INSTALLING_DOCKER()))
        try:
            machine.docker_packages.install(options)
        except PackageError as error:
            raise NoDocker((_failed(INSTALL_FAILED, error), *errors)) from error
    elif not wrong:
        errors += _compare(options, machine)
    return errors + _ensure_packages(options.packages, machine)


def _compare(options: runtime.Runtime, machine: Machine) -> Errors:
    """Report a Docker that is not the requested one: only the operator decides when it is replaced."""
    names = options.requested_packages()
    if not names or not packages.missing(names, machine.apt.read_states(names)):
        return ()
    try:
        machine.docker_packages.simulate(options)
    except PackageError as error:
        return (_failed(REPLACE_FAILED, error),)
    return (about("docker_runtime", CAN_BE_REPLACED(packages=" ".join(names))),)


def _failed(message: Message, error: PackageError) -> Sentence:
    """Return the message about the option to fix, if one is to blame."""
    text = message(error=error.words)
    return about(error.option, text) if error.option else alone(text)


def _ensure_sources(options: packages.Packages, machine: Machine) -> Errors:
    problems = options.problems()
    if problems["install_sources"] or problems["install_keys"]:
        return ()
    try:
        machine.apt_sources.ensure("extra", options.sources())
        machine.short_sources.ensure(options.short_sources())
    except PackageError as error:
        option = "install_keys" if isinstance(error, BadKey) else "install_sources"
        return (about(option, SOURCES_FAILED(error=error)),)
    return ()


def remove_sources(machine: Machine) -> None:
    """Remove what install_sources added to apt; the packages stay. Raises OSError."""
    try:
        machine.apt_sources.ensure("extra", ())
        machine.short_sources.ensure(())
    except PackageError as error:
        hookenv.log(f"A package source of the option install_sources stays: {error}.", level=hookenv.WARNING)


def _ensure_packages(options: packages.Packages, machine: Machine) -> Errors:
    problems = options.problems()
    try:
        if not problems["extra_packages"] and (
            new := packages.missing(options.names, machine.apt.read_states(options.names))
        ):
            status.maintenance(alone(INSTALLING_PACKAGES(packages=" ".join(new))))
            machine.apt.install(new)
    except PackageError as error:
        return (about("extra_packages", PACKAGES_FAILED(error=error)),)
    try:
        if not problems["extra_packages"] and not problems["package_status"]:
            _ensure_holds(options, machine)
    except PackageError as error:
        return (about("package_status", HOLD_FAILED(error=error)),)
    return ()


def _ensure_holds(options: packages.Packages, machine: Machine) -> None:
    """Hold Docker's packages and the operator's, or release those that the charm held. Other holds stay."""
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
    """Connect to Docker; first, undo the charm's settings that keep it from starting.

    Raises OSError, EngineError, and NoDocker where somebody else's settings do.
    """
    _take_over_flags(machine)
    try:
        return _record(machine).connect()
    except daemon.BadSettings as error:
        raise NoDocker((alone(error.text),)) from error
    except EngineError as error:
        if rootless := machine.docker_packages.find_rootless():
            raise NoDocker((alone(rootless),)) from error
        raise


def ensure_settings(options: runtime.Runtime, docker: Engine, machine: Machine) -> tuple[Engine, Errors]:
    """Have Docker run as the options request; return the engine to use, and the errors.

    Raises EngineError if Docker no longer answers, OSError where the machine refuses a file.
    """
    model = Proxies.of_model(os.environ)
    problems = options.proxies.fallback_problems(model)
    errors = about_all({f"{_MODEL[name]} of the model": text for name, text in problems})
    docker, more = _settings(machine).ensure(options, options.proxies.with_fallback(model).environment(), docker)
    return docker, errors + more


def read_published_address(machine: Machine, docker: Engine, current: Release | None) -> str:
    """Return the one address at which Docker publishes ports by default, "" for all.

    The setting alone does not say it: Docker keeps the previous one while a container runs. It is asked where that
    matters: before the first release, and before one that no longer names its addresses. Raises EngineError.
    """
    flags = dockerd_flags.settings(machine.dockerd.read_running())
    try:
        settings = daemon.settings(machine.dockerd.read_daemon_json() or "")
    except (daemon.BadSettings, OSError):  # reported where it is read to be changed
        settings = {}
    address = daemon_effects.published_address({**settings, **flags})
    if address or (current is not None and not current.container.addresses.get(str(PORT))):
        return address
    return daemon_effects.network_address(docker.network())


def forget_refusals(machine: Machine) -> None:
    """Let a newly installed Docker try the settings that the previous one rejected. Raises OSError."""
    _take_over_flags(machine)
    _settings(machine).forget_refusals()


def forget_live_restore(machine: Machine) -> None:
    """Let another unit on this machine check live-restore for itself. Raises OSError."""
    _record(machine).forget_live_restore()


def _settings(machine: Machine) -> dockerd_settings.DockerdSettings:
    warn = functools.partial(hookenv.log, level=hookenv.WARNING)
    return dockerd_settings.DockerdSettings(
        machine.dockerd, _record(machine), machine.connect, log=hookenv.log, warn=warn
    )


def _record(machine: Machine) -> dockerd_record.DockerdRecord:
    return dockerd_record.DockerdRecord(machine.dockerd, machine.records, machine.connect, hookenv.log)


def _take_over_flags(machine: Machine) -> None:
    """Record what an older charm kept in flags."""
    loaded, refused = (bool(reactive.is_flag_set(flag)) for flag in (LIVE_RESTORE, LIVE_RESTORE_REFUSED))
    if loaded or refused:
        _settings(machine).note_live_restore(loaded=loaded, refused=refused)
        reactive.clear_flag(LIVE_RESTORE)
        reactive.clear_flag(LIVE_RESTORE_REFUSED)
