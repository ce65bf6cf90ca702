"""Docker, through its SDK: the only importer of `docker`.

Names in, values out; every failure is an EngineError with Docker's own message.
"""

from __future__ import annotations

import contextlib
import http
import math
import re
from collections.abc import Iterator, Mapping
from typing import IO, Any

import docker
import docker.errors
import requests
import urllib3.exceptions

from registry.deadline import Deadline
from registry.formats.htpasswd import User
from registry.formats.inspection import Container
from registry.images.reference import Reference

SOCKET = "unix:///var/run/docker.sock"
REQUEST_SECONDS, LEAST_SECONDS = 60, 5
"""How long a request may take, and what is left for each after the deadline, for example to restore a container."""
TRANSFER_SECONDS = 120
"""How long no data may arrive during a pull, a push or a load."""
STOP_SECONDS = 10
"""How long a container may take to end before it is killed; the registry needs a moment."""


class EngineError(Exception):
    """Docker rejects a request or does not answer; ``str()`` says which and why, without full stop."""


class NoSuchObject(EngineError):
    """There is no container or image with that name."""


class Refused(EngineError):
    """The request is invalid: the image has no command, or does not contain the command."""


@contextlib.contextmanager
def _docker_errors(what: str) -> Iterator[None]:
    try:
        yield
    except docker.errors.NotFound as error:
        raise NoSuchObject(f"{what}: {_words(error)}") from error
    except docker.errors.APIError as error:
        kind = Refused if error.status_code == http.HTTPStatus.BAD_REQUEST else EngineError
        raise kind(f"{what}: {_words(error)}") from error
    # The SDK passes on the errors of its HTTP libraries, those of urllib3 where an answer is a stream.
    except (docker.errors.DockerException, requests.RequestException, urllib3.exceptions.HTTPError) as error:
        raise EngineError(f"{what}: {_words(error)}") from error


def _words(error: Exception) -> str:
    """Return Docker's own message, without what the SDK adds, on one line."""
    explanation = getattr(error, "explanation", None)
    return " ".join(str(explanation or error).split()).rstrip(".")


