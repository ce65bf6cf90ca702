"""Paths through folders that other users can write to, without following symbolic links that they plant there.

The charm acts as root, also below /tmp and in folders of the user nagios. It opens the folders of a path one by one
and works in the last one through its descriptor, so nobody can replace a folder in between.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator

_PLACE = os.O_PATH | os.O_NOFOLLOW
_LINKS = 40
"""Symbolic links that Linux follows in one path."""


class UnsafePath(OSError):
    """Another user of the machine can decide what is at the path."""

    def __init__(self, words: str, path: str) -> None:
        super().__init__(errno.EPERM, words, path)

    def __str__(self) -> str:
        return f"{self.filename} {self.strerror}"


def open_existing(path: str, flags: int) -> int:
    """Open a file like `os.open`, without blocking if it is a pipe that nobody writes to."""
    with located(path, for_reading=True) as (folder, name):
        return os.open(name, flags | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)


@contextlib.contextmanager
def located(path: str, *, create: bool = False, for_reading: bool = False) -> Iterator[tuple[int, str]]:
    """Yield a descriptor of the folder that *path* ends in, and the name there. Raises OSError.

    Links on the way are followed if they are root's; *for_reading*, as the last part of the path too, and those of
    the folder's owner as well: that is how Linux protects /tmp (fs.protected_symlinks). *create*: missing folders are
    created.
    """
    with contextlib.ExitStack() as opened:
        yield _walk(opened, path, create, for_reading)


def require_private(folder: int, path: str) -> None:
    """Raise UnsafePath if anyone but root, or the charm's own user, can write to the *folder* of *path*."""
    status = os.fstat(folder)
    by_group = status.st_mode & stat.S_IWGRP and status.st_gid not in (0, os.getegid())
    if status.st_uid not in (0, os.geteuid()) or by_group or status.st_mode & stat.S_IWOTH:
        raise UnsafePath("is in a folder that other users can write", path)


def _walk(opened: contextlib.ExitStack, path: str, create: bool, for_reading: bool) -> tuple[int, str]:
    rest, links = _names(path), 0
    folder = _open(opened, "/" if path.startswith("/") else ".")
    while rest:
        name = rest.pop()
        if not rest and not for_reading:
            return folder, name
        try:
            place = _open(opened, name, folder)
        except FileNotFoundError:
            if not rest:
                return folder, name
            if not create:
                raise
            os.mkdir(name, 0o755, dir_fd=folder)
            place = _open(opened, name, folder)
        if stat.S_ISLNK(os.fstat(place).st_mode):
            links += 1
            _require_own_link(folder, place, path, links, for_reading)
            target = os.readlink("", dir_fd=place)
            rest += _names(target)
            folder = _open(opened, "/") if target.startswith("/") else folder
        elif rest:
            folder = place
        else:
            return folder, name
    return folder, "."


def _require_own_link(folder: int, link: int, path: str, number: int, for_reading: bool) -> None:
    owners = {0, os.geteuid(), *([os.fstat(folder).st_uid] if for_reading else [])}
    if os.fstat(link).st_uid not in owners:
        raise UnsafePath("goes through a symbolic link that another user made", path)
    if number > _LINKS:
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)


def _open(opened: contextlib.ExitStack, name: str, folder: int | None = None) -> int:
    descriptor = os.open(name, _PLACE, dir_fd=folder)
    opened.callback(os.close, descriptor)
    return descriptor


def _names(path: str) -> list[str]:
    """Return the names in *path*, the first one last."""
    return [name for name in reversed(path.split("/")) if name not in ("", ".")]
