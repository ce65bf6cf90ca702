"""What a certificate says, as far as Go's clients go by it: https://pkg.go.dev/crypto/x509#Certificate.Verify."""

from __future__ import annotations

import calendar
import dataclasses
import functools
import ipaddress
import re
import time
from collections.abc import Mapping

from registry.formats import der

_SIGNATURES = {
    *(f"1.2.840.113549.1.1.{number}" for number in (10, 11, 12, 13)),  # RSA-PSS, RSA with SHA-256, -384, -512
    *(f"1.2.840.10045.4.3.{number}" for number in (2, 3, 4)),  # ECDSA with SHA-256, -384, -512
    "1.3.101.112",  # Ed25519
}
"""Signatures that Go verifies; MD5 and SHA-1 are not among them."""
_KEYS = {"1.2.840.113549.1.1.1": "RSA", "1.2.840.10045.2.1": "ECDSA", "1.3.101.112": "Ed25519"}
"""Kinds of keys that Go uses for TLS."""
_CURVES = {"1.3.132.0.33", "1.2.840.10045.3.1.7", "1.3.132.0.34", "1.3.132.0.35"}
"""P-224, P-256, P-384, P-521: Go cannot read a certificate with another one."""
_SAN, _CONSTRAINTS, _NAMES, _PURPOSES = "2.5.29.17", "2.5.29.19", "2.5.29.30", "2.5.29.37"
_UNDERSTOOD = {_SAN, _CONSTRAINTS, _NAMES, _PURPOSES, "2.5.29.14", "2.5.29.15", "2.5.29.31", "2.5.29.32", "2.5.29.35"}
"""Extensions that Go knows: a certificate with another one that is critical is rejected."""
_FOR_SERVERS = {"1.3.6.1.5.5.7.3.1", "2.5.29.37.0"}
"""serverAuth and anyExtendedKeyUsage."""
_SUBJECT_PARTS = ("2.5.4.3", "2.5.4.11", "2.5.4.10")
"""Common name, unit and organisation: what a certificate is called by, in this order."""
_ENCODINGS = {0x1E: "utf-16-be", 0x14: "latin-1"}
_CONTEXT = 0x80
_TEXTS = (_CONTEXT | 1, _CONTEXT | 2, _CONTEXT | 6)
"""Tags of mail addresses, host names and URLs: Go parses no certificate in which one of them is not ASCII."""
_TRUE = b"\xff"


