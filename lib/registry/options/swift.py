"""Images in a container of OpenStack Swift: the options storage-swift-*. Only registry 2.8 supports it.

The driver's parameters: https://distribution.github.io/distribution/storage-drivers/swift/ of that version.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from registry.formats import addresses
from registry.message import Message, Text
from registry.options.checks import REQUIRED, no_effect, text_problems

NO_VERSION = Message("{url!r} contains none of v1, v2 and v3", "Use the URL of a version, such as http://HOST:5000/v3")
"""The registry derives the version of the authentication API from the URL."""
UNSUPPORTED = Message("registry {generation} does not support Swift", "Use an image of 2.8, such as registry:2")
"""Support for Swift was removed in registry 3."""

DEFAULT_DOMAIN = "Default"
"""The domain that every Keystone has."""


@dataclasses.dataclass(frozen=True)
class Swift:
    """The options storage-swift-*. The defaults are config.yaml's."""

    authurl: str | None = None
    container: str = "docker-registry"
    domain: str | None = None
    """Keystone domain of the user; None: the default domain."""
    password: str | None = dataclasses.field(default=None, repr=False)
    region: str | None = None
    tenant: str | None = None
    username: str | None = None

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Swift:
        """Read the values of config.yaml's options; an empty one is the default."""
        values = {field.name: config[f"storage-swift-{field.name}"] for field in dataclasses.fields(cls)}
        return cls(**{name: value for name, value in values.items() if value not in ("", None)})

    @property
    def version(self) -> int:
        """Version of the authentication API, 1, 2 or 3, derived from authurl as the driver does; 0 where it cannot."""
        return next((version for version in (3, 2, 1) if f"v{version}" in (self.authurl or "")), 0)

    @property
    def is_requested(self) -> bool:
        """The URL requests Swift: without it, the other options have no effect."""
        return self.authurl is not None

    def problems(self) -> dict[str, Text | None]:
        """Return what is wrong with each option, or None."""
        if not self.is_requested:
            return {}
        required = ("username", "password")
        missing = ", ".join(f"storage-swift-{name}" for name in required if not getattr(self, name))
        values = {f"storage-swift-{name}": value for name, value in dataclasses.asdict(self).items()}
        return {
            **text_problems(values),
            "storage-swift-authurl": self._url_problem(),
            **({missing: REQUIRED(store="Swift", options="storage-swift-...")} if missing else {}),
        }

    def unused(self) -> dict[str, Text]:
        """Return what is set without effect, by options."""
        blank = Swift()
        others = (
            field.name for field in dataclasses.fields(self) if getattr(self, field.name) != getattr(blank, field.name)
        )
        return (
            no_effect((f"storage-swift-{name}" for name in others), "storage-swift-authurl") if not self.authurl else {}
        )

    def _url_problem(self) -> Text | None:
        problem = addresses.url_problem(self.authurl or "")
        if problem is None and not self.version:
            return NO_VERSION(url=self.authurl)
        return problem or text_problems({"": self.authurl or ""})[""]

    def unsupported(self, generation: int) -> dict[str, Text]:
        """Return what the registry's *generation*, 2 or 3, does not support, by option."""
        if generation < 3 or not self.is_requested:
            return {}
        return {"storage-swift-authurl": UNSUPPORTED(generation=generation)}

    def parameters(self) -> dict[str, Any]:
        """Return the section of config.yml. Only where there are no problems."""
        # Without the option the driver sends no domain, which Keystone rejects.
        domain = {"domain": DEFAULT_DOMAIN} if self.version == 3 else {}
        return domain | {name: value for name, value in dataclasses.asdict(self).items() if value is not None}
