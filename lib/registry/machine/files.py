"""Files of the machine: written atomically, and read from paths that the operator configures."""

from __future__ import annotations

import contextlib
import os
import pathlib
import stat
from collections.abc import Iterator
from typing import IO, TextIO

from registry.machine import paths
from registry.message import Fault, Message

DRAFT = ".{}.new"
"""Under what name a file is written until it is whole."""
LIMIT = 1 << 20
"""Bytes that an operator's file has at most: a thousand certificates."""

NOT_A_FILE = Message("{path} is not a regular file", "Use the path of a file")
"""There is a device, a named pipe or a socket at the configured path."""
UNREADABLE = Message("{path} cannot be read ({error})", "Check the path")
"""The machine cannot read the file at the configured path, for example because the path is that of a folder."""
TOO_LARGE = Message("{path} is larger than {limit} bytes", "Use the path of a smaller file")
"""There is a file at the configured path that is too large to be a certificate, a key or a list."""


class UnreadableError(Fault):
    """The path exists, but cannot be read as a file."""


class LocalFiles:
    """Files at any path, of any owner."""

    def read(self, path: str) -> str | None:
        """Return the text of a file, None if it does not exist. Raises UnreadableError.

        Bytes that are no UTF-8 are surrogates in it, so that it can be told what they are.
        """
        data = self._read_bytes(path)
        return None if data is None else data.decode("utf-8", "surrogateescape")

    def _read_bytes(self, path: str) -> bytes | None:
        try:
            return _bytes(path, LIMIT)
        except FileNotFoundError:
            return None

    def has_text(self, path: str, text: str) -> bool:
        """Tell whether the file exists with exactly this text."""
        try:
            return self._read_bytes(path) == encoded(text)
        except UnreadableError:
            return False

    def ensure(self, path: str, text: str, mode: int) -> None:
        """Write a file, unless it has this text and no more permissions than *mode*.

        Raises OSError; UnsafePath for a secret in a folder that others can write.
        """
        with paths.located(path, create=True) as (folder, name):
            if not mode & 0o077:
                paths.require_private(folder, path)
            if not self.has_text(path, text) or stat.S_IMODE(os.stat(path).st_mode) & ~mode:
                _write(folder, name, path, text, mode)

    def remove(self, path: str) -> None:
        """Remove a file, if it exists. Raises OSError."""
        with contextlib.suppress(FileNotFoundError), paths.located(path) as (folder, name):
            os.unlink(name, dir_fd=folder)


def read_given(path: str, limit: int) -> bytes:
    """Return the content of a file that an operator names, of *limit* bytes at most. Raises UnreadableError.

    A device or a named pipe may have no end.
    """
    try:
        return _bytes(path, limit)
    except FileNotFoundError as error:
        raise UnreadableError(UNREADABLE(path=path, error=error.strerror)) from error


def _bytes(path: str, limit: int) -> bytes:
    """Return the content of a regular file. Raises UnreadableError, FileNotFoundError."""
    try:
        with open(path, "rb", opener=paths.open_existing) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise UnreadableError(NOT_A_FILE(path=path))
            data = file.read(limit + 1)
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        raise UnreadableError(UNREADABLE(path=path, error=getattr(error, "strerror", None) or error)) from error
    if len(data) > limit:
        raise UnreadableError(TOO_LARGE(path=path, limit=limit))
    return data


def encoded(text: str) -> bytes:
    """Return *text* as it is in a file: line breaks, and bytes that are no UTF-8, as they are."""
    return text.encode("utf-8", "surrogateescape")


def read_file(path: pathlib.Path) -> str:
    """Return exactly the text that `write_file` was given. Raises OSError, UnicodeDecodeError."""
    return path.read_bytes().decode("utf-8", "surrogateescape")


def write_file(path: pathlib.Path, text: str, mode: int = 0o600, group: int | None = None) -> None:
    """Write *text* to *path* atomically, never with more permissions than *mode*; a *group* can read it too."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _write(folder, path.name, str(path), text, mode if group is None else mode | 0o040, group)
    finally:
        os.close(folder)


def remove_draft(path: pathlib.Path) -> None:
    """Remove what a process that was killed while it wrote *path* has left. Raises OSError."""
    draft = path.with_name(DRAFT.format(path.name))
    if os.path.lexists(draft):  # a disk that is read-only refuses to remove what is not there, too
        draft.unlink()


def _write(folder: int, name: str, path: str, text: str, mode: int, group: int | None = None) -> None:
    """Write *text* as *name* in the *folder*, whatever others do there meanwhile; *path* is for the error."""
    draft = DRAFT.format(name)
    try:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(draft, dir_fd=folder)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=folder)
        with open(descriptor, "wb") as file:
            file.write(encoded(text))
            file.flush()
            os.fsync(descriptor)
            if group is not None:
                os.fchown(descriptor, -1, group)
            os.fchmod(descriptor, mode)
        os.replace(draft, name, src_dir_fd=folder, dst_dir_fd=folder)
    except OSError as error:
        raise OSError(error.errno, error.strerror, path) from error


@contextlib.contextmanager
def open_draft(path: pathlib.Path) -> Iterator[TextIO]:
    """Open what is at *path* once it is whole, in a folder that only root can write. Only root can read it."""
    draft = path.with_name(DRAFT.format(path.name))
    draft.unlink(missing_ok=True)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


@contextlib.contextmanager
def open_unnamed(folder: int, draft: str) -> Iterator[IO[bytes]]:
    """Open a file that has the name *draft* in the *folder* once the body has ended: a killed process leaves nothing.

    Only root can read it. On a file system whose files all have names, such as NFS, it has that name at once. Raises
    OSError.
    """
    with contextlib.suppress(FileNotFoundError):
        os.unlink(draft, dir_fd=folder)
    try:
        descriptor, is_named = os.open(".", os.O_WRONLY | os.O_TMPFILE, 0o600, dir_fd=folder), False
    except OSError:
        descriptor, is_named = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=folder), True
    try:
        with open(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(descriptor)
            if not is_named:
                os.link(f"/proc/self/fd/{descriptor}", draft, dst_dir_fd=folder, follow_symlinks=True)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(draft, dir_fd=folder)
        raise


@contextlib.contextmanager
def open_private(path: str) -> Iterator[IO[bytes]]:
    """Open what is at *path* once it is whole, wherever an operator wants it. Only root can read it.

    Raises OSError; UnsafePath in a folder that others can write.
    """
    with paths.located(path, create=True) as (folder, name):
        paths.require_private(folder, path)
        draft = DRAFT.format(name)
        with open_unnamed(folder, draft) as file:
            yield file
        try:
            os.replace(draft, name, src_dir_fd=folder, dst_dir_fd=folder)
        except OSError:
            os.unlink(draft, dir_fd=folder)
            raise


def make_folder(folder: pathlib.Path, mode: int = 0o755) -> None:
    """Make a folder of the charm's own and those above, unless they exist: where a link leads to, if one is in place.

    What it leads to may be gone after a boot, as all in /tmp is. Raises OSError.
    """
    pathlib.Path(os.path.realpath(folder)).mkdir(mode, parents=True, exist_ok=True)


def sync_folder(folder: pathlib.Path) -> None:
    """Flush the names in *folder* to disk, so that a power cut cannot lose a rename."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
