"""The images on the machine, by Docker's SDK."""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Iterator, Mapping
from typing import IO, Any

import docker
import docker.errors

from registry.deadline import Deadline
from registry.formats.htpasswd import User
from registry.images.reference import Reference
from registry.machine.engine_errors import NoSuchObject, docker_errors

REQUEST_SECONDS, LEAST_SECONDS = 60, 5
"""How long a request may take, and what is left for each after the deadline, for example to restore a container."""
TRANSFER_SECONDS = 120
"""How long no data may arrive during a pull, a push or a load."""


class EngineImages:
    """The images of the engine at the other end of *client*."""

    def __init__(self, client: docker.APIClient, deadline: Deadline) -> None:
        self._client = client
        self._deadline = deadline

    @property
    def _api(self) -> docker.APIClient:
        self._client.timeout = math.ceil(self._deadline.limit(REQUEST_SECONDS, LEAST_SECONDS))
        return self._client

    @contextlib.contextmanager
    def _transfer(self) -> Iterator[docker.APIClient]:
        """Yield the client for a transfer, which may take as long as data move."""
        self._client.timeout = TRANSFER_SECONDS
        with self._deadline.suspended():
            yield self._client

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
        with docker_errors(f"{reference} cannot be pulled"), self._transfer() as api:
            _follow(api.pull(name.name, tag=name.version, stream=True, decode=True))

    def load(self, file: IO[bytes]) -> list[str]:
        """Load the images of an archive in docker save's format; return their names, or IDs if they have none."""
        with docker_errors("the resource registry-image cannot be loaded"), self._transfer() as api:
            lines = _follow(api.load_image(file))
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
        with docker_errors(f"{reference} cannot be pushed"), self._transfer() as api:
            _follow(api.push(name.name, tag=name.version, stream=True, decode=True, auth_config=login))

    def prune_images(self) -> tuple[list[str], int]:
        """Remove untagged images that no container uses; return their IDs and the bytes freed."""
        with docker_errors("images cannot be removed"), self._transfer() as api:
            result = api.prune_images({"dangling": True})
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
