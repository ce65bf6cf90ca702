"""Archives of images: what `docker save` writes, and OCI layouts, compressed or not."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import pathlib
import tarfile
from collections.abc import Iterator
from typing import IO, Any

from registry.images import layout
from registry.images.reference import Reference


class BadArchive(Exception):
    """A file is not an archive of images; ``str()`` says why, for the parentheses of a message."""


@dataclasses.dataclass(frozen=True)
class Archive:
    """An archive of images in a file."""

    path: pathlib.Path
    entries: tuple[layout.Entry, ...]
    """One for each image."""
    oci_only: bool
    """It has no manifest.json: Docker before 25 cannot load it unchanged."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its images."""
        return tuple(name for entry in self.entries for name in entry["RepoTags"])

    def name_of(self, reference: str) -> str | None:
        """Return the name in the archive that is equivalent to *reference*, or None."""
        requested = Reference.parse(reference).canonical
        return next((name for name in self.names if Reference.parse(name).canonical == requested), None)

    @contextlib.contextmanager
    def for_docker(self, scratch: pathlib.Path) -> Iterator[IO[bytes]]:
        """Open the archive as a file that any `docker load` accepts; *scratch* is a folder for a copy if needed.

        Raises BadArchive, or OSError where the copy cannot be written.
        """
        if not self.oci_only:
            with self.path.open("rb") as file:
                yield file
            return
        copy = scratch / f".{self.path.name}.docker"
        try:
            self._write_with_manifest(copy)
            with copy.open("rb") as file:
                yield file
        finally:
            copy.unlink(missing_ok=True)

    def _write_with_manifest(self, copy: pathlib.Path) -> None:
        manifest = json.dumps(self.entries).encode()
        with _damage(), tarfile.open(self.path) as source, tarfile.open(copy, "w") as target:
            for member in source:
                target.addfile(member, source.extractfile(member) if member.isfile() else None)
            header = tarfile.TarInfo("manifest.json")
            header.size = len(manifest)
            target.addfile(header, io.BytesIO(manifest))


@contextlib.contextmanager
def _damage() -> Iterator[None]:
    """Turn any error of reading a file with arbitrary content into BadArchive; the machine's OSErrors stay."""
    try:
        yield
    except Exception as error:  # tarfile, the decompressors and json raise a dozen kinds, OSError without number too
        if isinstance(error, OSError) and error.errno is not None:
            raise
        reason = str(error).partition("\n")[0].rstrip(":") or type(error).__name__
        raise BadArchive(f"it cannot be read: {reason}") from error


def read(path: pathlib.Path, architecture: str) -> Archive:
    """Read from the archive at *path* which images of *architecture* (Go's name, e.g. ``amd64``) it contains.

    Raises BadArchive, or OSError where the file itself cannot be read.
    """
    with _damage(), tarfile.open(path) as tar:
        names = {name.removeprefix("./"): name for name in tar.getnames()}
        if "manifest.json" in names:
            entries = map(layout.docker_entry, _document(tar, names["manifest.json"]))
            return Archive(path, tuple(entries), oci_only=False)
        if "index.json" in names:
            index = _document(tar, names["index.json"])
            images = layout.oci_entries(index, lambda digest: _document(tar, names[layout.blob(digest)]), architecture)
            return Archive(path, tuple(map(layout.docker_entry, images)), oci_only=True)
    raise BadArchive("it contains neither manifest.json (docker save) nor index.json (OCI)")


def _document(tar: tarfile.TarFile, name: str) -> Any:
    file = tar.extractfile(name)
    if file is None:
        raise KeyError(name)
    return json.load(file)
