"""Runs on a unit: `repositories.py FOLDER NUMBER` writes repositories scale/1 and so on as the registry stores them.

FOLDER has the registry's blobs and repositories. Each repository has a tiny image with a layer of its own, and one more
layer that no image needs. All share the image's configuration. To write what is there already changes nothing.

https://github.com/distribution/distribution/blob/release/2.8/registry/storage/paths.go
"""

import hashlib
import json
import pathlib
import sys

OCI = "application/vnd.oci.image.manifest.v1+json"
CONFIGURATION = json.dumps({"created": "2026-01-02T03:04:05Z", "os": "linux", "architecture": "amd64"}).encode()


def write(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def blob(root, data):
    """Write a blob; return its digest without the algorithm."""
    digest = hashlib.sha256(data).hexdigest()
    write(root / "blobs/sha256" / digest[:2] / digest / "data", data)
    return digest


def link(folder, digest):
    write(folder / "link", f"sha256:{digest}".encode())


def descriptor(digest, data):
    return {"mediaType": "application/octet-stream", "digest": f"sha256:{digest}", "size": len(data)}


def repository(root, name):
    layer = f"layer of {name}".encode()
    blobs = {blob(root, data): data for data in (CONFIGURATION, layer)}
    blob(root, f"not needed by {name}".encode())
    config, layers = (descriptor(*one) for one in blobs.items())
    document = {"schemaVersion": 2, "mediaType": OCI, "config": config, "layers": [layers]}
    manifest = blob(root, json.dumps(document).encode())
    folder = root / "repositories" / name
    for digest in blobs:
        link(folder / "_layers/sha256" / digest, digest)
    link(folder / "_manifests/revisions/sha256" / manifest, manifest)
    link(folder / "_manifests/tags/1/current", manifest)
    link(folder / "_manifests/tags/1/index/sha256" / manifest, manifest)


for number in range(int(sys.argv[2])):
    repository(pathlib.Path(sys.argv[1]), f"scale/{number + 1}")
