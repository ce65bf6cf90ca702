"""Manifests and indexes: https://github.com/opencontainers/image-spec/blob/main/manifest.md, .../image-index.md.

Docker's formats have the same shape under other media types: https://distribution.github.io/distribution/spec/manifest-v2-2/.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping
from typing import Any

CREATED = "org.opencontainers.image.created"
DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
SCHEMA_1 = "application/vnd.docker.distribution.manifest.v1+prettyjws"
MEDIA_TYPES = (OCI_INDEX, DOCKER_LIST, OCI_MANIFEST, DOCKER_MANIFEST)
"""What clients accept today. The registry converts to schema 1, with another digest, for those that accept none."""
_FOREIGN = ".foreign.", ".nondistributable."
LAYER = "application/octet-stream"
"""Media type of a layer of schema 1, which names none."""


class BadManifest(Exception):
    """A document is not a manifest; ``str()`` says why, for the parentheses of a message."""


@dataclasses.dataclass(frozen=True)
class Descriptor:
    """What a manifest refers to."""

    digest: str
    media_type: str
    size: int
    """Bytes; 0 where schema 1 names none."""
    platform: str = ""
    """``linux/arm64/v8``; empty where none is named."""
    is_foreign: bool = False
    """A layer that registries need not have, for example of Windows: clients get it elsewhere."""


@dataclasses.dataclass(frozen=True)
class Manifest:
    """A manifest of an image or artifact, or an index of manifests."""

    digest: str
    media_type: str
    size: int
    """Bytes of the document itself."""
    children: tuple[Descriptor, ...] = ()
    """The manifests of an index."""
    config: Descriptor | None = None
    layers: tuple[Descriptor, ...] = ()
    subject: str | None = None
    """Digest of the manifest that this one is about: it is a signature, an attestation or the like."""
    created: str = ""
    """When it was created, if it says so itself, as artifacts do whose configuration has no time."""

    @property
    def blobs(self) -> tuple[Descriptor, ...]:
        """The configuration and the layers that a registry must have."""
        config = (self.config,) if self.config else ()
        return tuple(blob for blob in (*config, *self.layers) if not blob.is_foreign)


@dataclasses.dataclass(frozen=True)
class Document:
    """A manifest as it is stored."""

    data: bytes = dataclasses.field(repr=False)
    media_type: str
    digest: str


def parse(document: bytes, media_type: str, digest: str) -> Manifest:
    """Read a manifest. *media_type* is that of the answer, used if the document names none. Raises BadManifest."""
    try:
        data = json.loads(document)
        kind = data.get("mediaType") or media_type.partition(";")[0].strip()
        subject = data.get("subject")
        return Manifest(
            digest,
            kind if isinstance(kind, str) else "",
            len(document),
            children=tuple(_descriptor(one) for one in data.get("manifests") or ()),
            config=_descriptor(data["config"]) if data.get("config") else None,
            layers=_layers(data),
            subject=_digest(subject["digest"]) if subject else None,
            created=_created(data.get("annotations")),
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise BadManifest(f"{digest} is not a manifest") from error


def _layers(data: Mapping[str, Any]) -> tuple[Descriptor, ...]:
    if "fsLayers" in data:  # schema 1
        digests = dict.fromkeys(_digest(layer["blobSum"]) for layer in data["fsLayers"])
        return tuple(Descriptor(digest, LAYER, 0) for digest in digests)
    # An artifact of ORAS has blobs in place of layers.
    return tuple(_descriptor(one) for one in (*(data.get("layers") or ()), *(data.get("blobs") or ())))


def _descriptor(data: Mapping[str, Any]) -> Descriptor:
    kind, size = data.get("mediaType", ""), data["size"]
    if not isinstance(kind, str) or not isinstance(size, int) or size < 0:
        raise ValueError("not a descriptor")
    foreign = bool(data.get("urls")) or any(word in kind for word in _FOREIGN)
    return Descriptor(_digest(data["digest"]), kind, size, _platform(data.get("platform")), foreign)


def _created(annotations: Any) -> str:
    text = annotations.get(CREATED) if isinstance(annotations, Mapping) else None
    return text if isinstance(text, str) else ""


def _digest(text: Any) -> str:
    if not isinstance(text, str) or not DIGEST.fullmatch(text):
        raise ValueError("not a digest")
    return text


def _platform(data: Any) -> str:
    if not isinstance(data, Mapping):
        return ""
    return "/".join(str(data[key]) for key in ("os", "architecture", "variant") if data.get(key))
