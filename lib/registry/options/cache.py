"""A registry that is a pull-through cache of another one: the options cache-*.

https://distribution.github.io/distribution/recipes/mirror/.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from registry.formats import addresses
from registry.options.checks import duration_problem


@dataclasses.dataclass(frozen=True)
class Cache:
    """What the operator asks for."""

    remoteurl: str | None
    """URL of the registry whose images are passed on and kept; None: this is no cache."""
    username: str | None
    password: str | None = dataclasses.field(repr=False)
    ttl: str | None
    """How long an image is kept, as Go writes durations; "0" is for ever, None what the registry likes."""

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Cache:
        """Read the values of config.yaml's options."""
        return cls(*(config[f"cache-{field.name}"] or None for field in dataclasses.fields(cls)))

    def problems(self) -> dict[str, str | None]:
        """Return what is wrong: the option to a clause, or to None."""
        if self.remoteurl is None:
            given = [f"cache-{field.name}" for field in dataclasses.fields(self) if getattr(self, field.name)]
            return {"cache-remoteurl": f"not set, while {', '.join(given)} is; set both" if given else None}
        return {
            "cache-remoteurl": _remote_problem(self.remoteurl),
            "cache-username": "not set, while cache-password is; set both" if self._lacks("username") else None,
            "cache-password": "not set, while cache-username is; set both" if self._lacks("password") else None,
            "cache-ttl": duration_problem(self.ttl) if self.ttl and self.ttl != "0" else None,
        }

    def _lacks(self, name: str) -> bool:
        return bool(self.username or self.password) and not getattr(self, name)

    def left_out(self, generation: int) -> list[str]:
        """Return the options that are set and mean nothing to the registry's *generation*."""
        return ["cache-ttl"] if self.ttl and generation < 3 else []

    def parameters(self, generation: int) -> dict[str, Any]:
        """Return the section of config.yml for the registry's *generation*. Only where there are no problems."""
        out = [option.removeprefix("cache-") for option in self.left_out(generation)]
        return {
            name: value for name, value in dataclasses.asdict(self).items() if value is not None and name not in out
        }


def _remote_problem(url: str) -> str | None:
    problem = addresses.url_problem(url)
    if problem:
        return problem if "@" not in url else "is not the URL of a registry, such as https://registry-1.docker.io"
    parts = urlsplit(url)
    if parts.username or parts.password:
        return "has a user in it; set cache-username and cache-password"
    if parts.path.strip("/") or parts.query or parts.fragment:
        return f"{url!r} has a path; name the registry alone, such as https://registry-1.docker.io"
    return None
