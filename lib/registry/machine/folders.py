"""Folders that hold the images of a registry."""

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
        """Tell whether there is such a folder."""
        return os.path.isdir(folder)

    def has_images(self, folder: str, but: str) -> bool:
        """Tell whether a registry over *folder* has repositories, *but* and its neighbours left out. Raises OSError."""
        try:
            with os.scandir(f"{folder}/{REPOSITORIES}") as entries:
                return any(entry.name != os.path.dirname(but) for entry in entries)
        except (FileNotFoundError, NotADirectoryError):
            return False

    def ensure(self, folder: str) -> None:
        """Make a folder for images, unless it exists. Raises OSError."""
        pathlib.Path(folder).mkdir(mode=0o700, parents=True, exist_ok=True)

    def remove_repository(self, folder: str, repository: str) -> None:
        """Remove *repository* from *folder*: a registry leaves a file of each upload that was cancelled, for good."""
        path = pathlib.Path(folder, REPOSITORIES, repository)
        shutil.rmtree(path, ignore_errors=True)
        with contextlib.suppress(OSError):
            path.parent.rmdir()
