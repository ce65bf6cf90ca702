"""Archives of images as tools write them, byte by byte."""

import hashlib
import io
import json
import tarfile

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
REF, CONTAINERD, BASE = (
    "org.opencontainers.image.ref.name",
    "io.containerd.image.name",
    "org.opencontainers.image.base.name",
)


def sha(data):
    return hashlib.sha256(data).hexdigest()


def dump(data):
    return json.dumps(data).encode()


def tar(path, files):
    """Write *files*: name to bytes, or to the target of a symbolic link."""
    with tarfile.open(path, "w") as file:
        for name, data in files.items():
            header = tarfile.TarInfo(name)
            if isinstance(data, str):
                header.type, header.linkname = tarfile.SYMTYPE, data
                file.addfile(header)
            else:
                header.size = len(data)
                file.addfile(header, io.BytesIO(data))
    return path


class Layout:
    """An OCI layout."""

    def __init__(self):
        self.files = {"oci-layout": b'{"imageLayoutVersion": "1.0.0"}'}
        self.entries = []

    def blob(self, data, kind="application/octet-stream"):
        self.files[f"blobs/sha256/{sha(data)}"] = data
        return {"mediaType": kind, "digest": f"sha256:{sha(data)}", "size": len(data)}

    def image(self, layer, **more):
        document = {"config": self.blob(dump({"os": "linux", **more})), "layers": [self.blob(layer.encode())]}
        return self.blob(dump({"schemaVersion": 2, "mediaType": MANIFEST, **document}), MANIFEST)

    def index(self, **children):
        entries = [{**one, "platform": {"os": "linux", "architecture": name}} for name, one in children.items()]
        return self.blob(dump({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}), INDEX)

    def drop(self, descriptor):
        del self.files[f"blobs/sha256/{descriptor['digest'].partition(':')[2]}"]

    def name(self, descriptor, **annotations):
        self.entries.append({**descriptor, "annotations": annotations} if annotations else descriptor)

    def write(self, path, prefix=""):
        files = {**self.files, "index.json": dump({"schemaVersion": 2, "manifests": self.entries})}
        return tar(path, {f"{prefix}{name}": data for name, data in files.items()})


def docker_save(path, *images, files=()):
    """Write what Docker before 25 saves: each of *images* is its names and its layers; the second time a layer is
    a link to the first."""
    content, entries, first = {}, [], {}
    for number, (names, layers) in enumerate(images):
        diffs = [f"sha256:{sha(layer)}" for layer in layers]
        config = dump({"os": "linux", "number": number, "rootfs": {"type": "layers", "diff_ids": diffs}})
        places = [f"{number}{place}/layer.tar" for place in range(len(layers))]
        for name, layer in zip(places, layers, strict=True):
            content[name] = f"../{first[layer]}" if layer in first else layer
            first.setdefault(layer, name)
        content[f"{sha(config)}.json"] = config
        entries.append({"Config": f"{sha(config)}.json", "RepoTags": names, "Layers": places})
    return tar(path, {**dict(reversed(content.items())), "manifest.json": dump(entries), **dict(files)})
