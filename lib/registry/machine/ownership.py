"""The owner of a registry's files on this machine: its own user, as which it then runs, in place of root.

A pass goes through all of them in the order of their names. It can be killed anywhere and continue later, and
the registry serves meanwhile, as root: before a folder's content is listed, access rules give the user what root
creates there from then on. So after one pass everything can be read and written by either, and nothing is missed.
Nothing outside is touched: no symbolic link is followed, and no file with another name elsewhere is accepted.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import os
import pathlib
import stat
import time
from collections.abc import Callable, Iterator, Sequence

from registry.formats import accounts

CONTENT = "docker/registry/v2"
"""Where a registry has all its files, below its data folder."""
SCHEDULE = "scheduler-state.json"
"""The one file of a pull-through cache that is beside that."""
HEADS = ("", "docker", "docker/registry", CONTENT, f"{CONTENT}/blobs", f"{CONTENT}/repositories", SCHEDULE)
"""What tells, without a look at everything, that a folder is a copy by root, or of another disk."""
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK


class Unsuitable(Exception):
    """The files of a folder cannot be those of the registry's user; the text says why."""


@dataclasses.dataclass(frozen=True)
class Walk:
    """How far a pass has come."""

    cursor: tuple[str, ...] | None = None
    """Path of the last file or folder below `CONTENT`, name by name; None before the first."""
    is_complete: bool = False
    has_rules: bool = True
    """The file system has access rules."""


class Ownership:
    """Owners of files; *chown*, *setxattr* and *clock* are the machine's, except in tests."""

    def __init__(
        self,
        chown: Callable[..., None] = os.chown,
        setxattr: Callable[..., None] = os.setxattr,
        clock: Callable[[], float] = time.monotonic,
        root: pathlib.Path = pathlib.Path("/"),
    ) -> None:
        self._chown = chown
        self._setxattr = setxattr
        self._clock = clock
        self._root = root
        self.number = accounts.NUMBER

    def read_user(self) -> str:
        """Return the user and group as which the registry can run on this machine; "" where there is none.

        Raises OSError.
        """
        try:
            taken = [(self._root / "etc" / name).read_text(errors="replace") for name in ("passwd", "group")]
            maps = [(self._root / "proc/self" / name).read_text() for name in ("uid_map", "gid_map")]
        except FileNotFoundError:
            return ""
        usable = accounts.is_free(taken) and all(map(accounts.is_mapped, maps))
        return f"{self.number}:{self.number}" if usable else ""

    def is_owner(self, folder: str) -> bool:
        """Tell whether the first folders in the folder are the user's, who can enter them.

        Raises OSError where that is unknown: the folder is not there, or its disk fails.
        """
        for head in HEADS:
            try:
                state = os.lstat(f"{folder}/{head}")
            except FileNotFoundError:
                if not head:
                    raise
                continue
            if state.st_uid != self.number or not state.st_mode & stat.S_IRUSR:
                return False
        return True

    def advance(self, folder: str, walk: Walk, seconds: float) -> Walk:
        """Continue a *walk* through *folder* for some *seconds*. Raises Unsuitable, OSError."""
        end = self._clock() + seconds
        top = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)  # the folder itself may be a link of root's
        try:
            state = os.fstat(top)
            steps = self._steps(top, walk, state.st_dev)
            reached = next(step for step in steps if step.is_complete or self._clock() >= end)
            # Last, because a cache of root replaces it every few seconds, which would be seen as a copy by root.
            with contextlib.suppress(FileNotFoundError):
                self._file(top, SCHEDULE, state.st_dev)
            return reached
        finally:
            os.close(top)

    def _steps(self, top: int, walk: Walk, device: int) -> Iterator[Walk]:
        """Yield how far *walk* has come after each file and folder; the last one is complete."""
        has_rules = self._own(top, "", device) and walk.has_rules
        path: list[int] = []
        try:
            for name in CONTENT.split("/"):
                path.append(os.open(name, FOLDER, dir_fd=path[-1] if path else top))
                if name != "v2":
                    has_rules &= self._own(path[-1], name, device)
            for found, rules in self._folder(path[-1], (), walk.cursor, device):
                has_rules &= rules
                yield Walk(found, has_rules=has_rules)
        except FileNotFoundError:  # nothing was ever pushed
            pass
        finally:
            for folder in path:
                os.close(folder)
        yield Walk(has_rules=has_rules, is_complete=True)

    def _folder(
        self, folder: int, path: tuple[str, ...], cursor: Sequence[str] | None, device: int
    ) -> Iterator[tuple[tuple[str, ...], bool]]:
        """Yield the path of each entry in an open *folder* once it is the user's, after *cursor*; None: all.

        What leads to the cursor is looked at again, but not yielded: each call comes further, however short it is.
        """
        has_rules = self._own(folder, "/".join(path), device)
        if cursor is None:
            yield path, has_rules
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries)
        for name in names:
            if cursor and name < cursor[0]:
                continue
            rest = cursor[1:] if cursor and name == cursor[0] else None
            try:
                if self._file(folder, name, device, (*path, name)):
                    if rest is None:
                        yield (*path, name), True
                    continue
                inner = os.open(name, FOLDER, dir_fd=folder)
                try:
                    yield from self._folder(inner, (*path, name), rest, device)
                finally:
                    os.close(inner)
            except FileNotFoundError:  # deleted meanwhile
                continue

    def _own(self, folder: int, name: str, device: int) -> bool:
        """Make an open folder the user's; tell whether it has access rules."""
        state = os.fstat(folder)
        self._require_suitable(state, name, device)
        if state.st_uid != self.number or state.st_gid != self.number:
            self._chown(folder, self.number, self.number)
        if state.st_mode & 0o700 != 0o700:
            os.fchmod(folder, stat.S_IMODE(state.st_mode) | 0o700)
        rules = accounts.rules(self.number)
        try:
            try:
                found = os.getxattr(folder, accounts.RULES)
            except OSError as error:
                if error.errno != errno.ENODATA:
                    raise
                self._setxattr(folder, accounts.RULES, rules)
                return True
        except OSError as error:
            if error.errno != errno.EOPNOTSUPP:
                raise
            return False
        if found != rules:
            raise Unsuitable(f"{_shown(name)} has access rules of its own")
        return True

    def _file(self, folder: int, name: str, device: int, path: Sequence[str] = ()) -> bool:
        """Make a file in an open *folder* the user's; False: it is a folder."""
        state = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if stat.S_ISDIR(state.st_mode):
            return False
        shown = "/".join(path or (name,))
        self._require_suitable(state, shown, device)
        if not stat.S_ISREG(state.st_mode) or state.st_nlink > 1:
            raise Unsuitable(f"{_shown(shown)} is a link, or no file")
        if state.st_uid != self.number or state.st_gid != self.number:
            self._chown(name, self.number, self.number, dir_fd=folder, follow_symlinks=False)
        if state.st_mode & 0o600 != 0o600:
            descriptor = os.open(name, FILE, dir_fd=folder)
            try:
                os.fchmod(descriptor, stat.S_IMODE(state.st_mode) | 0o600)
            finally:
                os.close(descriptor)
        return True

    def _require_suitable(self, state: os.stat_result, name: str, device: int) -> None:
        if state.st_dev != device:
            raise Unsuitable(f"{_shown(name)} is on another disk")
        if state.st_uid not in (0, os.geteuid(), self.number):
            raise Unsuitable(f"{_shown(name)} belongs to user {state.st_uid}")


def _shown(name: str) -> str:
    return ascii(f"{CONTENT}/{name}") if name else "the folder"
