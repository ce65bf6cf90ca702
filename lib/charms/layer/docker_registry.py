"""The Juju edge: read the facts, let `registry.plan.decision` decide, carry the plan out, say how it went."""

from __future__ import annotations

import base64
import dataclasses
import os
import pathlib
import secrets
import socket
import time
from collections.abc import Mapping
from typing import Any

from charmhelpers.core import hookenv, unitdata
from charms import reactive
from charms.layer import docker_runtime, endpoints, juju_secrets, leadership, status, tls_files
from charms.layer.edges import Machine
from registry.client import api, openstack
from registry.client.http import ApiError, NoStorage
from registry.deployment import candidate, image_source, switch
from registry.deployment.health import NotServing
from registry.deployment.store import Store
from registry.formats import htpasswd, nrpe, relations
from registry.formats.inspection import DIGEST_LABEL, Container
from registry.machine import apt, engine
from registry.options import options, runtime
from registry.options.proxies import Proxies
from registry.plan import certificate as tls
from registry.plan import decision, disk, published, report
from registry.plan import request as plan_request
from registry.plan.decision import Plan
from registry.plan.facts import Facts
from registry.plan.published import Published
from registry.release.image import Image
from registry.release.release import Release

STOPPED = "charm.docker-registry.stopped"
"""Flag: the operator stopped the registry; set and cleared by the actions stop and start."""
REFRESHED = "charm.docker-registry.refreshed"
"""Flag: the charm or its resource came anew, so the image is looked up again; set by upgrade-charm."""
PREDECESSOR = "charm.docker-registry.configured"
"""Flag: the charm before this one served here; set by it, never by this charm."""
ON_DISK = "charm.docker-registry.on-disk"
"""Flag: the operator wants the images on the disk, if what has them is gone; set while the action start runs."""
LEAVING = "charm.docker-registry.leaving"
"""Flag: the unit is being removed."""
JOINED = "charm.docker-registry.joined"
"""Flag: the unit knows whether it has peers."""
IMAGE = "docker-registry.image"
"""Key in unitdata: the Image last found for the option registry-image."""
STORAGE = "docker-registry.storage"
"""Key in unitdata: the disk.Storage that Juju attached last."""

machine = Machine()
"""The machine of the unit: the seam for tests."""


def converge() -> tuple[str, str]:
    """Make the machine what the options ask for, as far as it can be done; set the status and return it.

    Runs in any hook, usually to find that nothing is to be done. Never raises for what an operator can mend.
    """
    state, message = _converge()
    say = {"active": status.active, "waiting": status.waiting, "blocked": status.blocked}
    say.get(state, status.maintenance)(message)
    return state, message


def _converge() -> tuple[str, str]:
    if _is_leaving():
        return "maintenance", "Being removed; the registry serves until then."
    wanted = asked_for()
    try:
        trouble = docker_runtime.ensure_packages(wanted.runtime, machine)
        docker = docker_runtime.connect(machine)
    except docker_runtime.NoDocker as error:
        return "blocked", str(error)
    except engine.EngineError as error:
        return "blocked", f"{sentence(error)} See `journalctl -u docker` on the machine."
    except OSError as error:
        return "blocked", unwritable(error)
    try:
        docker, more = docker_runtime.ensure_settings(wanted.runtime, docker, machine)
        return _converge_with(wanted, trouble + more, docker, machine.store)
    except engine.EngineError as error:
        return "blocked", sentence(error)
    except OSError as error:
        return "blocked", unwritable(error)


def _converge_with(
    wanted: options.Options, trouble: tuple[str, ...], docker: engine.Engine, store: Store
) -> tuple[str, str]:
    secret = http_secret(store)
    if secret is None:
        return "waiting", "Waiting for the leader to share the registry's secret."
    trouble += tls_files.write(machine, wanted.tls)
    docker = recover(wanted, docker, store)
    facts, inspected = gather(wanted, docker, store, secret)
    planned = decision.decide(wanted, facts)
    trouble += apply(planned, docker, store, inspected)
    outcome = publish(planned, wanted, facts, store, trouble)
    current = store.current()
    if current is not None and current.has_certificate_of_relation:
        tls_files.give_up_relations(machine, wanted.tls, facts.offer)
    if current is not None and reactive.is_flag_set(PREDECESSOR):
        leave_predecessor(wanted.runtime)
    relate(planned, wanted, facts, current)
    return report.status(planned, outcome, facts.unit)


