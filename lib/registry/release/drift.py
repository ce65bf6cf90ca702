"""How the existing container differs from the one of a release, and what it needs."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping
from typing import Any

from registry.formats.inspection import DIGEST_LABEL, Container
from registry.release.container import Mount


class Step(enum.Enum):
    """What a container needs to match its release."""

    NOTHING = "nothing"
    START = "start"
    REPLACE = "replace"


@dataclasses.dataclass(frozen=True)
class Need:
    """What a container needs, and why."""

    step: Step
    reasons: tuple[str, ...] = ()
    """A phrase each; none where nothing is needed."""


NOTHING = Need(Step.NOTHING)


def needs(body: Mapping[str, Any], container: Container | None, intact: bool) -> Need:
    """Return what the existing *container*, if any, needs to match *body*, the request to Docker.

    *intact* says whether the folder of the release, which the container mounts, is as it was written.
    """
    if container is None:
        return Need(Step.REPLACE, ("the container does not exist",))
    reasons = differences(body, container)
    if not intact:
        reasons.append("the files of the release were altered")
    if container.status in ("dead", "removing"):
        reasons.append(f"the container is {container.status}")
    if reasons:
        return Need(Step.REPLACE, tuple(reasons))
    if not container.is_running:
        return Need(Step.START, (f"the container is {container.status}",))
    return NOTHING


def differences(body: Mapping[str, Any], container: Container) -> list[str]:
    """Return how *container* differs from *body*, one phrase each, whether it runs or not.

    This compares what Docker has, not only a label: `docker update` does not change labels.
    """
    desired, actual = _essence(body), _essence(container.body)
    desired["Networks"] = ["bridge"]
    actual["Networks"] = sorted(network.name for network in container.networks)
    # The image adds variables, and daemon.json options of the log: the requested ones must be among them.
    desired["Env"] = body["Env"]
    actual["Env"] = [line for line in body["Env"] if line in (container.body["Env"] or ())]
    if "User" not in body:  # the image's
        actual["User"] = desired["User"]
    requested, log = desired["LogConfig"]["Config"], actual["LogConfig"]
    actual["LogConfig"] = {
        **log,
        "Config": {name: value for name, value in (log["Config"] or {}).items() if name in requested},
    }
    return [f"{key} is {actual[key]!r}, not {desired[key]!r}" for key in desired if actual[key] != desired[key]]


def _essence(body: Mapping[str, Any]) -> dict[str, Any]:
    """Normalize a request and what Docker shows of it (it adds, sorts and renames)."""
    host = body["HostConfig"]
    return {
        "Image": body["Image"],
        "Cmd": body["Cmd"],
        "User": body.get("User") or "",
        "Labels": (body["Labels"] or {}).get(DIGEST_LABEL),
        "CapAdd": [name.removeprefix("CAP_") for name in host["CapAdd"] or ()],
        "CapDrop": [name.removeprefix("CAP_") for name in host["CapDrop"] or ()],
        "LogConfig": host["LogConfig"],
        # Not MemorySwap: a kernel without swap accounting turns it into -1.
        "Limits": {name: host[name] for name in ("Memory", "NanoCpus", "CpuQuota", "CpuShares") if host.get(name)},
        # An earlier revision of this charm used Binds, which is no reason to replace the container.
        "Mounts": sorted([*(host.get("Binds") or ()), *map(_mount, host.get("Mounts") or ())]),
        "NetworkMode": host["NetworkMode"],
        "PortBindings": host["PortBindings"] or {},
        "ReadonlyRootfs": host["ReadonlyRootfs"],
        "RestartPolicy": host["RestartPolicy"]["Name"],
        "SecurityOpt": host["SecurityOpt"] or [],
        "Tmpfs": host.get("Tmpfs") or {},
    }


def _mount(mount: Mapping[str, Any]) -> str:
    """Return one of Docker's Mounts in the form of `Mount` and of Binds; anything but a folder differs from all."""
    if mount["Type"] != "bind":
        return str(mount)
    return str(Mount(mount["Source"], mount["Target"], bool(mount.get("ReadOnly"))))
