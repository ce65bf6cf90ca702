"""Whether the current release serves, and where: what the status says of it is what was seen."""

from __future__ import annotations

import contextlib
import time

from charms.layer import context, publish
from charms.layer.context import Now
from registry.client.http import ApiError, NoStorage
from registry.deployment.candidate import PROBE_REPOSITORY
from registry.formats import addresses
from registry.formats.inspection import Container
from registry.machine.engine import EngineError
from registry.message import Message, alone
from registry.plan import published
from registry.plan.report import Outcome
from registry.release.configuration import CHECK_SECONDS, CHECKS
from registry.release.release import Release

NO_STORAGE = Message("Storage unreachable: {error}", "Check the storage and its credentials. Retrying automatically")
"""The registry's health check cannot access the storage with the images, or a request for an image fails."""

SILENT_SECONDS = CHECK_SECONDS * (CHECKS + 1)
"""For so long after its start a registry answers 200 although its storage refuses it; longer if that is silent."""
RECORD = "storage-fails"
"""Name of the record on the machine that there is as long as the registry's storage failed when it was last asked."""

NO_ANSWER = Message("The registry does not answer at port {port}: {error}", "See `docker logs {name}` on the machine")
"""The container does not run, or a request of the charm to the registry fails."""

UNREACHABLE = Message(
    "The registry is not reachable at {netloc} from other machines ({error})",
    "Check net.ipv4.ip_forward, `ip` of daemon-opts and the firewall (FORWARD, DOCKER-USER), which must admit this "
    "address too",
)
"""The registry answers on the machine itself, but not a client that comes in through the machine's network."""


def examine(now: Now, current: Release | None) -> Outcome:
    """Return whether and where the registry answers, and the errors; publish ports and version to Juju."""
    assert now.facts is not None and now.plan is not None
    errors = tuple(now.errors)
    if current is None or now.plan.is_paused:
        publish.open_ports(frozenset())
        return Outcome(False, "", "", errors)
    publish.open_ports(frozenset({current.port}))
    if now.image is not None and now.image.id == current.container.image_id:
        publish.version(now.image.version)
    if now.facts.is_displaced and current == now.facts.current:
        return Outcome(False, "", "", errors)  # whatever answers at the port
    container = _container(now, current)
    if container is None or not container.is_running:  # likewise: another program may have the port
        dead = alone(NO_ANSWER(port=current.port, error="the container does not run", name=current.container.name))
        return Outcome(False, "", "", errors or (dead,))
    address = now.facts.address
    try:
        problem = context.machine.outside.check(
            address, current.port, lambda host: context.client(current, host).check_alive()
        )
        if problem:
            context.client(current).check_alive()  # whether the registry itself is to blame
            netloc = addresses.netloc(None, address, current.port)
            return Outcome(False, "", "", (*errors, alone(UNREACHABLE(netloc=netloc, error=problem))))
        if failure := _storage_failure(current, container):
            return Outcome(False, "", "", errors or (alone(NO_STORAGE(error=failure)),))
    except NoStorage:
        return Outcome(False, "", "", errors or (alone(NO_STORAGE(error="the registry answers 503")),))
    except ApiError as error:
        dead = alone(NO_ANSWER(port=current.port, error=error, name=current.container.name))
        return Outcome(False, "", "", errors or (dead,))
    return Outcome(True, *published.place(now.options, now.facts, current), errors, set(errors) <= now.passing)


def ask_storage(current: Release) -> None:
    """Have the registry read from its object store, if it has one. Raises ApiError.

    The registry logs that there is no such repository. A cache serves without its storage, too.
    """
    if current.is_shared and current.upstream is None:
        context.client(current).check_readable(PROBE_REPOSITORY)


def _storage_failure(current: Release, container: Container) -> str:
    """Return how the storage of a registry fails that answers 200 at ``/``; "" if it does not.

    It is asked when the registry itself may not know yet, and until it has answered. Raises ApiError, OSError.
    """
    records, failure = context.machine.records, ""
    if not 0 <= time.time() - container.started < SILENT_SECONDS and not records.load(RECORD):
        return ""
    for _ in range(2):  # an object store may fail once
        try:
            ask_storage(current)
        except ApiError as error:
            failure = str(error)
        else:
            if records.load(RECORD):
                records.remove(RECORD)
            return ""
    context.client(current).check_alive()  # whether the registry is there
    with contextlib.suppress(OSError):
        records.save(RECORD, {"error": failure})
    return failure


def _container(now: Now, current: Release) -> Container | None:
    """Return the container of the *current* release: as this hook saw it, unless it has changed it."""
    assert now.docker is not None and now.facts is not None and now.plan is not None
    container = now.facts.container
    if now.plan.outdated:
        try:
            container = now.docker.inspect(current.container.name)
        except EngineError:  # what it said before is in the errors
            return None
    return container
