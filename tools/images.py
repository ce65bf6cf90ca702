"""Container images for trying the charm, built without a Docker daemon and without a network other than apt's.

The registry's image contains the program of the distribution's package docker-registry, with the command line,
port and volume of the official `registry:2`. The others have the same parts. Equal packages give
equal bytes: names are sorted, times are zero.

`tools/images.py` creates missing archives and lists them.
"""

from __future__ import annotations

import fcntl
import gzip
import hashlib
import io
import json
import re
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import host

CACHE = host.CHECKOUT / ".cache"
REGISTRY = "registry:2"
LOCAL_TAG = "docker-registry-test/registry:2"
"""The registry's image on this machine's Docker; the name `registry:2` may be in use."""

STRANGER = "docker-registry-test/stranger:1"
BROKEN = "docker-registry-test/broken:1"

ENTRYPOINT = """\
#!/bin/sh
set -e
case "$1" in
*.yaml | *.yml) exec registry serve "$@" ;;
serve | garbage-collect | help | -*) exec registry "$@" ;;
*) exec "$@" ;;
esac
"""

BROKEN_ENTRYPOINT = """\
#!/bin/sh
if [ "$1" = --version ]; then exec registry --version; fi
echo 'time="2024-01-01T00:00:00Z" level=fatal msg="this image is broken on purpose"' >&2
exit 1
"""

DEFAULT_CONFIGURATION = """\
version: 0.1
log:
  fields:
    service: registry
storage:
  cache:
    blobdescriptor: inmemory
  filesystem:
    rootdirectory: /var/lib/registry
http:
  addr: :5000
  headers:
    X-Content-Type-Options: [nosniff]
health:
  storagedriver:
    enabled: true
    interval: 10s
    threshold: 3
"""

APPLETS = ("cat", "env", "id", "ls", "ps", "sh", "sleep", "wget")
"""The names of busybox in the image: commands that people and health checks run in a container."""


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


def package(name: str) -> Path:
    """Return the folder with the files of a package of the distribution, downloaded once. Raises Failure."""
    folder = CACHE / "packages" / name
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        (CACHE / ".gitignore").write_text("*\n")
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            _fetch(name, Path(scratch))
            unpacked = Path(scratch, "unpacked")
            _call("dpkg", "-x", str(next(Path(scratch).glob("*.deb"))), str(unpacked))
            unpacked.rename(folder)
    return folder


def registry() -> Image:
    """Return the registry's image: a layer with the system, one with the program, one with its settings."""
    program = package("docker-registry") / "usr/bin/docker-registry"
    certificates = sorted((package("ca-certificates") / "usr/share/ca-certificates").rglob("*.crt"))
    system = {
        "bin/busybox": Entry((package("busybox-static") / "bin/busybox").read_bytes(), 0o755),
        **{f"bin/{applet}": Entry(target="busybox") for applet in APPLETS},
        "etc/group": Entry(b"root:x:0:\n"),
        "etc/nsswitch.conf": Entry(b"hosts: files dns\n"),
        "etc/passwd": Entry(b"root:x:0:0:root:/root:/bin/sh\n"),
        "etc/ssl/certs/ca-certificates.crt": Entry(b"".join(path.read_bytes() for path in certificates)),
        "tmp": Entry(mode=0o1777),
        **_libraries(program),
    }
    settings = {
        "entrypoint.sh": Entry(ENTRYPOINT.encode(), 0o755),
        "etc/docker/registry/config.yml": Entry(DEFAULT_CONFIGURATION.encode()),
        "var/lib/registry": Entry(mode=0o755),
    }
    config = {
        "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
        "Entrypoint": ["/entrypoint.sh"],
        "Cmd": ["/etc/docker/registry/config.yml"],
        "ExposedPorts": {"5000/tcp": {}},
        "Volumes": {"/var/lib/registry": {}},
    }
    layers = (layer(system), layer({"bin/registry": Entry(program.read_bytes(), 0o755)}), layer(settings))
    built = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(program.stat().st_mtime))
    return Image(layers, config, _call("dpkg", "--print-architecture").strip(), built)


def second() -> Image:
    """Return the registry's image as if its tag had moved: the same program, another image ID."""
    image = registry()
    return replace(image, config={**image.config, "Labels": {"generation": "2"}})


def broken() -> Image:
    """Return the registry's image with a server that ends at once, with an error in its log."""
    image = registry()
    return replace(image, layers=(*image.layers, layer({"entrypoint.sh": Entry(BROKEN_ENTRYPOINT.encode(), 0o755)})))


