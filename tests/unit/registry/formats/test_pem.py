"""Certificates and keys as operators have them: written in one form, or named with the way to convert them."""

import base64
import json
import subprocess
import time

import pytest
from authority import BETWEEN, KEY, LEAF, ROOT, folder
from registry.formats import certificates, pem

CHAIN = LEAF + BETWEEN


def openssl(*words, text=CHAIN):
    return subprocess.run(["openssl", *words], input=text.encode(), cwd=folder().name, check=True, capture_output=True)


def made(*words, text=CHAIN):
    """What openssl makes of *text*, as the charm reads a file: bytes that are no UTF-8 are surrogates."""
    return openssl(*words, text=text).stdout.decode("utf-8", "surrogateescape")


def encoded(text, *steps):
    data = text.encode(*steps[:1]) if steps else text.encode()
    return base64.b64encode(data).decode()


UNDERSTOOD = {
    "as it is": str,
    "CRLF": lambda text: text.replace("\n", "\r\n"),
    "CR": lambda text: text.replace("\n", "\r"),
    "byte order mark": lambda text: "\ufeff" + text,
    "byte order mark, CRLF": lambda text: "\ufeff" + text.replace("\n", "\r\n"),
    "NUL at the end": lambda text: text + "\0" * 64,
    "UTF-16 of Windows": lambda text: text.encode("utf-16").decode("utf-8", "surrogateescape"),
    "UTF-16 without a mark": lambda text: text.encode("utf-16-le").decode("utf-8", "surrogateescape"),
    "indented": lambda text: "".join(f"    {line}\n" for line in text.splitlines()),
    "blank lines": lambda text: text.replace("\n", "\n\n"),
    "one line": lambda text: text.replace("\n", " "),
    "one line without blanks": lambda text: text.replace("\n", ""),
    "literal \\n": lambda text: text.replace("\n", "\\n"),
    "literal \\r\\n": lambda text: text.replace("\n", "\\r\\n"),
    "literal \\\\n": lambda text: text.replace("\n", "\\\\n"),
    "JSON": json.dumps,
    "in quotes": lambda text: f"'{text}'",
    "lines in quotes": lambda text: "".join(f'"{line}\\n"\n' for line in text.splitlines()),
    "text around": lambda text: f"Bag Attributes\n    localKeyID: 01\nsubject=CN = x\n{text}\n-- \nRegards\n",
    "Latin-1 around": lambda text: f"# f\udcfcr uns\n{text}",
    "parameters before": lambda text: (
        f"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n{text}"
    ),
    "parameters after": lambda text: (
        f"{text}-----BEGIN X9.42 DH PARAMETERS-----\nMBoCAQUCAQI=\n-----END X9.42 DH PARAMETERS-----\n"
    ),
    "one long line": lambda text: text.replace("\n", "").replace("-----BE", "\n-----BE").replace("-----M", "-----\nM"),
    "base64": encoded,
    "base64 in lines": lambda text: base64.encodebytes(text.encode()).decode(),
    "base64 in CRLF lines": lambda text: base64.encodebytes(text.encode()).decode().replace("\n", "\r\n"),
    "base64 without padding": lambda text: encoded(text).rstrip("="),
    "base64 of CRLF": lambda text: encoded(text.replace("\n", "\r\n")),
    "base64 of UTF-16": lambda text: encoded(text, "utf-16"),
    "base64 of base64": lambda text: encoded(encoded(text)),
}


@pytest.mark.parametrize("shape", UNDERSTOOD)
def test_what_can_be_understood_is_written_in_one_form(shape):
    assert certificates.bundle(UNDERSTOOD[shape](CHAIN)) == CHAIN
    assert certificates.key(UNDERSTOOD[shape](KEY)) == KEY
    assert certificates.bundle(UNDERSTOOD[shape](KEY + CHAIN)) == CHAIN, "key and certificates in one file"
    assert certificates.key(UNDERSTOOD[shape](CHAIN + KEY)) == KEY


@pytest.mark.parametrize("label", ["X509 CERTIFICATE", "TRUSTED CERTIFICATE"])
def test_other_labels_of_certificates(label):
    assert certificates.bundle(CHAIN.replace("CERTIFICATE", label)) == CHAIN


def test_trust_settings_of_openssl_are_left_out():
    trusted = made("x509", "-trustout", "-addtrust", "serverAuth", text=ROOT)
    assert "TRUSTED" in trusted
    assert certificates.bundle(trusted) == ROOT


