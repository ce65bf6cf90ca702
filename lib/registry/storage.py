"""Where the images are, and what may be done to them: the options storage-*."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

from registry.s3 import S3
from registry.swift import Swift

CACHES = ("inmemory", "disabled")


@dataclasses.dataclass(frozen=True)
class Storage:
    """What the operator asks for."""

    cache: str
    """For what is known of layers: one of CACHES."""
    delete: bool
    """Clients may delete."""
    purge_age: str | None
    """How long an upload may take, as Go writes durations; None: for ever."""
    purge_interval: str
    """How often the ones that take longer are removed."""
    read_only: bool
    redirect_disable: bool
    """Clients never fetch from an object store themselves."""
    s3: S3
    swift: Swift

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Storage:
        """Read the values of config.yaml's options."""
        return cls(
            cache=config["storage-cache"] or "",
            delete=bool(config["storage-delete"]),
            purge_age=config["storage-purge-age"] or None,
            purge_interval=config["storage-purge-interval"] or "",
            read_only=bool(config["storage-read-only"]),
            redirect_disable=bool(config["storage-redirect-disable"]),
            s3=S3.from_config(config),
            swift=Swift.from_config(config),
        )

    @property
    def driver(self) -> str:
        """The registry's word for where the images are: filesystem, s3 or swift."""
        if self.s3.is_asked_for:
            return "s3"
        return "swift" if self.swift.is_asked_for else "filesystem"

    def problems(self) -> dict[str, str | None]:
        """Return what is wrong: the option to a clause, or to None."""
        return {
            "storage-cache": None if self.cache in CACHES else f"{self.cache!r} is none of {', '.join(CACHES)}",
            "storage-purge-age": duration_problem(self.purge_age) if self.purge_age else None,
            "storage-purge-interval": duration_problem(self.purge_interval),
            **self.s3.problems(),
            **self.swift.problems(),
            **self._drivers_problem(),
        }

    def _drivers_problem(self) -> dict[str, str]:
        if not (self.s3.is_asked_for and self.swift.is_asked_for):
            return {}
        both = "storage-s3-bucket, storage-swift-authurl"
        return {both: "S3 and Swift are both asked for; reset all options of one of them"}

    def refused(self, generation: int) -> dict[str, str]:
        """Return what the registry's *generation*, 2 or 3, cannot do: the option to a clause."""
        return {**self.s3.refused(generation), **self.swift.refused(generation)}

    def left_out(self, generation: int) -> list[str]:
        """Return the options that are set and mean nothing to the registry's *generation*."""
        return self.s3.left_out(generation)


def duration_problem(text: str) -> str | None:
    """Return what is wrong with *text* as a duration, or None."""
    # Go takes more, e.g. 1h30m; without a unit the registry takes nanoseconds, and zero makes it busy for ever.
    if re.fullmatch(r"[1-9][0-9]{0,5}[hm]", text, re.ASCII):
        return None
    return f"{text!r} is not a duration in hours or minutes, such as 168h or 90m"
