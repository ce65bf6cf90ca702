"""Docker, through its SDK: the only importer of `docker`.

Names in, values out; every failure is an EngineError whose text is a sentence's worth of Docker's own words.
"""

from __future__ import annotations

import contextlib
import http
import math
import re
import time
from collections.abc import Iterator, Mapping
from typing import IO, Any

import docker
import docker.errors
import requests
import urllib3.exceptions

from registry.formats.htpasswd import User
from registry.formats.inspection import Container
from registry.images.reference import Reference

SOCKET = "unix:///var/run/docker.sock"
STOP_SECONDS = 10
"""How long a container has to end by itself before it is killed; the registry does in a moment."""


class EngineError(Exception):
    """Docker does not do what was asked; ``str()`` is a clause for the operator, without full stop."""


class NoSuchObject(EngineError):
    """There is no container or image of that name."""


class Refused(EngineError):
    """What was asked for makes no sense to Docker: an image without a command, a command that is not in the image."""


@contextlib.contextmanager
def _docker_errors(what: str) -> Iterator[None]:
    try:
        yield
    except docker.errors.NotFound as error:
        raise NoSuchObject(f"{what}: {_words(error)}") from error
    except docker.errors.APIError as error:
        kind = Refused if error.status_code == http.HTTPStatus.BAD_REQUEST else EngineError
        raise kind(f"{what}: {_words(error)}") from error
    # The SDK lets through what its HTTP libraries raise, urllib3's own where an answer is a stream.
    except (docker.errors.DockerException, requests.RequestException, urllib3.exceptions.HTTPError) as error:
        raise EngineError(f"{what}: {_words(error)}") from error


def _words(error: Exception) -> str:
    """Return what Docker said, without the SDK's frame around it, on one line."""
    explanation = getattr(error, "explanation", None)
    return " ".join(str(explanation or error).split()).rstrip(".")