def asked_for() -> options.Options:
    """Return what the operator asks for."""
    return options.Options.from_config(hookenv.config(), juju_secrets.read).over(_endpoint("s3-credentials").bucket())


def own_user() -> htpasswd.User:
    """Return the charm's own user. Raises OSError."""
    return htpasswd.User(f"juju-{hookenv.application_name()}", machine.credentials.password())


def client(release: Release) -> api.Api:
    """Return a client for the registry of *release* on this machine."""
    return machine.client(f"{release.scheme}://127.0.0.1:{release.port}", own_user(), release.certificate)


def switcher(docker: engine.Engine) -> switch.Switch:
    """Return what takes this machine from one release to the next."""
    own = own_user()
    return switch.Switch(
        docker, machine.store, own, lambda url, certificate: machine.client(url, own, certificate), machine.bridge()
    )


def recover(wanted: options.Options, docker: engine.Engine, store: Store) -> engine.Engine:
    """Tidy up after a switch that a crash cut off; return the engine to go on with.

    Where the machine died while a container started, dockerd comes back holding its port for nobody, until it is
    restarted. That is done where containers run on meanwhile.
    """
    if not store.unfinished_switch():
        return docker
    before = store.current()
    ports = {wanted.registry_port, *wanted.monitoring.ports.values()}
    ports |= set(before.container.ports.values()) if before else set()
    held = {port for port in ports if _is_held(port)} - docker.published_ports()
    if held and docker.live_restore():
        hookenv.log(f"Port {min(held)} is held for no container since a crash; restarting Docker frees it.")
        machine.dockerd.restart()
        docker = machine.connect()
    switcher(docker).recover()
    return docker


def http_secret(store: Store) -> str | None:
    """Return the secret that all units share, made by the leader; None on another unit before the leader made it.

    The one in force is kept where the leader's data have none: a hook that fails takes leader data back, but not
    the registry that it started.
    """
    shared = leadership.get("http-secret")
    if shared or not leadership.is_leader():
        return shared
    before = store.current()
    secret = before.http_secret if before else base64.b64encode(secrets.token_bytes(32)).decode()
    leadership.set({"http-secret": secret})
    return secret


def gather(wanted: options.Options, docker: engine.Engine, store: Store, secret: str) -> tuple[Facts, Container | None]:
    """Return the facts, and what Docker shows of the container in force, or of the one with the wanted name."""
    before = store.current()
    name = before.container.name if before else wanted.registry_name
    inspected = docker.inspect(name) if name else None
    name_taken = _is_name_taken(wanted, docker, before, inspected)
    if before is None and name_taken:
        inspected = None
    found: Image | None = None
    trouble: tuple[str, ...] = ()
    if not wanted.problems:
        try:
            found = find_image(wanted, docker, before, inspected)
        except image_source.NoImage as error:
            trouble = (f"registry-image: {error}.",)
    own = own_addresses()
    offered = offer(wanted, store, own)
    facts = Facts(
        unit=hookenv.local_unit(),
        hostname=socket.gethostname(),
        addresses=own,
        http_secret=secret,
        image=found,
        current=before,
        state=inspected.status if inspected else None,
        stopped=reactive.is_flag_set(STOPPED),
        on_disk=reactive.is_flag_set(ON_DISK),
        disk=read_disk(),
        port_held=_is_held(wanted.registry_port),
        model_proxies=Proxies.of_model(os.environ),
        debug_port_held=any(map(_is_held, wanted.monitoring.ports.values())),
        name_taken=name_taken,
        errors=trouble,
        peers=_endpoint("peer").peers(),
        proxies=_endpoint("website").proxies(),
        offer=offered,
        nagios=_endpoint("nrpe-external-master").nagios(),
        is_watched=bool(_endpoint("nrpe-external-master").relation_ids),
        clients=bool(_endpoint("docker-registry").relation_ids),
        own=own_user(),
        users=machine.credentials.users(),
        tls_files=tls_files.read(machine, wanted.tls),
        tls_inherited=tls_files.are_inherited(),
        now=time.time(),
        identity=machine.ensure_identity(own_user().name) if wanted.tls.client_ca else "",
    )
    return facts, inspected


