"""Whether a client written in Go accepts a chain of certificates, and if not, because of which one.

OpenSSL verifies signatures, constraints and the length of paths. It stops at the first path that it finds, while Go
tries all: so it is asked again without the certificates that cannot be part of a path that Go accepts. Asked again
without one more, it shows which ones are necessary.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections.abc import Collection, Iterator, Sequence

from registry.formats import handshake
from registry.formats.pem import BadCertificates
from registry.formats.x509 import Certificate
from registry.message import Message, Text

NOT_FOR_SERVERS = Message("clients reject the certificate, which was not issued for servers", "Use one for servers")
"""The extended key usage of the certificate is for something else, for example for clients only."""
UNSUPPORTED_KEY = Message(
    "the key of the certificate is of a kind that the registry does not support ({kind})",
    "Use RSA, Ed25519, or ECDSA with P-256, P-384 or P-521",
)
"""Go, in which the registry and its clients are written, has no such keys."""
UNSUPPORTED_CURVE = Message(
    "clients cannot read the certificate of {name}: its key has {kind}", "Use P-256, P-384 or P-521, or leave it out"
)
"""Clients written in Go reject a server that presents such a certificate, even one that is not needed."""
WEAK_SIGNATURE = Message(
    "clients reject the certificate of {name}: its signature is too weak (SHA-1, MD5) or unknown to them",
    "Have it reissued with SHA-256",
)
"""Docker and containerd do not accept signatures with SHA-1 since 2022."""
UNKNOWN_EXTENSION = Message(
    "clients reject the certificate of {name}: they do not know its critical extension {extension}",
    "Have it reissued without",
)
"""Clients written in Go do not support the extension, and must not ignore it."""
NOT_A_CA = Message(
    "clients reject the certificate of {name} as an issuer: it is no CA certificate",
    "Have it reissued with basicConstraints CA:TRUE",
)
"""A certificate of the chain that signed another one is not marked as one of a CA."""
CA_NOT_FOR_SERVERS = Message(
    "clients reject the certificate: its CA {name} is limited to other purposes than servers", "Use another CA"
)
"""The extended key usage of an intermediate certificate, or of the CA, excludes certificates of servers."""
MISSING_ISSUER = Message(
    "{name} was issued by {issuer}, which is neither in the chain nor the CA",
    "Append the certificate of {issuer} (fullchain.pem in place of cert.pem), or check the CA",
)
"""Intermediate certificates are missing from the chain, or the configured CA is another one."""
OTHER_CA = Message("the chain leads to {name}, which is not the configured CA", "Use the CA of this certificate")
"""The certificate was issued by another CA than the one in tls-ca-blob or tls-ca-path."""
REJECTED = Message(
    "clients that trust the CA reject the certificate ({error})",
    "Check that CA and intermediate certificates are those that signed it",
)
"""The reason is in parentheses: for example, another key of the CA, its path length, or its name constraints."""

_COMBINATIONS = 32
"""How many ways through CAs of the same name are tried at most."""
DAYS = 14
"""Days before its end at which a certificate is a warning; the last quarter of its validity if that is shorter."""


@dataclasses.dataclass(frozen=True)
class Link:
    """A certificate besides the registry's own."""

    certificate: Certificate
    is_anchor: bool
    """Clients trust it; else it is presented by the registry."""


