"""Docker, through its SDK: containers, and what the engine says of itself.

Names in, values out; every failure is an EngineError with Docker's own message.
"""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

import docker

from registry.deadline import Deadline
from registry.formats.daemon_effects import Observed
from registry.formats.inspection import DIGEST_LABEL, Container
from registry.machine.engine_errors import Disconnected, EngineError, NoSuchObject, Refused, docker_errors
from registry.machine.engine_images import LEAST_SECONDS, EngineImages

__all__ = ["Disconnected", "Engine", "EngineError", "NoSuchObject", "Refused"]

SOCKET = "unix:///var/run/docker.sock"
STOP_SECONDS = 10
"""How long a container may take to end before it is killed; the registry needs a moment."""


class Engine(EngineImages):
    """The Docker engine of this machine."""

    def __init__(self, deadline: Deadline | None = None) -> None:
        """Connect. Raises EngineError if no engine answers; so does each request that takes beyond the *deadline*."""
        with docker_errors("Docker does not answer"):
            client = docker.APIClient(SOCKET, version="auto", timeout=LEAST_SECONDS)
        super().__init__(client, deadline or Deadline())

    def inspect(self, name: str) -> Container | None:
        """Return the container, or None if there is none."""
        if not re.fullmatch(r"[\w.-]+", name):  # the name becomes part of a path
            return None
        try:
            with docker_errors(f"container {name} cannot be inspected"):
                return Container.from_inspection(self._api.inspect_container(name))
        except NoSuchObject:
            return None

    def create(self, name: str, body: Mapping[str, Any]) -> None:
        """Create a container from a *body* of the API. Raises NoSuchObject if its image does not exist."""
        with docker_errors(f"container {name} cannot be created"):
            self._api.create_container_from_config(dict(body), name)

    def start(self, name: str) -> None:
        """Start the container, unless it runs."""
        with docker_errors(f"container {name} cannot be started"):
            self._api.start(name)

    def stop(self, name: str, seconds: float = STOP_SECONDS) -> None:
        """Stop the container, unless it is stopped. After *seconds* it is killed."""
        with docker_errors(f"container {name} cannot be stopped"):
            self._api.stop(name, timeout=math.ceil(seconds))

    def unpause(self, name: str) -> None:
        """Unpause a paused container."""
        with docker_errors(f"container {name} cannot be unpaused"):
            self._api.unpause(name)

    def rename(self, name: str, new_name: str) -> None:
        """Rename the container, running or not."""
        with docker_errors(f"container {name} cannot be renamed"):
            self._api.rename(name, new_name)

    def remove(self, name: str) -> None:
        """Remove a container of this charm with its anonymous volumes, or of its predecessor, running or not.

        That of somebody else stays, whatever its name: others may need it and its data. One that runs is killed, and
        may leave parts of files: `Handover.end` comes first where clients may be in it.
        """
        container = self.inspect(name)
        if container is not None and container.may_be_removed:
            with contextlib.suppress(NoSuchObject), docker_errors(f"container {name} cannot be removed"):
                self._api.remove_container(container.id, v=container.is_ours, force=True)

    def remove_ended(self, name: str) -> None:
        """Remove an ended container of any owner, as the operator requests. Its volumes stay."""
        with contextlib.suppress(NoSuchObject), docker_errors(f"container {name} cannot be removed"):
            self._api.remove_container(name, v=False, force=False)

    def logs(self, name: str) -> str:
        """Return the last lines of the container's log."""
        with docker_errors(f"the log of container {name} cannot be read"):
            return bytes(self._api.logs(name, tail=50)).decode(errors="replace")

    def log_lines(self, name: str) -> Iterator[str]:
        """Yield all lines of the log of a container that has ended."""
        with docker_errors(f"the log of container {name} cannot be read"):
            rest = b""
            for part in self._api.logs(name, stream=True, follow=False):
                *lines, rest = (rest + part).split(b"\n")
                for line in lines:
                    yield line.decode(errors="replace")
            yield rest.decode(errors="replace")

    def exited(self) -> list[str]:
        """Return the names of the containers that have exited or died, or the ID of one without a name."""
        with docker_errors("containers cannot be listed"):
            containers = self._api.containers(all=True, filters={"status": ["exited", "dead"]})
        return sorted(map(_name, containers))

    def labelled(self, label: str) -> list[str]:
        """Return the IDs of the containers with this label, running or not."""
        with docker_errors("containers cannot be listed"):
            return [one["Id"] for one in self._api.containers(all=True, filters={"label": label})]

    def published_ports(self) -> set[int]:
        """Return the ports of the machine that running containers publish."""
        with docker_errors("containers cannot be listed"):
            containers = self._api.containers()
        return {port["PublicPort"] for one in containers for port in one["Ports"] if "PublicPort" in port}

    def observed(self) -> Observed:
        """Return which settings the engine uses."""
        with docker_errors("Docker does not answer"):
            return Observed.from_info(self._api.info())

    def unmovable(self) -> list[str]:
        """Return the names of the containers that run or are not this charm's: it must not lose sight of them."""
        with docker_errors("containers cannot be listed"):
            containers = self._api.containers(all=True)
        return sorted(
            _name(one)
            for one in containers
            if one["State"] in ("running", "paused", "restarting") or DIGEST_LABEL not in (one["Labels"] or {})
        )

    def network(self) -> Mapping[str, Any]:
        """Return what the engine shows of the network that containers are in by default; empty if there is none."""
        with contextlib.suppress(NoSuchObject), docker_errors("networks cannot be inspected"):
            return dict(self._api.inspect_network("bridge"))
        return {}

    def bridges(self) -> list[str]:
        """Return the machine's network interfaces of Docker's networks, e.g. ``docker0``."""
        with docker_errors("networks cannot be listed"):
            networks = self._api.networks(filters={"driver": "bridge"})
        option = "com.docker.network.bridge.name"
        return [(network.get("Options") or {}).get(option) or f"br-{network['Id'][:12]}" for network in networks]

    def architecture(self) -> str:
        """Return Go's name of the engine's architecture, e.g. ``amd64``."""
        with docker_errors("Docker does not answer"):
            return str(self._api.version()["Arch"])

    def live_restore(self, within: float = 0) -> bool | None:
        """Tell whether containers keep running while the engine restarts; None if it cannot do that (a swarm).

        Waits for that *within* some seconds: the engine applies its settings asynchronously.
        """
        deadline = self._deadline.within(within)
        while True:
            with docker_errors("Docker does not answer"):
                info = self._api.info()
            if info.get("Swarm", {}).get("LocalNodeState", "inactive") != "inactive":
                return None
            if info["LiveRestoreEnabled"] or not deadline.pause(0.1):
                return bool(info["LiveRestoreEnabled"])


def _name(listed: Mapping[str, Any]) -> str:
    """Return the name of a container in Docker's list, not an alias from another container's link, or its ID."""
    names = [name[1:] for name in listed.get("Names") or ()]
    return str(next((name for name in names if "/" not in name), listed["Id"]))
