"""Certificates and private keys as texts: read in any common form, written as PEM in one, and verified."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from registry.formats import chains, handshake, pem, x509
from registry.formats.chains import Chain, Link
from registry.message import Message, Text

NO_CERTIFICATE = Message("the text contains no certificate", "Use PEM or base64 of PEM")
"""There is no `BEGIN CERTIFICATE` block, for example because the text is a private key or was cut off."""
UNREADABLE = Message("the text contains a certificate that cannot be read", "Use an undamaged copy")
"""A `BEGIN CERTIFICATE` block does not contain a valid certificate."""
NAME_NOT_ASCII = Message(
    "clients written in Go refuse the certificate, because its subject alternative name {name!r} is not ASCII",
    "Have it reissued with the form of the name that begins with xn--",
)
"""An internationalised name was written as it is read: certificates have the form for DNS (RFC 5280, 7.2)."""
NO_KEY = Message("the text contains no private key", "Use PEM or base64 of PEM")
"""There is no `BEGIN PRIVATE KEY` block, for example because the text is a certificate or was cut off."""
UNREADABLE_KEY = Message("the text contains a private key that cannot be read", "Use an undamaged copy")
"""A `BEGIN PRIVATE KEY` block does not contain a private key."""
KEY_MISMATCH = Message("the key does not belong to the certificate", "Use the key and certificate of one pair")
"""The private key is that of another certificate."""
UNUSABLE_PAIR = Message("the certificate and its key cannot be used ({error})", "Replace them")
"""OpenSSL rejects the certificate or its private key, for the reason in parentheses."""

BadCertificates = pem.BadCertificates


class BadKey(BadCertificates):
    """A private key belongs to another certificate."""


def bundle(text: str) -> str:
    """Return the certificates in *text*, without anything else, as PEM in the one form that the charm writes.

    *text* is PEM as operators have it, or base64 of that: see `pem.blocks`. Raises BadCertificates.
    """
    blocks = pem.blocks(text)
    chosen = [block for block in blocks if block.label in pem.CERTIFICATE_LABELS]
    if not chosen:
        raise BadCertificates(pem.other_format(blocks) or NO_CERTIFICATE())
    try:
        return _pem(x509.parse(block.data()) for block in chosen)
    except ValueError as error:
        raise BadCertificates(_unreadable(error)) from error


def key(text: str) -> str:
    """Return the private key in *text*, which is PEM or that in base64, as PEM. Raises BadCertificates."""
    blocks = pem.blocks(text)
    keys = [block for block in blocks if block.label.endswith("PRIVATE KEY")]
    if not keys:
        raise BadCertificates(pem.other_format(blocks) or NO_KEY())
    usable = [block for block in keys if not block.is_encrypted]
    if not usable:
        raise BadCertificates(pem.ENCRYPTED_KEY())
    if usable[0].label == "OPENSSH PRIVATE KEY":
        raise BadCertificates(pem.OPENSSH_KEY())
    try:
        data = usable[0].data()
    except ValueError as error:
        raise BadCertificates(UNREADABLE_KEY()) from error
    label = pem.key_label(data)
    if label is None:
        raise BadCertificates(UNREADABLE_KEY())
    return pem.armoured(label, data)


def chain(*texts: str) -> str:
    """Return the certificates of *texts* in their order, without duplicates. Raises BadCertificates."""
    return _pem(dict.fromkeys(one for text in texts for one in parsed(text)))


def roots(text: str, *, without: bool = False) -> str:
    """Return the self-signed certificates of *text*, or (*without*) the others. Raises BadCertificates."""
    return _pem(one for one in parsed(text) if one.is_root_ca != without)


def issuers(text: str) -> str:
    """Return the certificates of a chain without the first, for clients to trust; a single one as it is."""
    first, *others = parsed(text)
    return _pem(others or [first])


def separate(text: str) -> list[str]:
    """Return each certificate in *text* as a PEM text of its own. Raises BadCertificates."""
    return [_pem([one]) for one in parsed(text)]


def parsed(text: str) -> list[x509.Certificate]:
    """Return the certificates in *text*, which may have none. Raises BadCertificates."""
    if not text.strip():
        return []
    try:
        blocks = [block for block in pem.blocks(text) if block.label in pem.CERTIFICATE_LABELS]
        return [x509.parse(block.data()) for block in blocks]
    except ValueError as error:
        raise BadCertificates(_unreadable(error)) from error


@dataclasses.dataclass(frozen=True)
class Examination:
    """What clients make of a certificate that they accept, or would accept at another time."""

    served: str
    """The chain as the registry presents it: the certificate of the key first."""
    leaf: x509.Certificate
    outdated: tuple[Link, ...] = ()
    """The others that are necessary and not valid now, or not for long."""
    is_alone: bool = False
    """Nobody knows its issuer: neither the chain nor the CA has its certificate."""


def examine(
    served: str, private_key: str, ca: str | None, now: float | None = None, *, is_known: bool = False
) -> Examination:
    """Verify *served*, PEM with *private_key*'s certificate, as clients do that are written in Go and trust *ca*.

    Without *ca* they trust the issuers that are in *served*. Names are not verified, and times only if *now* is
    given; what is wrong with those is returned. *is_known*: the same was verified before. Raises BadKey and
    BadCertificates, for which there is no other remedy than other certificates.
    """
    certificates = parsed(served)
    leaf = _own(certificates, private_key) if not is_known else certificates[0]
    others = tuple(one for one in certificates if one != leaf)
    trusted = tuple(parsed(ca)) if ca else others or (leaf,)
    outdated = Chain(leaf, others, trusted, private_key).outdated(now, is_known=is_known)
    is_alone = not ca and not others and not leaf.is_root
    return Examination(_pem([leaf, *others]), leaf, tuple(outdated), is_alone)


def _own(certificates: list[x509.Certificate], private_key: str) -> x509.Certificate:
    """Return the certificate that *private_key* belongs to, wherever it is in the file."""
    for one in certificates:
        try:
            handshake.server(one.raw, (), private_key)
        except handshake.Mismatch:
            continue
        except handshake.Unusable as error:
            unsupported = None if one.has_key_for_go else chains.UNSUPPORTED_KEY(kind=one.key)
            raise BadCertificates(unsupported or UNUSABLE_PAIR(error=error)) from error
        return one
    raise BadKey(KEY_MISMATCH())


def _unreadable(error: ValueError) -> Text:
    return NAME_NOT_ASCII(name=error) if isinstance(error, x509.NotAscii) else UNREADABLE()


def _pem(certificates: Iterable[x509.Certificate]) -> str:
    return "".join(pem.armoured("CERTIFICATE", one.raw) for one in certificates)