def _is_leaving() -> bool:
    """Tell whether this very unit is being removed: https://documentation.ubuntu.com/juju/3.6/reference/hook/.

    Its relations end one by one, in any order. What serves goes on as it is until the last hook: without the CA, say,
    it would fall back to plain HTTP while a proxy still sends it requests.
    """
    if os.environ.get("JUJU_DEPARTING_UNIT") == hookenv.local_unit():
        reactive.set_flag(LEAVING)
    return bool(reactive.is_flag_set(LEAVING))


def offer(wanted: options.Options, store: Store, own: Mapping[str, str]) -> relations.Offer | None:
    """Ask the CA of cert-provider for a certificate, and return what it gives. Raises OSError."""
    provider = _endpoint("cert-provider")
    if not provider.relation_ids:
        machine.credentials.remove_request()
        return None
    everywhere = {**own, "public": hookenv.unit_public_ip()}
    names = plan_request.certificate_names(wanted.http_host, everywhere, socket.gethostname(), proxies())
    request = machine.credentials.request()
    # A wrong http-host is no reason to ask for a certificate without the one before.
    outdated = request is not None and set(request.names) != set(names) and wanted.are_valid("http-host")
    if request is None or outdated or provider.is_revoked(request):
        request = machine.make_request(names)
    found = provider.certificate(request)
    if found is not None and found.key == request.key and tls.is_due(found, request.made, time.time()):
        request = machine.make_request(names)
        found = provider.certificate(request)
    provider.publish_request(request)
    return relations.Offer(request.names, found, "" if found else provider.refusal(request), request.made)


def proxies() -> list[str]:
    """Return the addresses of the proxies in front."""
    return [proxy.address for proxy in _endpoint("website").proxies()]


def own_addresses() -> dict[str, str]:
    """Return the address of this unit for each endpoint that is in use, and for clients always."""
    related = (name for name in ("website", "cert-provider") if _endpoint(name).relation_ids)
    return {name: endpoints.address(name) for name in ("docker-registry", *related)}


def _endpoint(name: str) -> Any:
    """Return the class from interfaces/ for the endpoint *name*."""
    return reactive.endpoint_from_name(name)


def find_image(
    wanted: options.Options,
    docker: engine.Engine,
    before: Release | None,
    inspected: Container | None,
) -> Image:
    """Return the image for the option registry-image. Raises NoImage.

    The one found last stays until the option, the charm or the resource changes, or until it is gone altogether.
    """
    fresh = reactive.is_flag_set(REFRESHED)
    known = unitdata.kv().get(IMAGE)
    if known is not None and known["reference"] == wanted.registry_image and not fresh:
        in_use = inspected is not None and before is not None and before.container.image_id == known["id"]
        if in_use or docker.image_id(known["id"]) is not None:
            return Image(**known)
    status.maintenance(f"Getting the image {wanted.registry_image}.")
    given = hookenv.resource_get("registry-image")
    resource = pathlib.Path(given) if given else None
    is_default = wanted.registry_image == options.DEFAULT_IMAGE
    source = image_source.Source(wanted.registry_image, is_default, resource, fresh)
    found = image_source.ensure_image(source, docker, hookenv.log)
    unitdata.kv().set(IMAGE, dataclasses.asdict(found))
    reactive.clear_flag(REFRESHED)
    return found


def apply(planned: Plan, docker: engine.Engine, store: Store, inspected: Container | None) -> tuple[str, ...]:
    """Carry *planned* out on the machine; return a sentence for each thing that went wrong."""
    try:
        if planned.users is not None:
            # Before a registry starts that asks it: without one, it would let in a user of its own making.
            machine.credentials.write_users(planned.users)
        if planned.unavailable or not planned.serve:
            switcher(docker).pause(inspected)
        elif planned.release is not None:
            _bring(planned.release, docker, store, inspected, fall_back=planned.can_fall_back)
        current = store.current()
        if current is not None and current.authentication != "htpasswd":
            machine.credentials.remove_users()
    except NotServing as error:
        return (f"The registry does not start as configured: {error}.",)
    except engine.EngineError as error:
        return (sentence(error),)
    except openstack.SwiftError as error:
        return (f"{error}.",)
    except OSError as error:
        return (unwritable(error),)
    return ()


