"""Folders that contain the images of a registry."""

from __future__ import annotations

import contextlib
import os
import pathlib
import re
import shutil
import stat

from registry.options.floor import RESERVED_INODES, Space

REPOSITORIES = "docker/registry/v2/repositories"
"""Where a registry has a folder for each repository, below its data folder."""


RESERVE, SPACE = "docker-registry-reserve", "space"
"""Names of the folder that is removed to make room on a full disk, and of the file in it that takes bytes."""
CREATED = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW


class Folders:
    """Data folders of registries on this machine."""

    def is_there(self, folder: str) -> bool:
        """Tell whether the folder exists."""
        return os.path.isdir(folder)

    def read_space(self, folder: str) -> Space | None:
        """Return the room on the disk with the *folder*; None where there is no such folder."""
        try:
            state = os.statvfs(folder)
        except OSError:
            return None
        size, free, left = (blocks * state.f_frsize for blocks in (state.f_blocks, state.f_bavail, state.f_bfree))
        # A file system such as btrfs has no fixed number of inodes, and shows none at all.
        return Space(size, free, left, state.f_files, state.f_ffree)

    def share_disk(self, one: str, other: str) -> bool:
        """Tell whether two folders are on one file system; one that is not there is on none."""
        try:
            return os.stat(one).st_dev == os.stat(other).st_dev
        except OSError:
            return False

    def has_reserve(self, folder: str, size: int) -> bool:
        """Tell whether the reserve in the *folder* takes at least half of *size* bytes of the disk."""
        try:
            found = os.lstat(f"{folder}/{RESERVE}/{SPACE}")
        except OSError:
            return False
        return stat.S_ISREG(found.st_mode) and found.st_blocks * 512 >= size // 2  # a copy of one may be sparse

    def create_reserve(self, folder: str, size: int) -> None:
        """Create the reserve in the *folder*: a file of *size* bytes, and empty ones. Raises OSError."""
        path = f"{folder}/{RESERVE}"
        self.remove_reserve(folder)
        # The registry itself can write to this folder: nothing that it may put there is opened.
        os.mkdir(path, 0o700)
        place = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            file = os.open(SPACE, CREATED, 0o600, dir_fd=place)
            try:
                os.posix_fallocate(file, 0, size)
            finally:
                os.close(file)
            with contextlib.suppress(OSError):  # there may be fewer inodes than before
                for number in range(RESERVED_INODES):
                    os.close(os.open(str(number), CREATED, 0o600, dir_fd=place))
        except OSError:
            self.remove_reserve(folder)
            raise
        finally:
            os.close(place)

    def remove_reserve(self, folder: str) -> int:
        """Remove the reserve from the *folder*; return the size of its file, 0 where there is none."""
        path = f"{folder}/{RESERVE}"
        try:
            found = os.lstat(f"{path}/{SPACE}")
        except OSError:
            found = None
        if os.path.islink(path) or os.path.isfile(path):
            os.unlink(path)
        shutil.rmtree(path, ignore_errors=True)
        return found.st_size if found and stat.S_ISREG(found.st_mode) else 0

    def has_images(self, folder: str, but: str) -> bool:
        """Tell whether a registry's *folder* has repositories, other than *but* and its siblings. Raises OSError."""
        try:
            with os.scandir(f"{folder}/{REPOSITORIES}") as entries:
                return any(entry.name != os.path.dirname(but) for entry in entries)
        except (FileNotFoundError, NotADirectoryError):
            return False

    def used(self, folder: str) -> int:
        """Return the bytes of the disk that the files in *folder* take."""
        paths = (os.path.join(inner, name) for inner, _, names in os.walk(folder) for name in names)
        size = 0
        for path in paths:
            with contextlib.suppress(FileNotFoundError):  # an upload that ended meanwhile
                size += os.lstat(path).st_blocks * 512
        return size

    def ensure(self, folder: str) -> None:
        """Create a folder for images, or in it, unless it exists. Raises OSError."""
        pathlib.Path(folder).mkdir(mode=0o700, parents=True, exist_ok=True)

    def mount_point(self, folder: str) -> str:
        """Return where the file system of *folder* is mounted. Raises OSError."""
        mounts = pathlib.Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape")
        return mount_point(os.path.realpath(folder), mounts)

    def is_hidden(self, folder: str, process: int, inside: str) -> bool:
        """Tell whether a process of a container has something else at *inside* than *folder*, which it mounted."""
        try:
            seen = os.stat(f"/proc/{process}/root{inside}")
        except OSError:  # the process has just ended
            return False
        try:
            return not os.path.samestat(seen, os.stat(folder))
        except OSError:  # nothing is mounted there, or it does not answer
            return True

    def remove_repository(self, folder: str, repository: str) -> None:
        """Remove *repository* from *folder*: a registry never removes the files of cancelled uploads."""
        path = pathlib.Path(folder, REPOSITORIES, repository)
        shutil.rmtree(path, ignore_errors=True)
        with contextlib.suppress(OSError):
            path.parent.rmdir()

    def remove(self, folder: str) -> None:
        """Remove a folder and all that is in it."""
        shutil.rmtree(folder, ignore_errors=True)


def mount_point(folder: str, mounts: str) -> str:
    """Return the mount point of an absolute *folder* without links, from the text of /proc/self/mountinfo.

    Not by st_dev, as `os.path.ismount` does: a part of a file system can be mounted elsewhere in the same one.
    """
    points = {
        re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), line.split()[4]) for line in mounts.splitlines()
    }
    while folder not in points and folder != "/":
        folder = os.path.dirname(folder)
    return folder
