"""Files compressed with zstd, read by the library that dpkg and systemd use: Python has a module only from 3.14."""

from __future__ import annotations

import ctypes
import pathlib
from collections.abc import Iterator
from typing import IO

MAGIC = b"\x28\xb5\x2f\xfd"
LIBRARY = "libzstd.so.1"
SIZE = 1 << 17
"""Bytes that are read and written at once: the size of a block."""
_CONTINUE, _END = 0, 2
"""Operations of ZSTD_compressStream2."""
_CHECKSUM = 201
"""The parameter ZSTD_c_checksumFlag."""


class _Buffer(ctypes.Structure):
    _fields_ = (("data", ctypes.c_void_p), ("size", ctypes.c_size_t), ("position", ctypes.c_size_t))


def is_compressed(path: pathlib.Path) -> bool:
    """Tell whether a file is compressed with zstd. Raises OSError."""
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def decompress(source: pathlib.Path, target: pathlib.Path) -> None:
    """Write the content of *source* to *target*. Raises ValueError for damaged data, OSError without the library."""
    with target.open("wb") as writer:
        for part in parts(source):
            writer.write(part)


def parts(source: pathlib.Path) -> Iterator[bytes]:
    """Yield the content of *source*. Raises ValueError for damaged data, OSError without the library."""
    library = ctypes.CDLL(LIBRARY)
    library.ZSTD_createDStream.restype = ctypes.c_void_p
    library.ZSTD_decompressStream.restype = ctypes.c_size_t
    library.ZSTD_decompressStream.argtypes = (ctypes.c_void_p, ctypes.POINTER(_Buffer), ctypes.POINTER(_Buffer))
    library.ZSTD_isError.argtypes = (ctypes.c_size_t,)
    library.ZSTD_freeDStream.argtypes = (ctypes.c_void_p,)
    stream, out = library.ZSTD_createDStream(), ctypes.create_string_buffer(SIZE)
    rest = 1
    try:
        with source.open("rb") as reader:
            while data := reader.read(SIZE):
                held = ctypes.create_string_buffer(data, len(data))
                read = _Buffer(ctypes.addressof(held), len(data), 0)
                written = _Buffer(ctypes.addressof(out), SIZE, SIZE)
                # At the end of a frame (0) nothing is left to write, and to ask again would begin another one.
                while read.position < read.size or (rest and written.position == written.size):
                    written.position = 0
                    rest = library.ZSTD_decompressStream(stream, ctypes.byref(written), ctypes.byref(read))
                    if library.ZSTD_isError(rest):
                        raise ValueError("the data compressed with zstd are damaged")
                    yield ctypes.string_at(out, written.position)
    finally:
        library.ZSTD_freeDStream(stream)
    if rest:
        raise ValueError("the data compressed with zstd end too early")


class Writer:
    """A frame that is written to *file*, complete after the `with` block. Raises OSError without the library."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._library = ctypes.CDLL(LIBRARY)
        self._library.ZSTD_createCCtx.restype = ctypes.c_void_p
        self._library.ZSTD_compressStream2.restype = ctypes.c_size_t
        pointers = (ctypes.POINTER(_Buffer), ctypes.POINTER(_Buffer))
        self._library.ZSTD_compressStream2.argtypes = (ctypes.c_void_p, *pointers, ctypes.c_int)
        self._library.ZSTD_CCtx_setParameter.argtypes = (ctypes.c_void_p, ctypes.c_int, ctypes.c_int)
        self._library.ZSTD_isError.argtypes = (ctypes.c_size_t,)
        self._library.ZSTD_freeCCtx.argtypes = (ctypes.c_void_p,)
        self._out = ctypes.create_string_buffer(SIZE)

    def __enter__(self) -> Writer:
        self._context = self._library.ZSTD_createCCtx()
        self._library.ZSTD_CCtx_setParameter(self._context, _CHECKSUM, 1)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._compress(b"", _END)
        finally:
            self._library.ZSTD_freeCCtx(self._context)

    def write(self, data: bytes) -> int:
        """Compress *data*. Raises OSError."""
        self._compress(data, _CONTINUE)
        return len(data)

    def _compress(self, data: bytes, operation: int) -> None:
        held = ctypes.create_string_buffer(data, max(len(data), 1))
        read = _Buffer(ctypes.addressof(held), len(data), 0)
        rest = 1
        while read.position < read.size or (operation == _END and rest):
            written = _Buffer(ctypes.addressof(self._out), SIZE, 0)
            rest = self._library.ZSTD_compressStream2(
                self._context, ctypes.byref(written), ctypes.byref(read), operation
            )
            if self._library.ZSTD_isError(rest):
                raise MemoryError("zstd cannot compress")
            self._file.write(ctypes.string_at(self._out, written.position))
