"""Folders that contain the images of a registry."""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil

REPOSITORIES = "docker/registry/v2/repositories"
"""Where a registry has a folder for each repository, below its data folder."""


class Folders:
    """Data folders of registries on this machine."""

    def is_there(self, folder: str) -> bool:
        """Tell whether the folder exists."""
        return os.path.isdir(folder)

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
        """Create a folder for images, unless it exists. Raises OSError."""
        pathlib.Path(folder).mkdir(mode=0o700, parents=True, exist_ok=True)

    def remove_repository(self, folder: str, repository: str) -> None:
        """Remove *repository* from *folder*: a registry never removes the files of cancelled uploads."""
        path = pathlib.Path(folder, REPOSITORIES, repository)
        shutil.rmtree(path, ignore_errors=True)
        with contextlib.suppress(OSError):
            path.parent.rmdir()