class Engine:
    """The Docker engine of this machine."""

    def __init__(self) -> None:
        """Connect. Raises EngineError where no engine answers."""
        with _docker_errors("Docker does not answer"):
            self._api = docker.APIClient(SOCKET, version="auto", timeout=120)

    # Containers

    def inspect(self, name: str) -> Container | None:
        """Return the container, or None if there is none."""
        if not re.fullmatch(r"[\w.-]+", name):  # the name becomes a part of a path
            return None
        try:
            with _docker_errors(f"container {name} cannot be inspected"):
                return Container.from_inspection(self._api.inspect_container(name))
        except NoSuchObject:
            return None

    def create(self, name: str, body: Mapping[str, Any]) -> None:
        """Create a container of the API's *body*. NoSuchObject if its image is not there."""
        with _docker_errors(f"container {name} cannot be created"):
            self._api.create_container_from_config(dict(body), name)

    def start(self, name: str) -> None:
        """Start the container; one that runs is left alone."""
        with _docker_errors(f"container {name} cannot be started"):
            self._api.start(name)

    def stop(self, name: str, seconds: float = STOP_SECONDS) -> None:
        """Stop the container; one that is stopped is left alone. After so many *seconds* it is killed."""
        with _docker_errors(f"container {name} cannot be stopped"):
            self._api.stop(name, timeout=math.ceil(seconds))

    def unpause(self, name: str) -> None:
        """Let a paused container go on."""
        with _docker_errors(f"container {name} cannot be unpaused"):
            self._api.unpause(name)

    def rename(self, name: str, new_name: str) -> None:
        """Rename the container, running or not."""
        with _docker_errors(f"container {name} cannot be renamed"):
            self._api.rename(name, new_name)

    def remove(self, name: str, *, ours: bool = True) -> None:
        """Remove the container and its anonymous volumes, running or not; without one, do nothing.

        One that is not *ours* keeps its volumes, which may hold what somebody needs, and must have ended.
        """
        with contextlib.suppress(NoSuchObject), _docker_errors(f"container {name} cannot be removed"):
            self._api.remove_container(name, v=ours, force=ours)

    def logs(self, name: str) -> str:
        """Return the last lines that the container wrote."""
        with _docker_errors(f"container {name} has no log"):
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
        wanted = Reference.parse(reference)
        with _docker_errors(f"{reference} cannot be pulled"):
            _follow(self._api.pull(wanted.name, tag=wanted.version, stream=True, decode=True))

    def load(self, file: IO[bytes]) -> list[str]:
        """Load the images of an archive in docker save's form; return their names, or IDs where they have none."""
        with _docker_errors("the resource registry-image cannot be loaded"):
            lines = _follow(self._api.load_image(file))
        return re.findall(r"^Loaded image(?: ID)?: (\S+)$", lines, re.MULTILINE)

    def tag(self, source: str, reference: str) -> None:
        """Give the image *source* the name *reference* too."""
        wanted = Reference.parse(reference)
        with _docker_errors(f"{source} cannot be tagged"):
            self._api.tag(source, wanted.name, tag=wanted.version, force=True)

    def untag(self, reference: str) -> None:
        """Take a name away from an image that has others."""
        with contextlib.suppress(NoSuchObject), _docker_errors(f"{reference} cannot be untagged"):
            self._api.remove_image(reference, noprune=True)

    def push(self, reference: str, user: User | None = None) -> None:
        """Push the image to the registry that its name says, as *user* where it asks."""
        wanted = Reference.parse(reference)
        login = {"username": user.name, "password": user.password} if user else None
        with _docker_errors(f"{reference} cannot be pushed"):
            _follow(self._api.push(wanted.name, tag=wanted.version, stream=True, decode=True, auth_config=login))

    # Housekeeping

    def prune_images(self) -> tuple[list[str], int]:
        """Remove the images without a tag that no container uses; return their IDs and the bytes freed."""
        with _docker_errors("images cannot be removed"):
            result = self._api.prune_images({"dangling": True})
        gone = [line["Deleted"] for line in result["ImagesDeleted"] or () if "Deleted" in line]
        return gone, int(result["SpaceReclaimed"])

    def exited(self) -> list[str]:
        """Return the names of the containers that have exited or died; the ID of one that has lost its name."""
        with _docker_errors("containers cannot be listed"):
            found = self._api.containers(all=True, filters={"status": ["exited", "dead"]})
        return sorted(_name(listed) for listed in found)

    def labelled(self, label: str) -> list[str]:
        """Return the IDs of the containers with this label, running or not."""
        with _docker_errors("containers cannot be listed"):
            return [found["Id"] for found in self._api.containers(all=True, filters={"label": label})]

    def published_ports(self) -> set[int]:
        """Return the ports of the machine that running containers publish."""
        with _docker_errors("containers cannot be listed"):
            found = self._api.containers()
        return {port["PublicPort"] for one in found for port in one["Ports"] if "PublicPort" in port}

    def bridges(self) -> list[str]:
        """Return the machine's interfaces of Docker's own networks, e.g. ``docker0``."""
        with _docker_errors("networks cannot be listed"):
            found = self._api.networks(filters={"driver": "bridge"})
        named = "com.docker.network.bridge.name"
        return [(network.get("Options") or {}).get(named) or f"br-{network['Id'][:12]}" for network in found]

    def architecture(self) -> str:
        """Return the engine's architecture as Go calls it, e.g. ``amd64``."""
        with _docker_errors("Docker does not answer"):
            return str(self._api.version()["Arch"])

    def live_restore(self, within: float = 0) -> bool | None:
        """Tell whether the engine leaves containers running while it restarts; None where it cannot (a swarm).

        *within* so many seconds: it reads its settings in its own time.
        """
        end = time.monotonic() + within
        while True:
            with _docker_errors("Docker does not answer"):
                info = self._api.info()
            if info.get("Swarm", {}).get("LocalNodeState", "inactive") != "inactive":
                return None
            if info["LiveRestoreEnabled"] or time.monotonic() >= end:
                return bool(info["LiveRestoreEnabled"])
            time.sleep(0.1)


def _follow(messages: Iterator[Mapping[str, Any]]) -> str:
    """Read a stream of progress to its end, return its text; Docker reports what failed inside it, with status 200."""
    text = ""
    for message in messages:
        if "error" in message:
            raise docker.errors.DockerException(message["error"])
        text += message.get("stream", "")
    return text


def _name(listed: Mapping[str, Any]) -> str:
    """Return the name of a container in Docker's list, not one that a link of another container gives it, or its ID."""
    names = [name[1:] for name in listed.get("Names") or ()]
    return str(next((name for name in names if "/" not in name), listed["Id"]))