def stranger() -> Image:
    """Return an image that is not a registry: it prints a line and ends, whatever its arguments."""
    image = registry()
    config = {"Env": image.config["Env"], "Entrypoint": ["/bin/sh", "-c", "echo I am no registry"]}
    return replace(image, layers=image.layers[:1], config=config)


def save(image: Image, path: Path, tag: str = REGISTRY) -> None:
    """Write the image to the file as `docker save` does, with the tag in it."""
    name = f"{image.id().removeprefix('sha256:')}.json"
    layers = {f"{_digest(content).removeprefix('sha256:')}/layer.tar": content for content in image.layers}
    manifest = _json([{"Config": name, "RepoTags": [tag], "Layers": list(layers)}])
    contents = {name: image.configuration(), **layers, "manifest.json": manifest}
    path.write_bytes(layer({name: Entry(content) for name, content in contents.items()}))


def save_oci(image: Image, path: Path, tag: str = REGISTRY) -> None:
    """Write the image to the file as an OCI archive, with skopeo. Raises Failure."""
    with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
        source = Path(scratch, "docker.tar")
        save(image, source, tag)
        path.unlink(missing_ok=True)
        _call("skopeo", "copy", "-q", f"docker-archive:{source}", f"oci-archive:{path}:{tag}")


@dataclass(frozen=True)
class Archives:
    """The images as files, kept between runs, and the tags in those that are not tagged registry:2."""

    registry: Path
    second: Path
    """The tag registry:2 after it has moved."""
    broken: Path
    stranger: Path
    oci: Path
    """The registry's image as an OCI archive."""
    broken_name: str = BROKEN
    stranger_name: str = STRANGER


def registry_image() -> Path:
    """Return the archive of the registry's image, tagged registry:2. Raises Failure."""
    return _made("registry-image.tar", lambda path: save(registry(), path))


def archives() -> Archives:
    """Return the archives of all images. Raises Failure."""
    return Archives(
        registry=registry_image(),
        second=_made("second.tar", lambda path: save(second(), path)),
        broken=_made("broken.tar", lambda path: save(broken(), path, BROKEN)),
        stranger=_made("stranger.tar", lambda path: save(stranger(), path, STRANGER)),
        oci=_made("oci.tar", lambda path: save_oci(registry(), path)),
    )


def _made(name: str, write: Callable[[Path], None]) -> Path:
    """Return the path of an archive in the cache, written when it is absent or older than this module."""
    archive = CACHE / name
    CACHE.mkdir(exist_ok=True)
    with (CACHE / "lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)  # tests in parallel need the same archives
        if not archive.exists() or archive.stat().st_mtime < Path(__file__).stat().st_mtime:
            partial = archive.with_name(f"{name}.partial")
            write(partial)
            partial.rename(archive)
    return archive


def local_image() -> str:
    """Load the registry's image into this machine's Docker, if missing, and return its tag."""
    image = registry()
    existing = host.run("docker", "image", "inspect", "--format", "{{.Id}}", LOCAL_TAG)
    if existing.stdout.strip() != image.id():
        with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
            archive = Path(scratch, "docker.tar")
            save(image, archive, LOCAL_TAG)
            _call("docker", "load", "-q", "-i", str(archive))
    return LOCAL_TAG


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


def _libraries(program: Path) -> dict[str, Entry]:
    """Return the shared libraries of a program, at the paths where its loader looks."""
    listed = re.findall(r"(/\S+) \(0x", _call("ldd", str(program)))
    return {path.lstrip("/"): Entry(Path(path).read_bytes(), 0o755) for path in listed}


def _fetch(name: str, folder: Path) -> None:
    """Download a package, after an update of the package lists if they are missing or old. Raises Failure."""
    # As root, because the user _apt cannot write here.
    command = ("apt-get", "download", "-q", "-o", "APT::Sandbox::User=root", name)
    if subprocess.run(command, cwd=folder, capture_output=True).returncode != 0:
        host.run("apt-get", "update")
        again = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        if again.returncode != 0:
            raise host.Failure(host.apt_problem([name], again.stderr))


def _call(*command: str) -> str:
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


def main() -> int:
    """Create all archives and list them."""
    try:
        made = archives()
    except host.Failure as failure:
        print(failure, file=sys.stderr)
        return 1
    for name in ("registry", "second", "broken", "stranger", "oci"):
        print(f"{name:9} {getattr(made, name)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
