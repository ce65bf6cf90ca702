"""Certificates that an operator hands over."""

from __future__ import annotations

import base64
import re
import ssl

_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)


class BadCertificates(ValueError):
    """A text holds no certificates; ``str()`` is a clause for the operator."""


def bundle(text: str) -> str:
    """Return the certificates in *text*, and nothing else of it, as PEM.

    *text* is PEM, or that in base64, with lines broken anywhere. Raises BadCertificates.
    """
    try:
        pem = text if "-----BEGIN" in text else base64.b64decode("".join(text.split()), validate=True).decode()
    except ValueError as error:
        raise BadCertificates("this is neither PEM nor base64 of it") from error
    found = "".join(f"{certificate}\n" for certificate in _CERTIFICATE.findall(pem))
    if not found:
        raise BadCertificates("there is no certificate in it; PEM, or base64 of that, is what it takes")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=found)
    except (ssl.SSLError, TypeError, ValueError) as error:
        raise BadCertificates("a certificate in it cannot be read") from error
    return found
