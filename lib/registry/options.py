"""The charm's options as one typed value, and what is wrong with it."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

from registry import addresses, image

DEFAULT_IMAGE = "registry:2"


@dataclasses.dataclass(frozen=True)
class Options:
    """What the operator asks for. Unset and empty options are None here, and nowhere else."""

    http_host: str | None
    """URL at which clients reach the registry."""
    registry_image: str
    """Image of the registry."""
    registry_name: str
    """Name of its container."""
    registry_port: int
    """Port of the machine at which it answers."""

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Options:
        """Read the values of config.yaml's options; *config* has each of them."""
        return cls(
            http_host=config["http-host"] or None,
            registry_image=config["registry-image"] or "",
            registry_name=config["registry-name"] or "",
            registry_port=int(config["registry-port"] or 0),
        )


def problems(options: Options) -> tuple[str, ...]:
    """Return a sentence for each thing that is wrong, sorted, each with the option's name in front."""
    found = {
        "http-host": addresses.url_problem(options.http_host) if options.http_host else None,
        "registry-image": _image_problem(options.registry_image),
        "registry-name": _name_problem(options.registry_name),
        "registry-port": _port_problem(options.registry_port),
    }
    return tuple(sorted(f"{option}: {problem}." for option, problem in found.items() if problem))


def _image_problem(text: str) -> str | None:
    try:
        image.Reference.parse(text)
    except image.BadReference as error:
        return str(error)
    return None


def _name_problem(name: str) -> str | None:
    # https://github.com/moby/moby: RestrictedNameChars
    if re.fullmatch(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+", name):
        return None
    return f"{name!r} is not the name of a container (letters, digits, _ . -, two at least)"


def _port_problem(port: int) -> str | None:
    return None if 1 <= port <= 65535 else f"{port} is not a port, 1 to 65535"
