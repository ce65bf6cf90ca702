"""Keys, certificates and certificate requests of the charm itself, made by the program openssl."""

from __future__ import annotations

import ipaddress
import re
import subprocess
import time
from collections.abc import Sequence

from registry.formats.relations import Request

_PROGRAM = "/usr/bin/openssl"
_NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "/dev/stdout")
_BLOCKS = ("PRIVATE KEY", "CERTIFICATE REQUEST")


class OpensslError(OSError):
    """openssl failed; ``strerror`` has its own words."""


def identity(name: str) -> str:
    """Return a new key and a self-signed certificate for the client *name*, as one PEM. Raises OpensslError.

    It practically never expires: a registry trusts it by a file of the same release.
    """
    arguments = ("-x509", "-days", "36500", "-subj", f"/CN={name}", "-addext", "extendedKeyUsage=clientAuth")
    return _run("req", *_NEW_KEY, *arguments)


def request(names: Sequence[str]) -> Request:
    """Return a new key, and the request for a certificate that is valid for *names*. Raises OpensslError."""
    kinds = ",".join(f"{'IP' if _is_address(name) else 'DNS'}:{name}" for name in names)
    # A common name has 64 characters at most: https://www.rfc-editor.org/rfc/rfc5280#appendix-A.1
    output = _run("req", *_NEW_KEY, "-subj", f"/CN={names[0][:64]}", "-addext", f"subjectAltName={kinds}")
    key, csr = (re.search(f"-----BEGIN {what}-----.*?-----END {what}-----\n", output, re.DOTALL) for what in _BLOCKS)
    if key is None or csr is None:
        raise OpensslError(5, "openssl req: the output has no key or no request")
    return Request(tuple(names), csr.group(), key.group(), time.time())


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _run(*words: str) -> str:
    try:
        done = subprocess.run([_PROGRAM, *words], check=False, capture_output=True, text=True, errors="replace")
    except FileNotFoundError as error:
        raise OpensslError(2, "openssl is not installed (`apt-get install openssl`)") from error
    if done.returncode:
        raise OpensslError(5, f"openssl {words[0]}: {(done.stderr.strip().splitlines() or ['no error message'])[-1]}")
    return done.stdout
