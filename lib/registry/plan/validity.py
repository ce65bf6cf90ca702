"""Warnings about the time in which a certificate is valid."""

from __future__ import annotations

import time

from registry.formats.certificates import Validity
from registry.message import Message, Sentence, about
from registry.release import filenames

EXPIRY_DAYS = 14
"""Days before its end at which a certificate is a warning; the last quarter of its validity if that is shorter."""

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


def validity_warnings(subject: str, validity: Validity, now: float) -> tuple[Sentence, ...]:
    """Return a warning about a certificate of *subject* that is not valid at the time *now*, or not for long."""
    is_issued = subject == filenames.RELATION
    if now < validity.begin:
        return (about(subject, NOT_YET_VALID(date=_date(validity.begin))),)
    if now >= validity.end:
        return (about(subject, (ISSUED_EXPIRED if is_issued else EXPIRED)(date=_date(validity.end))),)
    if now > validity.end - min(EXPIRY_DAYS * 86400, (validity.end - validity.begin) / 4):
        return (about(subject, (ISSUED_EXPIRES if is_issued else EXPIRES)(date=_date(validity.end))),)
    return ()


def _date(seconds: float) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(seconds))
