"""Certificates that an operator hands over."""

import base64
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


def test_it_takes_what_the_base64_command_writes(tmp_path):
    (tmp_path / "two.pem").write_text(CERTIFICATE * 2)
    written = subprocess.run(["base64", tmp_path / "two.pem"], capture_output=True, text=True, check=True).stdout
    assert certificates.bundle(written) == CERTIFICATE * 2


@pytest.mark.parametrize(
    ("text", "clause"),
    [
        ("/etc/ssl/certs.pem", "this is neither PEM nor base64 of it"),
        ("not base64!", "this is neither PEM nor base64 of it"),
        (base64.b64encode(b"\xff\xfe").decode(), "this is neither PEM nor base64 of it"),
        (base64.b64encode(b"certificate").decode(), "there is no certificate in it"),
        ("-----BEGIN CERTIFICATE-----\nMIIB", "there is no certificate in it"),
        ("-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----", "there is no certificate in it"),
        ("-----BEGIN CERTIFICATE-----\n????\n-----END CERTIFICATE-----", "a certificate in it cannot be read"),
        (CERTIFICATE + CERTIFICATE.replace("MIIB", "MIIC"), "a certificate in it cannot be read"),
        (CERTIFICATE.replace("MIIB", "M\u00cdB"), "a certificate in it cannot be read"),
    ],
)
def test_anything_else_is_refused(text, clause):
    with pytest.raises(certificates.BadCertificates, match=f"^{clause}"):
        certificates.bundle(text)
