"""PEM as operators have it: read in every shape that can be understood, and written in one.

What is not PEM is named by what it is, with the command that converts it.
"""

from __future__ import annotations

import base64
import dataclasses
import re
import textwrap

from registry.formats import der
from registry.message import Fault, Message, Text

NOT_PEM = Message("the text is neither PEM nor base64 of PEM", "Use the content of a PEM file")
"""A certificate or private key is in an unknown format, or is the path of a file."""
CUT_OFF = Message("the text ends in the middle of a PEM block", "Use a complete copy")
"""There is a `BEGIN` line without its `END` line, for example because a copy was cut off."""
DER_CERTIFICATE = Message(
    "this is a certificate in DER and not in PEM", "Convert it with `openssl x509 -inform der -in FILE`"
)
"""The text, or the base64 of it, is the binary form of a certificate; such files often end in .der or .cer."""
DER_KEY = Message("this is a private key in DER and not in PEM", "Convert it with `openssl pkey -inform der -in FILE`")
"""The text, or the base64 of it, is the binary form of a private key."""
PKCS7 = Message(
    "this is PKCS#7 and not PEM of certificates",
    "Convert it with `openssl pkcs7 -print_certs -in FILE` (DER: -inform der)",
)
"""The text is a collection of certificates as Windows exports it; such files often end in .p7b or .p7c."""
PKCS12 = Message("this is PKCS#12 and not PEM", "Convert it with `openssl pkcs12 -nodes -in FILE`")
"""The text, or the base64 of it, is an archive with key and certificates; such files often end in .p12 or .pfx."""
KEYSTORE = Message(
    "this is a Java keystore and not PEM",
    "Convert it with `keytool -importkeystore -deststoretype PKCS12` and `openssl pkcs12 -nodes`",
)
"""The text, or the base64 of it, is a keystore of Java; such files often end in .jks."""
REQUEST = Message("this is a certificate request", "Have a CA sign it, and use the certificate that it issues")
"""The text is what a CA makes a certificate of, and not the certificate; such files often end in .csr."""
OPENSSH_KEY = Message("this is a private key of OpenSSH", "Convert it with `ssh-keygen -p -m PEM -f FILE`")
"""The key is in a format that only SSH has."""
ENCRYPTED_KEY = Message("the private key is encrypted", "Remove its passphrase with `openssl pkey -in FILE`")
"""The registry starts without anyone to enter a passphrase."""

_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 #.]+)-----([^-]*(?:-(?!----(?:BEGIN|END) )[^-]*)*)-----END \1-----")
"""It ends before the next one begins, or a text of many beginnings would be read to its end for each of them."""
_BEGIN = "-----BEGIN "
_ESCAPES = re.compile(r"\\+[rnt]")
"""Line breaks as JSON, YAML and environment files write them."""
_HEADERS = re.compile(r"\A\s*(?:[A-Za-z][A-Za-z-]*: [^\n]*\n)+")
"""https://www.rfc-editor.org/rfc/rfc1421#section-4.6"""
_NO_BASE64 = re.compile(r"[\s\"'\\,\u200b\u2060]+")
"""What stands between the characters of base64 where it was indented, quoted or copied from a page."""
_LAYERS = 3
"""Kubernetes and Juju both have base64: more than two of it, one in the other, is not what anybody has."""

CERTIFICATE_LABELS = frozenset({"CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE"})
_FORMATS = {
    **dict.fromkeys(("PKCS7", "PKCS #7 SIGNED DATA", "CMS"), PKCS7),
    **dict.fromkeys(("CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"), REQUEST),
}
_MAGIC = {b"\xfe\xed\xfe\xed": KEYSTORE, b"\xce\xce\xce\xce": KEYSTORE}
_SIGNED_DATA = bytes.fromhex("06092a864886f70d010702")
"""Object identifier 1.2.840.113549.1.7.2."""


class BadCertificates(Fault):
    """A text contains no certificates, or none that can be used."""


@dataclasses.dataclass(frozen=True)
class Block:
    """What is between a `BEGIN` and an `END`."""

    label: str
    body: str = dataclasses.field(repr=False)

    @property
    def is_encrypted(self) -> bool:
        """It is a key with a passphrase."""
        return "ENCRYPTED" in self.label or "ENCRYPTED" in self.body

    def data(self) -> bytes:
        """Return the DER in the block, without what follows it (trust settings of OpenSSL). Raises ValueError."""
        packed = _NO_BASE64.sub("", _HEADERS.sub("", self.body))
        data = base64.b64decode(packed, validate=True)
        element = der.first(data)
        if element.tag != der.SEQUENCE or (element.raw != data and self.label != "TRUSTED CERTIFICATE"):
            raise ValueError("no DER in the block")
        return element.raw


