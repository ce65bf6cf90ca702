"""A container as Docker describes it: the only module that reads the output of `docker inspect`.

https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Container/operation/ContainerInspect
"""

from __future__ import annotations

import calendar
import contextlib
import dataclasses
import pathlib
import time
from collections.abc import Iterator, Mapping
from typing import Any

DIGEST_LABEL = "docker-registry.digest"
"""Label with the digest of the release that a container was created for; it identifies containers of this charm."""
VERSION_COMMAND = ["--version"]
"""Command of the container that only tells the version of an image; it belongs to no release and has no mounts."""
_COMPOSE_LABEL = "com.docker.compose.project"
PREDECESSORS_FILE = "/etc/docker/registry/config.yml"
"""File of the machine that the predecessor mounts: it mounts its configuration file by file."""


@dataclasses.dataclass(frozen=True)
class Network:
    """A container's endpoint in one of Docker's networks."""

    name: str
    address: str
    """IPv4; empty while the container does not run, and on the network ``host``."""
    hardware_address: str


@dataclasses.dataclass(frozen=True)
class Container:
    """A container that exists, running or not."""

    name: str
    status: str
    """created, running, paused, restarting, removing, exited or dead."""
    pid: int
    """Process ID of its first process; 0 while it has none."""
    image_id: str
    labels: Mapping[str, str]
    sources: frozenset[str]
    """Folders and files of the machine that are mounted in it."""
    networks: tuple[Network, ...]
    ports: Mapping[str, int]
    """Port of the container, e.g. ``5000/tcp``, to port of the machine, where currently published."""
    body: Mapping[str, Any] = dataclasses.field(repr=False)
    """The requested settings, in the form of ``POST /containers/create``, and those that Docker added."""
    exit_code: int = 0
    """Exit status of its last process; 0 while it runs."""
    id: str = ""
    is_out_of_memory: bool = False
    """The kernel ended it because it reached its limit, or the machine's."""
    started: float = 0
    """When its last process began, in seconds since 1970."""

    @classmethod
    def from_inspection(cls, document: Mapping[str, Any]) -> Container:
        """Read Docker's answer to ``GET /containers/{name}/json``."""
        state, config, network = document["State"], document["Config"], document["NetworkSettings"]
        return cls(
            name=document["Name"].lstrip("/"),
            status=state["Status"],
            pid=int(state.get("Pid") or 0),
            exit_code=int(state.get("ExitCode") or 0),
            image_id=document["Image"],
            labels=config.get("Labels") or {},
            sources=frozenset(mount.get("Source", "") for mount in document.get("Mounts") or ()),
            networks=tuple(_network(name, endpoint) for name, endpoint in (network.get("Networks") or {}).items()),
            ports={
                port: int(bindings[0]["HostPort"])
                for port, bindings in (network.get("Ports") or {}).items()
                if bindings and bindings[0].get("HostPort")
            },
            body={**config, "Image": document["Image"], "HostConfig": document["HostConfig"]},
            id=document.get("Id", ""),
            is_out_of_memory=bool(state.get("OOMKilled")),
            started=_seconds(state.get("StartedAt", "")),
        )

    @property
    def is_running(self) -> bool:
        """It runs, and is neither paused nor restarting."""
        return self.status == "running"

    @property
    def is_started(self) -> bool:
        """It was started and not stopped: it runs, is paused, or Docker restarts it."""
        return self.status in ("running", "paused", "restarting")

    @property
    def has_ended(self) -> bool:
        """Its process ended or was killed; Docker may restart it."""
        return self.status in ("exited", "dead", "restarting")

    @property
    def address(self) -> str | None:
        """Its address on Docker's network; None while it has none."""
        return next((network.address for network in self.networks if network.address), None)

    @property
    def digest(self) -> str | None:
        """Digest of the release that it was created for; None for a container of somebody else.

        The label alone is no proof: an image made with `docker commit`, a compose file or a command line can have a
        copy of it. The container must also have been created with the folder of that release.
        """
        digest = self.labels.get(DIGEST_LABEL)
        if digest is None or _COMPOSE_LABEL in self.labels:
            return None
        requested = set(self._requested_sources())
        if digest == "":
            return digest if not requested and self.body.get("Cmd") == VERSION_COMMAND else None
        return digest if any(pathlib.PurePath(path).parts[-2:] == ("applied", digest) for path in requested) else None

    @property
    def is_ours(self) -> bool:
        """The container was created by this charm."""
        return self.digest is not None

    @property
    def is_predecessors(self) -> bool:
        """The predecessor created it: https://github.com/charmed-kubernetes/docker-registry-charm."""
        return DIGEST_LABEL not in self.labels and PREDECESSORS_FILE in self.sources

    @property
    def may_be_removed(self) -> bool:
        """It was created by this charm or by its predecessor."""
        return self.is_ours or self.is_predecessors

    def _requested_sources(self) -> Iterator[str]:
        """Yield what the container itself was requested to mount; `sources` has those from --volumes-from too."""
        host = self.body.get("HostConfig", {})
        yield from (bind.partition(":")[0] for bind in host.get("Binds") or ())
        yield from (mount.get("Source", "") for mount in host.get("Mounts") or ())

    def published(self, port: int) -> int | None:
        """Return the machine's port for the container's TCP *port*; None while it is not published."""
        return self.ports.get(f"{port}/tcp")


def _seconds(moment: str) -> float:
    """Return a time of Docker's, in UTC, in seconds since 1970; 0 if there is none."""
    with contextlib.suppress(ValueError):
        return max(0, calendar.timegm(time.strptime(moment[:19], "%Y-%m-%dT%H:%M:%S")))
    return 0


def _network(name: str, endpoint: Mapping[str, Any]) -> Network:
    return Network(name, endpoint.get("IPAddress") or "", endpoint.get("MacAddress") or "")