@dataclasses.dataclass(frozen=True, eq=False)
class Certificate:
    """One certificate. Two are equal if their DER is."""

    raw: bytes = dataclasses.field(repr=False)
    """DER."""
    subject: bytes = dataclasses.field(repr=False)
    issuer: bytes = dataclasses.field(repr=False)
    """DER of the names, by which certificates find each other."""
    begin: float
    end: float
    """Its validity, in seconds since 1970."""
    key: str
    """Kind of its key; an object identifier if Go has none such."""
    signature: str
    version: int
    extensions: Mapping[str, tuple[bool, bytes]] = dataclasses.field(repr=False)
    """Object identifier to criticality and value."""
    names: frozenset[str]
    """Its subject alternative names that are host names, in small letters."""
    addresses: frozenset[str]
    """Its subject alternative names that are addresses."""
    is_ca: bool
    """It says of itself that it is a CA's."""
    purposes: frozenset[str]
    """Object identifiers of its extended key usage; empty: any."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Certificate) and self.raw == other.raw

    def __hash__(self) -> int:
        return hash(self.raw)

    @property
    def name(self) -> str:
        """What operators call it."""
        return _readable(self.subject)

    @property
    def issuer_name(self) -> str:
        """What operators call the certificate of its CA."""
        return _readable(self.issuer)

    @property
    def is_root(self) -> bool:
        """It is its own issuer, by name."""
        return self.subject == self.issuer

    @property
    def is_root_ca(self) -> bool:
        """It is the certificate of a root CA; those of version 1 cannot say so."""
        return self.is_root and (self.is_ca or self.version < 3)

    @property
    def has_names(self) -> bool:
        """It has subject alternative names."""
        return _SAN in self.extensions

    @property
    def has_key_for_go(self) -> bool:
        """Go can use its key."""
        return self.key in _KEYS.values()

    @property
    def has_signature_for_go(self) -> bool:
        """Go can verify its signature, and does not consider it broken."""
        return self.signature in _SIGNATURES

    @property
    def is_for_servers(self) -> bool:
        """Its extended key usage admits servers, or, for a CA, the certificates of servers."""
        return not self.purposes or bool(self.purposes & _FOR_SERVERS)

    @property
    def unknown_extensions(self) -> list[str]:
        """Critical extensions that Go does not know, or not with this content."""
        unknown = {name for name, (is_critical, _) in self.extensions.items() if is_critical} - _UNDERSTOOD
        if self.extensions.get(_NAMES, (False, b""))[0] and not _are_names_understood(self.extensions[_NAMES][1]):
            unknown.add(_NAMES)
        return sorted(unknown)

    def is_valid_for(self, name: str) -> bool:
        """Tell whether Go accepts it for *name*, a host name or an address: a wildcard stands for one whole label."""
        try:
            return _address(ipaddress.ip_address(name.strip("[]"))) in self.addresses
        except ValueError:
            host = name.lower().removesuffix(".")
        return host in self.names or (bool(host) and f"*.{host.partition('.')[2]}".removesuffix(".") in self.names)


class NotAscii(ValueError):
    """A subject alternative name has characters other than ASCII; ``str()`` is the name."""


@functools.lru_cache(maxsize=256)
def parse(raw: bytes) -> Certificate:
    """Return what is in the DER *raw*. Raises ValueError, also for what Go does not parse."""
    try:
        return _parse(raw)
    except (IndexError, KeyError, OverflowError, UnicodeDecodeError) as error:
        raise ValueError("no certificate") from error


def _parse(raw: bytes) -> Certificate:
    body, algorithm, _ = der.first(raw).children()
    fields = body.children()
    version = 1
    if fields[0].tag == 0xA0:
        version = fields.pop(0).children()[0].content[0] + 1
    _, inner, issuer, validity, subject, key = fields[:6]
    if inner.raw != algorithm.raw:
        raise ValueError("two signature algorithms")
    begin, end = (_time(one) for one in validity.children())
    extensions = _extensions(next((one for one in fields[6:] if one.tag == 0xA3), None))
    names, addresses = _alternatives(extensions)
    constraints = der.first(extensions[_CONSTRAINTS][1]).children() if _CONSTRAINTS in extensions else []
    purposes = der.first(extensions[_PURPOSES][1]).children() if _PURPOSES in extensions else []
    return Certificate(
        raw,
        subject.raw,
        issuer.raw,
        begin,
        end,
        _key(key),
        der.oid(algorithm.children()[0].content),
        version,
        extensions,
        names,
        addresses,
        any(one.tag == 0x01 and one.content == _TRUE for one in constraints),
        frozenset(der.oid(one.content) for one in purposes),
    )


def _key(element: der.Element) -> str:
    algorithm = element.children()[0].children()
    kind = der.oid(algorithm[0].content)
    if _KEYS.get(kind) == "ECDSA" and der.oid(algorithm[1].content) not in _CURVES:
        return f"the curve {der.oid(algorithm[1].content)}"
    return _KEYS.get(kind, kind)


def _extensions(wrapped: der.Element | None) -> dict[str, tuple[bool, bytes]]:
    found: dict[str, tuple[bool, bytes]] = {}
    for extension in wrapped.children()[0].children() if wrapped else ():
        parts = extension.children()
        name = der.oid(parts[0].content)
        if name in found:
            raise ValueError("an extension is there twice")
        found[name] = len(parts) == 3 and parts[1].content == _TRUE, parts[-1].content
    return found


def _alternatives(extensions: Mapping[str, tuple[bool, bytes]]) -> tuple[frozenset[str], frozenset[str]]:
    found = der.first(extensions[_SAN][1]).children() if _SAN in extensions else []
    for one in found:
        if one.tag in _TEXTS and not one.content.isascii():
            raise NotAscii(one.content.decode(errors="replace"))
    names = {one.content.decode("ascii").lower() for one in found if one.tag == _CONTEXT | 2}
    addresses = {_address(ipaddress.ip_address(one.content)) for one in found if one.tag == _CONTEXT | 7}
    return frozenset(names), frozenset(addresses)


def _address(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    """Return an address as text; one of IPv4 that is written as IPv6 is the same."""
    return str(getattr(address, "ipv4_mapped", None) or address)


def _are_names_understood(value: bytes) -> bool:
    """Tell whether name constraints are of mail, host names, URLs and addresses alone."""
    subtrees = [tree for part in der.first(value).children() for tree in part.children()]
    return all(tree.children()[0].tag in (_CONTEXT | 1, _CONTEXT | 2, _CONTEXT | 6, _CONTEXT | 7) for tree in subtrees)


def _time(element: der.Element) -> float:
    text = element.content.decode("ascii")
    if not re.fullmatch(r"\d{12}Z|\d{14}Z", text):
        raise ValueError("no time")
    if len(text) == 13:
        text = ("19" if text >= "50" else "20") + text
    return float(calendar.timegm(time.strptime(text, "%Y%m%d%H%M%SZ")))


def _readable(name: bytes) -> str:
    parts: dict[str, str] = {}
    for group in der.first(name).children():
        for pair in group.children():
            kind, value = pair.children()[:2]
            parts[der.oid(kind.content)] = value.content.decode(_ENCODINGS.get(value.tag, "utf-8"), "replace")
    text = next((parts[part] for part in _SUBJECT_PARTS if part in parts), "without a name")
    shown = "".join(letter if letter.isprintable() else " " for letter in text)
    return shown if len(shown) <= 40 else f"{shown[:37]}..."
