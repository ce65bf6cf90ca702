"""Large files: written as long as the disk has room for the registry too, and read whether compressed or not."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import lzma
import os
import pathlib
import tempfile
from collections.abc import Callable, Iterator
from typing import IO, Any, cast

from registry.client import zstd
from registry.client.archive import damage
from registry.machine.files import open_unnamed
from registry.message import Fault, Message

NO_SPACE = Message("the disk of {folder} is nearly full", "Free space there, or use a folder on another disk")
"""An archive, or its unpacked copy, would leave less than 1 GiB (on a small disk, a twentieth) free."""

RESERVE = 1 << 30
"""Bytes that stay free, or a twentieth of a small disk."""
CHUNK = 1 << 20
_EVERY = 1 << 25
"""Bytes between two looks at what is free."""

_READERS: dict[bytes, Callable[[pathlib.Path], Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ": lzma.open,
}


class NoSpace(Fault):
    """The disk has no room for a file."""


class Spared:
    """A file that is written as long as a part of its disk stays free; that of *disk*, where *file* is only a pipe."""

    def __init__(self, file: IO[bytes], folder: pathlib.Path, disk: IO[bytes] | None = None) -> None:
        self._file = file
        self._folder = folder
        self._disk = disk or file
        self._left = 0

    def write(self, data: bytes) -> int:
        """Write *data*. Raises NoSpace, OSError."""
        self._left -= len(data)
        if self._left < 0:
            disk = os.fstatvfs(self._disk.fileno())
            if disk.f_bavail * disk.f_frsize < min(RESERVE, disk.f_blocks * disk.f_frsize // 20):
                raise NoSpace(NO_SPACE(folder=self._folder))
            self._left = _EVERY
        return self._file.write(data)


@contextlib.contextmanager
def created(path: pathlib.Path) -> Iterator[Spared]:
    """Create a file that only root can read, which is at *path* once it is whole. Raises OSError."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with open_unnamed(folder, path.name) as file:
            yield Spared(file, path.parent)
    finally:
        os.close(folder)


@contextlib.contextmanager
def compressed(file: Spared, name: str) -> Iterator[IO[bytes]]:
    """Yield what is written to *file* in the form that the ending of *name* says: .gz, .tgz, .zst, or as it is."""
    target = cast("IO[bytes]", file)
    if name.endswith((".gz", ".tgz")):
        with gzip.GzipFile("", "wb", 1, target, mtime=0) as packed:
            yield cast("IO[bytes]", packed)
    elif name.endswith(".zst"):
        with zstd.Writer(target) as frame:
            yield cast("IO[bytes]", frame)
    else:
        yield target


@contextlib.contextmanager
def plain(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """Yield *path*, or where it is compressed, a copy on its disk that is not. Raises BadArchive, NoSpace, OSError.

    The copy has no name, so that nothing is left of it whatever happens; the path that is yielded is of this process.
    """
    with path.open("rb") as file:
        magic = file.read(6)
    reader = next((one for begin, one in _READERS.items() if magic.startswith(begin)), None)
    if reader is None and not magic.startswith(zstd.MAGIC):
        yield path
        return
    with tempfile.TemporaryFile(dir=path.parent) as copy:
        target = Spared(copy, path.parent)
        with damage():
            for part in zstd.parts(path) if reader is None else _parts(reader, path):
                target.write(part)
        copy.flush()
        yield pathlib.Path(f"/proc/self/fd/{copy.fileno()}")


def _parts(reader: Callable[[pathlib.Path], Any], path: pathlib.Path) -> Iterator[bytes]:
    with reader(path) as file:
        while data := file.read(CHUNK):
            yield data
