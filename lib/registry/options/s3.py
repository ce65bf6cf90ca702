"""Images in a bucket of S3, or of what speaks its protocol: the options storage-s3-*.

What the driver reads: https://distribution.github.io/distribution/storage-drivers/s3/.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from registry.formats import addresses, certificates
from registry.formats.relations import Bucket
from registry.options.checks import choice_problem, range_problem

_MIB = 1024**2
ACLS = (
    *("private", "public-read", "public-read-write", "authenticated-read"),
    *("aws-exec-read", "bucket-owner-read", "bucket-owner-full-control"),
)
CLASSES = ("STANDARD", "REDUCED_REDUNDANCY", "NONE")
LATER_CLASSES = ("STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "OUTPOSTS", "GLACIER_IR")
"""Classes that 2.8 does not know."""
LOG_LEVELS = (
    *("off", "debug", "debugwithsigning", "debugwithhttpbody", "debugwithrequestretries"),
    *("debugwithrequesterrors", "debugwitheventstreambody"),
)
WHERE = ("accesskey", "bucket", "region", "regionendpoint", "rootdirectory", "secretkey")
"""Options that say where a store is, and who may use it; the others say how it is used."""
_RANGES = {
    "chunksize": (5 * _MIB, 5 * 1024 * _MIB),
    "multipartcopychunksize": (5 * _MIB, 5 * 1024 * _MIB),
    "multipartcopymaxconcurrency": (1, 10_000),
    "multipartcopythresholdsize": (0, 5 * 1024 * _MIB),
}


@dataclasses.dataclass(frozen=True)
class S3:
    """What the operator asks for. The defaults are config.yaml's, and the driver's own."""

    accelerate: bool = False
    accesskey: str | None = dataclasses.field(default=None, repr=False)
    bucket: str | None = None
    chunksize: int = 10 * _MIB
    encrypt: bool = False
    forcepathstyle: bool = False
    keyid: str | None = None
    """Of the key of KMS that encrypts."""
    loglevel: str = "off"
    multipartcopychunksize: int = 32 * _MIB
    multipartcopymaxconcurrency: int = 100
    multipartcopythresholdsize: int = 32 * _MIB
    objectacl: str = "private"
    region: str | None = None
    regionendpoint: str | None = None
    """Where the store is, if it is not Amazon's: a URL, or host and port."""
    rootdirectory: str | None = None
    secretkey: str | None = dataclasses.field(default=None, repr=False)
    secure: bool = True
    skip_v4_auth: bool = True
    """The wrong way round, as it always was: True is signatures of version 4, False is those of version 2."""
    skip_verify: bool = False
    storageclass: str = "STANDARD"
    usedualstack: bool = False
    useragent: str | None = None
    ca: str | None = None
    """PEM, or base64 of it, of whom to trust beside the image's own; no option, but a relation gives it."""

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> S3:
        """Read the values of config.yaml's options; an empty one is the default."""
        names = (field.name for field in dataclasses.fields(cls) if field.name != "ca")
        given = {name: config[_option(name)] for name in names}
        return cls(**{name: value for name, value in given.items() if value not in ("", None)})

    def with_bucket(self, given: Bucket) -> S3:
        """Return these options with the bucket that a relation gives."""
        found: dict[str, Any] = {"bucket": given.bucket, "regionendpoint": given.endpoint, "ca": given.ca}
        found |= {"rootdirectory": given.path, "accesskey": given.accesskey, "secretkey": given.secretkey}
        # The driver wants a region of every store. This is Amazon's own default, and for others any will do.
        found |= {"region": given.region or "us-east-1", "storageclass": given.storageclass}
        asked = dataclasses.replace(self, **{name: value for name, value in found.items() if value})
        return dataclasses.replace(asked, skip_v4_auth=False) if given.signature == "2" else asked

    @property
    def names_a_store(self) -> bool:
        """The options themselves say where the images are."""
        return any(getattr(self, name) for name in WHERE)

    @property
    def is_asked_for(self) -> bool:
        """Any of the options is set."""
        return self != S3()

    def problems(self) -> dict[str, str | None]:
        """Return what is wrong: the option to a clause, or to None."""
        if not self.is_asked_for:
            return {}
        missing = ", ".join(_option(name) for name in ("bucket", "region") if not getattr(self, name))
        ranges = {_option(name): range_problem(getattr(self, name), *limits) for name, limits in _RANGES.items()}
        return {
            **ranges,
            **({missing: "not set, and S3 needs it; or reset all options storage-s3-..."} if missing else {}),
            **self._key_problems(),
            _option("keyid"): "needs storage-s3-encrypt=true" if self.keyid and not self.encrypt else None,
            _option("loglevel"): choice_problem(self.loglevel, LOG_LEVELS),
            _option("objectacl"): choice_problem(self.objectacl, ACLS),
            _option("regionendpoint"): self._endpoint_problem(),
            _option("skip-v4-auth"): self._signature_problem(),
            _option("storageclass"): choice_problem(self.storageclass, (*CLASSES, *LATER_CLASSES)),
            _option("ca"): self._ca_problem(),
        }

    def _key_problems(self) -> dict[str, str | None]:
        missing = [name for name in ("accesskey", "secretkey") if not getattr(self, name)]
        if len(missing) != 1:  # without both, the machine's role on Amazon counts
            return {}
        return {_option(missing[0]): "not set; the two keys belong together"}

    def _endpoint_problem(self) -> str | None:
        where = self.regionendpoint or ""
        return addresses.url_problem(where) if "://" in where else None

    def _signature_problem(self) -> str | None:
        amazons = self.regionendpoint is None or "amazonaws.com" in self.regionendpoint
        if self.skip_v4_auth or not amazons:
            return None
        return "false asks for signatures of version 2, which Amazon does not take; reset it"

    def _ca_problem(self) -> str | None:
        try:
            if self.ca:
                certificates.bundle(self.ca)
        except certificates.BadCertificates as error:
            return str(error)
        return None

    def refused(self, generation: int) -> dict[str, str]:
        """Return what the registry's *generation*, 2 or 3, cannot do: the option to a clause."""
        if generation < 3 and self.storageclass in LATER_CLASSES:
            return {_option("storageclass"): f"{self.storageclass!r} is none of {', '.join(CLASSES)}"}
        return {}

    def left_out(self, generation: int) -> list[str]:
        """Return the options that are set and mean nothing to the registry's *generation*."""
        if generation >= 3:
            return []
        later = ["accelerate", "loglevel", "usedualstack"]
        if self.regionendpoint is None:  # with one, 2.8 puts the bucket into the path always
            later.append("forcepathstyle")
        return sorted(_option(name) for name in later if getattr(self, name) != getattr(S3(), name))

    def parameters(self, generation: int) -> dict[str, Any]:
        """Return the section of config.yml for the registry's *generation*. Only where there are no problems."""
        out = {name.rpartition("-")[2] for name in self.left_out(generation)}
        found = {name: value for name, value in dataclasses.asdict(self).items() if value != getattr(S3(), name)}
        found = {name: value for name, value in found.items() if name not in out}
        if "skip_v4_auth" in found:
            found["v4auth"] = found.pop("skip_v4_auth")
        if "skip_verify" in found:
            found["skipverify"] = found.pop("skip_verify")
        found.pop("forcepathstyle", None)
        found.pop("ca", None)
        if generation >= 3 and (self.forcepathstyle or self.regionendpoint):
            # As 2.8 does by itself: few stores beside Amazon's have a name in DNS for each bucket.
            found["forcepathstyle"] = True
        return found


def _option(name: str) -> str:
    return f"storage-s3-{name.replace('_', '-')}"
