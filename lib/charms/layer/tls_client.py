"""Certificates: files of the options tls-*, and what the CA of cert-provider is asked for.

What the charm wrote to the paths of the options is remembered by its digest, and removed when the option is emptied,
unless somebody has changed it since.
"""

from __future__ import annotations

import hashlib
import socket
import time
from collections.abc import Mapping

from charmhelpers.core import hookenv, unitdata
from charms.layer import context
from charms.layer.context import endpoint, gathers
from registry.formats.relations import Offer
from registry.machine.files import UnreadableError
from registry.options.tls import KINDS
from registry.plan import request
from registry.plan.certificate import File

WRITTEN = "docker-registry.tls-written"
"""Key in unitdata: path to SHA-256 of each file that the charm wrote."""


@gathers
def write_files() -> None:
    """Write the files of the options tls-...-blob, and remove those whose option was emptied."""
    tls = context.now.options.tls
    if tls.client_ca:
        context.now.identity = context.machine.ensure_identity(context.own_user().name)
    known: dict[str, str] = dict(unitdata.kv().get(WRITTEN) or {})
    # The files of a blob that is wrong stay: the option still asks for them.
    kept = {tls.paths[kind] for kind in KINDS if tls.blobs[kind]}
    try:
        for path, text in tls.texts().items():
            known[path] = _digest(text)
            context.machine.files.ensure(path, text, 0o600 if path == tls.paths["key"] else 0o644)
        for path in sorted(set(known) - kept):
            _remove(path, known.pop(path))
    except OSError as error:
        context.now.errors.append(f"A file of the options tls-...-blob cannot be written or removed: {error}.")
    finally:
        if known != (unitdata.kv().get(WRITTEN) or {}):
            unitdata.kv().set(WRITTEN, known)
            unitdata.kv().flush()  # a hook that fails leaves the files, and their mark has to stay with them


def read_files() -> Mapping[str, File]:
    """Read what is at the paths of the options tls-*-path, by kind."""
    paths = context.now.options.tls.paths
    return {kind: _read(paths[kind]) if paths[kind] else File() for kind in KINDS}


def remove_files() -> None:
    """Remove what the charm wrote. Raises OSError."""
    for path, digest in dict(unitdata.kv().get(WRITTEN) or {}).items():
        _remove(path, digest)


@gathers
def request_certificate() -> None:
    """Ask the CA of cert-provider for a certificate, and take what it has issued."""
    provider, credentials, options = endpoint("cert-provider"), context.machine.credentials, context.now.options
    everywhere = {**context.now.addresses, "public": hookenv.unit_public_ip()}
    names = request.certificate_names(options.http_host, everywhere, socket.gethostname(), context.proxies())
    asked = credentials.request()
    # A wrong http-host is no reason to ask for a certificate without the one before.
    outdated = asked is not None and set(asked.names) != set(names) and options.are_valid("http-host")
    if asked is None or outdated or provider.is_revoked(asked):
        asked = context.machine.make_request(names)
    issued = provider.certificate(asked)
    if issued is not None and issued.key == asked.key and request.is_due(issued, asked.made, time.time()):
        asked = context.machine.make_request(names)
        issued = provider.certificate(asked)
    provider.publish_request(asked)
    context.now.offer = Offer(asked.names, issued, "" if issued else provider.refusal(asked), asked.made)


@gathers
def forget_request() -> None:
    """Throw the key of the request away; there is no CA any more."""
    context.machine.credentials.remove_request()


def _read(path: str) -> File:
    try:
        return File(context.machine.files.read(path))
    except UnreadableError as error:
        return File(error=error.text)


def _remove(path: str, digest: str) -> None:
    text = _read(path).text
    if text is not None and _digest(text) == digest:
        context.machine.files.remove(path)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
