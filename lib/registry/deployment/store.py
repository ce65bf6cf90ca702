"""The folders of configuration on the unit: one for each release, and the link to the one in force.

``<root>/applied/<digest>/`` holds a release and never changes; ``<root>/config.yml`` is a link to the file of the
release in force. The container mounts the folder, so a crash or a reboot always comes up with a release that
has proven itself. The folders are for root only.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import pathlib
import secrets
import shutil
from collections.abc import Callable

from registry.formats.relations import Request
from registry.machine.files import sync_folder, write_file
from registry.release.release import FILES, Release

ROOT = pathlib.Path("/etc/docker/registry")
OWN_NAMES = ("applied", "auth", "config.yml", "identity.pem", "loopback", "password", "request.json", "switching")


class Applied:
    """The releases below *root*."""

    def __init__(self, root: pathlib.Path = ROOT) -> None:
        self.root = root
        self.folders = root / "applied"
        self.link = root / "config.yml"
        self._switching = root / "switching"
        self._users = root / "auth" / "htpasswd"
        self._password = root / "password"
        self._request = root / "request.json"
        self.identity_file = root / "identity.pem"
        """Key and certificate of the charm itself, for a registry that asks clients for one; often not there."""

    def folder(self, release: Release) -> pathlib.Path:
        """Return where *release* is, or would be."""
        return self.folders / release.digest

    def in_force(self) -> Release | None:
        """Return the release that `put_in_force` named last; None if there is none, or if its files were altered."""
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

    def put_in_force(self, release: Release) -> None:
        """Let the link name *release*, and remove all other releases but the one before."""
        before = self.in_force()
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
        """Note that the containers are as they shall be."""
        self._switching.unlink(missing_ok=True)

    def users(self) -> str:
        """Return the text of the file of users; empty where there is none."""
        try:
            return self._users.read_text()
        except (FileNotFoundError, UnicodeDecodeError):
            return ""

    def write_users(self, text: str) -> None:
        """Write the file of users, unless it is so already. The registry sees it with the next request."""
        if text == self.users():
            return
        self._users.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_file(self._users, text)

    def remove_users(self) -> None:
        """Remove the file of users."""
        self._users.unlink(missing_ok=True)

    def password(self) -> str:
        """Return the random password of the charm's own user, made at the first time."""
        return self._made_once(self._password, lambda: secrets.token_urlsafe(32))

    def identity(self, make: Callable[[], str]) -> str:
        """Return the key and the certificate of the charm itself as one PEM, from *make* at the first time."""
        return self._made_once(self.identity_file, make)

    def request(self) -> Request | None:
        """Return what was asked of the CA last."""
        try:
            found = json.loads(self._request.read_text())
            return Request(**{**found, "names": tuple(found["names"])})
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None

    def keep_request(self, request: Request) -> None:
        """Keep what is asked of the CA, with its key, for root alone."""
        self.root.mkdir(parents=True, exist_ok=True)
        write_file(self._request, json.dumps(dataclasses.asdict(request)) + "\n")

    def forget_request(self) -> None:
        """Throw the key away."""
        self._request.unlink(missing_ok=True)

    def _made_once(self, path: pathlib.Path, make: Callable[[], str]) -> str:
        try:
            known = path.read_text()
        except (FileNotFoundError, UnicodeDecodeError):
            known = ""
        if not known:
            known = make()
            self.root.mkdir(parents=True, exist_ok=True)
            write_file(path, known)
        return known

    def loopback(self) -> Applied:
        """Return the place for what runs beside the registry for a while."""
        return Applied(self.root / "loopback")

    def remove(self) -> None:
        """Remove all that the charm made below the root, configuration and credentials; an operator's files stay."""
        for name in OWN_NAMES:
            path = self.root / name
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # somebody's file is there
            self.root.rmdir()
