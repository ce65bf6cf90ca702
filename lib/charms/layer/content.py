"""The content of the registry, for actions: read and changed with the charm's own user."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator, Mapping

from charmhelpers.core import hookenv
from charms import reactive
from charms.layer import basic, collection, context, flags, room
from registry.client.content import Content
from registry.client.http import ApiError
from registry.deployment.maintenance import CollectionFailed
from registry.images.garbage import Garbage
from registry.message import Message, alone
from registry.release.release import Release

NOT_DEPLOYED = Message("There is no registry on this unit yet", "See `juju status` for the reason")
"""Nothing was ever deployed, so there are no images."""
STOPPED = Message("The registry is stopped", "Run the action start first")
"""The operator stopped the registry with the action stop."""
FAILED = Message("The registry failed: {error}", "Fix it and run the action again")
"""The registry refused a request of the action, or did not answer."""


def current() -> Release:
    """Return the current release. Raises ActionFailed where there is none, or where it is stopped."""
    release = context.machine.store.current()
    if release is None:
        raise basic.ActionFailed(alone(NOT_DEPLOYED()))
    if reactive.is_flag_set(flags.STOPPED):
        raise basic.ActionFailed(alone(STOPPED()))
    return release


@contextlib.contextmanager
def opened(*, deletes: bool = False, pushes: bool = False, apart: bool = False) -> Iterator[Content]:
    """Connect to the registry of this unit; with *deletes* or *pushes*, to one that accepts these.

    That is a second registry on the same data, for this machine only, where the registry itself accepts tokens of
    another server only, or refuses the changes; with *apart* always, because the second one has no cache that hides
    what is in the storage. Raises ActionFailed, NotServing, EngineError, OSError.
    """
    release, own, machine = current(), context.own_user(), context.machine
    if (deletes or pushes) and release.is_shared:
        collection.require_writable()
    if pushes:
        room.require()
    refused = (deletes and not release.accepts_deletes) or (pushes and release.is_read_only)
    with contextlib.ExitStack() as stack:
        if deletes:
            stack.enter_context(room.made())
        url, certificate = f"{release.scheme}://127.0.0.1:{release.port}", release.certificate
        if apart or release.authentication == "token" or refused:
            loopback = context.switch(machine.connect()).loopback(release, deletes=deletes or refused)
            url, certificate = f"http://127.0.0.1:{stack.enter_context(loopback)}", None
        try:
            yield machine.content(url, own, certificate, release.max_entries)
        except ApiError as error:
            raise basic.ActionFailed(alone(FAILED(error=error))) from error


@contextlib.contextmanager
def maintained() -> Iterator[Release]:
    """Keep the registry serving, but read-only, in the body; its unfinished transfers have ended. Then as before.

    Where the body is killed, the next hook does the latter: it finds another release than the desired one. Raises
    NotServing, EngineError, OSError.
    """
    release = current()
    _deploy(release.for_maintenance())
    try:
        yield release
    finally:
        _deploy(release)


def restart() -> None:
    """Start the registry anew, so that it forgets what it knows of its storage. Raises as `maintained`."""
    with maintained():
        pass


def _deploy(release: Release) -> None:
    context.machine.begin()  # what was done before may have taken longer than a hook may wait
    docker = context.machine.connect()
    container = docker.inspect(release.container.name)
    for line in context.switch(docker).deploy(release, container):
        hookenv.log(line)


def garbage() -> Garbage:
    """Return all manifests of the registry, tagged or not, and the unused blobs. Raises ActionFailed, EngineError."""
    return context.maintenance(context.machine.connect()).collect(current(), dry_run=True)


@dataclasses.dataclass(frozen=True)
class Manifests:
    """All manifests of the registry, tagged or not, by repository."""

    manifests: Mapping[str, tuple[str, ...]]
    problem: str = ""
    """Why they are not known."""


def manifests(*, wanted: bool) -> Manifests:
    """Return all manifests of the registry, if *wanted*: the registry's own program finds no untagged damaged ones."""
    try:
        return Manifests(garbage().manifests if wanted else {})
    except CollectionFailed as error:
        return Manifests({}, str(error.text))


def collect(until: float) -> Garbage:
    """Delete the unused blobs, at most *until* then. Nobody may push meanwhile. Raises ActionFailed, EngineError."""
    return context.maintenance(context.machine.connect()).collect(current(), dry_run=False, until=until)
