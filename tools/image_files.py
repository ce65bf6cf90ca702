"""An image, and the files that it can be in: as of `docker save`, an OCI archive, an OCI layout.

Equal images give equal bytes: names are sorted, times are zero.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import host


@dataclass(frozen=True)
class Entry:
    """A file of a layer; a folder without content; or, with target set, a link."""

    content: bytes | None = None
    mode: int = 0o644
    target: str | None = None


@dataclass(frozen=True)
class Image:
    """An image: its layers as plain tar files, what its configuration says, its architecture and its time."""

    layers: tuple[bytes, ...]
    config: Mapping[str, Any]
    architecture: str
    created: str
    """When the program in it was built, e.g. 2023-05-13T08:00:00Z."""

    def configuration(self) -> bytes:
        """Return the image's configuration, the bytes of which its ID is the SHA-256."""
        return _json(
            {
                "architecture": self.architecture,
                "os": "linux",
                "created": self.created,
                "config": dict(self.config),
                "rootfs": {"type": "layers", "diff_ids": [_digest(layer) for layer in self.layers]},
                "history": [{"created": self.created, "created_by": "tools/images.py"} for _ in self.layers],
            }
        )

    def id(self) -> str:
        """Return the image's ID as Docker shows it, `sha256:...`."""
        return _digest(self.configuration())


def layer(entries: Mapping[str, Entry]) -> bytes:
    """Return a layer with these entries, by path without the leading slash; folders above them are added."""
    folders = {str(parent) for path in entries for parent in Path(path).parents} - {"."}
    every = {folder: Entry(mode=0o755) for folder in folders} | dict(entries)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path, entry in sorted(every.items()):
            member = tarfile.TarInfo(path)
            member.mode = entry.mode
            if entry.target is not None:
                member.type, member.linkname, member.mode = tarfile.SYMTYPE, entry.target, 0o777
            elif entry.content is None:
                member.type = tarfile.DIRTYPE
            member.size = len(entry.content or b"")
            archive.addfile(member, io.BytesIO(entry.content or b""))
    return packed.getvalue()


def save(image: Image, path: Path, tag: str) -> None:
    """Write the image to the file as `docker save` does, with the tag in it."""
    name = f"{image.id().removeprefix('sha256:')}.json"
    layers = {f"{_digest(content).removeprefix('sha256:')}/layer.tar": content for content in image.layers}
    manifest = _json([{"Config": name, "RepoTags": [tag], "Layers": list(layers)}])
    contents = {name: image.configuration(), **layers, "manifest.json": manifest}
    path.write_bytes(layer({name: Entry(content) for name, content in contents.items()}))


def save_oci(image: Image, path: Path, tag: str) -> None:
    """Write the image to the file as an OCI archive, with skopeo. Raises Failure."""
    with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
        source = Path(scratch, "docker.tar")
        save(image, source, tag)
        path.unlink(missing_ok=True)
        call("skopeo", "copy", "-q", f"docker-archive:{source}", f"oci-archive:{path}:{tag}")


def index(folder: Path, image: Image, tag: str) -> str:
    """Write an index of the image for linux/amd64 and linux/arm64 as an OCI layout; return the index's digest.

    `skopeo copy --all oci:<folder>:<tag> docker://...` pushes it. One of the two has the wrong
    architecture: an index is about manifests, and this image is not run.
    """
    (folder / "blobs/sha256").mkdir(parents=True)
    (folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    manifests = []
    for architecture in ("amd64", "arm64"):
        manifest = _manifest(folder, replace(image, architecture=architecture))
        manifests.append({**manifest, "platform": {"architecture": architecture, "os": "linux"}})
    kind = "application/vnd.oci.image.index.v1+json"
    listing = _blob(folder, kind, _json({"schemaVersion": 2, "mediaType": kind, "manifests": manifests}))
    named = {**listing, "annotations": {"org.opencontainers.image.ref.name": tag}}
    (folder / "index.json").write_bytes(_json({"schemaVersion": 2, "manifests": [named]}))
    return str(listing["digest"])


def _manifest(folder: Path, image: Image) -> dict[str, Any]:
    """Write the image's blobs and its manifest to the OCI layout; return the descriptor."""
    kind = "application/vnd.oci.image"
    layers = [
        _blob(folder, f"{kind}.layer.v1.tar+gzip", gzip.compress(content, 6, mtime=0)) for content in image.layers
    ]
    config = _blob(folder, f"{kind}.config.v1+json", image.configuration())
    manifest = {"schemaVersion": 2, "mediaType": f"{kind}.manifest.v1+json", "config": config, "layers": layers}
    return _blob(folder, f"{kind}.manifest.v1+json", _json(manifest))


def _blob(folder: Path, kind: str, content: bytes) -> dict[str, Any]:
    digest = _digest(content)
    (folder / "blobs" / digest.replace(":", "/")).write_bytes(content)
    return {"mediaType": kind, "digest": digest, "size": len(content)}


def call(*command: str) -> str:
    """Run a command and return its output. Raises Failure with its last line."""
    done = host.run(*command)
    if done.returncode != 0:
        reason = (done.stderr.strip() or "no reason given").splitlines()[-1]
        raise host.Failure(f"`{' '.join(command[:2])}` failed: {reason}")
    return done.stdout


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