def _bring(
    release: Release,
    docker: engine.Engine,
    store: Store,
    inspected: Container | None,
    *,
    fall_back: bool,
) -> None:
    before = store.current()
    if disk.LOCAL in (release.data_folder, before and before.data_folder):
        machine.folders.ensure(disk.LOCAL)
    if release.swift is not None and release != before:
        machine.ensure_swift_ready(release.swift, release.container.environment)
    try:
        for line in switcher(docker).deploy(release, inspected, fall_back=fall_back):
            hookenv.log(line)
    finally:
        if release.data_folder:
            machine.folders.remove_repository(release.data_folder, candidate.PROBE_REPOSITORY)


def publish(
    planned: Plan,
    wanted: options.Options,
    facts: Facts,
    store: Store,
    trouble: tuple[str, ...],
) -> report.Outcome:
    """Tell Juju the ports and the version in force; return whether and where the registry answers, and *trouble*."""
    release = store.current()
    if release is None or planned.unavailable or not planned.serve:
        _open_ports(frozenset())
        return report.Outcome(False, "", "", trouble)
    _open_ports(frozenset({release.port}))
    if facts.image is not None and facts.image.id == release.container.image_id:
        _show_version(facts.image.version)
    try:
        client(release).check_alive()
    except NoStorage:
        away = "The registry answers 503: its storage is away or refuses. It goes on by itself once that is mended."
        return report.Outcome(False, "", "", trouble or (away,))
    except ApiError as error:
        return report.Outcome(
            False, "", "", trouble or (f"The registry does not answer at port {release.port}: {error}.",)
        )
    return report.Outcome(True, *published.place(wanted, facts, release), trouble)


def relate(planned: Plan, wanted: options.Options, facts: Facts, release: Release | None) -> None:
    """Tell the other ends of relations what they need: most of it only once a registry is in force."""
    _endpoint("s3-credentials").ask()
    if release is not None:
        _tell(planned, published.published(wanted, facts, release), facts, release)
    watch(wanted, facts, release)


def _tell(planned: Plan, told: Published, facts: Facts, release: Release) -> None:
    _endpoint("peer").publish_own(told.peer)
    if not _has_joined(facts):
        return
    if told.services is not None:
        _endpoint("website").publish_service(facts.addresses.get("website"), release.port, told.services)
    # What would be told while a certificate is waited for is wrong as soon as it comes.
    if told.access is not None and not planned.waiting:
        _endpoint("docker-registry").publish_access(told.access)


def watch(wanted: options.Options, facts: Facts, release: Release | None) -> None:
    """Have NRPE look at *release* while there is the relation to it. Raises OSError."""
    if release is None or not facts.is_watched:
        machine.checks.ensure({})
        return
    watched = published.checks(facts, release)
    if wanted.are_valid("nagios_"):
        host = wanted.naming.host(facts.unit, facts.nagios.hostname if facts.nagios else None)
        machine.checks.ensure(nrpe.files(watched, host, wanted.naming.groups))
    _endpoint("nrpe-external-master").publish_checks(tuple(nrpe.checks(watched)))


def leave_predecessor(wanted: runtime.Runtime) -> None:
    """Take away what the charm before this one left, once; what cannot be had for that stays. Raises OSError."""
    try:
        given_back = machine.predecessor.remove(wanted.arguments())
        if given_back:
            hookenv.log(f"{given_back} is again as its package has it; Docker goes by it from its next start.")
    except apt.PackageError as error:
        hookenv.log(
            f"docker.service stays as the charm before this one wrote it, which does no harm: {error}. "
            "`apt-get install --reinstall` of Docker's package gives it back.",
            level=hookenv.WARNING,
        )
    reactive.clear_flag(PREDECESSOR)


def _has_joined(facts: Facts) -> bool:
    """Tell whether this unit has met its peers, or is alone: then it leads.

    Before, it would take itself for the primary, and the proxy would send it what others have the images for.
    """
    if not reactive.is_flag_set(JOINED) and (facts.peers or leadership.is_leader()):
        reactive.set_flag(JOINED)
    return bool(reactive.is_flag_set(JOINED))