def blocks(text: str) -> list[Block]:
    """Return the blocks in *text*, which is PEM, or base64 of it, in any encoding, with anything else around.

    Bytes that are no UTF-8 are surrogates in *text*. Raises BadCertificates.
    """
    if not text.strip():
        return []
    plain = _ESCAPES.sub("\n", _unwrapped(text))
    found = [Block(label, body) for label, body in _BLOCK.findall(plain)]
    if found and _BEGIN in _BLOCK.sub("", plain):
        raise BadCertificates(CUT_OFF())
    return found


def other_format(found: list[Block]) -> Text | None:
    """Return what *found* is, if it is something with a name that is neither certificate nor key."""
    return next((_FORMATS[block.label]() for block in found if block.label in _FORMATS), None)


def armoured(label: str, data: bytes) -> str:
    """Return *data* as the one form of PEM in which the charm writes it."""
    body = "\n".join(textwrap.wrap(base64.b64encode(data).decode(), 64))
    return f"-----BEGIN {label}-----\n{body}\n-----END {label}-----\n"


def key_label(data: bytes) -> str | None:
    """Return the label for a private key, which depends on its structure; None if *data* is no private key."""
    try:
        parts = der.first(data).children()
    except ValueError:
        return None
    tags = [part.tag for part in parts[:3]]
    if tags[:2] == [der.INTEGER, der.SEQUENCE] and tags[2:] == [der.OCTET_STRING]:
        return "PRIVATE KEY"
    if tags[:2] == [der.INTEGER, der.OCTET_STRING]:
        return "EC PRIVATE KEY"
    return "RSA PRIVATE KEY" if tags == [der.INTEGER] * 3 and len(parts) >= 9 else None


_NOT_BYTES = re.compile("[\ud800-\udc7f\udd00-\udfff]")
"""Surrogates that stand for no byte."""


def _unwrapped(text: str) -> str:
    """Return the PEM in *text*, out of base64 if it is in it. Raises BadCertificates."""
    layers = [_NOT_BYTES.sub("?", text).encode("utf-8", "surrogateescape")]
    while _BEGIN not in _decoded(layers[-1]) and len(layers) <= _LAYERS:
        inner = _from_base64(layers[-1])
        if not inner:
            break
        layers.append(inner)
    if _BEGIN in _decoded(layers[-1]):
        return _decoded(layers[-1])
    known = next(filter(None, map(_binary_format, layers)), None)
    if known is not None:
        raise BadCertificates(known)
    if len(layers) == 1 or not _decoded(layers[1]) or "\ufffd" in _decoded(layers[1]):
        raise BadCertificates(NOT_PEM())
    return _decoded(layers[1])


def _decoded(data: bytes) -> str:
    """Return the text of *data*: UTF-16, as Windows writes it, or UTF-8, without marks and padding."""
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
    return data.decode(encoding, "replace").replace("\0", "").replace("\ufeff", "")


def _from_base64(data: bytes) -> bytes | None:
    packed = _NO_BASE64.sub("", _ESCAPES.sub("", _decoded(data)))
    try:
        return base64.b64decode(packed + "=" * (-len(packed) % 4), validate=True)
    except ValueError:
        return None


def _binary_format(data: bytes) -> Text | None:
    """Return what the binary *data* are, if that is known."""
    if data[:4] in _MAGIC:
        return _MAGIC[data[:4]]()
    # These two may be BER, with lengths that DER does not have.
    if data[:1] == b"0" and _SIGNED_DATA in data[:24]:
        return PKCS7()
    if data[:1] == b"0" and b"\x02\x01\x03\x30" in data[:12]:
        return PKCS12()
    try:
        whole = der.first(data)
        parts = whole.children() if whole.tag == der.SEQUENCE else []
    except ValueError:
        return None
    tags = [part.tag for part in parts[:3]]
    if key_label(data):
        return DER_KEY()
    if tags == [der.SEQUENCE, der.OCTET_STRING]:
        return ENCRYPTED_KEY()
    if tags == [der.SEQUENCE, der.SEQUENCE, der.BIT_STRING]:
        return DER_CERTIFICATE()
    return None
