"""How archives describe their images: docker save's manifest.json, and the index of an OCI layout.

Formats: https://github.com/moby/moby/blob/master/image/spec/spec.md (manifest.json) and
https://github.com/opencontainers/image-spec/blob/main/image-layout.md (index.json).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from registry.images.reference import BadReference, Reference

Entry = dict[str, Any]
"""One image, in the form of docker save's manifest.json: Config, RepoTags, Layers."""

# Annotations with the name of an image: skopeo and podman write the first, containerd the second.
_NAME_KEYS = ("org.opencontainers.image.ref.name", "io.containerd.image.name")


def docker_entry(data: Any) -> Entry:
    """Return *data*, an entry of docker save's manifest.json, without invalid names (``<none>:<none>``).

    Raises ValueError.
    """
    match data:
        case {"Config": str(config), "Layers": list(layers)}:
            names = data.get("RepoTags") or []
            if isinstance(names, list) and all(isinstance(text, str) for text in [*names, *layers]):
                return {"Config": config, "RepoTags": [name for name in names if _is_name(name)], "Layers": layers}
    raise ValueError("manifest.json is not what docker save writes")


def oci_entries(index: Any, read: Callable[[str], Any], architecture: str) -> Iterator[Entry]:
    """Yield the images in the *index* of an OCI layout, those of *architecture* where an image has several.

    *read* returns the document of a digest, and raises KeyError where the layout does not contain it: it may be of
    another architecture. Raises KeyError if nothing else is there, TypeError and the like for a malformed index.
    """
    missing: KeyError | None = None
    is_empty = True
    for descriptor in index["manifests"]:
        labels = descriptor.get("annotations") or {}
        name = next((labels[key] for key in _NAME_KEYS[::-1] if key in labels), None)
        try:
            manifest = _manifest(read, descriptor, architecture)
        except KeyError as error:
            missing = error
            continue
        if manifest is not None:
            is_empty = False
            yield {
                "Config": blob(manifest["config"]["digest"]),
                "RepoTags": [str(Reference.parse(name))] if name and _is_name(name) else [],
                "Layers": [blob(layer["digest"]) for layer in manifest["layers"]],
            }
    if is_empty and missing is not None:
        raise missing


def blob(digest: str) -> str:
    """Return the path of the blob with this digest in an OCI layout.

    >>> blob("sha256:0a")
    'blobs/sha256/0a'
    """
    return f"blobs/{digest.replace(':', '/')}"


def _manifest(read: Callable[[str], Any], descriptor: dict[str, Any], architecture: str) -> Any:
    """Return the image manifest of *descriptor*, resolved through an index of several platforms if there is one.

    Raises KeyError if those of the platform are missing.
    """
    document, missing = read(descriptor["digest"]), None
    if "manifests" not in document:
        return document
    for inner in document["manifests"]:
        platform = inner.get("platform") or {}  # where nothing is said, the image's configuration says it
        if platform.get("architecture") in (None, "", architecture) and platform.get("os") in (None, "", "linux"):
            try:
                return _manifest(read, inner, architecture)
            except KeyError as error:
                missing = error
    if missing is not None:
        raise missing
    return None


def _is_name(text: str) -> bool:
    try:
        Reference.parse(text)
    except BadReference:
        return False
    return True
