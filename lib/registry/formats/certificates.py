"""Certificates and private keys in PEM: read, sorted, and verified by a TLS handshake."""

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

from registry.message import Fault, Message

NOT_PEM = Message("the text is neither PEM nor base64 of PEM", "Use the content of a PEM file")
"""A certificate or private key is in another format, for example DER, or is the path of a file."""
NO_CERTIFICATE = Message("the text contains no certificate", "Use PEM or base64 of PEM")
"""There is no `BEGIN CERTIFICATE` block, for example because the text is a private key or was cut off."""
UNREADABLE = Message("the text contains a certificate that cannot be read", "Use an undamaged copy")
"""A `BEGIN CERTIFICATE` block does not contain a valid certificate."""
NO_KEY = Message("the text contains no private key", "Use PEM or base64 of PEM")
"""There is no `BEGIN PRIVATE KEY` block, for example because the text is a certificate or was cut off."""
ENCRYPTED_KEY = Message("the private key is encrypted", "Remove its passphrase with `openssl pkey`")
"""The registry starts without anyone to enter a passphrase."""
KEY_MISMATCH = Message("the key does not belong to the certificate", "Use the key and certificate of one pair")
"""The private key is that of another certificate."""
UNUSABLE_PAIR = Message("the certificate and its key cannot be used ({error})", "Replace them")
"""OpenSSL rejects the certificate or its private key, for the reason in parentheses."""
UNUSABLE = Message("the certificate cannot be used ({error})", "Replace it")
"""No TLS connection can be made with the certificate, for the reason in parentheses."""
NOT_ISSUED_BY_CA = Message(
    "clients that trust the CA reject the certificate ({error})",
    "Check the CA, and add missing intermediate certificates",
)
"""The certificate was issued by another CA, or intermediate certificates are missing from its chain."""
NOT_FOR_SERVERS = Message("clients reject the certificate ({error})", "Use a certificate for servers")
"""Clients do not accept the certificate from a server, for example because it was issued for clients only."""

_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)
_KEY = re.compile(r"-----BEGIN ((?:RSA |EC )?PRIVATE KEY)-----.*?-----END \1-----", re.DOTALL)
_NO_CHECK_TIME = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME: https://docs.openssl.org/3.0/man3/X509_VERIFY_PARAM_set_flags/"""


class BadCertificates(Fault):
    """A text contains no certificates, or none that can be used."""


class BadKey(BadCertificates):
    """A private key belongs to another certificate."""


def bundle(text: str) -> str:
    """Return the certificates in *text*, without anything else, as PEM.

    *text* is PEM, or that in base64, with lines broken anywhere. Raises BadCertificates.
    """
    pem = _pem(text)
    bundled = "".join(f"{certificate}\n" for certificate in _CERTIFICATE.findall(pem))
    if not bundled:
        raise BadCertificates(NO_CERTIFICATE())
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=bundled)
    except (ssl.SSLError, TypeError, ValueError) as error:
        raise BadCertificates(UNREADABLE()) from error
    return bundled


def key(text: str) -> str:
    """Return the private key in *text*, which is PEM or that in base64, as PEM. Raises BadCertificates."""
    pem = _pem(text)
    if "ENCRYPTED" in pem:
        raise BadCertificates(ENCRYPTED_KEY())
    match = _KEY.search(pem)
    if match is None:
        raise BadCertificates(NO_KEY())
    return f"{match.group()}\n"


@dataclasses.dataclass(frozen=True)
class Validity:
    """When and for what a certificate is valid, times in seconds since 1970."""

    begin: float
    end: float
    names: frozenset[str] = frozenset()
    """Its subject alternative names: addresses and host names."""


def chain(*texts: str) -> str:
    """Return the certificates of *texts* in their order, without duplicates."""
    ordered = (one for text in texts for one in _CERTIFICATE.findall(text))
    return "".join(f"{one}\n" for one in dict.fromkeys(ordered))


def roots(text: str, *, without: bool = False) -> str:
    """Return the self-signed certificates of *text*, or (*without*) the others. Raises BadCertificates."""
    return "".join(f"{one}\n" for one in _CERTIFICATE.findall(text) if _is_root(one) != without)


def _is_root(pem: str) -> bool:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(cadata=pem)
    except ssl.SSLError as error:
        raise BadCertificates(UNREADABLE()) from error
    # Certificates that are no CA's are not listed.
    return any(one["subject"] == one["issuer"] for one in context.get_ca_certs())


def last(pem: str) -> str:
    """Return the last certificate of a chain."""
    return f"{_CERTIFICATE.findall(pem)[-1]}\n"


def examine(served: str, private_key: str, ca: str | None) -> Validity:
    """Do a TLS handshake in memory: a server with *served*, a chain, and *private_key*; a client that trusts *ca*.

    Without *ca* the client trusts the first certificate. *ca* may be an intermediate certificate, which Go's clients
    accept as a root. Names and times are returned and not verified. Raises BadKey, BadCertificates.
    """
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    _load(server, served, private_key)
    client.check_hostname = False
    client.verify_flags |= _NO_CHECK_TIME | ssl.VERIFY_X509_PARTIAL_CHAIN
    client.load_verify_locations(cadata=ca or _first(served))
    try:
        shown = _shake_hands(server, client)
    except ssl.SSLCertVerificationError as error:
        message = NOT_ISSUED_BY_CA if ca else NOT_FOR_SERVERS
        raise BadCertificates(message(error=error.verify_message)) from error
    except ssl.SSLError as error:
        raise BadCertificates(UNUSABLE(error=_reason(error))) from error
    begin, end = (float(ssl.cert_time_to_seconds(shown[name])) for name in ("notBefore", "notAfter"))
    return Validity(begin, end, frozenset(canonical(name) for _, name in shown.get("subjectAltName", ())))


def canonical(name: str) -> str:
    """Return the canonical form of *name* if it is an address: an IPv6 address has several forms."""
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return name


def _load(server: ssl.SSLContext, served: str, private_key: str) -> None:
    # Python reads this from files only; this file is in memory.
    with open(os.memfd_create("tls"), "w", encoding="utf-8") as file:
        file.write(served + private_key)
        file.flush()
        try:
            server.load_cert_chain(f"/proc/self/fd/{file.fileno()}")
        except ssl.SSLError as error:
            if error.reason == "KEY_VALUES_MISMATCH":
                raise BadKey(KEY_MISMATCH()) from error
            raise BadCertificates(UNUSABLE_PAIR(error=_reason(error))) from error


def _shake_hands(server: ssl.SSLContext, client: ssl.SSLContext) -> Mapping[str, Any]:
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    connecting = client.wrap_bio(to_client, to_server)
    accepting = server.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(4):
        for end in (connecting, accepting):
            with contextlib.suppress(ssl.SSLWantReadError):
                end.do_handshake()
    return connecting.getpeercert() or {}


def _reason(error: ssl.SSLError) -> str:
    return (error.reason or "no reason").lower().replace("_", " ")


def _first(served: str) -> str:
    return str(_CERTIFICATE.findall(served)[0])


def _pem(text: str) -> str:
    try:
        return text if "-----BEGIN" in text else base64.b64decode("".join(text.split()), validate=True).decode()
    except ValueError as error:
        raise BadCertificates(NOT_PEM()) from error
