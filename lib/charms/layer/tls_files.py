"""The files at the paths of tls-*-path: the operator's own, and those that the charm makes of tls-*-blob.

What the charm made is remembered by its digest, and taken away when the option is emptied, unless somebody has
changed it since.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from charmhelpers.core import unitdata
from charms import reactive
from charms.layer.edges import Machine
from registry.formats.relations import Offer
from registry.machine.files import UnreadableError
from registry.options.tls import KINDS, Tls
from registry.plan.certificate import File, are_relations

WRITTEN = "docker-registry.tls-written"
"""Key in unitdata: path to SHA-256 of each file that the charm made."""
INHERITED = "charm.docker-registry.tls-enabled"
"""Flag: the predecessor wrote a certificate of the relation to the paths; set by it, never by this charm."""


def write(machine: Machine, asked: Tls) -> tuple[str, ...]:
    """Make the files of blobs, and take away those whose blobs are gone; return a sentence where that fails."""
    texts = asked.texts()
    known: dict[str, str] = dict(unitdata.kv().get(WRITTEN) or {})
    # The files of a blob that is wrong stay: the option still asks for them.
    kept = {asked.paths[kind] for kind in KINDS if asked.blobs[kind]}
    try:
        for path, text in texts.items():
            known[path] = _digest(text)
            machine.files.ensure(path, text, 0o600 if path == asked.paths["key"] else 0o644)
        for path in sorted(set(known) - kept):
            _take_away(machine, path, known.pop(path))
    except OSError as error:
        return (f"A file of the options tls-...-blob cannot be written or removed: {error}.",)
    finally:
        if known != (unitdata.kv().get(WRITTEN) or {}):
            unitdata.kv().set(WRITTEN, known)
            unitdata.kv().flush()  # a hook that fails leaves the files, and their mark has to stay with them
    return ()


def read(machine: Machine, asked: Tls) -> Mapping[str, File]:
    """Read what is at the paths, by kind."""
    return {kind: _read(machine, asked.paths[kind]) if asked.paths[kind] else File() for kind in KINDS}


def _read(machine: Machine, path: str) -> File:
    try:
        return File(machine.files.read(path))
    except UnreadableError as error:
        return File(error=str(error))


def are_inherited() -> bool:
    """Tell whether the predecessor has left its mark that it wrote them for the relation."""
    return bool(reactive.is_flag_set(INHERITED))


def give_up_relations(machine: Machine, asked: Tls, offer: Offer | None) -> None:
    """Take away what the predecessor wrote to the paths for the relation, once the relation's own is in force.

    The next certificate would differ from it, and it would pass for the operator's. Raises OSError.
    """
    if are_relations(asked, read(machine, asked), offer, are_inherited()):
        for path in asked.paths.values():
            machine.files.remove(path)
    reactive.clear_flag(INHERITED)


def remove(machine: Machine) -> None:
    """Take away what the charm made."""
    for path, digest in dict(unitdata.kv().get(WRITTEN) or {}).items():
        _take_away(machine, path, digest)


def _take_away(machine: Machine, path: str, digest: str) -> None:
    text = _read(machine, path).text
    if text is not None and _digest(text) == digest:
        machine.files.remove(path)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
