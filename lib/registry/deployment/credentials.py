"""Credentials on the unit: the registry's users, and those of the charm itself for the registry and the CA."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import pathlib
import secrets
import stat
from collections.abc import Callable, Mapping

from registry.deployment.store import ROOT, remove_below
from registry.formats.htpasswd import Verdicts
from registry.formats.relations import Request
from registry.machine.files import make_folder, read_file, remove_draft, write_file

OWN_NAMES = ("auth", "identity.pem", "password", "request.json", "verdicts.json")


class Credentials:
    """The credentials below *root*, readable by root only, and the users by the registry too."""

    def __init__(self, root: pathlib.Path = ROOT) -> None:
        self._root = root
        self._users = root / "auth" / "htpasswd"
        self._password = root / "password"
        self._request = root / "request.json"
        self._verdicts = root / "verdicts.json"
        self.identity_file = root / "identity.pem"
        """Key and certificate of the charm itself, for a registry that requires client certificates; often missing."""

    def users(self) -> str:
        """Return the text of the file of users; empty if there is none."""
        try:
            return read_file(self._users)
        except (FileNotFoundError, UnicodeDecodeError):
            return ""

    def write_users(self, text: str) -> None:
        """Write the file of users, unless it is unchanged. The registry reads it at the next request."""
        if text == self.users():
            return
        self._write_users(text)

    def _write_users(self, text: str) -> None:
        make_folder(self._users.parent, 0o700)
        state = self._users.parent.stat()
        write_file(self._users, text, group=state.st_gid if state.st_mode & 0o040 else None)

    def share_users(self, group: int | None) -> None:
        """Let a *group*, or with None root alone, read the file of users, if there is one. Raises OSError."""
        for path, mode in ((self._users, 0o600), (self._users.parent, 0o700)):
            mode |= 0 if group is None else (mode & 0o500) >> 3
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                state = path.stat()
                if group is not None and group != state.st_gid:
                    os.chown(path, -1, group)
                if stat.S_IMODE(state.st_mode) != mode:
                    path.chmod(mode)

    def remove_users(self) -> None:
        """Remove the file of users."""
        self._users.unlink(missing_ok=True)

    def verdicts(self) -> Verdicts:
        """Return which users were verified; none, with a new key, where that was never saved or is lost."""
        try:
            saved = json.loads(self._verdicts.read_text())
            return Verdicts(bytes.fromhex(saved["key"]), frozenset(map(str, saved["digests"])))
        except (OSError, ValueError, KeyError, TypeError):
            return Verdicts(secrets.token_bytes(32))

    def save_verdicts(self, verdicts: Verdicts) -> None:
        """Save which users were verified, unless that is unchanged. Where it fails, they are verified again."""
        if verdicts.digests == self.verdicts().digests:
            return
        saved = {"key": verdicts.key.hex(), "digests": sorted(verdicts.digests)}
        with contextlib.suppress(OSError):
            make_folder(self._root)
            write_file(self._verdicts, json.dumps(saved) + "\n")

    def password(self) -> str:
        """Return the random password of the charm's own user, created once."""
        return self._ensure(self._password, lambda: secrets.token_urlsafe(32))

    def identity(self, make: Callable[[], str]) -> str:
        """Return the key and the certificate of the charm itself as one PEM, created by *make* once."""
        return self._ensure(self.identity_file, make)

    def request(self) -> Request | None:
        """Return the last request to the CA, with its key; None if there is none."""
        try:
            fields = json.loads(self._request.read_text())
            return Request(**{**fields, "names": tuple(fields["names"])})
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None

    def save_request(self, request: Request) -> None:
        """Save a request to the CA, with its key."""
        make_folder(self._root)
        write_file(self._request, json.dumps(dataclasses.asdict(request)) + "\n")

    def remove_request(self) -> None:
        """Remove the request and its key."""
        self._request.unlink(missing_ok=True)

    def backup(self) -> dict[str, str]:
        """Return the texts of the files that are worth a backup, by name below the folder."""
        files = (self._users, self._password, self._request, self.identity_file)
        return {str(file.relative_to(self._root)): read_file(file) for file in files if file.exists()}

    def restore(self, texts: Mapping[str, str]) -> None:
        """Write the files of a `backup`. Raises OSError.

        The users only where the registry has some: without any, it would not read them. The request to the CA only
        where there is none, because the CA has answered that one, and maybe forgotten the other.
        """
        is_due = {self._users: bool(self.users()), self._request: not self._request.exists()}
        for file in (self._users, self._password, self._request, self.identity_file):
            text = texts.get(str(file.relative_to(self._root)))
            if not text or not is_due.get(file, True):
                continue
            if file == self._users:
                self._write_users(text)
            else:
                make_folder(file.parent, 0o700)
                write_file(file, text)

    def remove_drafts(self) -> None:
        """Remove what a process that was killed has left of files that it wrote. Raises OSError."""
        for path in (self._users, *map(self._root.joinpath, OWN_NAMES)):
            remove_draft(path)

    def remove(self) -> None:
        """Remove all credentials that the charm created; an operator's files stay."""
        remove_below(self._root, OWN_NAMES)

    def _ensure(self, path: pathlib.Path, make: Callable[[], str]) -> str:
        try:
            text = read_file(path)
        except (FileNotFoundError, UnicodeDecodeError):
            text = ""
        if not text:
            text = make()
            make_folder(self._root)
            write_file(path, text)
        return text
