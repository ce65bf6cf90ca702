"""The Juju edge: read the facts, let `registry.plan` decide, carry the plan out, say how it went."""

from __future__ import annotations

import base64
import dataclasses
import pathlib
import secrets
import socket
import subprocess
import tempfile
from collections.abc import Mapping
from typing import Any

from charmhelpers.core import hookenv, unitdata
from charms import reactive
from charms.layer import leadership, status
from registry import (
    addresses,
    api,
    applied,
    archive,
    container,
    daemon,
    engine,
    image,
    options,
    packages,
    plan,
    switch,
)

STOPPED = "charm.docker-registry.stopped"
"""Flag: the operator stopped the registry; set and cleared by the actions stop and start."""
REFRESHED = "charm.docker-registry.refreshed"
"""Flag: the charm or its resource came anew, so the image is looked up again; set by upgrade-charm."""
IMAGE = "docker-registry.image"
"""Key in unitdata: the Image last found for the option registry-image."""
LIVE_RESTORE = "charm.docker-registry.live-restore.loaded"
"""Flag: dockerd has read the daemon.json that `ensure_live_restore` wrote."""
DAEMON_JSON = pathlib.Path("/etc/docker/daemon.json")


def converge() -> tuple[str, str]:
    """Make the machine what the options ask for, as far as it can be done; set the status and return it.

    Runs in any hook, usually to find that nothing is to be done. Never raises for what an operator can mend.
    """
    state, message = _converge()
    getattr(status, state)(message)
    return state, message


def _converge() -> tuple[str, str]:
    try:
        ensure_docker()
        docker = engine.Engine()
    except packages.PackageError as error:
        return "blocked", f"Docker cannot be installed: {error}. It is tried again by itself."
    except engine.EngineError as error:
        return "blocked", f"{sentence(error)} See `journalctl -u docker` on the machine."
    try:
        return _converge_with(docker, applied.Applied())
    except engine.EngineError as error:
        return "blocked", sentence(error)
    except OSError as error:
        return "blocked", f"The machine does not take the configuration: {error.strerror} ({error.filename})."


def _converge_with(docker: engine.Engine, store: applied.Applied) -> tuple[str, str]:
    secret = http_secret(store)
    if secret is None:
        return "waiting", "Waiting for the leader to share the registry's secret."
    wanted = options.Options.from_config(hookenv.config())
    trouble = ensure_live_restore(docker)
    facts, inspected = gather(wanted, docker, store, secret)
    planned = plan.plan(wanted, facts)
    trouble += apply(planned, docker, store, inspected)
    return plan.status(planned, publish(planned, facts, store, trouble), hookenv.local_unit())


def ensure_docker() -> None:
    """Install the distribution's Docker unless a Docker is there. Raises PackageError."""
    if not packages.docker_is_there():
        status.maintenance("Installing Docker.")
        packages.install_docker()


