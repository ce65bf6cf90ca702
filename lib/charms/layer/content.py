"""The content of the registry, for actions: read and changed with the charm's own user."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator, Mapping

from charmhelpers.core import hookenv, unitdata
from charms import reactive
from charms.layer import basic, collection, context, flags, image, room
from registry.client.answers import Unreadable
from registry.client.content import Content
from registry.client.http import ApiError
from registry.deployment.maintenance import CollectionFailed
from registry.formats import names
from registry.images.garbage import Garbage
from registry.message import Message, Sentence, alone
from registry.release.image import Image
from registry.release.release import Release

NOT_DEPLOYED = Message("There is no registry on this unit yet", "See `juju status` for the reason")
"""Nothing was ever deployed, so there are no images."""
STOPPED = Message("The registry is stopped", "Run the action start first")
"""The operator stopped the registry with the action stop."""
FAILED = Message("The registry failed: {error}", "Fix it and run the action again")
"""The registry refused a request of the action, or did not answer."""
HIDDEN = Message(
    "Registry {version} leaves images in S3 out of its lists", "Set registry-image to version 3.1.2 or a newer one"
)
"""A fault of the versions 3.0.0 to 3.1.1. Nothing is deleted: also images that the list lacks could be."""
UNREADABLE = Message("The registry cannot read an image: {error}", "Find what is damaged with the action verify")
"""A manifest or a tag is damaged in the storage, or the storage fails."""


def current() -> Release:
    """Return the current release. Raises ActionFailed where there is none, or where it is stopped."""
    release = context.machine.store.current()
    if release is None:
        raise basic.ActionFailed(alone(NOT_DEPLOYED()))
    if reactive.is_flag_set(flags.STOPPED):
        raise basic.ActionFailed(alone(STOPPED()))
    return release


def hidden() -> Sentence | None:
    """Return what to say where the lists of the current release may lack images, else None. Raises ActionFailed."""
    release, known = current(), unitdata.kv().get(image.IMAGE)
    used = Image(**known) if known else None
    return alone(HIDDEN(version=used.version)) if release.is_on_s3 and used and used.hides_images_on_s3 else None


def require_all() -> None:
    """Raise ActionFailed where lists may lack images: what nobody sees would be deleted, or left behind."""
    if sentence := hidden():
        raise basic.ActionFailed(sentence)


@contextlib.contextmanager
def opened(*, deletes: bool = False, pushes: bool = False, apart: bool = False) -> Iterator[Content]:
    """Connect to the registry of this unit; with *deletes* or *pushes*, to one that accepts these.

    That is a second registry on the same data, for this machine only, where the registry itself accepts tokens of
    another server only, redirects to an object store, asks an upstream registry first, or refuses the changes; with
    *apart* always, because the second one has no cache that hides what is in the storage. Raises ActionFailed,
    NotServing, EngineError, OSError.
    """
    release, own, machine = current(), context.own_user(), context.machine
    if deletes or pushes:
        # Of an action that was killed: it would delete what is pushed now.
        machine.connect().remove(names.MAINTENANCE)
        if release.is_shared:
            collection.require_writable()
    if pushes:
        room.require()
    refused = (deletes and not release.accepts_deletes) or (pushes and release.is_read_only)
    with contextlib.ExitStack() as stack:
        if deletes:
            stack.enter_context(room.made())
        url, certificate = f"{release.scheme}://127.0.0.1:{release.port}", release.certificate
        if apart or refused or release.authentication == "token" or release.redirects or release.upstream:
            loopback = context.switch(machine.connect()).loopback(release, deletes=deletes or refused)
            url, certificate = f"http://127.0.0.1:{stack.enter_context(loopback)}", None
        try:
            yield stack.enter_context(contextlib.closing(machine.content(url, own, certificate, release.max_entries)))
        except Unreadable as error:
            raise basic.ActionFailed(alone(UNREADABLE(error=error))) from error
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
    """Delete the unused blobs until the time *until* of `time.monotonic` at most. Nobody may push meanwhile.

    Raises ActionFailed, EngineError.
    """
    return context.maintenance(context.machine.connect()).collect(current(), dry_run=False, until=until)
