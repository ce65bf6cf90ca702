"""Certificates and private keys in PEM."""

import base64
import ssl
import subprocess

import pytest
from registry.formats import certificates

CERTIFICATE = """\
-----BEGIN CERTIFICATE-----
MIIBeTCCAR+gAwIBAgIUL+ug2nkLYI50Xz9rgZKJJQRRmfkwCgYIKoZIzj0EAwIw
ETEPMA0GA1UEAwwGdG9rZW5zMCAXDTI2MTEyNDAwMjQ0M1oYDzIxMjYxMDMxMDAy
NDQzWjARMQ8wDQYDVQQDDAZ0b2tlbnMwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC
AAQ/bbriW0egGh6hwAqlYhPVQebfeOeVTBxMPdOyIWq4SegC1ADVo36onXFjMbrO
Dv4MhQLeJ20C6ibnYkSc+HYMo1MwUTAdBgNVHQ4EFgQU5UsunylijGvQyADEXEtA
5lmm2xkwHwYDVR0jBBgwFoAU5UsunylijGvQyADEXEtA5lmm2xkwDwYDVR0TAQH/
BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiBlvrTd3Sj7e39oYxBwEpbDFdsMl8F2
iWjmJuy7A+CEGAIhAIhts7Vvw9uP3gaAfNMXKofVaG/8JF4eapdtzJP6AoGh
-----END CERTIFICATE-----
"""
"""Of nobody; valid until 2126."""


def changed(old, new):
    """Return CERTIFICATE with a part of its DER, the last of its kind, replaced by one of the same length."""
    before, found, after = ssl.PEM_cert_to_DER_cert(CERTIFICATE).rpartition(old)
    assert found and len(new) == len(old)
    return ssl.DER_cert_to_PEM_cert(before + new + after)


NOT_PEM = "the text is neither PEM nor base64 of PEM. Use the content of a PEM file"
NO_CERTIFICATE = "the text contains no certificate. Use PEM or base64 of PEM"
UNREADABLE = "the text contains a certificate that cannot be read. Use an undamaged copy"


@pytest.mark.parametrize(
    "text",
    [
        CERTIFICATE,
        f"\n  subject=CN = tokens\r\n{CERTIFICATE}\n\n",
        f"-----BEGIN PRIVATE KEY-----\nhush\n-----END PRIVATE KEY-----\n{CERTIFICATE}",
        base64.b64encode(CERTIFICATE.encode()).decode(),
        base64.encodebytes(CERTIFICATE.encode()).decode(),
        base64.encodebytes(CERTIFICATE.encode()).decode().replace("\n", " "),
    ],
)
def test_pem_and_base64_of_it_give_the_certificates_and_nothing_else(text):
    assert certificates.bundle(text) == CERTIFICATE


def test_the_output_of_the_base64_command_is_read(tmp_path):
    (tmp_path / "two.pem").write_text(CERTIFICATE * 2)
    written = subprocess.run(["base64", tmp_path / "two.pem"], capture_output=True, text=True, check=True).stdout
    assert certificates.bundle(written) == CERTIFICATE * 2


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("/etc/ssl/certs.pem", NOT_PEM),
        ("not base64!", NOT_PEM),
        (base64.b64encode(b"\xff\xfe").decode(), NOT_PEM),
        (base64.b64encode(b"certificate").decode(), NO_CERTIFICATE),
        ("-----BEGIN CERTIFICATE-----\nMIIB", NO_CERTIFICATE),
        ("-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----", NO_CERTIFICATE),
        ("-----BEGIN CERTIFICATE-----\n????\n-----END CERTIFICATE-----", UNREADABLE),
        (CERTIFICATE + CERTIFICATE.replace("MIIB", "MIIC"), UNREADABLE),
        (CERTIFICATE.replace("MIIB", "M\u00cdB"), UNREADABLE),
        (changed(b"\x3d\x04\x03\x02", b"\x3d\x04\x03\x03"), UNREADABLE),  # two signature algorithms
        (changed(b"\x55\x1d\x23", b"\x55\x1d\x0e"), UNREADABLE),  # one extension twice
        (changed(b"261124002443Z", b"261124002443z"), UNREADABLE),  # no time to Go
        (changed(b"\x06\x03\x55\x1d\x23", b"\x06\x00\x04\x01\x23"), UNREADABLE),  # no name of an extension
    ],
)
def test_anything_else_is_a_problem(text, problem):
    with pytest.raises(certificates.BadCertificates) as raised:
        certificates.bundle(text)
    assert raised.value.text == problem


def test_a_name_that_is_not_ascii_is_named(tmp_path):
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj"]
    names = "subjectAltName=DNS:a.example,DNS:munchen.example,email:munchen@example.com"
    more = ["/CN=x", "-addext", names, "-keyout", tmp_path / "key", "-outform", "DER"]
    made = subprocess.run([*command, *more], capture_output=True, check=True).stdout
    for old, new in (
        (b"munchen.example", "m\xfcnche.example".encode()),
        (b"munchen@", "m\xfcnche@".encode()),
        (b"munchen.", b"m\xfcnchen."),
    ):
        raw = base64.b64encode(made.replace(old, new)).decode()
        with pytest.raises(certificates.BadCertificates) as raised:
            certificates.bundle(f"-----BEGIN CERTIFICATE-----\n{raw}\n-----END CERTIFICATE-----\n")
        assert raised.value.text.startswith("clients written in Go refuse the certificate, because its subject alt")
        assert raised.value.text.endswith(
            "is not ASCII. Have it reissued with the form of the name that begins with xn--"
        )


def test_a_certificate_of_version_1_is_that_of_a_root_ca_if_it_is_its_own_issuer():
    data = ssl.PEM_cert_to_DER_cert(CERTIFICATE)
    length = len(data) - 4
    begin = data.index(b"\xa0\x03\x02\x01\x02")
    inner = int.from_bytes(data[begin - 2 : begin], "big")
    # The version is left out where it is 1: https://www.rfc-editor.org/rfc/rfc5280#section-4.1
    old = (
        b"\x30\x82" + (length - 5).to_bytes(2, "big") + b"\x30\x82" + (inner - 5).to_bytes(2, "big") + data[begin + 5 :]
    )
    found = certificates.parsed(ssl.DER_cert_to_PEM_cert(old))[0]
    assert (found.version, found.is_root_ca) == (1, True)
    assert certificates.parsed(CERTIFICATE)[0].version == 3
