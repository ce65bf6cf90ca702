"""The registry's container, as it is requested from Docker."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from registry.formats.inspection import DIGEST_LABEL

CONFIG_FOLDER = "/etc/docker/registry"
"""Where the container sees its configuration."""
PROCESS = f"serve {CONFIG_FOLDER}/config.yml"
"""The end of the registry's command line."""
PORT = 5000
"""Port inside the container of the registry itself."""
DEBUG_PORT = 5001
"""Port inside the container for operators only: health, metrics, profiles."""


@dataclasses.dataclass(frozen=True)
class Mount:
    """A folder of the machine in the container."""

    source: str
    target: str
    read_only: bool = False

    def __str__(self) -> str:
        return f"{self.source}:{self.target}:{'ro' if self.read_only else 'rw'}"

    def body(self) -> dict[str, Any]:
        """Return the mount as one of Docker's `Mounts`.

        With those, unlike `Binds`, Docker starts no container whose source does not exist, and creates no empty folder
        instead: storage that is not mounted yet after a reboot is not served as empty.
        """
        return {"Type": "bind", "Source": self.source, "Target": self.target, "ReadOnly": self.read_only}


@dataclasses.dataclass(frozen=True)
class ContainerSpec:
    """A container as it is requested from Docker, without the folder of its configuration."""

    name: str
    image_id: str
    ports: Mapping[str, int]
    """Port of the container to port of the machine, e.g. ``{"5000": 5000}``."""
    mounts: Sequence[Mount]
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)
    addresses: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Port of the container to the one address of the machine on which it listens, where that is not all of them."""
    memory: int = 0
    """Bytes it may have, swap included; 0 is no limit."""
    nano_cpus: int = 0
    """Billionths of a processor; 0 is no limit."""
    log_driver: str = "json-file"
    log_size: str = "10m"
    """Of one file of its log, as Docker writes it; for the driver json-file alone, as `log_files`."""
    log_files: int = 10
    user: str = ""
    """User and group as which it runs, e.g. ``60900:60900``; empty: those of the image, which is root."""
    docker: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """Settings of Docker that a container takes over when it is created: with others it is to be created again."""

    @property
    def group(self) -> int | None:
        """Group that can read the configuration besides root; None where the container is root."""
        return int(self.user.partition(":")[2]) if self.user else None

    def to_json(self) -> dict[str, Any]:
        """Return the spec as JSON values, without defaults.

        So a new field changes neither the text nor the digest of a spec that an older charm wrote.
        """
        return {**_set_fields(self), "mounts": [_set_fields(mount) for mount in self.mounts]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ContainerSpec:
        """Read the result of `to_json`."""
        return cls(**{**data, "mounts": tuple(Mount(**mount) for mount in data["mounts"])})


def _set_fields(value: Mount | ContainerSpec) -> dict[str, Any]:
    blank = {
        field.name: field.default_factory() if callable(field.default_factory) else field.default
        for field in dataclasses.fields(value)
    }
    return {name: set_to for name, default in blank.items() if (set_to := getattr(value, name)) != default}


def create_body(spec: ContainerSpec, folder: str, digest: str) -> dict[str, Any]:
    """Return the body of Docker's ``POST /containers/create`` for *spec* with the configuration in *folder*.

    https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Container/operation/ContainerCreate
    """
    mounts = (*spec.mounts, Mount(folder, CONFIG_FOLDER, read_only=True))
    is_on_disk = not all(mount.read_only for mount in spec.mounts)
    return {
        "Image": spec.image_id,
        **({"User": spec.user} if spec.user else {}),
        # Named in full: registry:3 reads another path by default, and an image without the official entry point
        # needs the verb.
        "Cmd": PROCESS.split(),
        "Env": [f"{name}={value}" for name, value in sorted(spec.environment.items())],
        "Labels": {DIGEST_LABEL: digest},
        "ExposedPorts": {f"{port}/tcp": {} for port in spec.ports},
        "HostConfig": {
            # The data folder may belong to another user (a copy, a file server): root must be able to write.
            # An object store does not need this, nor does a user to whom the folder belongs.
            "CapAdd": ["DAC_OVERRIDE"] if is_on_disk and not spec.user else [],
            "CapDrop": ["ALL"],
            "LogConfig": _log(spec),
            "Memory": spec.memory,
            "MemorySwap": spec.memory,
            "Mounts": [mount.body() for mount in sorted(mounts, key=str)],
            "NanoCpus": spec.nano_cpus,
            "NetworkMode": "bridge",
            "PortBindings": {
                f"{inner}/tcp": [{"HostIp": spec.addresses.get(inner, ""), "HostPort": str(outer)}]
                for inner, outer in spec.ports.items()
            },
            "ReadonlyRootfs": True,
            "RestartPolicy": {"Name": "unless-stopped", "MaximumRetryCount": 0},
            "SecurityOpt": ["no-new-privileges"],
            "Tmpfs": {"/tmp": ""},  # noqa: S108 - the container's own
            # Where Docker remaps users, root of the container could read neither its configuration nor its data.
            "UsernsMode": "host",
        },
    }


def _log(spec: ContainerSpec) -> dict[str, Any]:
    # Other drivers name the container by its ID, and keep no files.
    files = {"max-size": spec.log_size, "max-file": str(spec.log_files)}
    return {"Type": spec.log_driver, "Config": files if spec.log_driver == "json-file" else {"tag": spec.name}}


def candidate_body(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return *body* for a candidate, which verifies the configuration while the current container serves.

    It is reachable from this machine only, and never restarts. Its health check runs so often that two intervals fit
    into half a second: with the usual 10 s and three failures a dead store looks healthy for half a minute. Only
    /debug/health shows the result of the check.
    """
    health_checks = [
        f"REGISTRY_HTTP_DEBUG_ADDR=:{DEBUG_PORT}",
        "REGISTRY_HEALTH_STORAGEDRIVER_INTERVAL=250ms",
        "REGISTRY_HEALTH_STORAGEDRIVER_THRESHOLD=1",
    ]
    return {**loopback_body(body), "Env": [*body["Env"], *health_checks]}


def loopback_body(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return *body* for a container that is reachable from this machine only, at a port that Docker chooses."""
    ports = {f"{PORT}/tcp": [{"HostIp": "127.0.0.1", "HostPort": ""}]}
    host = {**body["HostConfig"], "PortBindings": ports, "RestartPolicy": {"Name": "no", "MaximumRetryCount": 0}}
    return {**body, "HostConfig": host}


def maintenance_body(body: Mapping[str, Any], *, dry_run: bool) -> dict[str, Any]:
    """Return *body* for a container that collects the garbage in the data of the same configuration."""
    log = {"Type": "json-file", "Config": {}}  # all of its output is read
    host = {**body["HostConfig"], "PortBindings": {}, "LogConfig": log}
    host["RestartPolicy"] = {"Name": "no", "MaximumRetryCount": 0}
    command = ["garbage-collect", *(["--dry-run"] if dry_run else []), f"{CONFIG_FOLDER}/config.yml"]
    return {**body, "Cmd": command, "ExposedPorts": {}, "HostConfig": host}
