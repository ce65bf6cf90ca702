"""Files encrypted for a recipient, by age or GnuPG. Debian has both as packages."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import subprocess
import tempfile
from collections.abc import Iterator
from typing import IO

from registry.message import Fault, Message

NOT_A_RECIPIENT = Message(
    "{recipient!r} is not a recipient", "Use age1..., an SSH public key, or the path of a GnuPG public key on the unit"
)
"""A backup is encrypted for a recipient of age, or for the key in a file that `gpg --export` wrote."""
NO_IDENTITY = Message("not set, but the file is encrypted", "Set the path of the key on the unit")
"""The backup was made with a recipient: its secret key is needed to restore it."""
FAILED = Message("{program} failed: {error}", "Check the key and the file")
"""age or GnuPG cannot encrypt for this recipient, or decrypt with this identity, in its own words."""

AGE = b"age-encryption.org/"
"""Beginning of a file that age has encrypted: https://age-encryption.org/v1"""


class EncryptionError(Fault):
    """The file cannot be encrypted or decrypted."""


@dataclasses.dataclass(frozen=True)
class Cipher:
    """One of the two programs, with its options; it reads stdin and writes stdout."""

    packages: tuple[str, ...]
    words: tuple[str, ...]
    secret_key: str = ""
    """Path of a key that GnuPG needs in its keyring."""


GPG = ("gpg", "--batch", "--no-tty", "--quiet")
GPG_PACKAGES = ("gpg", "gpg-agent")


def encrypting(recipient: str) -> Cipher:
    """Return what encrypts for *recipient*. Raises EncryptionError."""
    if recipient.startswith(("age1", "ssh-")):
        return Cipher(("age",), ("age", "--encrypt", "--recipient", recipient))
    if not recipient.startswith("/"):
        raise EncryptionError(NOT_A_RECIPIENT(recipient=recipient))
    return Cipher(GPG_PACKAGES, (*GPG, "--trust-model", "always", "--recipient-file", recipient, "--encrypt"))


def decrypting(beginning: bytes, identity: str) -> Cipher:
    """Return what decrypts a file with this *beginning* by the key in the file *identity*. Raises EncryptionError."""
    if not identity:
        raise EncryptionError(NO_IDENTITY())
    if beginning.startswith(AGE):
        return Cipher(("age",), ("age", "--decrypt", "--identity", identity))
    return Cipher(GPG_PACKAGES, (*GPG, "--decrypt"), identity)


@contextlib.contextmanager
def writing(cipher: Cipher, file: IO[bytes]) -> Iterator[IO[bytes]]:
    """Yield a stream; what is written to it is encrypted to *file*. Raises EncryptionError, OSError."""
    with _running(cipher, stdin=subprocess.PIPE, stdout=file) as process:
        assert process.stdin is not None
        yield process.stdin


@contextlib.contextmanager
def reading(cipher: Cipher, file: IO[bytes]) -> Iterator[IO[bytes]]:
    """Yield a stream with what *file* contains, decrypted. Raises EncryptionError, OSError."""
    with _running(cipher, stdin=file, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield process.stdout


@contextlib.contextmanager
def _running(cipher: Cipher, stdin: int | IO[bytes], stdout: int | IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """Run the program, with a keyring of its own, which is removed. Its errors take precedence over the body's."""
    with tempfile.TemporaryDirectory() as home, tempfile.TemporaryFile() as errors:
        environment = {**os.environ, "GNUPGHOME": home}
        try:
            if cipher.secret_key:
                done = subprocess.run(
                    [*GPG, "--import", cipher.secret_key], env=environment, stderr=errors, check=False
                )
                _check(GPG[0], done.returncode, errors)
            process = subprocess.Popen(cipher.words, env=environment, stdin=stdin, stdout=stdout, stderr=errors)
            try:
                yield process
            finally:
                _end(process)
                _check(cipher.words[0], process.wait(), errors)
        finally:
            if cipher.words[0] == GPG[0]:
                subprocess.run(["gpgconf", "--kill", "all"], env=environment, capture_output=True, check=False)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Close the stream, so that the program ends; one that cannot write would fail for that reason."""
    if process.stdout is not None:
        while process.stdout.read(1 << 16):
            pass
    for stream in filter(None, (process.stdin, process.stdout)):
        with contextlib.suppress(BrokenPipeError):
            stream.close()


def _check(program: str, code: int, errors: IO[bytes]) -> None:
    if code != 0:
        errors.seek(0)
        lines = errors.read(1 << 16).decode(errors="replace").strip().splitlines()
        words = next((line for line in lines if "error" in line.lower()), (lines or [f"exit status {code}"])[-1])
        raise EncryptionError(FAILED(program=program, error=words.strip().rstrip(".")))
