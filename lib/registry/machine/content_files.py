"""The files in which a registry on this machine keeps its content, where its own API cannot read or write them."""

from __future__ import annotations

import contextlib
import hashlib
import os
import pathlib
from collections.abc import Iterable

from registry.images import damage
from registry.images.manifest import DIGEST, Descriptor

CHUNK = 1 << 20
DRAFT = "data.repair"


class WrongContent(Exception):
    """The content has another digest than it should have."""


class ContentFiles:
    """The content below a registry's data *folder*."""

    def __init__(self, folder: str) -> None:
        self._root = pathlib.Path(folder)

    def read_link(self, repository: str, tag: str) -> str:
        """Return the digest of a tag's manifest; "" where the file with it is missing or damaged. Raises OSError."""
        try:
            text = (self._root / damage.tag_path(repository, tag)).read_text(errors="replace").strip()
        except FileNotFoundError:
            return ""
        return text if DIGEST.fullmatch(text) else ""

    def read_state(self, part: Descriptor) -> str:
        """Return what is wrong with a blob or manifest; "" if its file is whole. Raises OSError."""
        size, hashed = 0, hashlib.new(part.digest.partition(":")[0])
        try:
            with (self._root / damage.path(part.digest)).open("rb") as file:
                while chunk := file.read(CHUNK):
                    size += len(chunk)
                    hashed.update(chunk)
        except FileNotFoundError:
            return damage.MISSING
        return damage.state(part, size, f"{hashed.name}:{hashed.hexdigest()}")

    def replace(self, digest: str, chunks: Iterable[bytes]) -> None:
        """Replace the damaged file of a blob or manifest by its real content, at once. Raises WrongContent, OSError.

        The registry would keep the damaged one: it does not store what is there already.
        """
        path = pathlib.PurePath(damage.path(digest))
        folder = self._open(path.parent)
        try:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(DRAFT, dir_fd=folder)
            self._write(folder, path.name, digest, chunks)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(DRAFT, dir_fd=folder)
            os.close(folder)

    def _open(self, path: pathlib.PurePath) -> int:
        """Open a folder below the root. The registry may write there, and no link of its own leads elsewhere."""
        folder = os.open(self._root, os.O_DIRECTORY)
        for name in path.parts:
            try:
                inner = os.open(name, os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
            finally:
                os.close(folder)
            folder = inner
        return folder

    def _write(self, folder: int, name: str, digest: str, chunks: Iterable[bytes]) -> None:
        hashed = hashlib.new(digest.partition(":")[0])
        descriptor = os.open(DRAFT, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=folder)
        with os.fdopen(descriptor, "wb") as target:
            for chunk in chunks:
                hashed.update(chunk)
                target.write(chunk)
            if f"{hashed.name}:{hashed.hexdigest()}" != digest:
                raise WrongContent(f"the other registry has other content for {digest}")
            before = os.stat(name, dir_fd=folder, follow_symlinks=False)
            os.fchown(descriptor, before.st_uid, before.st_gid)
            os.fchmod(descriptor, before.st_mode & 0o777)
            target.flush()
            os.fsync(descriptor)
        os.replace(DRAFT, name, src_dir_fd=folder, dst_dir_fd=folder)
