"""Archives of images: what `docker save` writes, and OCI layouts, compressed or not.

Formats: https://github.com/moby/moby/blob/master/image/spec/spec.md (manifest.json) and
https://github.com/opencontainers/image-spec/blob/main/image-layout.md (index.json).
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import pathlib
import tarfile
from collections.abc import Iterator
from typing import IO, Any

from registry.images.reference import BadReference, Reference

# How an OCI archive says what its image is called: skopeo and podman write the first, containerd the second.
_NAME_KEYS = ("org.opencontainers.image.ref.name", "io.containerd.image.name")


class BadArchive(Exception):
    """A file is no archive of an image for this machine; ``str()`` is a clause for the operator."""


@dataclasses.dataclass(frozen=True)
class Archive:
    """An archive of images in a file."""

    path: pathlib.Path
    entries: tuple[dict[str, Any], ...]
    """One for each image, in the form of docker save's manifest.json: Config, RepoTags, Layers."""
    oci_only: bool
    """No manifest.json inside: Docker before 25 cannot load it as it is."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the images inside."""
        return tuple(name for entry in self.entries for name in entry["RepoTags"])

    def name_of(self, reference: str) -> str | None:
        """Return the name inside that means the image *reference*, or None."""
        wanted = Reference.parse(reference).canonical
        return next((name for name in self.names if Reference.parse(name).canonical == wanted), None)

    @contextlib.contextmanager
    def for_docker(self, scratch: pathlib.Path) -> Iterator[IO[bytes]]:
        """Give the archive as a file that any `docker load` takes; *scratch* is a folder for a copy if need be.

        Raises BadArchive; OSError where the machine does not take the copy.
        """
        if not self.oci_only:
            with self.path.open("rb") as file:
                yield file
            return
        copy = scratch / f".{self.path.name}.docker"
        try:
            self._with_manifest(copy)
            with copy.open("rb") as file:
                yield file
        finally:
            copy.unlink(missing_ok=True)

    def _with_manifest(self, copy: pathlib.Path) -> None:
        manifest = json.dumps(self.entries).encode()
        with _damage(), tarfile.open(self.path) as source, tarfile.open(copy, "w") as target:
            for member in source:
                target.addfile(member, source.extractfile(member) if member.isfile() else None)
            header = tarfile.TarInfo("manifest.json")
            header.size = len(manifest)
            target.addfile(header, io.BytesIO(manifest))


@contextlib.contextmanager
def _damage() -> Iterator[None]:
    """Raise BadArchive for whatever comes of reading a file that may hold anything; OSError of the machine stays."""
    try:
        yield
    except Exception as error:  # tarfile, the decompressors and json raise a dozen kinds, OSError without number too
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise BadArchive(f"it cannot be read ({error or type(error).__name__})") from error


def read(path: pathlib.Path, architecture: str) -> Archive:
    """Look into the archive at *path* for images of *architecture* (Go's name, e.g. ``amd64``).

    Raises BadArchive; OSError where the file itself cannot be had.
    """
    with _damage(), tarfile.open(path) as tar:
        names = {name.removeprefix("./"): name for name in tar.getnames()}
        if "manifest.json" in names:
            return Archive(path, tuple(map(_entry, _load(tar, names["manifest.json"]))), oci_only=False)
        if "index.json" in names:
            return Archive(path, tuple(map(_entry, _oci_entries(tar, names, architecture))), oci_only=True)
    raise BadArchive("it holds neither manifest.json (docker save) nor index.json (OCI)")


def _load(tar: tarfile.TarFile, name: str) -> Any:
    file = tar.extractfile(name)
    if file is None:
        raise KeyError(name)
    return json.load(file)


def _entry(data: Any) -> dict[str, Any]:
    """Return *data*, an entry of docker save's manifest.json, without names that are none (``<none>:<none>``)."""
    match data:
        case {"Config": str(config), "Layers": list(layers)}:
            names = data.get("RepoTags") or []
            if isinstance(names, list) and all(isinstance(text, str) for text in [*names, *layers]):
                return {"Config": config, "RepoTags": [name for name in names if _is_name(name)], "Layers": layers}
    raise ValueError("manifest.json is not what docker save writes")


def _is_name(text: str) -> bool:
    try:
        Reference.parse(text)
    except BadReference:
        return False
    return True


def _oci_entries(tar: tarfile.TarFile, names: dict[str, str], architecture: str) -> Iterator[dict[str, Any]]:
    index = _load(tar, names["index.json"])
    for descriptor in index["manifests"]:
        labels = descriptor.get("annotations") or {}
        name = next((labels[key] for key in _NAME_KEYS[::-1] if key in labels), None)
        manifest = _manifest(tar, names, descriptor, architecture)
        if manifest is not None:
            yield {
                "Config": _blob(manifest["config"]),
                "RepoTags": [str(Reference.parse(name))] if name and _is_name(name) else [],
                "Layers": [_blob(layer) for layer in manifest["layers"]],
            }


def _manifest(tar: tarfile.TarFile, names: dict[str, str], descriptor: dict[str, Any], architecture: str) -> Any:
    """Return the image manifest that *descriptor* leads to, through an index of several architectures if need be."""
    document = _load(tar, names[_blob(descriptor)])
    if "manifests" not in document:
        return document
    for inner in document["manifests"]:
        if inner.get("platform", {}).get("architecture") == architecture:
            return _manifest(tar, names, inner, architecture)
    return None


def _blob(descriptor: dict[str, Any]) -> str:
    return f"blobs/{descriptor['digest'].replace(':', '/')}"
