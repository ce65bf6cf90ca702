"""Images in the archives that people carry: their names, and manifests where `docker save` writes none.

The index of an OCI layout: https://github.com/opencontainers/image-spec/blob/main/image-layout.md. Which annotation
has the whole name depends on who wrote it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from registry.images.inventory import subject_of
from registry.images.manifest import DIGEST, OCI_INDEX, OCI_MANIFEST, SCHEMA_1, Document
from registry.images.reference import BadReference, Reference
from registry.images.selection import Selection

CONTAINERD_NAME = "io.containerd.image.name"
REF_NAME = "org.opencontainers.image.ref.name"
_NAMES = (CONTAINERD_NAME, REF_NAME, "org.opencontainers.image.base.name")
"""Docker, containerd and hauler write the first; zarf the second, where skopeo and Docker have the tag only; crane the
third."""
_SUFFIXES = {"sigs": ".sig", "atts": ".att", "sboms": ".sbom"}
"""What hauler and `cosign save` call a dependent, which has the name of its image, to the suffix of its tag."""
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar"


@dataclasses.dataclass(frozen=True)
class Image:
    """An image in an archive."""

    name: str
    """As the archive has it; empty where it has none."""
    repository: str
    """The name without the host and what follows the repository; empty without a name."""
    tag: str
    """Empty where the name has none, or a digest only."""
    digest: str
    media_type: str = ""
    """Empty where it is not said."""

    @classmethod
    def named(cls, reference: Reference | None, digest: str, media_type: str = "") -> Image:
        """Return the image *digest* with the name *reference*."""
        if reference is None:
            return cls("", "", "", digest, media_type)
        return cls(str(reference), reference.path, reference.tag or "", digest, media_type)

    @property
    def whole_repository(self) -> str:
        """The name with the host, without what follows the repository."""
        return self.name.partition("@")[0].removesuffix(f":{self.tag}")

    @property
    def is_dependent(self) -> bool:
        """Its tag is that of a signature, an attestation or the like."""
        return subject_of(self.tag) is not None

    def is_selected(self, selections: Sequence[Selection]) -> bool:
        """Tell whether one of *selections* names it, with its host or without, or there are none."""
        return not selections or any(
            one.tags(name, {self.tag: self.digest}) or self.digest in one.digests(name)
            for one in selections
            for name in (self.repository, self.whole_repository)
        )


def images(index: Any) -> Iterator[Image]:
    """Yield the images that the *index* of a layout lists. Raises ValueError and the like for another shape."""
    subjects: dict[str, str] = {}
    for entry in index["manifests"]:
        digest, kind, labels = entry["digest"], entry.get("mediaType", ""), entry.get("annotations") or {}
        if not isinstance(kind, str) or not isinstance(digest, str) or not DIGEST.fullmatch(digest):
            raise ValueError("index.json is not that of an OCI layout")
        image = Image.named(_reference(labels), digest, kind)
        suffix = _SUFFIXES.get(str(labels.get("kind", "")).rpartition("/")[2])
        if suffix is None:
            subjects[image.name] = digest
        elif image.name in subjects and not image.is_dependent:
            image = dataclasses.replace(image, tag=subjects[image.name].replace(":", "-") + suffix)
        yield image


def _reference(labels: Mapping[str, Any]) -> Reference | None:
    for key in _NAMES:
        text = labels.get(key)
        # One word alone is a tag, and does not say of which repository.
        if isinstance(text, str) and any(mark in text for mark in ":/@") and (found := parsed(text)):
            return found
    return None


def parsed(name: str) -> Reference | None:
    """Return the reference that *name* is, None for other texts."""
    try:
        return Reference.parse(name)
    except BadReference:
        return None


def entry(repository: str, reference: str, digest: str, media_type: str, size: int) -> dict[str, Any]:
    """Return the entry of a layout's index for the tag or digest *reference* of a repository."""
    name = f"{repository}{'@' if reference == digest else ':'}{reference}"
    labels = {REF_NAME: name, CONTAINERD_NAME: name}
    return {"mediaType": media_type, "digest": digest, "size": size, "annotations": labels}


def media_type(data: Any, kind: str = "") -> str:
    """Return the media type of a manifest: what it says itself, else *kind*, else what its shape says."""
    if not isinstance(data, dict):
        return kind
    shape = SCHEMA_1 if "fsLayers" in data else OCI_INDEX if "manifests" in data else OCI_MANIFEST
    named = data.get("mediaType")
    return named if isinstance(named, str) and named else kind or shape


@dataclasses.dataclass(frozen=True)
class File:
    """A file of an archive."""

    digest: str
    size: int
    is_gzip: bool = False


def docker_manifest(config: File, layers: Sequence[File]) -> Document:
    """Return a manifest of an image in docker save's archive, which has none: always the same one, byte for byte."""
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": {"mediaType": _CONFIG, "digest": config.digest, "size": config.size},
        "layers": [
            {"mediaType": _LAYER + "+gzip" * one.is_gzip, "digest": one.digest, "size": one.size} for one in layers
        ],
    }
    return _document(document, OCI_MANIFEST)


def without(document: Document, missing: Collection[str]) -> Document:
    """Return the index *document* without its children *missing*: registries refuse one that lacks some."""
    data = json.loads(document.data)
    data["manifests"] = [child for child in data["manifests"] if child["digest"] not in missing]
    return _document(data, document.media_type)


def _document(data: dict[str, Any], kind: str) -> Document:
    text = json.dumps(data, separators=(",", ":")).encode()
    return Document(text, kind, f"sha256:{hashlib.sha256(text).hexdigest()}")
