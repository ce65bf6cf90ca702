"""Archives of images: what `docker save` writes, and OCI layouts, compressed or not."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import pathlib
import tarfile
from collections.abc import Container, Iterable, Iterator, Mapping
from typing import IO, Any

from registry.client import zstd
from registry.images import layout
from registry.images.reference import Reference
from registry.message import Fault


class BadArchive(Exception):
    """A file is not an archive of images; ``str()`` says why, for the parentheses of a message."""


@dataclasses.dataclass(frozen=True)
class Archive:
    """An archive of images in a file."""

    path: pathlib.Path
    entries: tuple[layout.Entry, ...]
    """One for each image that this machine can run."""
    oci_only: bool
    """It has no manifest.json: Docker before 25 cannot load it unchanged, nor, with its name, one whose images are in
    containerd's store."""
    others: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Names of images for other machines, "" without one, and their architectures."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its images."""
        return tuple(name for entry in self.entries for name in entry["RepoTags"])

    def name_of(self, reference: str) -> str | None:
        """Return the name in the archive that is equivalent to *reference*, or None."""
        return _named(reference, self.names)

    def is_for_others(self, reference: str) -> bool:
        """Tell whether it contains the image *reference* for other machines."""
        return _named(reference, filter(None, self.others)) is not None

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
        with damage(), tarfile.open(self.path) as source, tarfile.open(copy, "w") as target:
            for member in source:
                # With these, containerd's importer would take the names from the index, where they are not in full.
                if member.name.removeprefix("./") in ("index.json", "oci-layout"):
                    continue
                target.addfile(member, source.extractfile(member) if member.isfile() else None)
            header = tarfile.TarInfo("manifest.json")
            header.size = len(manifest)
            target.addfile(header, io.BytesIO(manifest))


def _named(reference: str, names: Iterable[str]) -> str | None:
    requested = Reference.parse(reference).canonical
    return next((name for name in names if Reference.parse(name).canonical == requested), None)


@contextlib.contextmanager
def damage() -> Iterator[None]:
    """Turn any error of reading a file with arbitrary content into BadArchive; the machine's OSErrors stay."""
    try:
        yield
    except (BadArchive, Fault):
        raise
    except KeyError as error:
        raise BadArchive(f"a part of the image is missing in it: {error.args[0]}") from error
    except Exception as error:  # tarfile, the decompressors and json raise a dozen kinds, OSError without number too
        if isinstance(error, OSError) and error.errno is not None:
            raise
        reason = str(error).partition("\n")[0].rstrip(":") or type(error).__name__
        raise BadArchive(f"it cannot be read: {reason}") from error


@contextlib.contextmanager
def unpacked(path: pathlib.Path, scratch: pathlib.Path) -> Iterator[pathlib.Path]:
    """Yield *path*, or where it is compressed with zstd, which Python cannot read, a copy in *scratch* that is not.

    Raises BadArchive, or OSError where the copy cannot be written.
    """
    if not zstd.is_compressed(path):
        yield path
        return
    copy = scratch / f".{path.name}.tar"
    try:
        with damage():
            zstd.decompress(path, copy)
        yield copy
    finally:
        copy.unlink(missing_ok=True)


def read(path: pathlib.Path, architecture: str) -> Archive:
    """Read from the archive at *path* which images of *architecture* (Go's name, e.g. ``amd64``) it contains.

    Raises BadArchive, or OSError where the file itself cannot be read.
    """
    with damage(), tarfile.open(path) as tar:
        names = {name.removeprefix("./"): name for name in tar.getnames()}
        if "manifest.json" in names:
            found = [layout.docker_entry(one) for one in _document(tar, names["manifest.json"])]
        elif "index.json" in names:
            index = _document(tar, names["index.json"])
            images = layout.oci_entries(index, lambda digest: _document(tar, names[layout.blob(digest)]), architecture)
            found = list(map(layout.docker_entry, images))
        else:
            raise BadArchive("it contains neither manifest.json (docker save) nor index.json (OCI)")
        entries, others = [], {}
        for entry in found:
            config = _document(tar, names[entry["Config"]]) if entry["Config"] in names else {}
            system, machine = (str(config.get(key) or "") for key in ("os", "architecture"))
            if system in ("", "linux") and machine in ("", architecture):
                entries.append(entry)
            else:
                kind = machine if system in ("", "linux") else f"{system}/{machine}"
                others.update(dict.fromkeys(entry["RepoTags"] or [""], kind))
        for entry in entries:
            _require_content(entry, names)
        return Archive(path, tuple(entries), "manifest.json" not in names, others)


def _require_content(entry: layout.Entry, names: Container[str]) -> None:
    """Raise BadArchive unless all parts of an image are there: layers of some base images never are (foreign ones)."""
    absent = [name for name in (entry["Config"], *entry["Layers"]) if name not in names]
    if absent:
        raise BadArchive(f"a part of the image is missing in it: {absent[0]}")


def _document(tar: tarfile.TarFile, name: str) -> Any:
    file = tar.extractfile(name)
    if file is None:
        raise KeyError(name)
    return json.load(file)
