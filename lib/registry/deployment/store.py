"""The folders of configuration on the unit: one for each release, and the link to the current one.

``<root>/applied/<digest>/`` holds a release and never changes; ``<root>/config.yml`` is a link to the file of the
current release. The container mounts the folder, so a crash or a reboot always comes up with a verified release. The
folders are for root only.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
from collections.abc import Iterable
from typing import Any

from registry.machine.files import sync_folder, write_file
from registry.release import container
from registry.release.release import FILES, Release

ROOT = pathlib.Path("/etc/docker/registry")
OWN_NAMES = ("applied", "config.yml", "loopback", "switching")


class Store:
    """The releases below *root*."""

    def __init__(self, root: pathlib.Path = ROOT) -> None:
        self.root = root
        self.folders = root / "applied"
        self.link = root / "config.yml"
        self._switching = root / "switching"

    def folder(self, release: Release) -> pathlib.Path:
        """Return where *release* is, or would be."""
        return self.folders / release.digest

    def body(self, release: Release) -> dict[str, Any]:
        """Return what to ask Docker for to have the container of *release*, with its folder."""
        return container.create_body(release.container, str(self.folder(release)), release.digest)

    def current(self) -> Release | None:
        """Return the release that `make_current` named last; None if there is none, or if its files were altered."""
        try:
            folder = self.folders / pathlib.Path(os.readlink(self.link)).parent.name
            release = Release.from_files(
                {path.name: path.read_text() for path in map(folder.joinpath, FILES) if path.exists()}
            )
            return release if release.digest == folder.name else None
        except (OSError, ValueError, KeyError, TypeError):
            # No link, the predecessor's plain file in its place, or something that nobody can use.
            return None

    def is_intact(self, release: Release) -> bool:
        """Tell whether the folder of *release* holds exactly its files."""
        folder = self.folder(release)
        try:
            return {path.name: path.read_text() for path in folder.iterdir()} == release.files()
        except (OSError, UnicodeDecodeError):
            return False

    def write(self, release: Release) -> None:
        """Write the folder of *release*, as a whole or not at all. One that is right is left alone."""
        if self.is_intact(release):
            return
        self.folders.mkdir(parents=True, exist_ok=True)
        self.folders.chmod(0o700)
        draft = self.folders / f".{release.digest}"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        for name, text in release.files().items():
            write_file(draft / name, text)
        shutil.rmtree(self.folder(release), ignore_errors=True)
        draft.rename(self.folder(release))
        sync_folder(self.folders)

    def make_current(self, release: Release) -> None:
        """Let the link name *release*, and remove all other releases but the one before."""
        before = self.current()
        if before == release:
            return
        draft = self.root / ".config.yml"
        draft.unlink(missing_ok=True)
        draft.symlink_to(self.folder(release).relative_to(self.root) / "config.yml")
        draft.replace(self.link)
        sync_folder(self.root)
        kept = {one.digest for one in (before, release) if one}
        for folder in self.folders.iterdir():
            if folder.name not in kept:
                shutil.rmtree(folder)

    def begin_switch(self, names: set[str]) -> None:
        """Note that the containers called *names* are about to be replaced, before the first step."""
        write_file(self._switching, "\n".join(sorted(names)) + "\n")
        sync_folder(self.root)

    def unfinished_switch(self) -> set[str]:
        """Return the names given to `begin_switch` if no `end_switch` followed: a crash came between."""
        try:
            return set(self._switching.read_text().split())
        except FileNotFoundError:
            return set()

    def end_switch(self) -> None:
        """Note that the containers are those of the current release."""
        self._switching.unlink(missing_ok=True)

    def loopback(self) -> Store:
        """Return the store for the release of a loopback registry."""
        return Store(self.root / "loopback")

    def remove(self) -> None:
        """Remove all that is below the root but credentials and an operator's files."""
        remove_below(self.root, OWN_NAMES)


def remove_below(root: pathlib.Path, names: Iterable[str]) -> None:
    """Remove files and folders of *root* by name, and *root* itself once it is empty."""
    for name in names:
        path = root / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # others have files there
        root.rmdir()