def test_a_key_has_the_label_of_its_structure():
    inner = made("pkcs8", "-topk8", "-nocrypt", text=KEY)
    assert certificates.key(inner) == inner
    assert certificates.key(inner.replace("PRIVATE KEY", "EC PRIVATE KEY")) == inner
    assert certificates.key(KEY.replace("EC PRIVATE KEY", "PRIVATE KEY")) == KEY
    rsa = made("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024")
    for one in (rsa, made("rsa", "-traditional", text=rsa)):
        assert certificates.key(one) == one


def encrypted(*words):
    return made(*words, "-passout", "pass:field", text=KEY)


OTHER_FORMATS = {
    "DER": (lambda: made("x509", "-outform", "der"), pem.DER_CERTIFICATE),
    "DER in base64": (lambda: encoded_bytes("x509", "-outform", "der"), pem.DER_CERTIFICATE),
    "PKCS#7": (lambda: made("crl2pkcs7", "-nocrl", "-certfile", "/dev/stdin"), pem.PKCS7),
    "PKCS#7 in DER": (
        lambda: made("crl2pkcs7", "-nocrl", "-certfile", "/dev/stdin", "-outform", "der"),
        pem.PKCS7,
    ),
    "PKCS#12": (lambda: made("pkcs12", "-export", "-passout", "pass:", text=KEY + CHAIN), pem.PKCS12),
    "PKCS#12 in base64": (
        lambda: encoded_bytes("pkcs12", "-export", "-passout", "pass:", text=KEY + CHAIN),
        pem.PKCS12,
    ),
    "Java keystore": (lambda: "\udcfe\udced\udcfe\udced" + "x" * 80, pem.KEYSTORE),
    "request": (lambda: made("req", "-new", "-subj", "/CN=x", "-key", "leaf.key"), pem.REQUEST),
}
OTHER_KEYS = {
    "DER": (lambda: made("pkey", "-outform", "der", text=KEY), pem.DER_KEY),
    "DER of an older form": (lambda: made("ec", "-outform", "der", text=KEY), pem.DER_KEY),
    "PKCS#12": (lambda: made("pkcs12", "-export", "-passout", "pass:", text=KEY + CHAIN), pem.PKCS12),
    "encrypted PKCS#8": (lambda: encrypted("pkey", "-aes256"), pem.ENCRYPTED_KEY),
    "encrypted PKCS#8 in one line": (lambda: encrypted("pkey", "-aes256").replace("\n", " "), pem.ENCRYPTED_KEY),
    "encrypted, older form": (lambda: encrypted("ec", "-aes256"), pem.ENCRYPTED_KEY),
    "encrypted PKCS#8 in DER": (
        lambda: encrypted("pkcs8", "-topk8", "-outform", "der"),
        pem.ENCRYPTED_KEY,
    ),
    "OpenSSH": (
        lambda: "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk=\n-----END OPENSSH PRIVATE KEY-----\n",
        pem.OPENSSH_KEY,
    ),
    "damaged": (lambda: KEY.replace("MHc", "MHd"), certificates.UNREADABLE_KEY),
    "a certificate": (lambda: CHAIN, certificates.NO_KEY),
}


def encoded_bytes(*words, text=CHAIN):
    return base64.b64encode(openssl(*words, text=text).stdout).decode()


@pytest.mark.parametrize("name", OTHER_FORMATS)
def test_other_formats_are_named(name):
    make, message = OTHER_FORMATS[name]
    with pytest.raises(certificates.BadCertificates) as raised:
        certificates.bundle(make())
    assert raised.value.text == message()


@pytest.mark.parametrize("name", OTHER_KEYS)
def test_other_formats_of_keys_are_named(name):
    make, message = OTHER_KEYS[name]
    with pytest.raises(certificates.BadCertificates) as raised:
        certificates.key(make())
    assert raised.value.text == message()


@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN CERTIFICATE-----\n" * 20_000,
        "-----BEGIN CERTIFICATE-----\n-----END PRIVATE KEY-----\n" * 10_000,
        "-" * 1_000_000 + CHAIN[:-60],
        "-----BEGIN CERTIFICATE-----" + "A" * 1_000_000,
        "-----BEGIN CERTIFICATE-----" + "-A" * 500_000,
        "\\n" * 300_000,
        "A: b\n" * 200_000,
    ],
    ids=["beginnings", "other ends", "minuses", "one beginning", "parts", "escapes", "headers"],
)
def test_nothing_costs_more_than_its_length(text):
    begin = time.process_time()
    with pytest.raises(certificates.BadCertificates):
        certificates.bundle(text)
    assert time.process_time() - begin < 5


@pytest.mark.parametrize("text", [CHAIN[:-60], LEAF + BETWEEN[:200], LEAF[:200] + BETWEEN])
def test_a_chain_that_is_cut_off_is_not_taken_in_part(text):
    with pytest.raises(certificates.BadCertificates):
        certificates.bundle(text)
