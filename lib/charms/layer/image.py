"""The image of the option registry-image: the known one, or a new one."""

from __future__ import annotations

import dataclasses
import pathlib

from charmhelpers.core import hookenv, unitdata
from charms import reactive
from charms.layer import context, flags, status
from charms.layer.context import Now, gathers
from registry.deployment import image_source
from registry.message import Message, about, alone
from registry.options.options import DEFAULT_IMAGE
from registry.release.image import Image

IMAGE = "docker-registry.image"
"""Key in unitdata: the Image last used for the option registry-image."""

FETCHING = Message("Fetching the image {reference}")
"""The image is loaded from the charm's resource or pulled."""


@gathers
def ensure() -> None:
    """Have the image on the machine, unless options are wrong and nothing is deployed anyway.

    The known one stays until the option, the charm or the resource changes, or until it no longer exists.
    """
    now = context.now
    problems = now.options.problems
    if not problems or (context.machine.store.current() and "registry-image" not in problems):
        try:
            now.image = _read_known(now) or _ensure(now)
        except image_source.NoImage as error:
            now.image_errors = (about("registry-image", error.text),)
    reactive.set_flag(flags.IMAGE_CHECKED)


def _read_known(now: Now) -> Image | None:
    known, container = unitdata.kv().get(IMAGE), now.container
    if known is None or known["reference"] != now.options.registry_image or reactive.is_flag_set(flags.REFRESHED):
        return None
    assert now.docker is not None
    in_use = container is not None and container.is_ours and container.image_id == known["id"]
    return Image(**known) if in_use or now.docker.image_id(known["id"]) is not None else None


def _ensure(now: Now) -> Image:
    assert now.docker is not None
    reference = now.options.registry_image
    status.maintenance(alone(FETCHING(reference=reference)))
    attached = hookenv.resource_get("registry-image")
    source = image_source.Source(
        reference,
        is_default=reference == DEFAULT_IMAGE,
        resource=pathlib.Path(attached) if attached else None,
        fresh=reactive.is_flag_set(flags.REFRESHED),
    )
    found = image_source.ensure_image(source, now.docker, hookenv.log)
    unitdata.kv().set(IMAGE, dataclasses.asdict(found))
    reactive.clear_flag(flags.REFRESHED)
    return found
