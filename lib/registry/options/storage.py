"""Where the images are kept, and how: the options storage-*."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from registry.formats.relations import Bucket
from registry.message import Message, Text
from registry.options.checks import REQUIRED, choice_problem, duration_problem, no_effect
from registry.options.floor import Floor
from registry.options.s3 import S3
from registry.options.swift import Swift

TWO_STORES = Message("S3 and Swift are both configured", "Reset all options of one of them")
"""The registry keeps its images in one object store."""

CACHES = ("inmemory", "disabled")
RELATION = "s3-credentials"
"""The endpoint that provides an S3 bucket."""
AWAITED, IN_USE, OVERRIDDEN = "awaited", "in use", "overridden"
"""State of that relation: no bucket yet, its bucket is used, or the options take precedence."""
RELATION_KEYS = {
    "storage-s3-accesskey": "access-key",
    "storage-s3-bucket": "bucket",
    "storage-s3-ca": "tls-ca-chain",
    "storage-s3-region": "region",
    "storage-s3-regionendpoint": "endpoint",
    "storage-s3-rootdirectory": "path",
    "storage-s3-secretkey": "secret-key",
    "storage-s3-skip-v4-auth": "s3-api-version",
    "storage-s3-storageclass": "storage-class",
}
"""Keys of the relation for the values that options have here."""


@dataclasses.dataclass(frozen=True)
class Storage:
    """The options storage-*."""

    cache: str
    """Cache for metadata of layers: one of CACHES."""
    delete: bool
    """Clients can delete."""
    purge_age: str | None
    """Age at which unfinished uploads are removed, a duration of Go; None: never."""
    purge_interval: str
    """How often they are removed."""
    read_only: bool
    floor: Floor
    """What stays free of the disk with the images."""
    redirect_disable: bool
    """Clients are not redirected to the object store."""
    s3: S3
    swift: Swift
    relation: str = ""
    """One of AWAITED, IN_USE and OVERRIDDEN, or empty without the relation `RELATION`."""
    relation_error: Text | None = None
    """Why the keys of the relation cannot be read."""

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Storage:
        """Read the values of config.yaml's options."""
        return cls(
            cache=config["storage-cache"] or "",
            delete=bool(config["storage-delete"]),
            purge_age=config["storage-purge-age"] or None,
            purge_interval=config["storage-purge-interval"] or "",
            read_only=bool(config["storage-read-only"]),
            floor=Floor(config["storage-minimum-free"] or ""),
            redirect_disable=bool(config["storage-redirect-disable"]),
            s3=S3.from_config(config),
            swift=Swift.from_config(config),
        )

    def with_bucket(self, bucket: Bucket | None) -> Storage:
        """Return these options with the *bucket* of the relation, if there is one and they have no store themselves."""
        if bucket is None:
            return self
        if self.s3.has_location or self.swift.is_requested:
            return dataclasses.replace(self, relation=OVERRIDDEN)
        if bucket.error or not bucket.is_complete:
            # Options that say how S3 is used have no effect until there is a bucket.
            return dataclasses.replace(self, s3=S3(), relation=AWAITED, relation_error=bucket.error)
        return dataclasses.replace(self, s3=self.s3.with_bucket(bucket), relation=IN_USE)

    @property
    def driver(self) -> str:
        """Name of the storage driver in config.yml: filesystem, s3 or swift."""
        if self.s3.is_requested:
            return "s3"
        return "swift" if self.swift.is_requested else "filesystem"

    @property
    def is_shared(self) -> bool:
        """The images are in an object store, which all units share."""
        return self.driver != "filesystem"

    def problems(self) -> dict[str, Text | None]:
        """Return what is wrong with each option, or None."""
        return {
            "storage-cache": choice_problem(self.cache, CACHES),
            "storage-minimum-free": self.floor.problem(),
            "storage-purge-age": duration_problem(self.purge_age) if self.purge_age else None,
            "storage-purge-interval": duration_problem(self.purge_interval),
            **self._by_origin(self.s3.problems()),
            **self.swift.problems(),
            **self._drivers_problem(),
            # Half of a store in the options, although the relation has a whole one.
            **(self.halves() if self.relation == OVERRIDDEN and not self.is_shared else {}),
            RELATION: self.relation_error,
        }

    def halves(self) -> dict[str, Text]:
        """Return what is missing from a store that the options locate in part."""
        s3 = {"storage-s3-bucket": REQUIRED(store="S3", options="storage-s3-...")}
        swift = {"storage-swift-authurl": REQUIRED(store="Swift", options="storage-swift-...")}
        return {
            **(s3 if self.s3.has_location and not self.s3.is_requested else {}),
            **(swift if self.swift.unused() else {}),
        }

    def unused(self) -> dict[str, Text]:
        """Return what is set without effect, by options."""
        redirects = [] if self.redirect_disable or self.is_shared else ["storage-redirect-disable"]
        return {**no_effect(redirects, "storage-s3-bucket"), **self.s3.unused(), **self.swift.unused()}

    def _by_origin(self, problems: Mapping[str, Text | None]) -> dict[str, Text | None]:
        """Replace options by the relation's keys, where the values are the relation's."""
        if self.relation != IN_USE:
            return dict(problems)
        keys = {option: ", ".join(RELATION_KEYS.get(part, part) for part in option.split(", ")) for option in problems}
        return {
            option if keys[option] == option else f"{RELATION} ({keys[option]})": problem
            for option, problem in problems.items()
        }

    def _drivers_problem(self) -> dict[str, Text]:
        if not (self.s3.is_requested and self.swift.is_requested):
            return {}
        return {"storage-s3-bucket, storage-swift-authurl": TWO_STORES()}

    def unsupported(self, generation: int) -> dict[str, Text]:
        """Return what the registry's *generation*, 2 or 3, does not support, by option."""
        problems = {**self._by_origin(self.s3.unsupported(generation)), **self.swift.unsupported(generation)}
        return {option: problem for option, problem in problems.items() if problem}

    def ignored(self, generation: int) -> list[str]:
        """Return the options that are set and that the registry's *generation* does not know."""
        return self.s3.ignored(generation)
