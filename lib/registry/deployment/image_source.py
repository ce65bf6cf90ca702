"""Where the registry's image comes from: the resource, the machine, or a pull."""

from __future__ import annotations

import pathlib
import tempfile
from collections.abc import Callable

from registry.client import archive
from registry.machine import engine
from registry.options import options
from registry.release.image import Image


class NoImage(Exception):
    """The image cannot be had; ``str()`` is a clause for the operator, without full stop."""


def obtain(
    reference: str, resource: pathlib.Path | None, docker: engine.Engine, log: Callable[[str], None], *, fresh: bool
) -> Image:
    """Return the image for the option registry-image, *reference*, once it is on the machine.

    *resource* is the archive that the operator attached; it goes first, while *reference* is the default or names
    an image in it. Then that of the machine; with *fresh* a tag is pulled anew if it can be, as it may have moved.
    Raises NoImage.
    """
    try:
        image_id = _image_id(reference, resource, docker, log, fresh)
        version = docker.registry_version(image_id)
    except (archive.BadArchive, engine.EngineError) as error:
        raise NoImage(str(error)) from error
    if version is None:
        raise NoImage(f"{reference} is not a registry (its --version names none)")
    return Image(reference, image_id, version)


def _image_id(
    reference: str, resource: pathlib.Path | None, docker: engine.Engine, log: Callable[[str], None], fresh: bool
) -> str:
    name = _load(reference, resource, docker, log)
    if name is not None:
        return _on_machine(name, docker)
    local = docker.image_id(reference)
    if local is not None and (not fresh or "@" in reference):
        return local
    try:
        docker.pull(reference)
    except engine.EngineError as error:
        if local is None:
            raise
        log(f"{error}; the image that is on the machine is used.")
    return _on_machine(reference, docker)


def _load(
    reference: str, resource: pathlib.Path | None, docker: engine.Engine, log: Callable[[str], None]
) -> str | None:
    """Load the resource if it is given and means *reference*; return the name or ID of its image."""
    try:
        if resource is None or resource.stat().st_size == 0:
            return None
        images = archive.read(resource, docker.architecture())
        name = images.name_of(reference)
        if name is None and reference != options.DEFAULT_IMAGE:
            log(f"The resource registry-image holds no {reference}; it is left alone.")
            return None
        with tempfile.TemporaryDirectory(dir="/var/tmp") as scratch:  # /tmp may be in memory
            loaded = docker.load(images, pathlib.Path(scratch))
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
