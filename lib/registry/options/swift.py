"""Images in a container of OpenStack Swift: the options storage-swift-*. Only 2.8 has it.

What the driver reads: https://distribution.github.io/distribution/storage-drivers/swift/ of that time.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from registry.formats import addresses

DEFAULT_DOMAIN = "Default"
"""What Keystone calls the one domain that it always has."""


@dataclasses.dataclass(frozen=True)
class Swift:
    """What the operator asks for. The defaults are config.yaml's."""

    authurl: str | None = None
    container: str = "docker-registry"
    domain: str | None = None
    """Of Keystone, where there are several."""
    password: str | None = dataclasses.field(default=None, repr=False)
    region: str | None = None
    tenant: str | None = None
    username: str | None = None

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Swift:
        """Read the values of config.yaml's options; an empty one is the default."""
        given = {field.name: config[f"storage-swift-{field.name}"] for field in dataclasses.fields(cls)}
        return cls(**{name: value for name, value in given.items() if value not in ("", None)})

    @property
    def version(self) -> int:
        """Which login authurl is for, 1, 2 or 3, by the rule of the registry's driver; 0 where it cannot tell."""
        return next((version for version in (3, 2, 1) if f"v{version}" in (self.authurl or "")), 0)

    @property
    def is_asked_for(self) -> bool:
        """Any of the options is set."""
        return self != Swift()

    def problems(self) -> dict[str, str | None]:
        """Return what is wrong: the option to a clause, or to None."""
        if not self.is_asked_for:
            return {}
        needed = ("authurl", "username", "password")
        missing = ", ".join(f"storage-swift-{name}" for name in needed if not getattr(self, name))
        return {
            "storage-swift-authurl": self._url_problem(),
            **({missing: "not set, and Swift needs it; or reset all options storage-swift-..."} if missing else {}),
        }

    def _url_problem(self) -> str | None:
        if not self.authurl:
            return None
        problem = addresses.url_problem(self.authurl)
        if problem is None and not self.version:
            return f"{self.authurl!r} has none of v1, v2 and v3 in it, by which the registry tells the kind of login"
        return problem

    def refused(self, generation: int) -> dict[str, str]:
        """Return what the registry's *generation*, 2 or 3, cannot do: the option to a clause."""
        if generation < 3 or not self.is_asked_for:
            return {}
        return {"storage-swift-authurl": "Swift is gone from this registry; take an image of 2.8, such as registry:2"}

    def parameters(self) -> dict[str, Any]:
        """Return the section of config.yml. Only where there are no problems."""
        # Without one, the driver names none, and Keystone does not take that.
        domain = {"domain": DEFAULT_DOMAIN} if self.version == 3 else {}
        return domain | {name: value for name, value in dataclasses.asdict(self).items() if value is not None}
