"""Warnings about the names and the time for which a certificate is valid."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Iterator, Mapping, Sequence

from registry.formats import chains, x509
from registry.formats.certificates import Examination
from registry.message import Message, Sentence, about
from registry.release import filenames

NOT_YET_VALID = Message("the certificate is not valid before {date}", "Check the machine's clock")
"""The certificate's validity begins in the future."""

EXPIRED = Message("the certificate expired on {date}", "Install a new one")
"""The certificate of the options has expired, so clients reject it."""

EXPIRES = Message("the certificate expires on {date}", "Install a new one")
"""The certificate of the options expires within 14 days, or in the last quarter of its validity."""

ISSUED_EXPIRED = Message("the certificate expired on {date}", "Have the CA issue a new one")
"""The certificate of the CA has expired, so clients reject it, and the CA has not renewed it."""

ISSUED_EXPIRES = Message("the certificate expires on {date}", "Have the CA issue a new one")
"""The certificate of the CA expires soon, and the CA has not renewed it."""

ISSUER_EARLY = Message("the certificate of the CA {name} is not valid before {date}", "Check the machine's clock")
"""The validity of an intermediate certificate, or of the CA, begins in the future."""

ISSUER_EXPIRED = Message(
    "the intermediate certificate of {name} expired on {date}, so clients reject the chain", "Replace it in the chain"
)
"""Another certificate than the registry's own has expired. Without it, there is no valid way to the CA."""

ISSUER_EXPIRES = Message("the intermediate certificate of {name} expires on {date}", "Replace it in the chain")
"""The same, soon."""

CA_EXPIRED = Message(
    "the certificate of the CA {name} expired on {date}, so clients reject the chain", "Install that of its successor"
)
"""The certificate that clients trust has expired. Docker and containerd check its validity too."""

CA_EXPIRES = Message("the certificate of the CA {name} expires on {date}", "Install that of its successor")
"""The same, soon."""

NO_NAMES = Message(
    "the certificate has no subject alternative names, and clients ignore its common name", "Reissue it for {names}"
)
"""Docker and containerd do not go by the common name (CN) any more."""

ADDRESS_AS_NAME = Message(
    "the certificate has {names} as a host name and not as an IP address, so clients reject it there",
    "Reissue it with IP:{names}",
)
"""An address is in the subject alternative names as `DNS:` and must be there as `IP:`."""

NAMES_MISSING = Message(
    "the certificate is not valid for {names}, so clients reject it there",
    "Set http-host to a name it has, or reissue it",
)
"""The certificate of the options is for other names than the one at which the registry is published."""

ISSUED_NAMES_MISSING = Message(
    "the certificate is not valid for {names}, so clients reject it there", "Have the CA reissue it"
)
"""The CA issued a certificate without the name or address at which the registry is published."""


def name_warnings(subject: str, leaf: x509.Certificate, names: Sequence[str]) -> Iterator[Sentence]:
    """Return a warning if clients reject *leaf* at those of *names*, by which they are told to reach the registry."""
    missing = [name for name in names if not leaf.is_valid_for(name)]
    if not missing:
        return
    message = ISSUED_NAMES_MISSING if subject == filenames.RELATION else NAMES_MISSING
    if not leaf.has_names:
        message = NO_NAMES
    elif all(_is_address(name) and name in leaf.names for name in missing):
        message = ADDRESS_AS_NAME
    yield about(subject, message(names=", ".join(missing)))


def validity_warnings(
    subjects: Mapping[str, str], examination: Examination, now: float, *, has_ca: bool
) -> Iterator[Sentence]:
    """Return a warning for each necessary certificate that is not valid at the time *now*, or not for long.

    *subjects* are the options, or the relation, by kind. *has_ca*: there is a CA apart from the chain.
    """
    leaf, subject = examination.leaf, subjects["cert"]
    is_issued = subject == filenames.RELATION
    if now < leaf.begin:
        yield about(subject, NOT_YET_VALID(date=_date(leaf.begin)))
    elif now >= leaf.end:
        yield about(subject, (ISSUED_EXPIRED if is_issued else EXPIRED)(date=_date(leaf.end)))
    elif chains.is_ending(leaf, now):
        yield about(subject, (ISSUED_EXPIRES if is_issued else EXPIRES)(date=_date(leaf.end)))
    for link in examination.outdated:
        one, of_ca = link.certificate, link.is_anchor and has_ca
        messages = (CA_EXPIRED, CA_EXPIRES) if of_ca else (ISSUER_EXPIRED, ISSUER_EXPIRES)
        early = now < one.begin
        message = ISSUER_EARLY if early else messages[now < one.end]
        date = _date(one.begin if early else one.end)
        yield about(subjects["ca" if of_ca else "cert"], message(name=one.name, date=date))


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _date(seconds: float) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(seconds))
