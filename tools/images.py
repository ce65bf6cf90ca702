"""Container images for trying the charm, built without a Docker daemon and without a network other than apt's.

The registry's image contains the program of the distribution's package docker-registry, with the command line,
port and volume of the official `registry:2`. The others have the same parts. Equal packages give
equal bytes: names are sorted, times are zero.

`tools/images.py` creates missing archives and lists them.
"""

from __future__ import annotations

import fcntl
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import host
import image_files
from image_files import Entry, Image, call, layer, save, save_oci

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


def package(name: str) -> Path:
    """Return the folder with the files of a package of the distribution, downloaded once. Raises Failure."""
    folder = CACHE / "packages" / name
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        (CACHE / ".gitignore").write_text("*\n")
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            _fetch(name, Path(scratch))
            unpacked = Path(scratch, "unpacked")
            call("dpkg", "-x", str(next(Path(scratch).glob("*.deb"))), str(unpacked))
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
    return Image(layers, config, call("dpkg", "--print-architecture").strip(), built)


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
    return _made("registry-image.tar", lambda path: save(registry(), path, REGISTRY))


def archives() -> Archives:
    """Return the archives of all images. Raises Failure."""
    return Archives(
        registry=registry_image(),
        second=_made("second.tar", lambda path: save(second(), path, REGISTRY)),
        broken=_made("broken.tar", lambda path: save(broken(), path, BROKEN)),
        stranger=_made("stranger.tar", lambda path: save(stranger(), path, STRANGER)),
        oci=_made("oci.tar", lambda path: save_oci(registry(), path, REGISTRY)),
    )


def _made(name: str, write: Callable[[Path], None]) -> Path:
    """Return the path of an archive in the cache, written when it is absent or older than what makes it."""
    archive, sources = CACHE / name, (Path(__file__), Path(image_files.__file__))
    CACHE.mkdir(exist_ok=True)
    with (CACHE / "lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)  # tests in parallel need the same archives
        if not archive.exists() or archive.stat().st_mtime < max(path.stat().st_mtime for path in sources):
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
            call("docker", "load", "-q", "-i", str(archive))
    return LOCAL_TAG


def _libraries(program: Path) -> dict[str, Entry]:
    """Return the shared libraries of a program, at the paths where its loader looks."""
    listed = re.findall(r"(/\S+) \(0x", call("ldd", str(program)))
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
