"""A CA for tests, made by openssl: certificates and keys as PEM."""

import functools
import pathlib
import subprocess
import tempfile


@functools.cache
def folder():
    return tempfile.TemporaryDirectory()


def _openssl(*words):
    subprocess.run(["openssl", *words], cwd=folder().name, check=True, capture_output=True)


def _read(name):
    return pathlib.Path(folder().name, name).read_text()


@functools.cache
def key(name):
    _openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", f"{name}.key")
    return _read(f"{name}.key")


@functools.cache
def certificate(name, issuer=None, days=3650, is_ca=False):
    """The certificate of *name*, signed by *issuer*, or by itself."""
    key(name)
    signer = issuer or name
    subject = ("req", "-new", "-key", f"{name}.key", "-subj", f"/CN={name}", "-out", f"{name}.csr")
    _openssl(*subject)
    limits = f"basicConstraints=critical,CA:{'TRUE' if is_ca else 'FALSE'}\nsubjectAltName=DNS:{name}\n"
    pathlib.Path(folder().name, "extensions").write_text(limits)
    sign = ["x509", "-req", "-in", f"{name}.csr", "-days", str(days), "-extfile", "extensions", "-out", f"{name}.crt"]
    by = (
        ["-CA", f"{signer}.crt", "-CAkey", f"{signer}.key", "-CAcreateserial"]
        if issuer
        else ["-signkey", f"{name}.key"]
    )
    _openssl(*sign, *by)
    return _read(f"{name}.crt")


def signed(csr, issuer):
    """The certificate that *issuer* gives for a request, with the names that it asks for."""
    pathlib.Path(folder().name, "asked.csr").write_text(csr)
    _openssl("req", "-in", "asked.csr", "-noout", "-verify")
    by = ["-CA", f"{issuer}.crt", "-CAkey", f"{issuer}.key", "-CAcreateserial", "-copy_extensions", "copyall"]
    _openssl("x509", "-req", "-in", "asked.csr", *by, "-days", "90", "-out", "asked.crt")
    return _read("asked.crt")


ROOT = certificate("root", is_ca=True)
BETWEEN = certificate("between", "root", is_ca=True)
LEAF = certificate("leaf", "between")
KEY = key("leaf")
ALONE = certificate("alone")
ALONE_KEY = key("alone")
