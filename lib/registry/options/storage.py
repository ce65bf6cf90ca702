"""Where the images are, and what may be done to them: the options storage-*."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from registry.formats.relations import Bucket
from registry.options.checks import choice_problem, duration_problem
from registry.options.s3 import S3
from registry.options.swift import Swift

CACHES = ("inmemory", "disabled")
RELATION = "s3-credentials"
"""The endpoint that gives a bucket of S3."""
AWAITED, IN_USE, ASIDE = "awaited", "in use", "aside"
"""What is to be said of that relation: nothing has come yet, it counts, or the options go before."""
GIVEN = {
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
"""What the other application calls what the options give here."""


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
    relation: str = ""
    """One of AWAITED, IN_USE and ASIDE, or empty without the relation `RELATION`."""
    trouble: str = ""
    """A clause for what keeps the relation from being read."""

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

    def with_bucket(self, given: Bucket | None) -> Storage:
        """Return these options with the bucket of the relation, if there is one; a store that they name goes before."""
        if given is None:
            return self
        if self.s3.names_a_store or self.swift.is_asked_for:
            return dataclasses.replace(self, relation=ASIDE)
        if given.trouble or not given.is_whole:
            # What the options say of S3 has its time when the rest has come.
            return dataclasses.replace(self, s3=S3(), relation=AWAITED, trouble=given.trouble)
        return dataclasses.replace(self, s3=self.s3.with_bucket(given), relation=IN_USE)

    @property
    def driver(self) -> str:
        """The registry's word for where the images are: filesystem, s3 or swift."""
        if self.s3.is_asked_for:
            return "s3"
        return "swift" if self.swift.is_asked_for else "filesystem"

    @property
    def is_shared(self) -> bool:
        """The images are in an object store, which other units have too."""
        return self.driver != "filesystem"

    def problems(self) -> dict[str, str | None]:
        """Return what is wrong: the option to a clause, or to None."""
        return {
            "storage-cache": choice_problem(self.cache, CACHES),
            "storage-purge-age": duration_problem(self.purge_age) if self.purge_age else None,
            "storage-purge-interval": duration_problem(self.purge_interval),
            **self._by_origin(self.s3.problems()),
            **self.swift.problems(),
            **self._drivers_problem(),
            RELATION: self.trouble or None,
        }

    def _by_origin(self, clauses: Mapping[str, str | None]) -> dict[str, str | None]:
        """Put what is wrong with what the relation gave under its name: the options are not to blame."""
        if self.relation != IN_USE:
            return dict(clauses)
        names = {option: ", ".join(GIVEN.get(part, part) for part in option.split(", ")) for option in clauses}
        return {
            option if names[option] == option else f"{RELATION} ({names[option]})": clause
            for option, clause in clauses.items()
        }

    def _drivers_problem(self) -> dict[str, str]:
        if not (self.s3.is_asked_for and self.swift.is_asked_for):
            return {}
        both = "storage-s3-bucket, storage-swift-authurl"
        return {both: "S3 and Swift are both asked for; reset all options of one of them"}

    def refused(self, generation: int) -> dict[str, str]:
        """Return what the registry's *generation*, 2 or 3, cannot do: the option to a clause."""
        refused = {**self._by_origin(self.s3.refused(generation)), **self.swift.refused(generation)}
        return {option: clause for option, clause in refused.items() if clause}

    def left_out(self, generation: int) -> list[str]:
        """Return the options that are set and mean nothing to the registry's *generation*."""
        return self.s3.left_out(generation)
