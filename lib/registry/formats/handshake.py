"""A TLS handshake in memory: OpenSSL builds and verifies the chain as for a real connection."""

from __future__ import annotations

import contextlib
import os
import ssl
from collections.abc import Iterable

from registry.formats import pem

_NO_CHECK_TIME = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME: https://docs.openssl.org/3.0/man3/X509_VERIFY_PARAM_set_flags/"""
_PURPOSE = 26
"""X509_V_ERR_INVALID_PURPOSE."""
_MISMATCHES = ("KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH", "NO_CERTIFICATE_ASSIGNED")
"""The last one is of a key of another kind, for example RSA: OpenSSL keeps a certificate for each kind."""


class Mismatch(Exception):
    """The key is that of another certificate."""


class Unusable(Exception):
    """A certificate or a key that OpenSSL does not take; ``str()`` has its own words."""


def server(leaf: bytes, chain: Iterable[bytes], key: str) -> ssl.SSLContext:
    """Return a server with the certificate *leaf*, in DER, and its *key*, in PEM. Raises Mismatch, Unusable."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # What is too weak is for the client to say.
    context.set_ciphers("ALL:@SECLEVEL=0")
    # Python reads this from files only; this file is in memory.
    with open(os.memfd_create("tls"), "w", encoding="ascii") as file:
        file.write("".join(pem.armoured("CERTIFICATE", one) for one in (leaf, *chain)) + key)
        file.flush()
        try:
            context.load_cert_chain(f"/proc/self/fd/{file.fileno()}")
        except ssl.SSLError as error:
            if error.reason in _MISMATCHES:
                raise Mismatch from error
            raise Unusable(_reason(error)) from error
    return context


def refusal(accepting: ssl.SSLContext, anchors: Iterable[bytes]) -> str:
    """Return why a client that trusts *anchors*, in DER, refuses the server; empty if it does not.

    Anchors may be intermediate certificates, which Go takes too. Names, times and purposes are for the caller: OpenSSL
    goes by more than Go does for the latter.
    """
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.hostname_checks_common_name = False
    # The level at which RSA of 1024 bits is taken and SHA-1 is not, whatever the distribution's default is.
    client.set_ciphers("DEFAULT:@SECLEVEL=1")
    client.verify_flags |= _NO_CHECK_TIME | ssl.VERIFY_X509_PARTIAL_CHAIN
    client.verify_flags &= ~ssl.VERIFY_X509_STRICT
    trusted = b"".join(anchors)
    if not trusted:
        return "no certificate of a CA"
    try:
        client.load_verify_locations(cadata=trusted)
        _shake_hands(accepting, client)
    except ssl.SSLCertVerificationError as error:
        return "" if error.verify_code == _PURPOSE else error.verify_message
    except ssl.SSLError as error:
        return _reason(error)
    return ""


def _shake_hands(accepting: ssl.SSLContext, client: ssl.SSLContext) -> None:
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    connecting = client.wrap_bio(to_client, to_server)
    answering = accepting.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(4):
        for end in (connecting, answering):
            with contextlib.suppress(ssl.SSLWantReadError):
                end.do_handshake()


def _reason(error: ssl.SSLError) -> str:
    return (error.reason or "no reason").lower().replace("_", " ")