@dataclasses.dataclass(frozen=True)
class Chain:
    """The registry's certificate, what it presents besides, and what clients trust."""

    leaf: Certificate
    others: tuple[Certificate, ...]
    trusted: tuple[Certificate, ...]
    key: str = dataclasses.field(repr=False)

    def outdated(self, now: float | None, *, is_known: bool = False) -> list[Link]:
        """Return the necessary certificates that are not valid at the time *now*, or not for long.

        Raises BadCertificates if clients reject the chain at any time. *is_known*: it was verified before.
        """
        late = {link for link in self._links if now is not None and not _is_valid(link.certificate, now)}
        ending = [link for link in self._links if now is not None and is_ending(link.certificate, now)]
        if is_known and not late and not ending:
            return []
        self._check_single()
        broken = {link for link in self._links if _fault(link)}
        if self._accepts(broken | late):
            return [link for link in ending if link not in late and not self._accepts(broken | late | {link})]
        if late and self._accepts(broken):
            return [link for link in self._links if link in late and not self._accepts(broken | {link})] or list(late)
        raise BadCertificates(self._why(broken))

    @functools.cached_property
    def _links(self) -> list[Link]:
        trusted = [Link(one, True) for one in self.trusted if one != self.leaf]
        return [*(Link(one, False) for one in self.others), *trusted]

    def _check_single(self) -> None:
        """Raise BadCertificates for what makes clients give up whatever the path is."""
        leaf = self.leaf
        if not leaf.has_key_for_go:
            raise BadCertificates(UNSUPPORTED_KEY(kind=leaf.key))
        for one in self.others:
            if one.key.startswith("the curve"):
                raise BadCertificates(UNSUPPORTED_CURVE(name=one.name, kind=one.key))
        if leaf.unknown_extensions:
            raise BadCertificates(UNKNOWN_EXTENSION(name=leaf.name, extension=leaf.unknown_extensions[0]))
        if not leaf.is_for_servers:
            raise BadCertificates(NOT_FOR_SERVERS())
        if not leaf.has_signature_for_go and leaf not in self.trusted:
            raise BadCertificates(WEAK_SIGNATURE(name=leaf.name))

    def _accepts(self, without: Collection[Link]) -> bool:
        return not self._refusal(frozenset(without))

    @functools.cache  # noqa: B019 - a chain lives as long as its examination
    def _refusal(self, without: frozenset[Link]) -> str:
        """Return the words of OpenSSL for a chain *without* some certificates; empty if there is a path."""
        first = ""
        for links in _selections([link for link in self._links if link not in without]):
            anchors = [link.certificate.raw for link in links if link.is_anchor]
            anchors += [self.leaf.raw] if self.leaf in self.trusted else []
            presented = [link.certificate.raw for link in links if not link.is_anchor]
            refusal = handshake.refusal(handshake.server(self.leaf.raw, presented, self.key), anchors)
            if not refusal:
                return ""
            first = first or refusal
        return first

    def _why(self, broken: Collection[Link]) -> Text:
        """Return why there is no path: the first certificate by name, from the leaf on, that cannot be passed."""
        one, passed = self.leaf, {self.leaf}
        while True:
            issuers = [link for link in self._links if link.certificate.subject == one.issuer]
            usable = [link for link in issuers if link not in broken]
            if issuers and not usable:
                return _fault(issuers[0]) or NOT_FOR_SERVERS()
            if any(link.is_anchor for link in usable):
                return REJECTED(error=self._refusal(frozenset(broken)))
            if one.is_root:
                return OTHER_CA(name=one.name)
            following = [link.certificate for link in usable if link.certificate not in passed]
            if not following:
                return MISSING_ISSUER(name=one.name, issuer=one.issuer_name)
            one = following[0]
            passed.add(one)


def _selections(links: Sequence[Link]) -> Iterator[Sequence[Link]]:
    """Return *links*, and then every way to have one of each name: OpenSSL takes the first that fits by name."""
    yield links
    groups: dict[bytes, list[Link]] = {}
    for link in links:
        groups.setdefault(link.certificate.subject, []).append(link)
    if len(groups) < len(links):
        yield from itertools.islice(itertools.product(*groups.values()), _COMBINATIONS)


def _fault(link: Link) -> Text | None:
    """Return why Go does not take the certificate as part of any path, or None."""
    one = link.certificate
    if one.unknown_extensions:
        return UNKNOWN_EXTENSION(name=one.name, extension=one.unknown_extensions[0])
    if not one.is_ca and not (link.is_anchor and one.version < 3):
        return NOT_A_CA(name=one.name)
    if not one.is_for_servers:
        return CA_NOT_FOR_SERVERS(name=one.name)
    if not one.has_key_for_go:
        return UNSUPPORTED_KEY(kind=one.key)
    return None if link.is_anchor or one.has_signature_for_go else WEAK_SIGNATURE(name=one.name)


def _is_valid(one: Certificate, now: float) -> bool:
    return one.begin <= now <= one.end


def is_ending(one: Certificate, now: float) -> bool:
    """Tell whether a certificate is not valid for long any more at the time *now*, or has expired."""
    return now > one.end - margin(one)


def margin(one: Certificate) -> float:
    """Return how many seconds before its end a certificate is not valid for long."""
    return min(DAYS * 86400, (one.end - one.begin) / 4)
