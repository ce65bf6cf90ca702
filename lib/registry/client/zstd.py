"""Files compressed with zstd, read by the library that dpkg and systemd use: Python has a module only from 3.14."""

from __future__ import annotations

import ctypes
import pathlib

MAGIC = b"\x28\xb5\x2f\xfd"
LIBRARY = "libzstd.so.1"
SIZE = 1 << 17
"""Bytes that are read and written at once: the size of a block."""


class _Buffer(ctypes.Structure):
    _fields_ = (("data", ctypes.c_void_p), ("size", ctypes.c_size_t), ("position", ctypes.c_size_t))


def is_compressed(path: pathlib.Path) -> bool:
    """Tell whether a file is compressed with zstd. Raises OSError."""
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def decompress(source: pathlib.Path, target: pathlib.Path) -> None:
    """Write the content of *source* to *target*. Raises ValueError for damaged data, OSError without the library."""
    library = ctypes.CDLL(LIBRARY)
    library.ZSTD_createDStream.restype = ctypes.c_void_p
    library.ZSTD_decompressStream.restype = ctypes.c_size_t
    library.ZSTD_decompressStream.argtypes = (ctypes.c_void_p, ctypes.POINTER(_Buffer), ctypes.POINTER(_Buffer))
    library.ZSTD_isError.argtypes = (ctypes.c_size_t,)
    library.ZSTD_freeDStream.argtypes = (ctypes.c_void_p,)
    stream, out = library.ZSTD_createDStream(), ctypes.create_string_buffer(SIZE)
    rest = 1
    try:
        with source.open("rb") as reader, target.open("wb") as writer:
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
                    writer.write(out.raw[: written.position])
    finally:
        library.ZSTD_freeDStream(stream)
    if rest:
        raise ValueError("the data compressed with zstd end too early")
