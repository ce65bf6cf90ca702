"""Keys and certificates of the charm's own, by the program openssl, which each machine has."""

from __future__ import annotations

import subprocess

_PROGRAM = "/usr/bin/openssl"
_NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "/dev/stdout")


class OpensslError(OSError):
    """It does not do what it shall; ``strerror`` is a clause with its own words."""


def identity(name: str) -> str:
    """Return a new key and a certificate by itself for the client *name*, as one PEM. Raises OpensslError.

    It is never to end: whoever trusts it has it in a file beside it.
    """
    asked = ("-x509", "-days", "36500", "-subj", f"/CN={name}", "-addext", "extendedKeyUsage=clientAuth")
    return _run("req", *_NEW_KEY, *asked)


def _run(*words: str) -> str:
    try:
        done = subprocess.run([_PROGRAM, *words], check=False, capture_output=True, text=True, errors="replace")
    except FileNotFoundError as error:
        raise OpensslError(2, "openssl is not installed (`apt-get install openssl`)") from error
    if done.returncode:
        raise OpensslError(5, f"openssl {words[0]}: {(done.stderr.strip().splitlines() or ['no word'])[-1]}")
    return done.stdout
