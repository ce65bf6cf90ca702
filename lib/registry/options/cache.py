"""A pull-through cache of an upstream registry: the options cache-*.

https://distribution.github.io/distribution/recipes/mirror/.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from registry.formats import addresses
from registry.message import Message, Text
from registry.options.checks import HALF_A_PAIR, duration_problem, no_effect, text_problems

NOT_A_REGISTRY = Message("the value is not the URL of a registry", "Use a URL such as https://registry-1.docker.io")
"""The URL of the upstream registry cannot be parsed; it is not shown because it may contain a password."""
CREDENTIALS_IN_URL = Message("the URL contains a user", "Use cache-username and cache-password instead")
"""The registry ignores upstream credentials in the URL, and logs would show them."""
PATH_IN_URL = Message("{url!r} has a path", "Use the registry alone, for example https://registry-1.docker.io")
"""The registry requests repositories at the root of the upstream registry."""


@dataclasses.dataclass(frozen=True)
class Cache:
    """The options cache-*."""

    remoteurl: str | None
    """URL of the upstream registry; None: this registry is no cache."""
    username: str | None
    password: str | None = dataclasses.field(repr=False)
    ttl: str | None
    """How long an image is kept, a duration of Go; "0" is unlimited, None the registry's default."""

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Cache:
        """Read the values of config.yaml's options."""
        return cls(*(config[f"cache-{field.name}"] or None for field in dataclasses.fields(cls)))

    def problems(self) -> dict[str, Text | None]:
        """Return what is wrong with each option, or None."""
        if self.remoteurl is None:
            return {}
        return {
            "cache-remoteurl": _remote_problem(self.remoteurl),
            "cache-username": HALF_A_PAIR(other="cache-password")
            if self._lacks("username")
            else self._text_problem("username"),
            "cache-password": HALF_A_PAIR(other="cache-username")
            if self._lacks("password")
            else self._text_problem("password"),
            "cache-ttl": duration_problem(self.ttl) if self.ttl and self.ttl != "0" else None,
        }

    def _text_problem(self, name: str) -> Text | None:
        return text_problems({name: getattr(self, name)}).get(name)

    def unused(self) -> dict[str, Text]:
        """Return what is set without effect, by options."""
        others = (f"cache-{field.name}" for field in dataclasses.fields(self) if getattr(self, field.name))
        return no_effect(others, "cache-remoteurl") if self.remoteurl is None else {}

    def _lacks(self, name: str) -> bool:
        return bool(self.username or self.password) and not getattr(self, name)

    def ignored(self, generation: int) -> list[str]:
        """Return the options that are set and that the registry's *generation* does not know."""
        return ["cache-ttl"] if self.remoteurl and self.ttl and generation < 3 else []

    def parameters(self, generation: int) -> dict[str, Any]:
        """Return the section of config.yml for the registry's *generation*. Only where there are no problems."""
        ignored = [option.removeprefix("cache-") for option in self.ignored(generation)]
        return {
            name: value for name, value in dataclasses.asdict(self).items() if value is not None and name not in ignored
        }


def _remote_problem(url: str) -> Text | None:
    problem = addresses.url_problem(url)
    if problem:
        return problem if "@" not in url else NOT_A_REGISTRY()
    parts = urlsplit(url)
    if parts.username or parts.password:
        return CREDENTIALS_IN_URL()
    if parts.path.strip("/") or parts.query or parts.fragment:
        return PATH_IN_URL(url=url)
    return None
