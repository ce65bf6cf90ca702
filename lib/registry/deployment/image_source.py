"""Where the registry's image comes from: the resource, the machine, or a pull."""

from __future__ import annotations

import dataclasses
import pathlib
import tempfile
from collections.abc import Callable

from registry.client import archive
from registry.deadline import Deadline
from registry.formats.inspection import DIGEST_LABEL, VERSION_COMMAND
from registry.formats.names import VERSION
from registry.machine import engine
from registry.message import Fault, Message
from registry.release.image import Image, version_in

VERSION_SECONDS = 30
"""How long a registry may take to report its version."""


UNAVAILABLE = Message(
    "Docker cannot get the image ({error})",
    "Check its name and the network, or attach it as a resource. Retrying automatically",
)
"""The image is neither in the resource nor on the machine, and its registry is unreachable or refuses access."""
NOT_A_REGISTRY = Message(
    "{reference} is not a registry: `--version` prints no version", "Use an image such as registry:2"
)
"""The command `--version` of the image does not print the version of a Distribution registry."""
NOT_AN_ARCHIVE = Message(
    "the resource registry-image is not an archive of images ({error})", "Attach the output of `docker save`"
)
"""The attached file is damaged, or is neither the output of `docker save` nor an OCI layout as a tar archive."""
UNREADABLE = Message(
    "the resource registry-image cannot be loaded ({error})", "Check the machine's disk. Retrying automatically"
)
"""The machine cannot read the attached file or write a copy of it, for example because its disk is full."""
NO_IMAGE_INSIDE = Message(
    "the resource registry-image contains no image for this machine{found}", "Attach an archive for {architecture}"
)
"""The archive contains images for other architectures only."""
DISAPPEARED = Message("{name} was removed from the machine after Docker got it", "Retrying automatically")
"""Another program removes images from the machine."""


class NoImage(Fault):
    """The image is unavailable."""


@dataclasses.dataclass(frozen=True)
class Source:
    """Possible sources of the image."""

    reference: str
    """The option registry-image."""
    is_default: bool
    """That option has its default value."""
    resource: pathlib.Path | None
    """The archive that the operator attached, None if there is none."""
    fresh: bool
    """A tag is pulled again if possible, because it may have moved."""


def ensure_image(source: Source, docker: engine.Engine, log: Callable[[str], None]) -> Image:
    """Make the image of the option registry-image available on the machine, and return it.

    The resource takes precedence if the option has its default value or names an image in it, then an image on the
    machine, then a pull. Raises NoImage.
    """
    try:
        image_id = _ensure_image_id(source, docker, log)
        version = registry_version(docker, image_id)
    except engine.EngineError as error:
        raise NoImage(UNAVAILABLE(error=error)) from error
    if version is None:
        raise NoImage(NOT_A_REGISTRY(reference=source.reference))
    return Image(source.reference, image_id, version)


def registry_version(docker: engine.Engine, image_id: str) -> str | None:
    """Run the image to return the version of its registry, or None if it contains no registry."""
    body = {
        "Image": image_id,
        "Cmd": VERSION_COMMAND,
        "Labels": {DIGEST_LABEL: ""},
        "HostConfig": {
            "NetworkMode": "none",
            "CapDrop": ["ALL"],
            "LogConfig": {"Type": "json-file"},
            "UsernsMode": "host",
        },
    }
    docker.remove(VERSION)  # a crash may have left it
    try:
        docker.create(VERSION, body)
        _run_to_its_end(docker, VERSION)
        return version_in(docker.logs(VERSION))
    except engine.Refused:
        return None
    finally:
        docker.remove(VERSION)


def _run_to_its_end(docker: engine.Engine, name: str) -> None:
    """Start the container, and wait until it has ended. Raises Refused if the image does not contain the program."""
    try:
        docker.start(name)
    except engine.NoSuchObject as error:  # older versions of Docker report a missing program so
        raise engine.Refused(str(error)) from error
    deadline = Deadline(VERSION_SECONDS)
    while (current := docker.inspect(name)) and current.is_started and deadline.pause(0.05):
        pass


def _ensure_image_id(source: Source, docker: engine.Engine, log: Callable[[str], None]) -> str:
    reference = source.reference
    name = _load(source, docker, log)
    if name is not None:
        return _on_machine(name, docker)
    local = docker.image_id(reference)
    if local is not None and (not source.fresh or "@" in reference):
        return local
    try:
        docker.pull(reference)
    except engine.EngineError as error:
        if local is None:
            raise
        log(f"{error}; using the image on the machine.")
    return _on_machine(reference, docker)


def _load(source: Source, docker: engine.Engine, log: Callable[[str], None]) -> str | None:
    """Load the image from the resource, if it contains it; return the image's name or ID."""
    resource, reference = source.resource, source.reference
    try:
        if resource is None or resource.stat().st_size == 0:
            return None
        architecture = docker.architecture()
        with (
            tempfile.TemporaryDirectory(dir="/var/tmp") as folder,  # /tmp may be in memory
            archive.unpacked(resource, pathlib.Path(folder)) as path,
        ):
            images = archive.read(path, architecture)
            name = images.name_of(reference)
            if name is None and (source.is_default or images.is_for_others(reference)) and not images.entries:
                raise NoImage(NO_IMAGE_INSIDE(found=_found(images), architecture=architecture))
            if name is None and not source.is_default:
                log(f"The resource registry-image does not contain {reference} and is not used.")
                return None
            with images.for_docker(pathlib.Path(folder)) as file:
                loaded = docker.load(file)
    except archive.BadArchive as error:
        raise NoImage(NOT_AN_ARCHIVE(error=error)) from error
    except OSError as error:
        raise NoImage(UNREADABLE(error=error)) from error
    if not loaded:
        raise NoImage(NO_IMAGE_INSIDE(found="", architecture=architecture))
    return name or loaded[0]


def _found(images: archive.Archive) -> str:
    architectures = sorted(set(images.others.values()))
    return f", but for {' and '.join(architectures)}" if architectures else ""


def _on_machine(name: str, docker: engine.Engine) -> str:
    image_id = docker.image_id(name)
    if image_id is None:
        raise NoImage(DISAPPEARED(name=name))
    return image_id
