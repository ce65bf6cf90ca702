"""Whether the current release serves, and where: what the status says of it is what was seen."""

from __future__ import annotations

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
"""For so long after its start a registry answers 200 although it cannot reach its storage."""

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
    except NoStorage:
        return Outcome(False, "", "", errors or (alone(NO_STORAGE(error="the registry answers 503")),))
    except ApiError as error:
        dead = alone(NO_ANSWER(port=current.port, error=error, name=current.container.name))
        return Outcome(False, "", "", errors or (dead,))
    if current.upstream is None and 0 <= time.time() - container.started < SILENT_SECONDS:
        try:
            context.client(current).check_readable(PROBE_REPOSITORY)
        except ApiError as error:
            return Outcome(False, "", "", errors or (alone(NO_STORAGE(error=error)),))
    return Outcome(True, *published.place(now.options, now.facts, current), errors, set(errors) <= now.passing)


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
