"""Certificates that an operator hands over."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import ipaddress
import os
import re
import ssl
from collections.abc import Mapping
from typing import Any

_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)


_KEY = re.compile(r"-----BEGIN ((?:RSA |EC )?PRIVATE KEY)-----.*?-----END \1-----", re.DOTALL)
_NO_CHECK_TIME = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME: https://docs.openssl.org/3.0/man3/X509_VERIFY_PARAM_set_flags/"""


class BadCertificates(ValueError):
    """A text holds no certificates, or none that can be used; ``str()`` is a clause for the operator."""


class BadKey(BadCertificates):
    """A private key is another certificate's."""


def bundle(text: str) -> str:
    """Return the certificates in *text*, and nothing else of it, as PEM.

    *text* is PEM, or that in base64, with lines broken anywhere. Raises BadCertificates.
    """
    pem = _pem(text)
    found = "".join(f"{certificate}\n" for certificate in _CERTIFICATE.findall(pem))
    if not found:
        raise BadCertificates("there is no certificate in it; PEM, or base64 of that, is what it takes")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=found)
    except (ssl.SSLError, TypeError, ValueError) as error:
        raise BadCertificates("a certificate in it cannot be read") from error
    return found


def key(text: str) -> str:
    """Return the private key in *text*, which is PEM or that in base64, as PEM. Raises BadCertificates."""
    pem = _pem(text)
    if "ENCRYPTED" in pem:
        raise BadCertificates("the key is encrypted; give it without a passphrase (`openssl pkey`)")
    found = _KEY.search(pem)
    if found is None:
        raise BadCertificates("there is no private key in it; PEM, or base64 of that, is what it takes")
    return f"{found.group()}\n"


@dataclasses.dataclass(frozen=True)
class Validity:
    """When a certificate counts, in seconds since 1970."""

    begin: float
    end: float
    names: frozenset[str] = frozenset()
    """The addresses and host names that it bears."""


def chain(*texts: str) -> str:
    """Return the certificates of *texts*, each once and in their order."""
    found = (one for text in texts for one in _CERTIFICATE.findall(text))
    return "".join(f"{one}\n" for one in dict.fromkeys(found))


def roots(text: str, *, without: bool = False) -> str:
    """Return the certificates of *text* that signed themselves, or (*without*) the others. Raises BadCertificates."""
    return "".join(f"{one}\n" for one in _CERTIFICATE.findall(text) if _is_root(one) != without)


def _is_root(pem: str) -> bool:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(cadata=pem)
    except ssl.SSLError as error:
        raise BadCertificates("a certificate in it cannot be read") from error
    # Of those that are no CA's, nothing is listed.
    return any(one["subject"] == one["issuer"] for one in context.get_ca_certs())


def last(pem: str) -> str:
    """Return the last certificate of a chain."""
    return f"{_CERTIFICATE.findall(pem)[-1]}\n"


def examine(served: str, private_key: str, ca: str | None) -> Validity:
    """Let a server with the chain *served* and *private_key* and a client that trusts *ca* shake hands, in memory.

    Without *ca* the client trusts the first certificate. *ca* may be one between, which Go's clients take for a root.
    Names and times are no matter; the times are returned.
    Raises BadKey, BadCertificates.
    """
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    _load(server, served, private_key)
    client.check_hostname = False
    client.verify_flags |= _NO_CHECK_TIME | ssl.VERIFY_X509_PARTIAL_CHAIN
    client.load_verify_locations(cadata=ca or _first(served))
    try:
        shown = _shake_hands(server, client)
    except ssl.SSLCertVerificationError as error:
        where = "by the CA that is given, or certificates between the two are missing" if ca else "as a server's"
        raise BadCertificates(f"clients do not take the certificate {where} ({error.verify_message})") from error
    except ssl.SSLError as error:
        raise BadCertificates(f"the certificate cannot be used ({_reason(error)})") from error
    begin, end = (float(ssl.cert_time_to_seconds(shown[name])) for name in ("notBefore", "notAfter"))
    return Validity(begin, end, frozenset(canonical(name) for _, name in shown.get("subjectAltName", ())))


def canonical(name: str) -> str:
    """Return the one way to write *name*, if it is an address: of IPv6 there are several."""
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return name


def _load(server: ssl.SSLContext, served: str, private_key: str) -> None:
    # Python takes files only; this one is in memory.
    with open(os.memfd_create("tls"), "w", encoding="utf-8") as file:
        file.write(served + private_key)
        file.flush()
        try:
            server.load_cert_chain(f"/proc/self/fd/{file.fileno()}")
        except ssl.SSLError as error:
            if error.reason == "KEY_VALUES_MISMATCH":
                raise BadKey("the key does not belong to the certificate") from error
            raise BadCertificates(f"certificate and key cannot be used ({_reason(error)})") from error


def _shake_hands(server: ssl.SSLContext, client: ssl.SSLContext) -> Mapping[str, Any]:
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    asking = client.wrap_bio(to_client, to_server)
    answering = server.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(4):
        for end in (asking, answering):
            with contextlib.suppress(ssl.SSLWantReadError):
                end.do_handshake()
    return asking.getpeercert() or {}


def _reason(error: ssl.SSLError) -> str:
    return (error.reason or "no reason").lower().replace("_", " ")


def _first(served: str) -> str:
    return str(_CERTIFICATE.findall(served)[0])


def _pem(text: str) -> str:
    try:
        return text if "-----BEGIN" in text else base64.b64decode("".join(text.split()), validate=True).decode()
    except ValueError as error:
        raise BadCertificates("this is neither PEM nor base64 of it") from error