def ensure_live_restore(docker: engine.Engine) -> tuple[str, ...]:
    """Have dockerd leave containers running while it restarts; return a sentence if it cannot be told so."""
    try:
        text = DAEMON_JSON.read_text() if DAEMON_JSON.exists() else ""
        new = daemon.with_live_restore(text)
    except daemon.BadSettings as error:
        return (f"{error}: mend it, or Docker will not start again.",)
    if new is None and reactive.is_flag_set(LIVE_RESTORE):
        return ()
    if new is not None:
        if not docker.live_restore_possible():
            return ()
        applied.write_file(DAEMON_JSON, new, 0o644)
    # A reload that finds nothing new does no harm, and a crash may have come between writing and reloading.
    try:
        subprocess.run(["/usr/bin/systemctl", "reload", "docker"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return ("dockerd cannot be told to read daemon.json again: see `systemctl status docker` on the machine.",)
    reactive.set_flag(LIVE_RESTORE)
    return ()


def http_secret(store: applied.Applied) -> str | None:
    """Return the secret that all units share, made by the leader; None on another unit before the leader made it.

    The one in force is kept where the leader's data have none: a hook that fails takes leader data back, but not
    the registry that it started.
    """
    shared = leadership.get("http-secret")
    if shared or not leadership.is_leader():
        return shared
    before = store.in_force()
    secret = before.http_secret if before else base64.b64encode(secrets.token_bytes(32)).decode()
    leadership.set({"http-secret": secret})
    return secret


def gather(
    wanted: options.Options, docker: engine.Engine, store: applied.Applied, secret: str
) -> tuple[plan.Facts, Mapping[str, Any] | None]:
    """Return the facts, and what Docker shows of the registry's container."""
    before = store.in_force()
    name = before.container.name if before else wanted.registry_name
    inspected = docker.inspect(name) if name else None
    found, trouble = None, ()
    if not options.problems(wanted):
        found, trouble = _find_image(wanted, docker, before, inspected)
    facts = plan.Facts(
        address=hookenv.unit_private_ip(),
        http_secret=secret,
        image=found,
        applied=before,
        stopped=reactive.is_flag_set(STOPPED),
        port_taken=_is_port_taken(wanted, before, inspected),
        name_taken=_is_name_taken(wanted, docker, before),
        trouble=trouble,
    )
    return facts, inspected


def apply(
    planned: plan.Plan, docker: engine.Engine, store: applied.Applied, inspected: Mapping[str, Any] | None
) -> tuple[str, ...]:
    """Carry *planned* out on the machine; return a sentence for each thing that went wrong."""
    if planned.release is None:
        return ()
    switcher = switch.Switch(docker, store)
    if not planned.serve:
        switcher.halt(inspected)
        return ()
    pathlib.Path(plan.DATA_FOLDER).mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        for line in switcher.bring(planned.release, inspected):
            hookenv.log(line)
    except switch.NotServing as error:
        return (f"The registry does not start as configured: {error}.",)
    except engine.EngineError as error:
        return (sentence(error),)
    return ()


def publish(planned: plan.Plan, facts: plan.Facts, store: applied.Applied, trouble: tuple[str, ...]) -> plan.Outcome:
    """Tell Juju the ports and the version in force; return whether and where the registry answers, and *trouble*."""
    release = store.in_force()
    if release is None or not planned.serve:
        _open_ports(frozenset())
        return plan.Outcome(False, "", trouble)
    _open_ports(frozenset({release.port}))
    if facts.image is not None and facts.image.id == release.container.image_id:
        _show_version(facts.image.version)
    try:
        api.Api(f"http://127.0.0.1:{release.port}").check_alive()
    except api.ApiError as error:
        return plan.Outcome(False, "", (*trouble, f"The registry does not answer at port {release.port}: {error}."))
    return plan.Outcome(True, addresses.netloc(None, facts.address, release.port), trouble)


def remove() -> None:
    """Take the registry off the machine: containers, configuration and credentials. The images stay."""
    store = applied.Applied()
    before = store.in_force()
    try:
        docker = engine.Engine()
        names = {before.container.name} if before else set()
        switch.Switch(docker, store).clear(names)
    except engine.EngineError as error:
        hookenv.log(f"{sentence(error)} The container could not be removed.", level=hookenv.WARNING)
    store.remove()
    hookenv.log(f"The registry is removed; its images stay in {plan.DATA_FOLDER}.")
    status.maintenance(f"Removed. The images stay in {plan.DATA_FOLDER}.")


# The image


def _find_image(
    wanted: options.Options,
    docker: engine.Engine,
    before: plan.Release | None,
    inspected: Mapping[str, Any] | None,
) -> tuple[image.Image | None, tuple[str, ...]]:
    """Return the image for the option registry-image, or None and why it cannot be had.

    The one in force stays until the option, the charm or the resource changes, or until it is gone altogether.
    """
    fresh = reactive.is_flag_set(REFRESHED)
    known = unitdata.kv().get(IMAGE)
    if known is not None and known["reference"] == wanted.registry_image and not fresh:
        ours = before is not None and before.container.image_id == known["id"] and inspected is not None
        if ours or docker.image_id(known["id"]) is not None:
            return image.Image(**known), ()
    status.maintenance(f"Getting the image {wanted.registry_image}.")
    try:
        image_id = _get_image(wanted.registry_image, docker, fresh)
        version = docker.registry_version(image_id)
    except (archive.BadArchive, engine.EngineError) as error:
        return None, (f"registry-image: {error}.",)
    if version is None:
        return None, (f"registry-image: {wanted.registry_image} is not a registry (its --version names none).",)
    found = image.Image(wanted.registry_image, image_id, version)
    unitdata.kv().set(IMAGE, dataclasses.asdict(found))
    reactive.clear_flag(REFRESHED)
    return found, ()


def _get_image(reference: str, docker: engine.Engine, fresh: bool) -> str:
    """Return the ID of the image: of the resource, of the machine, or pulled. Raises BadArchive, EngineError."""
    name = _load_resource(reference, docker)
    if name is not None:
        return _id_of(name, docker)
    local = docker.image_id(reference)
    if local is not None and (not fresh or "@" in reference):
        return local
    try:
        docker.pull(reference)
    except engine.EngineError as error:
        if local is None:
            raise
        hookenv.log(f"{sentence(error)} The image on the machine is used.", level=hookenv.WARNING)
    return _id_of(reference, docker)


def _load_resource(reference: str, docker: engine.Engine) -> str | None:
    """Load the resource if it is given and means *reference*; return the name or ID of its image."""
    path = hookenv.resource_get("registry-image")
    if not path or pathlib.Path(path).stat().st_size == 0:
        return None
    file = pathlib.Path(path)
    try:
        images = archive.read(file, docker.architecture())
    except archive.BadArchive as error:
        raise archive.BadArchive(f"the resource registry-image is not an image: {error}") from error
    name = images.name_of(reference)
    if name is None and reference != options.DEFAULT_IMAGE:
        hookenv.log(f"The resource registry-image holds no {reference}; it is left alone.")
        return None
    with tempfile.TemporaryDirectory(dir="/var/tmp") as scratch:
        loaded = docker.load(images, pathlib.Path(scratch))
    if not loaded:
        raise archive.BadArchive("the resource registry-image holds no image for this machine")
    return name or loaded[0]


def _id_of(name: str, docker: engine.Engine) -> str:
    image_id = docker.image_id(name)
    if image_id is None:
        raise archive.BadArchive(f"{name} is not on the machine, although it has just been fetched")
    return image_id


# What else is on the machine


def _is_port_taken(wanted: options.Options, before: plan.Release | None, inspected: Mapping[str, Any] | None) -> bool:
    """Tell whether somebody else listens at the wanted port."""
    holds_ports = inspected is not None and inspected["State"]["Running"]  # paused and restarting too
    if (
        (before is not None and before.port == wanted.registry_port and holds_ports)
        or (before is None and inspected is not None)
        or not 1 <= wanted.registry_port <= 65535
    ):
        return False
    with socket.socket() as probe:
        # Without it the connections that linger of a registry just stopped would look like somebody else.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", wanted.registry_port))  # noqa: S104 - it never listens
        except OSError:
            return True
    return False


def _is_name_taken(wanted: options.Options, docker: engine.Engine, before: plan.Release | None) -> bool:
    """Tell whether the wanted name belongs to a container of somebody else.

    Without a release in force the container of that name is the predecessor's, and is taken over.
    """
    if before is None or before.container.name == wanted.registry_name or not wanted.registry_name:
        return False
    other = docker.inspect(wanted.registry_name)
    return other is not None and not container.is_ours(other)


def _open_ports(ports: frozenset[int]) -> None:
    """Open *ports*, close others. What is open is remembered, and forgotten with a failed hook as Juju does."""
    key = "docker-registry.ports"
    before = set(unitdata.kv().get(key) or ())
    if before == ports:
        return
    for port in sorted(ports - before):
        hookenv.open_port(port)
    for port in sorted(before - ports):
        hookenv.close_port(port)
    unitdata.kv().set(key, sorted(ports))


def _show_version(version: str) -> None:
    key = "docker-registry.version"
    if unitdata.kv().get(key) != version:
        hookenv.application_version_set(version)
        unitdata.kv().set(key, version)


def sentence(clause: object) -> str:
    """Return the clause, an error's mostly, with a capital and a full stop."""
    text = str(clause)
    return f"{text[:1].upper()}{text[1:]}."
