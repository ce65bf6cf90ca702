"""The action push: an image of the machine's Docker, or of another registry, to this registry; or to another one.

Docker has the platform of the machine only. So an image that was pulled is copied from where it came from, with all
platforms and dependents, if it goes to this registry. Where only Docker gets at it, Docker pushes what it has.
"""

from __future__ import annotations

from typing import Any

from charmhelpers.core import hookenv
from charms import reactive
from charms.layer import basic, collection, content, context, flags, room, upstreams
from registry.client.http import ApiError
from registry.client.transfer import Copier, Missing
from registry.formats import addresses
from registry.images import mirroring
from registry.images.listing import human
from registry.images.manifest import BadManifest
from registry.images.reference import BadReference, Reference
from registry.machine.engine import Engine
from registry.message import Message, about, alone
from registry.release.release import Release

from actions import progress
from actions.results import Results

NO_IMAGE = Message(
    "{image} is not on the machine", "Run push with pull=true, or load the image there with `docker load`"
)
"""The action push without pull pushes images of the machine only."""

STOPPED = Message("The registry is stopped", "Run the action start first")
"""The action stop stopped the registry."""

READ_ONLY = Message("The registry is read-only", "Set storage-read-only=false to push")
"""The option storage-read-only is on."""

IS_CACHE = Message("The registry is a cache of {upstream}", "Push to that registry, or reset cache-remoteurl")
"""A pull-through cache accepts no pushes."""

ONE_PLATFORM = Message("Only the platform of this machine is pushed: {image} cannot be copied ({error})")
"""The charm cannot read the image from its registry as Docker does, for example because of Docker's own settings."""

HAS_DIGEST = Message("{tag!r} has a digest", "Set a tag without one")
"""An image is pushed under a tag; its digest is a result of its content."""


def push(params: dict[str, Any]) -> Results:
    """Tag an image and push it, to this registry or to the one that the tag names."""
    docker, options = context.machine.connect(), context.now.options
    source = _parse("image", params["image"])
    problem = options.problems.get("http-host")
    if problem:
        raise basic.ActionFailed(about("http-host", problem))
    current = context.machine.store.current()
    port = current.port if current else options.registry_port
    # The first one is that of the status; images are tagged with the others as well.
    known = context.now.addresses["docker-registry"], *context.now.addresses.values(), *context.now.ingress.values()
    here = [*(proxy.address for proxy in context.proxies()), *known, hookenv.unit_private_ip()]
    target = _target(source, params["tag"], addresses.netloc(options.http_host, here[0], port))
    own = (target.host or "").lower() in addresses.own_netlocs(options.http_host, here, port)
    if own:
        _require_pushes(current)
    if params["pull"]:
        docker.pull(str(source))
    elif docker.image_id(str(source)) is None:
        raise basic.ActionFailed(alone(NO_IMAGE(image=source)))
    docker.tag(str(source), str(target))
    if own and current is not None and params["pull"] and _try_copy(source, target):
        return {"outcome": "success", "raw": f"pushed {target}"}
    if own and current is not None and (current.authentication == "token" or current.asks_for_certificates):
        with context.switch(docker).loopback(current) as port:
            _push_to_own(docker, target, port)
    elif own:
        _push_to_own(docker, target, port)
    else:
        docker.push(str(target))
    return {"outcome": "success", "raw": f"pushed {target}"}


def _require_pushes(current: Release | None) -> None:
    if reactive.is_flag_set(flags.STOPPED):
        raise basic.ActionFailed(alone(STOPPED()))
    room.require()
    if current is not None and current.is_shared:
        collection.require_writable()
    if current is not None and current.is_read_only:
        raise basic.ActionFailed(alone(READ_ONLY()))
    if current is not None and current.upstream is not None:
        raise basic.ActionFailed(alone(IS_CACHE(upstream=current.upstream)))


def _parse(parameter: str, name: str) -> Reference:
    try:
        return Reference.parse(name)
    except BadReference as error:
        raise basic.ActionFailed(about(parameter, error.text)) from error


def _target(source: Reference, tag: str, netloc: str) -> Reference:
    """Return the name under which *source* is pushed. No *tag*, or one without a host, means this registry."""
    name = _parse("tag", tag) if tag else Reference(None, source.path, source.tag or "latest", None)
    if name.digest:
        raise basic.ActionFailed(about("tag", HAS_DIGEST(tag=tag)))
    return Reference(name.host or netloc, name.path, name.tag, None)


def _try_copy(source: Reference, target: Reference) -> bool:
    """Copy an image from its registry, with all platforms and dependents; tell whether that was possible."""
    copy = mirroring.Copy(source, target.path)
    try:
        upstream = context.machine.upstream(copy.host, upstreams.as_docker(copy.host))
        found = upstream.document(copy.origin, source.version)  # once: nobody waits for what Docker alone can reach
        if found is None:
            raise Missing(f"{copy.host} does not have it")
    except ApiError as error:
        progress.log(alone(ONE_PLATFORM(image=source, error=error)))
        return False
    with content.opened() as registry:
        copier = Copier(upstream, registry)
        try:
            with progress.reported(lambda: f"{human(copier.tally.bytes)} copied"):
                copier.copy(copy.origin, found.digest, target.path, (target.tag or "latest",))
        except (ApiError, BadManifest) as error:
            progress.log(alone(ONE_PLATFORM(image=source, error=error)))
            return False
    return True


def _push_to_own(docker: Engine, target: Reference, port: int) -> None:
    """Push to this unit by its loopback address, which Docker trusts with TLS and without."""
    local = str(Reference(f"127.0.0.1:{port}", target.path, target.tag, None))
    known = docker.image_id(local)
    docker.tag(str(target), local)
    try:
        docker.push(local, context.own_user())
    finally:
        if known is None and local != str(target):
            docker.untag(local)