def storage() -> disk.Storage | None:
    """Return the storage that Juju attached last."""
    known = unitdata.kv().get(STORAGE)
    return disk.Storage(**known) if known else None


def read_disk() -> disk.Disk:
    """Return what there is for images, on Juju's storage and on the machine's own disk. Raises OSError."""
    known = storage()
    if known is None:
        return disk.Disk()
    has_images = (machine.folders.has_images(one, candidate.PROBE_REPOSITORY) for one in (known.folder, disk.LOCAL))
    return disk.Disk(known, machine.folders.is_there(known.folder), *has_images)


def attach() -> None:
    """Have a folder for images on the storage that Juju has attached in this hook. Raises OSError."""
    found = disk.Storage(os.environ["JUJU_STORAGE_ID"], os.environ["JUJU_STORAGE_LOCATION"])
    machine.folders.ensure(found.folder)
    _remember(found)


def detach() -> None:
    """Stop the registry if its images are on the storage that Juju takes away after this hook.

    Raises EngineError where it cannot be stopped: the hook shall fail then, so that nothing is taken from what runs.
    """
    gone = storage()
    if gone is None:
        return
    _remember(dataclasses.replace(gone, attached=False))
    release, switching = machine.store.current(), machine.store.unfinished_switch()
    is_used = release is None or release.data_folder == gone.folder or switching
    if not is_used or not machine.docker_packages.has_docker():
        return
    docker = machine.connect()
    for name in docker.labelled(DIGEST_LABEL):
        container = docker.inspect(name)
        if container is not None and gone.folder in container.sources:
            docker.stop(name)


def _remember(found: disk.Storage) -> None:
    """Keep what is known of the storage, even if this hook fails later: a release may be in force on it by then."""
    unitdata.kv().set(STORAGE, dataclasses.asdict(found))
    unitdata.kv().flush()


def remove() -> None:
    """Take the registry off the machine: containers, configuration and credentials. The images stay."""
    store = machine.store
    release = store.current()
    try:
        switcher(machine.connect()).clear()
    except (engine.EngineError, OSError) as error:
        hookenv.log(f"The registry's container could not be removed: {error}.", level=hookenv.WARNING)
    tls_files.remove(machine)
    docker_runtime.forget_live_restore(machine)
    machine.checks.ensure({})
    store.remove()
    machine.credentials.remove()
    kept = disk.whereabouts(release.data_folder if release else disk.LOCAL, storage())
    hookenv.log(f"The registry is removed; its images stay in {kept}.")
    status.maintenance(f"Removed. The images stay in {kept}.")


def sentence(clause: object) -> str:
    """Return the clause, an error's mostly, with a full stop and a capital, unless it begins with a name."""
    text = str(clause)
    return f"{text[:1].upper()}{text[1:]}." if text.partition(" ")[0].isalpha() else f"{text}."


def unwritable(error: OSError) -> str:
    """Return the sentence for a machine that does not take what is written."""
    where = f" ({error.filename})" if error.filename else ""
    return f"The machine does not take the configuration: {error.strerror or error}{where}."


def _is_held(port: int) -> bool:
    return 1 <= port <= 65535 and not machine.ports.is_free(port)


def _is_name_taken(
    wanted: options.Options,
    docker: engine.Engine,
    before: Release | None,
    inspected: Container | None,
) -> bool:
    """Tell whether the wanted name belongs to a container of somebody else.

    Without a release in force, the predecessor's is taken over. The name in force is ours, whoever made what has it.
    """
    if before is not None and before.container.name == wanted.registry_name:
        return False
    other = docker.inspect(wanted.registry_name) if before is not None else inspected
    return other is not None and not other.is_ours and not other.is_predecessors


def _open_ports(ports: frozenset[int]) -> None:
    """Open *ports*, close others. What is open is remembered, and forgotten with a failed hook as Juju does."""
    key = "docker-registry.ports"
    before = set(unitdata.kv().get(key) or ())
    for port in sorted(ports - before):
        hookenv.open_port(port)
    for port in sorted(before - ports):
        hookenv.close_port(port)
    if before != ports:
        unitdata.kv().set(key, sorted(ports))


def _show_version(version: str) -> None:
    key = "docker-registry.version"
    if unitdata.kv().get(key) != version:
        hookenv.application_version_set(version)
        unitdata.kv().set(key, version)
