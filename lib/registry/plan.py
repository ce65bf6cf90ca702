"""From what the operator asks for and what is there to what shall be."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping

import yaml

from registry import configuration, container, options
from registry.image import Image

DATA_FOLDER = "/srv/registry"
"""Folder of the machine with the images; the predecessor's, so that a refresh finds them again."""


@dataclasses.dataclass(frozen=True)
class Release:
    """One configuration of the registry, whole: its container, image included, and its files."""

    container: container.ContainerSpec
    config_yml: str = dataclasses.field(repr=False)
    """Text of config.yml; it holds secrets."""

    @property
    def digest(self) -> str:
        """16 hex digits that differ as soon as anything in the release differs."""
        return hashlib.sha256(json.dumps(self.files(), sort_keys=True).encode()).hexdigest()[:16]

    @property
    def port(self) -> int:
        """Port of the machine at which the registry answers."""
        return self.container.ports[str(configuration.PORT)]

    @property
    def http_secret(self) -> str:
        """The secret in config.yml that all units share."""
        return str(yaml.safe_load(self.config_yml)["http"]["secret"])

    def files(self) -> dict[str, str]:
        """Return the texts of the release's folder by file name."""
        spec = json.dumps(self.container.to_json(), indent=2, sort_keys=True)
        return {"config.yml": self.config_yml, "container.json": spec + "\n"}

    @classmethod
    def from_files(cls, files: Mapping[str, str]) -> Release:
        """Read what `files` gave. Raises ValueError, KeyError or TypeError where it is damaged."""
        return cls(container.ContainerSpec.from_json(json.loads(files["container.json"])), files["config.yml"])


@dataclasses.dataclass(frozen=True)
class Facts:
    """What decisions rest on beside the options, read once a hook."""

    address: str
    """The unit's private address."""
    http_secret: str = dataclasses.field(repr=False)
    """From the leader, the same on all units."""
    image: Image | None
    """The image for the option registry-image; None while it cannot be had or told."""
    applied: Release | None
    """The release in force; None before the first."""
    stopped: bool
    """The operator stopped the registry by the action `stop`."""
    port_taken: bool
    """Another program listens at the option registry-port."""
    name_taken: bool
    """A container of somebody else has the name of the option registry-name."""
    trouble: tuple[str, ...] = ()
    """Sentences from outside that keep the options from being applied, e.g. of an image that cannot be pulled."""


@dataclasses.dataclass(frozen=True)
class Plan:
    """What shall be. With problems it is the last applied release, or none."""

    problems: tuple[str, ...]
    """A sentence for each option or circumstance that keeps the options from being applied."""
    release: Release | None
    """What shall serve; None where nothing ever was applied."""
    serve: bool
    """False while the operator has stopped the registry."""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How carrying out a plan went."""

    serving: bool
    """The registry answers."""
    netloc: str
    """Where: ``host:port``."""
    trouble: tuple[str, ...]
    """A sentence for each thing that went wrong."""


def plan(wanted: options.Options, facts: Facts) -> Plan:
    """Return what shall be for the options *wanted* and *facts*."""
    problems = (*options.problems(wanted), *_circumstances(wanted, facts))
    release = facts.applied if problems or facts.image is None else _release(wanted, facts, facts.image)
    return Plan(problems, release, serve=not facts.stopped)


def _circumstances(wanted: options.Options, facts: Facts) -> tuple[str, ...]:
    found = list(facts.trouble)
    if facts.port_taken:
        found.append(
            f"registry-port: {wanted.registry_port} is in use by another program of this machine; "
            "free it or choose another port."
        )
    if facts.name_taken:
        found.append(
            f"registry-name: there is a container {wanted.registry_name!r} that this charm did not make; "
            "remove it or choose another name."
        )
    return tuple(found)


def _release(wanted: options.Options, facts: Facts, image: Image) -> Release:
    return Release(
        container.ContainerSpec(
            name=wanted.registry_name,
            image_id=image.id,
            ports={str(configuration.PORT): wanted.registry_port},
            mounts=(container.Mount(DATA_FOLDER, configuration.DATA_FOLDER),),
        ),
        configuration.config_yml(facts.http_secret),
    )


def status(planned: Plan, outcome: Outcome, unit: str) -> tuple[str, str]:
    """Return the unit's status, e.g. ``("active", "Ready at 10.0.0.1:5000 (http).")``.

    What serves although something is wrong is said too, so that nobody takes a blocked unit for a dead one.
    """
    problems = [*planned.problems, *outcome.trouble]
    if not planned.serve:
        return "blocked", " ".join([f"Stopped by the action stop; `juju run {unit} start` starts it again.", *problems])
    if not problems:
        return "active", f"Ready at {outcome.netloc} (http)."
    if outcome.serving:
        problems.append(f"The last good configuration serves at {outcome.netloc}.")
    return "blocked", " ".join(problems)
