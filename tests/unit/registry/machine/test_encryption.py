"""Streams through a program: `cat` and the shell stand for age and GnuPG, which run in the integration tests."""

import pytest
from registry.machine import encryption
from registry.machine.encryption import Cipher, EncryptionError


@pytest.mark.parametrize(
    ("recipient", "program"), [("age1abc", "age"), ("ssh-ed25519 AAAA", "age"), ("/root/key.asc", "gpg")]
)
def test_a_recipient_names_its_program(recipient, program):
    cipher = encryption.encrypting(recipient)
    assert cipher.words[0] == program
    assert recipient in cipher.words


def test_another_recipient_is_none():
    with pytest.raises(EncryptionError, match=r"'me@example\.com' is not a recipient"):
        encryption.encrypting("me@example.com")


def test_a_file_names_its_program_and_needs_a_key():
    assert encryption.decrypting(b"age-encryption.org/v1\n", "/key").words == ("age", "--decrypt", "--identity", "/key")
    gpg = encryption.decrypting(b"\x85\x02", "/key")
    assert (gpg.words[0], gpg.secret_key) == ("gpg", "/key")
    with pytest.raises(EncryptionError, match="not set, but the file is encrypted"):
        encryption.decrypting(b"age-encryption.org/v1\n", "")


def test_what_is_written_goes_through_the_program(tmp_path):
    path = tmp_path / "file"
    with path.open("wb") as file, encryption.writing(Cipher((), ("tr", "a-z", "A-Z")), file) as stream:
        stream.write(b"abc" * 100_000)
    assert path.read_bytes() == b"ABC" * 100_000
    with path.open("rb") as file, encryption.reading(Cipher((), ("tr", "A-Z", "a-z")), file) as stream:
        assert stream.read(3) == b"abc"  # the rest is read for the program to end as usual


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo one >&2; echo 'error: no key' >&2; echo three >&2; exit 2", "sh failed: error: no key"),
        ("echo one >&2; echo last. >&2; exit 2", "sh failed: last"),
        ("exit 3", "sh failed: exit status 3"),
    ],
)
def test_a_program_that_fails_says_why(tmp_path, script, words):
    cipher = Cipher((), ("sh", "-c", script))
    with pytest.raises(EncryptionError) as found:
        _write(cipher, tmp_path / "file")
    assert str(found.value).startswith(words)


def _write(cipher, path):
    with path.open("wb") as file, encryption.writing(cipher, file) as stream:
        stream.write(b"x" * 1_000_000)  # the programs here read none of it
        stream.flush()
