"""The action push: an image of the machine's Docker to this registry, or to another one."""

from __future__ import annotations

from typing import Any

from charmhelpers.core import hookenv
from charms import reactive
from charms.layer import basic, context, flags
from registry.formats import addresses
from registry.images.reference import BadReference, Reference
from registry.machine.engine import Engine
from registry.message import Message
from registry.release.release import Release

from actions.results import Results

DIGEST_IN_TAG = Message("tag: {tag!r} has a digest", "Use a name with a tag")
"""Images are pushed by tag; a registry computes the digest itself."""


def push(params: dict[str, Any]) -> Results:
    """Tag an image and push it, to this registry or to the one that the tag names."""
    docker, options = context.machine.connect(), context.now.options
    source = Reference.parse(params["image"])
    wrong = options.problems.get("http-host")
    if wrong:
        raise basic.ActionFailed(f"http-host: {wrong}.")
    current = context.machine.store.current()
    port = current.port if current else options.registry_port
    here = [*context.proxies(), hookenv.unit_private_ip()]
    target = _target(source, params["tag"], addresses.netloc(options.http_host, here[0], port))
    own = target.host in addresses.own_netlocs(options.http_host, here, port)
    if own:
        _require_pushes(current)
    if params["pull"]:
        docker.pull(str(source))
    elif docker.image_id(str(source)) is None:
        raise basic.ActionFailed(f"{source} is not on the machine; run push with pull=true, or `docker load` it there.")
    docker.tag(str(source), str(target))
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
        raise basic.ActionFailed("The registry is stopped; run the action start first.")
    if current is not None and current.is_read_only:
        raise basic.ActionFailed("The registry takes no pushes: storage-read-only is on.")
    if current is not None and current.upstream is not None:
        raise basic.ActionFailed(f"The registry takes no pushes: it is a cache of {current.upstream}.")


def _target(source: Reference, tag: str, netloc: str) -> Reference:
    """Return what to push *source* as. A *tag* without a host means this registry, like none at all."""
    name = Reference.parse(tag) if tag else Reference(None, source.path, source.tag or "latest", None)
    if name.digest:
        raise BadReference(DIGEST_IN_TAG(tag=tag))
    return Reference(name.host or netloc, name.path, name.tag, None)


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
