"""What cannot change yet: an option is wrong, or something is waited for. Then that part of the release stays as it is.

Everything else is applied, so that authentication, for example, is not delayed by a CA that does not answer.
"""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Iterable, Mapping

from registry.message import Message, Sentence, alone
from registry.options import storage
from registry.options.authentication import Authentication
from registry.options.cache import Cache
from registry.options.limits import Limits
from registry.options.options import Options
from registry.options.storage import Storage
from registry.plan import certificate
from registry.plan.facts import Facts
from registry.release import filenames
from registry.release.image import Image
from registry.release.parts import ACCESS, Part, opened, parts_of
from registry.release.release import Release

STAYS_CLOSED = Message(
    "{what} still required, because another option that controls access is not applied yet", "Fix that one first"
)
"""Passwords, client certificates or TLS were turned off, and what replaces them is wrong or waits for the CA."""

_WORDS = {
    Part.AUTHENTICATION: "Authentication is",
    Part.CLIENT_CA: "Client certificates are",
    Part.CERTIFICATE: "TLS is",
}
_UNSET: Mapping[str, None] = collections.defaultdict(lambda: None)


def held_parts(
    wrong: Iterable[str], options: Options, facts: Facts, current: Release, chosen: certificate.Chosen
) -> frozenset[Part]:
    """Return the parts of *current* that stay: those of the options *wrong*, or of what is waited for."""
    held = frozenset().union(*map(parts_of, wrong))
    if options.storage.relation == storage.AWAITED and current.is_shared:
        held |= {Part.DATA}
    if chosen.waiting or chosen.problems:
        held |= {Part.CERTIFICATE}
    if Part.MINIMUM_TLS in held and current.scheme == "http":
        held |= {Part.CERTIFICATE}
    if facts.image is None or (Part.DATA in held and facts.image.generation != generation(current)):
        held |= {Part.IMAGE}
    return held


def generation(release: Release) -> int:
    """Return the form of a release's configuration: only 3.x is told not to send traces."""
    return 3 if "OTEL_TRACES_EXPORTER" in release.container.environment else 2


def image(facts: Facts, current: Release, held: frozenset[Part]) -> Image:
    """Return the image to use; the one of *current* has the version of its configuration only."""
    if facts.image is None or Part.IMAGE in held:
        return Image("", current.container.image_id, f"{generation(current)}.0")
    return facts.image


def copies(
    options: Options, facts: Facts, current: Release, chosen: certificate.Chosen, held: frozenset[Part]
) -> Mapping[str, str]:
    """Return the TLS files: those of *current* where its certificate stays, with the requested CA of clients."""
    if Part.CERTIFICATE not in held:
        return chosen.copies
    names = (*filenames.TLS.values(), filenames.TLS_SOURCES)
    kept = {name: current.others[name] for name in names if name in current.others}
    return certificate.with_client_ca(options.tls, kept, facts.identity)


def without(options: Options, held: frozenset[Part]) -> Options:
    """Return *options* as if those of the parts *held* were not set: their values may be unreadable."""
    changes: dict[str, object] = {}
    if Part.AUTHENTICATION in held:
        changes["authentication"] = Authentication.from_config(_UNSET)
    if Part.LIMITS in held:
        changes["limits"] = Limits.from_config(_UNSET)
    if Part.DATA in held:
        unset, asked = Storage.from_config(_UNSET), options.storage
        changes["storage"] = dataclasses.replace(unset, read_only=asked.read_only, delete=asked.delete)
        changes |= {"cache": Cache.from_config(_UNSET), "trusted_ca": None, "received_cas": ()}
    return dataclasses.replace(options, **changes)  # type: ignore[arg-type]


def closed(
    options: Options, current: Release, desired: Release, held: frozenset[Part], wrong: Iterable[str]
) -> frozenset[Part]:
    """Return the parts that stay closed: a half applied change of access must not admit anybody.

    Some of it is *wrong*, or *desired* cannot ask clients for certificates before its own has arrived.
    """
    is_wrong = bool(ACCESS & frozenset().union(*map(parts_of, wrong)))
    is_incomplete = is_wrong or (bool(options.tls.client_ca) and not desired.asks_for_certificates)
    return (opened(current, desired) & ACCESS) - held if is_incomplete else frozenset()


def warnings(parts: frozenset[Part]) -> tuple[Sentence, ...]:
    """Return a sentence for each part that stays closed."""
    return tuple(alone(STAYS_CLOSED(what=words)) for part, words in _WORDS.items() if part in parts)
