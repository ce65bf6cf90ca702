"""A backup of a unit: a tar archive in one file that only root can read, encrypted if that is requested."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import pathlib
import shutil
import stat
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from typing import IO, Any, cast

from registry.client.archive import BadArchive
from registry.client.layout_reader import LayoutReader
from registry.client.space import CHUNK, Spared
from registry.machine import encryption, paths
from registry.machine.encryption import Cipher
from registry.machine.files import open_private
from registry.message import Fault, Message

NOT_A_BACKUP = Message("{path} is not a backup of this charm ({error})", "Use a file that the action backup wrote")
"""The file is damaged, or something else, or of a newer revision of the charm."""
NO_IMAGES = Message("{path} has no images ({error})", "Use a backup that was made with images=true")
"""The backup was made without images, or is damaged after what it has besides images."""

NOT_REPLACED = Message("{path} exists and is not a backup", "Use another path, or remove it first")
"""The action backup replaces an earlier backup only, and no other file, device or folder."""

ENCRYPTED_KEYS = (b"\x84", b"\x85", b"\xc1")
"""How a message that gpg encrypted for a key begins: https://www.rfc-editor.org/rfc/rfc9580#section-4.2."""

UNIT = "unit.json"
"""Name in the archive of what is not an image; it comes first."""
VERSION = 1
LIMIT = 16 << 20
"""Bytes of that file."""


_UNREADABLE = (tarfile.TarError, ValueError, KeyError, TypeError, AttributeError, RecursionError)
"""What is raised where the file is another one, or has other values."""


class BadBackup(Fault):
    """The file is no backup."""


@dataclasses.dataclass(frozen=True)
class Saved:
    """What is saved of a unit besides its images. All of it may be secret."""

    unit: str
    made: str
    """When, in UTC."""
    options: Mapping[str, Any] = dataclasses.field(repr=False)
    """The options that differ from their defaults, as they were set."""
    secrets: Mapping[str, Mapping[str, str]] = dataclasses.field(repr=False)
    """Contents of the Juju secrets in the options, by URI."""
    http_secret: str = dataclasses.field(repr=False)
    """The secret that all units share."""
    credentials: Mapping[str, str] = dataclasses.field(repr=False)
    """Texts of the credentials' files, by name."""
    certificates: Mapping[str, str] = dataclasses.field(repr=False)
    """Texts of the operator's files of the options tls-*-path, by path."""

    def to_json(self) -> str:
        """Return what `from_json` reads."""
        return json.dumps({"version": VERSION, **dataclasses.asdict(self)}, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: bytes) -> Saved:
        """Read what `to_json` returned. Raises one of `_UNREADABLE`."""
        document = json.loads(text)
        if document["version"] != VERSION:
            raise ValueError(f"version {document['version']}")
        saved = cls(**{field.name: document[field.name] for field in dataclasses.fields(cls)})
        maps = (saved.credentials, saved.certificates, *saved.secrets.values())
        texts = (saved.unit, saved.made, saved.http_secret, *(text for one in maps for text in one.values()))
        if not isinstance(saved.options, dict) or not all(isinstance(text, str) for text in texts):
            raise TypeError("other values than the action backup writes")
        return saved


@contextlib.contextmanager
def writing(path: str, saved: Saved, cipher: Cipher | None) -> Iterator[IO[bytes]]:
    """Write a backup to *path*, which appears when it is whole; the body can continue the tar archive on the stream.

    Raises BadBackup, NoSpace, EncryptionError, OSError; UnsafePath in a folder that others can write.
    """
    _require_replaceable(path)
    with contextlib.ExitStack() as opened:
        stream = file = opened.enter_context(open_private(path))
        if cipher:
            stream = opened.enter_context(encryption.writing(cipher, stream))
        data = saved.to_json().encode()
        entry = tarfile.TarInfo(UNIT)
        entry.size, entry.mode = len(data), 0o600
        stream.write(entry.tobuf() + data + bytes(-len(data) % tarfile.BLOCKSIZE))
        yield cast("IO[bytes]", Spared(stream, pathlib.Path(path).parent, file))
        stream.write(bytes(2 * tarfile.BLOCKSIZE))


def encrypted_beginning(path: str) -> bytes:
    """Return the beginning of a backup that is encrypted; empty if it is not. Raises OSError."""
    with _opened(path) as file:
        beginning = file.read(len(encryption.AGE))
    # A message of OpenPGP begins with a bit that no text has: https://www.rfc-editor.org/rfc/rfc9580#section-4.2
    return beginning if beginning == encryption.AGE or beginning[:1] >= b"\x80" else b""


def read(path: str, cipher: Cipher | None) -> Saved:
    """Return what the backup at *path* has besides images. Raises BadBackup, EncryptionError, OSError."""
    with _opened(path) as file:
        try:
            if not cipher:
                return _saved(file)
            with encryption.reading(cipher, file) as stream:
                return _saved(stream)
        except _UNREADABLE as error:
            raise BadBackup(NOT_A_BACKUP(path=path, error=error)) from error


@contextlib.contextmanager
def images(path: str, cipher: Cipher | None) -> Iterator[LayoutReader]:
    """Open the images in the backup at *path*. Raises BadBackup, NoSpace, EncryptionError, OSError.

    One that is encrypted is decrypted to a file without a name, which is gone whatever happens.
    """
    with contextlib.ExitStack() as opened:
        file = opened.enter_context(_opened(path))
        if cipher:
            encrypted, folder = file, pathlib.Path(path).parent
            file = opened.enter_context(tempfile.TemporaryFile(dir=folder))
            with encryption.reading(cipher, encrypted) as stream:
                shutil.copyfileobj(stream, Spared(file, folder), CHUNK)
            file.flush()
        try:
            reader = LayoutReader(pathlib.Path(f"/proc/self/fd/{file.fileno()}"), hosts=True)
        except BadArchive as error:
            raise BadBackup(NO_IMAGES(path=path, error=error)) from error
        yield reader


def _saved(stream: IO[bytes]) -> Saved:
    """Read the first file of the archive. Raises one of `_UNREADABLE`."""
    with tarfile.open(fileobj=stream, mode="r|") as archive:
        first = archive.next()
        file = archive.extractfile(first) if first is not None and first.name == UNIT else None
        if first is None or file is None or first.size > LIMIT:
            raise KeyError(UNIT)
        return Saved.from_json(file.read())


def _require_replaceable(path: str) -> None:
    """Raise BadBackup if something that is not a backup is at *path*. Raises OSError."""
    try:
        with _opened(path) as file:
            beginning = file.read(len(encryption.AGE)) if stat.S_ISREG(os.fstat(file.fileno()).st_mode) else b""
    except FileNotFoundError:
        return
    if not beginning.startswith((UNIT.encode(), encryption.AGE, *ENCRYPTED_KEYS)):
        raise BadBackup(NOT_REPLACED(path=path))


def _opened(path: str) -> IO[bytes]:
    return open(path, "rb", opener=paths.open_existing)
