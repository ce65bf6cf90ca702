"""The images on the machine, by Docker's SDK."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from typing import IO, Any

import docker
import docker.errors

from registry.formats.htpasswd import User
from registry.images.reference import Reference
from registry.machine.engine_errors import NoSuchObject, docker_errors


class EngineImages:
    """The images of the engine at the other end of *api*."""

    def __init__(self, api: docker.APIClient) -> None:
        self._api = api

    def image_id(self, reference: str) -> str | None:
        """Return the ID of the image with this name on the machine, or None."""
        try:
            with docker_errors(f"image {reference} cannot be inspected"):
                return str(self._api.inspect_image(reference)["Id"])
        except NoSuchObject:
            return None

    def pull(self, reference: str) -> None:
        """Pull the image for this machine's platform."""
        name = Reference.parse(reference)
        with docker_errors(f"{reference} cannot be pulled"):
            _follow(self._api.pull(name.name, tag=name.version, stream=True, decode=True))

    def load(self, file: IO[bytes]) -> list[str]:
        """Load the images of an archive in docker save's format; return their names, or IDs if they have none."""
        with docker_errors("the resource registry-image cannot be loaded"):
            lines = _follow(self._api.load_image(file))
        return re.findall(r"^Loaded image(?: ID)?: (\S+)$", lines, re.MULTILINE)

    def tag(self, source: str, reference: str) -> None:
        """Add the name *reference* to the image *source*."""
        name = Reference.parse(reference)
        with docker_errors(f"{source} cannot be tagged"):
            self._api.tag(source, name.name, tag=name.version, force=True)

    def untag(self, reference: str) -> None:
        """Remove one of several names of an image."""
        with contextlib.suppress(NoSuchObject), docker_errors(f"{reference} cannot be untagged"):
            self._api.remove_image(reference, noprune=True)

    def push(self, reference: str, user: User | None = None) -> None:
        """Push the image to the registry in its name, as *user* if it requires authentication."""
        name = Reference.parse(reference)
        login = {"username": user.name, "password": user.password} if user else None
        with docker_errors(f"{reference} cannot be pushed"):
            _follow(self._api.push(name.name, tag=name.version, stream=True, decode=True, auth_config=login))

    def prune_images(self) -> tuple[list[str], int]:
        """Remove untagged images that no container uses; return their IDs and the bytes freed."""
        with docker_errors("images cannot be removed"):
            result = self._api.prune_images({"dangling": True})
        removed = [line["Deleted"] for line in result["ImagesDeleted"] or () if "Deleted" in line]
        return removed, int(result["SpaceReclaimed"])


def _follow(messages: Iterator[Mapping[str, Any]]) -> str:
    """Read a stream of progress to its end, and return its text; Docker reports errors in it, with status 200."""
    text = ""
    for message in messages:
        if "error" in message:
            raise docker.errors.DockerException(message["error"])
        text += message.get("stream", "")
    return text
