"""Certificates: files of the options tls-*, and the request to the CA of cert-provider.

The charm records the digest of what it wrote to the paths of the options, and removes it when the option is emptied,
unless somebody has changed it since.
"""

from __future__ import annotations

import hashlib
import socket
import time
from collections.abc import Mapping

from charmhelpers.core import unitdata
from charms.layer import context, endpoints
from charms.layer.context import endpoint, gathers
from registry.formats.relations import Offer
from registry.machine.files import UnreadableError
from registry.message import Message, alone
from registry.options.tls import DEFAULT_PATHS, KINDS
from registry.plan import request
from registry.plan.certificate import File

WRITTEN = "docker-registry.tls-written"
"""Key in unitdata: path to SHA-256 of each file that the charm wrote."""

BLOB_FAILED = Message(
    "A file of the options tls-...-blob cannot be written or removed: {error}",
    "Fix the machine. Retrying automatically",
)
"""The machine refused a file of the certificate at the path of an option tls-...-path."""
FOREIGN_FILE = Message(
    "{path} is a file of others, so tls-...-blob is not written to it",
    "Remove it, or set another path in tls-...-path",
)
"""The charm writes the blobs to the paths of tls-...-path, and one has a file of others. The blob itself is used."""


@gathers
def write_files() -> None:
    """Write the files of the options tls-...-blob, and remove those whose option was emptied."""
    options, tls = context.now.options, context.now.options.tls
    if tls.client_ca:
        context.now.identity = context.machine.ensure_identity(context.own_user().name)
    known: dict[str, str] = dict(unitdata.kv().get(WRITTEN) or {})
    # Those of a wrong option stay: it still requests them, and may be about another path for the same file.
    kept = {tls.paths[kind] for kind in KINDS if tls.blobs[kind]}
    try:
        for path, text in tls.texts().items():
            if path not in known and _is_foreign(path, text):
                context.now.errors.append(alone(FOREIGN_FILE(path=path)))
                continue
            known[path] = _digest(text)
            context.machine.files.ensure(path, text, 0o600 if path == tls.paths["key"] else 0o644)
        for path in sorted(set(known) - kept) if options.are_valid("tls-") else ():
            _remove(path, known.pop(path))
    except OSError as error:
        context.now.errors.append(alone(BLOB_FAILED(error=error)))
    finally:
        if known != (unitdata.kv().get(WRITTEN) or {}):
            unitdata.kv().set(WRITTEN, known)
            unitdata.kv().flush()  # a failed hook leaves the files, and their record must stay with them


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
    """Request a certificate from the CA of cert-provider, and use what it has issued."""
    provider, credentials, options = endpoint("cert-provider"), context.machine.credentials, context.now.options
    fronts = [proxy.address for proxy in context.proxies()]
    everywhere = {**context.now.addresses, **context.now.ingress, "public": endpoints.public_address()}
    names = request.certificate_names(options.http_host, everywhere, socket.gethostname(), fronts)
    requested = credentials.request()
    # A wrong http-host is no reason to request a certificate without the previous one.
    outdated = requested is not None and set(requested.names) != set(names) and options.are_valid("http-host")
    if requested is None or outdated or provider.is_revoked(requested):
        requested = context.machine.make_request(names)
    issued = provider.certificate(requested)
    if issued is not None and issued.key == requested.key and request.is_due(issued, requested.made, time.time()):
        requested = context.machine.make_request(names)
        issued = provider.certificate(requested)
    provider.publish_request(requested)
    context.now.offer = Offer(requested.names, issued, "" if issued else provider.refusal(requested), requested.made)


@gathers
def forget_request() -> None:
    """Remove the key of the request; there is no CA any more."""
    context.machine.credentials.remove_request()


def _is_foreign(path: str, text: str) -> bool:
    """Tell whether a file that is not *text* is at *path*; those at the default paths are the registry's."""
    return path not in DEFAULT_PATHS.values() and _read(path).text not in (None, text)


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
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