class Engine:
    """The Docker engine of this machine."""

    def __init__(self, deadline: Deadline | None = None) -> None:
        """Connect. Raises EngineError if no engine answers; so does each request that takes beyond the *deadline*."""
        self._deadline = deadline or Deadline()
        with _docker_errors("Docker does not answer"):
            self._client = docker.APIClient(SOCKET, version="auto", timeout=LEAST_SECONDS)

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

    # Containers

    def inspect(self, name: str) -> Container | None:
        """Return the container, or None if there is none."""
        if not re.fullmatch(r"[\w.-]+", name):  # the name becomes part of a path
            return None
        try:
            with _docker_errors(f"container {name} cannot be inspected"):
                return Container.from_inspection(self._api.inspect_container(name))
        except NoSuchObject:
            return None

    def create(self, name: str, body: Mapping[str, Any]) -> None:
        """Create a container from a *body* of the API. Raises NoSuchObject if its image does not exist."""
        with _docker_errors(f"container {name} cannot be created"):
            self._api.create_container_from_config(dict(body), name)

    def start(self, name: str) -> None:
        """Start the container, unless it runs."""
        with _docker_errors(f"container {name} cannot be started"):
            self._api.start(name)

    def stop(self, name: str, seconds: float = STOP_SECONDS) -> None:
        """Stop the container, unless it is stopped. After *seconds* it is killed."""
        with _docker_errors(f"container {name} cannot be stopped"):
            self._api.stop(name, timeout=math.ceil(seconds))

    def unpause(self, name: str) -> None:
        """Unpause a paused container."""
        with _docker_errors(f"container {name} cannot be unpaused"):
            self._api.unpause(name)

    def rename(self, name: str, new_name: str) -> None:
        """Rename the container, running or not."""
        with _docker_errors(f"container {name} cannot be renamed"):
            self._api.rename(name, new_name)

    def remove(self, name: str) -> None:
        """Remove a container of this charm with its anonymous volumes, or of its predecessor, running or not.

        That of somebody else stays, whatever its name: others may need it and its data.
        """
        container = self.inspect(name)
        if container is not None and container.may_be_removed:
            with contextlib.suppress(NoSuchObject), _docker_errors(f"container {name} cannot be removed"):
                self._api.remove_container(container.id, v=container.is_ours, force=True)

    def remove_ended(self, name: str) -> None:
        """Remove a container that has ended, whoever created it, as the operator requests. Its volumes stay."""
        with contextlib.suppress(NoSuchObject), _docker_errors(f"container {name} cannot be removed"):
            self._api.remove_container(name, v=False, force=False)

    def logs(self, name: str) -> str:
        """Return the last lines of the container's log."""
        with _docker_errors(f"the log of container {name} cannot be read"):
            return bytes(self._api.logs(name, tail=50)).decode(errors="replace")

    # Images

    def image_id(self, reference: str) -> str | None:
        """Return the ID of the image with this name on the machine, or None."""
        try:
            with _docker_errors(f"image {reference} cannot be inspected"):
                return str(self._api.inspect_image(reference)["Id"])
        except NoSuchObject:
            return None

    def pull(self, reference: str) -> None:
        """Pull the image for this machine's platform."""
        name = Reference.parse(reference)
        with _docker_errors(f"{reference} cannot be pulled"), self._transfer() as api:
            _follow(api.pull(name.name, tag=name.version, stream=True, decode=True))

    def load(self, file: IO[bytes]) -> list[str]:
        """Load the images of an archive in docker save's format; return their names, or IDs if they have none."""
        with _docker_errors("the resource registry-image cannot be loaded"), self._transfer() as api:
            lines = _follow(api.load_image(file))
        return re.findall(r"^Loaded image(?: ID)?: (\S+)$", lines, re.MULTILINE)

    def tag(self, source: str, reference: str) -> None:
        """Add the name *reference* to the image *source*."""
        name = Reference.parse(reference)
        with _docker_errors(f"{source} cannot be tagged"):
            self._api.tag(source, name.name, tag=name.version, force=True)

    def untag(self, reference: str) -> None:
        """Remove one of several names of an image."""
        with contextlib.suppress(NoSuchObject), _docker_errors(f"{reference} cannot be untagged"):
            self._api.remove_image(reference, noprune=True)

    def push(self, reference: str, user: User | None = None) -> None:
        """Push the image to the registry in its name, as *user* if it requires authentication."""
        name = Reference.parse(reference)
        login = {"username": user.name, "password": user.password} if user else None
        with _docker_errors(f"{reference} cannot be pushed"), self._transfer() as api:
            _follow(api.push(name.name, tag=name.version, stream=True, decode=True, auth_config=login))

    # Housekeeping

    def prune_images(self) -> tuple[list[str], int]:
        """Remove untagged images that no container uses; return their IDs and the bytes freed."""
        with _docker_errors("images cannot be removed"), self._transfer() as api:
            result = api.prune_images({"dangling": True})
        removed = [line["Deleted"] for line in result["ImagesDeleted"] or () if "Deleted" in line]
        return removed, int(result["SpaceReclaimed"])

    def exited(self) -> list[str]:
        """Return the names of the containers that have exited or died, or the ID of one without a name."""
        with _docker_errors("containers cannot be listed"):
            containers = self._api.containers(all=True, filters={"status": ["exited", "dead"]})
        return sorted(map(_name, containers))

    def labelled(self, label: str) -> list[str]:
        """Return the IDs of the containers with this label, running or not."""
        with _docker_errors("containers cannot be listed"):
            return [one["Id"] for one in self._api.containers(all=True, filters={"label": label})]

    def published_ports(self) -> set[int]:
        """Return the ports of the machine that running containers publish."""
        with _docker_errors("containers cannot be listed"):
            containers = self._api.containers()
        return {port["PublicPort"] for one in containers for port in one["Ports"] if "PublicPort" in port}

    def bridges(self) -> list[str]:
        """Return the machine's network interfaces of Docker's networks, e.g. ``docker0``."""
        with _docker_errors("networks cannot be listed"):
            networks = self._api.networks(filters={"driver": "bridge"})
        option = "com.docker.network.bridge.name"
        return [(network.get("Options") or {}).get(option) or f"br-{network['Id'][:12]}" for network in networks]

    def architecture(self) -> str:
        """Return Go's name of the engine's architecture, e.g. ``amd64``."""
        with _docker_errors("Docker does not answer"):
            return str(self._api.version()["Arch"])

    def live_restore(self, within: float = 0) -> bool | None:
        """Tell whether containers keep running while the engine restarts; None if it cannot do that (a swarm).

        Waits for that *within* some seconds: the engine applies its settings asynchronously.
        """
        deadline = self._deadline.within(within)
        while True:
            with _docker_errors("Docker does not answer"):
                info = self._api.info()
            if info.get("Swarm", {}).get("LocalNodeState", "inactive") != "inactive":
                return None
            if info["LiveRestoreEnabled"] or not deadline.pause(0.1):
                return bool(info["LiveRestoreEnabled"])


def _follow(messages: Iterator[Mapping[str, Any]]) -> str:
    """Read a stream of progress to its end, and return its text; Docker reports errors in it, with status 200."""
    text = ""
    for message in messages:
        if "error" in message:
            raise docker.errors.DockerException(message["error"])
        text += message.get("stream", "")
    return text


def _name(listed: Mapping[str, Any]) -> str:
    """Return the name of a container in Docker's list, not an alias from another container's link, or its ID."""
    names = [name[1:] for name in listed.get("Names") or ()]
    return str(next((name for name in names if "/" not in name), listed["Id"]))
