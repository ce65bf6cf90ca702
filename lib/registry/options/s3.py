"""Images in a bucket of Amazon S3 or a compatible object store: the options storage-s3-*.

The driver's parameters: https://distribution.github.io/distribution/storage-drivers/s3/.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from registry.formats import addresses, certificates
from registry.formats.relations import Bucket
from registry.message import Message, Text
from registry.options.checks import (
    HALF_A_PAIR,
    REQUIRED,
    as_choice,
    choice_problem,
    no_effect,
    range_problem,
    text_problems,
)

OLD_SIGNATURES = Message("Amazon S3 does not accept signatures of version 2, which false requests", "Reset this option")
"""Only other object stores still accept signatures of version 2."""
UNSUPPORTED_CLASS = Message("{value!r} is not supported by registry {generation}", "Use one of {choices}")
"""Registry 2 does not know the newer storage classes of Amazon S3."""

_MIB = 1024**2
ACLS = (
    *("private", "public-read", "public-read-write", "authenticated-read"),
    *("aws-exec-read", "bucket-owner-read", "bucket-owner-full-control"),
)
CLASSES = ("STANDARD", "REDUCED_REDUNDANCY", "NONE")
LATER_CLASSES = ("STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "OUTPOSTS", "GLACIER_IR")
"""Storage classes that 2.8 does not know."""
LOG_LEVELS = (
    *("off", "debug", "debugwithsigning", "debugwithhttpbody", "debugwithrequestretries"),
    *("debugwithrequesterrors", "debugwitheventstreambody"),
)
LOCATION = ("accesskey", "bucket", "region", "regionendpoint", "rootdirectory", "secretkey")
"""Options with the location and credentials of a store; the others say how it is used."""
_RANGES = {
    "chunksize": (5 * _MIB, 5 * 1024 * _MIB),
    "multipartcopychunksize": (5 * _MIB, 5 * 1024 * _MIB),
    "multipartcopymaxconcurrency": (1, 10_000),
    "multipartcopythresholdsize": (0, 5 * 1024 * _MIB),
}


@dataclasses.dataclass(frozen=True)
class S3:
    """The options storage-s3-*. The defaults are config.yaml's and the driver's."""

    accelerate: bool = False
    accesskey: str | None = dataclasses.field(default=None, repr=False)
    bucket: str | None = None
    chunksize: int = 10 * _MIB
    encrypt: bool = False
    forcepathstyle: bool = False
    keyid: str | None = None
    """KMS key ID."""
    loglevel: str = "off"
    multipartcopychunksize: int = 32 * _MIB
    multipartcopymaxconcurrency: int = 100
    multipartcopythresholdsize: int = 32 * _MIB
    objectacl: str = "private"
    region: str | None = None
    regionendpoint: str | None = None
    """URL, or host and port, of a store that is not Amazon S3."""
    rootdirectory: str | None = None
    secretkey: str | None = dataclasses.field(default=None, repr=False)
    secure: bool = True
    skip_v4_auth: bool = True
    """Inverted for compatibility: True is signatures of version 4, False those of version 2."""
    skip_verify: bool = False
    storageclass: str = "STANDARD"
    usedualstack: bool = False
    useragent: str | None = None
    ca: str | None = None
    """PEM, or base64 of it, of a CA to trust besides those of the image; set by a relation only."""

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> S3:
        """Read the values of config.yaml's options; an empty one is the default."""
        names = (field.name for field in dataclasses.fields(cls) if field.name != "ca")
        values = {name: config[_option(name)] for name in names}
        values["loglevel"] = as_choice(values["loglevel"] or "", LOG_LEVELS)
        values["storageclass"] = _class(values["storageclass"] or "")
        return cls(**{name: value for name, value in values.items() if value not in ("", None)})

    def with_bucket(self, bucket: Bucket) -> S3:
        """Return these options with the *bucket* of a relation."""
        values: dict[str, Any] = {"bucket": bucket.bucket, "regionendpoint": bucket.endpoint, "ca": bucket.ca}
        values |= {"rootdirectory": bucket.path, "accesskey": bucket.accesskey, "secretkey": bucket.secretkey}
        # The driver requires a region for every store. This is Amazon's default; other stores accept any.
        values |= {"region": bucket.region or "us-east-1", "storageclass": _class(bucket.storageclass)}
        changed = dataclasses.replace(self, **{name: value for name, value in values.items() if value})
        return dataclasses.replace(changed, skip_v4_auth=False) if bucket.signature == "2" else changed

    @property
    def has_location(self) -> bool:
        """The options themselves locate a store."""
        return any(getattr(self, name) for name in LOCATION)

    @property
    def is_requested(self) -> bool:
        """The bucket requests S3: without it, the other options have no effect."""
        return self.bucket is not None

    def problems(self) -> dict[str, Text | None]:
        """Return what is wrong with each option, or None."""
        if not self.is_requested:
            return {}
        ranges = {
            _option(name): range_problem(getattr(self, name), *limits, _unit(name)) for name, limits in _RANGES.items()
        }
        values = {_option(name): value for name, value in dataclasses.asdict(self).items() if name != "ca"}
        return {
            **text_problems(values),
            **ranges,
            **({} if self.region else {_option("region"): REQUIRED(store="S3", options="storage-s3-...")}),
            **self._key_problems(),
            _option("loglevel"): choice_problem(self.loglevel, LOG_LEVELS),
            _option("objectacl"): choice_problem(self.objectacl, ACLS),
            **({_option("regionendpoint"): problem} if (problem := self._endpoint_problem()) else {}),
            _option("skip-v4-auth"): self._signature_problem(),
            _option("storageclass"): choice_problem(self.storageclass, (*CLASSES, *LATER_CLASSES)),
            _option("ca"): self._ca_problem(),
        }

    def unused(self) -> dict[str, Text]:
        """Return what is set without effect, by options."""
        if self.is_requested:
            return no_effect([_option("keyid")] if self.keyid and not self.encrypt else [], _option("encrypt"), "off")
        blank = S3()
        others = (
            field.name for field in dataclasses.fields(self) if getattr(self, field.name) != getattr(blank, field.name)
        )
        return no_effect(map(_option, others), _option("bucket"))

    def _key_problems(self) -> dict[str, Text | None]:
        pair = ("accesskey", "secretkey")
        missing = [name for name in pair if not getattr(self, name)]
        if len(missing) != 1:  # without both, the driver uses the machine's IAM role on Amazon
            return {}
        (present,) = {*pair} - {*missing}
        return {_option(missing[0]): HALF_A_PAIR(other=_option(present))}

    def _endpoint_problem(self) -> Text | None:
        endpoint = self.regionendpoint or ""
        # Without a scheme, the option storage-s3-secure chooses it.
        return addresses.url_problem(endpoint if "://" in endpoint else f"https://{endpoint}") if endpoint else None

    def _signature_problem(self) -> Text | None:
        is_amazon = self.regionendpoint is None or "amazonaws.com" in self.regionendpoint
        return OLD_SIGNATURES() if is_amazon and not self.skip_v4_auth else None

    def _ca_problem(self) -> Text | None:
        try:
            if self.ca:
                certificates.bundle(self.ca)
        except certificates.BadCertificates as error:
            return error.text
        return None

    def unsupported(self, generation: int) -> dict[str, Text]:
        """Return what the registry's *generation*, 2 or 3, does not support, by option."""
        if generation >= 3 or self.storageclass not in LATER_CLASSES:
            return {}
        text = UNSUPPORTED_CLASS(value=self.storageclass, generation=generation, choices=", ".join(CLASSES))
        return {_option("storageclass"): text}

    def ignored(self, generation: int) -> list[str]:
        """Return the options that are set and that the registry's *generation* does not know."""
        if generation >= 3:
            return []
        later = ["accelerate", "loglevel", "usedualstack"]
        if self.regionendpoint is None:  # with one, 2.8 always uses path-style addressing
            later.append("forcepathstyle")
        return sorted(_option(name) for name in later if getattr(self, name) != getattr(S3(), name))

    def parameters(self, generation: int) -> dict[str, Any]:
        """Return the section of config.yml for the registry's *generation*. Only where there are no problems."""
        ignored = {name.rpartition("-")[2] for name in self.ignored(generation)}
        section = {name: value for name, value in dataclasses.asdict(self).items() if value != getattr(S3(), name)}
        section = {name: value for name, value in section.items() if name not in ignored}
        if "skip_v4_auth" in section:
            section["v4auth"] = section.pop("skip_v4_auth")
        if "skip_verify" in section:
            section["skipverify"] = section.pop("skip_verify")
        section.pop("forcepathstyle", None)
        section.pop("ca", None)
        if not self.encrypt:
            section.pop("keyid", None)
        if generation >= 3 and (self.forcepathstyle or self.regionendpoint):
            # As 2.8 does by default: few stores other than Amazon S3 have a DNS name for each bucket.
            section["forcepathstyle"] = True
        return section


def _class(text: str) -> str:
    return as_choice(text, (*CLASSES, *LATER_CLASSES))


def _unit(name: str) -> str:
    return "bytes" if name.endswith("size") else ""


def _option(name: str) -> str:
    return f"storage-s3-{name.replace('_', '-')}"
