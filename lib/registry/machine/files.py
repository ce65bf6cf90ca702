"""Files of the machine: written as a whole or not at all, and those at paths that the operator chose."""

from __future__ import annotations

import os
import pathlib
import stat

LIMIT = 1 << 20
"""Bytes that an operator's file has at most: a thousand certificates."""


class UnreadableError(Exception):
    """There is something at the path that cannot be read as a file; ``str()`` is a clause that names the path."""


class LocalFiles:
    """Files at any path, whoever owns them."""

    def read(self, path: str) -> str | None:
        """Return the text of a file, None where there is none. Raises UnreadableError."""
        try:
            with open(path, "rb", opener=_open_without_waiting) as file:
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    raise UnreadableError(f"{path} is no file")
                data = file.read(LIMIT + 1)
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise UnreadableError(f"{path} cannot be read ({getattr(error, 'strerror', None) or error})") from error
        if len(data) > LIMIT:
            raise UnreadableError(f"{path} is larger than {LIMIT} bytes")
        return data.decode(errors="replace")

    def has_text(self, path: str, text: str) -> bool:
        """Tell whether there is a file with exactly this text."""
        try:
            return self.read(path) == text
        except UnreadableError:
            return False

    def ensure(self, path: str, text: str, mode: int) -> None:
        """Write a file, unless it has this text and is open to nobody whom *mode* excludes. Raises OSError."""
        if not self.has_text(path, text) or stat.S_IMODE(os.stat(path).st_mode) & ~mode:
            pathlib.Path(path).parent.mkdir(parents=True, exist_ok=True)
            write_file(pathlib.Path(path), text, mode)

    def remove(self, path: str) -> None:
        """Remove a file, if it exists. Raises OSError."""
        pathlib.Path(path).unlink(missing_ok=True)


def write_file(path: pathlib.Path, text: str, mode: int = 0o600) -> None:
    """Write *text* to *path*, as a whole or not at all, at no moment readable for others unless *mode* says so."""
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.chmod(mode)
    draft.replace(path)


def sync_folder(folder: pathlib.Path) -> None:
    """Flush the names in *folder* to disk, so that a power cut cannot lose a rename."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _open_without_waiting(path: str, flags: int) -> int:
    """Open what may be a pipe that nobody writes to."""
    return os.open(path, flags | os.O_NONBLOCK)
