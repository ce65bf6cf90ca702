"""The folders of configuration on the unit: one for each release, and the link to the current one.

``<root>/applied/<digest>/`` contains a release and never changes; ``<root>/config.yml`` is a link to the file of the
current release. The container mounts the folder, so a verified release serves after any crash or reboot. The folders
are readable by root only: the user as which the container runs can read the one that is mounted, but no path to it
leads there on the machine.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import stat
from collections.abc import Iterable
from typing import Any

from registry.machine.files import DRAFT, make_folder, read_file, remove_draft, sync_folder, write_file
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
        self._known: tuple[object, Release | None] = (None, None)

    def folder(self, release: Release) -> pathlib.Path:
        """Return the folder of *release*, whether it exists or not."""
        return self.folders / release.digest

    def body(self, release: Release) -> dict[str, Any]:
        """Return the body of Docker's API for the container of *release* with its folder."""
        return container.create_body(release.container, str(self.folder(release)), release.digest)

    def current(self) -> Release | None:
        """Return the release of the last `make_current`; None if there is none, or if its files were altered.

        Its files are read once, and again when one of them is another.
        """
        try:
            folder = self.folders / pathlib.Path(os.readlink(self.link)).parent.name
            files = {path.name: path for path in sorted(folder.iterdir())}
            state = (folder.name, [(name, _identity(path.stat())) for name, path in files.items()])
            if state != self._known[0]:
                self._known = (state, self._read(folder))
            return self._known[1]
        except OSError:
            # There is no link, a regular file of the predecessor in its place, or an unusable folder.
            return None

    def _read(self, folder: pathlib.Path) -> Release | None:
        try:
            release = Release.from_files(
                {path.name: read_file(path) for path in map(folder.joinpath, FILES) if path.exists()}
            )
            return release if release.digest == folder.name else None
        except (ValueError, KeyError, TypeError):
            return None

    def is_intact(self, release: Release) -> bool:
        """Tell whether the folder of *release* contains exactly its files, and its container can read them."""
        folder, group = self.folder(release), release.container.group
        try:
            paths = list(folder.iterdir())
            readable = group is None or all(_is_readable(path.stat(), group) for path in (folder, *paths))
            return readable and {path.name: read_file(path) for path in paths} == release.files()
        except (OSError, UnicodeDecodeError):
            return False

    def write(self, release: Release) -> None:
        """Write the folder of *release* atomically, unless it is intact."""
        if self.is_intact(release):
            return
        make_folder(self.folders)
        self.folders.chmod(0o700)
        draft = self.folders / f".{release.digest}"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        group = release.container.group
        for name, text in release.files().items():
            write_file(draft / name, text, group=group)
        if group is not None:
            os.chown(draft, -1, group)
            draft.chmod(0o750)
        shutil.rmtree(self.folder(release), ignore_errors=True)
        draft.rename(self.folder(release))
        sync_folder(self.folders)

    def make_current(self, release: Release) -> None:
        """Point the link to *release*, and remove all other releases except the previous one."""
        before = self.current()
        if before == release:
            return
        draft = self.root / DRAFT.format("config.yml")
        draft.unlink(missing_ok=True)
        draft.symlink_to(self.folder(release).relative_to(self.root) / "config.yml")
        draft.replace(self.link)
        sync_folder(self.root)
        kept = {one.digest for one in (before, release) if one}
        for folder in self.folders.iterdir():
            if folder.name not in kept:
                shutil.rmtree(folder)

    def begin_switch(self, names: set[str]) -> None:
        """Record that the containers called *names* are about to be replaced, before the first step."""
        write_file(self._switching, "\n".join(sorted(names)) + "\n")
        sync_folder(self.root)

    def unfinished_switch(self) -> set[str]:
        """Return the names of the last `begin_switch` if no `end_switch` followed, because of a crash."""
        try:
            return set(read_file(self._switching).split())
        except FileNotFoundError:
            return set()

    def end_switch(self) -> None:
        """Record that the containers are those of the current release."""
        self._switching.unlink(missing_ok=True)

    def remove_drafts(self) -> None:
        """Remove what a process that was killed has left of files that it wrote. Raises OSError."""
        for name in OWN_NAMES:
            remove_draft(self.root / name)
        for folder in self.folders.glob(".*"):
            shutil.rmtree(folder)

    def loopback(self) -> Store:
        """Return the store for the release of a loopback registry."""
        return Store(self.root / "loopback")

    def remove(self) -> None:
        """Remove everything below the root except credentials and an operator's files."""
        remove_below(self.root, OWN_NAMES)


def _is_readable(status: os.stat_result, group: int) -> bool:
    """Tell whether a *group* can read a file, or list and enter a folder."""
    needed = 0o050 if stat.S_ISDIR(status.st_mode) else 0o040
    return status.st_gid == group and status.st_mode & needed == needed


def _identity(status: os.stat_result) -> tuple[int, ...]:
    """Return what differs between two states of a file."""
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def remove_below(root: pathlib.Path, names: Iterable[str]) -> None:
    """Remove files and folders of *root* by name, and *root* itself once it is empty."""
    for name in names:
        path = root / name
        remove_draft(path)
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # others have files there
        root.rmdir()
