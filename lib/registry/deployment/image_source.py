"""Where the registry's image comes from: the resource, the machine, or a pull."""

from __future__ import annotations

import dataclasses
import pathlib
import tempfile
import time
from collections.abc import Callable

from registry.client import archive
from registry.formats.inspection import DIGEST_LABEL
from registry.machine import engine
from registry.release.image import Image, version_in

VERSION_SECONDS = 30
"""How long a registry may take to report its version."""
_VERSION = "docker-registry-version"
"""Name of the container that reports it."""


class NoImage(Exception):
    """The image cannot be had; ``str()`` is a clause for the operator, without full stop."""


@dataclasses.dataclass(frozen=True)
class Source:
    """Where the image may come from."""

    reference: str
    """The option registry-image."""
    is_default: bool
    """The operator left that option at its default."""
    resource: pathlib.Path | None
    """The archive that the operator attached."""
    fresh: bool
    """A tag is pulled anew if it can be, as it may have moved."""


def ensure_image(source: Source, docker: engine.Engine, log: Callable[[str], None]) -> Image:
    """Return the image for the option registry-image, once it is on the machine.

    The resource takes precedence, while the option is at its default or names an image in it. Then the image on the
    machine, then a pull. Raises NoImage.
    """
    try:
        image_id = _ensure_image_id(source, docker, log)
        version = registry_version(docker, image_id)
    except (archive.BadArchive, engine.EngineError) as error:
        raise NoImage(str(error)) from error
    if version is None:
        raise NoImage(f"{source.reference} is not a registry (its --version names none)")
    return Image(source.reference, image_id, version)


def registry_version(docker: engine.Engine, image_id: str) -> str | None:
    """Return the version that the registry in the image reports, or None if there is no registry in it."""
    body = {
        "Image": image_id,
        "Cmd": ["--version"],
        "Labels": {DIGEST_LABEL: ""},
        "HostConfig": {"NetworkMode": "none", "CapDrop": ["ALL"], "LogConfig": {"Type": "json-file"}},
    }
    docker.remove(_VERSION)  # a crash may have left it
    try:
        docker.create(_VERSION, body)
        _run_to_its_end(docker, _VERSION)
        return version_in(docker.logs(_VERSION))
    except engine.Refused:
        return None
    finally:
        docker.remove(_VERSION)


def _run_to_its_end(docker: engine.Engine, name: str) -> None:
    """Start the container, and wait some time until it has ended. Refused where its program is not there."""
    try:
        docker.start(name)
    except engine.NoSuchObject as error:  # as older versions of Docker call the program that is not there
        raise engine.Refused(str(error)) from error
    end = time.monotonic() + VERSION_SECONDS
    while (current := docker.inspect(name)) and current.is_started and time.monotonic() < end:
        time.sleep(0.05)


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
        log(f"{error}; the image that is on the machine is used.")
    return _on_machine(reference, docker)


def _load(source: Source, docker: engine.Engine, log: Callable[[str], None]) -> str | None:
    """Load the resource if there is one and it has the image; return the name or ID of that."""
    resource, reference = source.resource, source.reference
    try:
        if resource is None or resource.stat().st_size == 0:
            return None
        images = archive.read(resource, docker.architecture())
        name = images.name_of(reference)
        if name is None and not source.is_default:
            log(f"The resource registry-image holds no {reference}; it is left alone.")
            return None
        with (
            tempfile.TemporaryDirectory(dir="/var/tmp") as scratch,  # /tmp may be in memory
            images.for_docker(pathlib.Path(scratch)) as file,
        ):
            loaded = docker.load(file)
    except archive.BadArchive as error:
        raise archive.BadArchive(f"the resource registry-image is not an image: {error}") from error
    except OSError as error:
        raise archive.BadArchive(f"the resource registry-image cannot be loaded: {error}") from error
    if not loaded:
        raise archive.BadArchive("the resource registry-image holds no image for this machine")
    return name or loaded[0]


def _on_machine(name: str, docker: engine.Engine) -> str:
    image_id = docker.image_id(name)
    if image_id is None:
        raise archive.BadArchive(f"{name} is not on the machine, although it was just fetched")
    return image_id
