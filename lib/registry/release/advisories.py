"""What is known to be wrong with versions of the registry: vulnerabilities, and faults that lose or hide images.

From https://github.com/distribution/distribution/security/advisories and its issues. A new one is a line here.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable

from registry.options.options import Options

CACHE = "pull-through cache"
FIXED_DELETE = "storage-delete=false"
REDIS = "cache of descriptors in Redis"
S3 = "images in S3"
TOKENS = "authentication by tokens"


@dataclasses.dataclass(frozen=True)
class Advisory:
    """A vulnerability or a fault of some versions."""

    id: str
    """CVE, or repository and number of an issue."""
    summary: str
    fixed: str
    """The first version without it."""
    since: str = "0"
    """The first version with it."""
    needs: str = ""
    """What a registry has that it concerns; empty: it concerns every registry."""

    def concerns(self, version: str) -> bool:
        """Tell whether *version* has it."""
        return _key(self.since) <= _key(version) < _key(self.fixed)


ADVISORIES = (
    Advisory(
        "CVE-2026-85747", "A cache does not verify the digests of what it gets from its upstream", "3.1.2", needs=CACHE
    ),
    Advisory(
        "CVE-2026-41888",
        "Clients can delete tags although deletion is off",
        "3.1.1",
        # Its text names every version, but 2.8 refuses to delete by tag.
        since="3.0.0-alpha.1",
        needs=FIXED_DELETE,
    ),
    Advisory(
        "CVE-2026-33540",
        "A cache sends the credentials for its upstream to any server that the upstream names",
        "3.1.0",
        needs=CACHE,
    ),
    Advisory("CVE-2026-35172", "Deleted blobs can become readable again", "3.1.0", needs=REDIS),
    Advisory(
        "CVE-2025-24976",
        "Tokens that are signed with an untrusted key are accepted",
        "3.0.0-rc.3",
        since="3.0.0-beta.1",
        needs=TOKENS,
    ),
    Advisory("CVE-2023-2253", "A request for a long list of repositories exhausts the memory", "2.8.2"),
    Advisory("CVE-2021-41190", "A manifest can be read as an image and as an index", "2.8.0"),
    Advisory(
        "distribution#4891, #4903",
        "Tags and repositories are missing from lists",
        "3.1.2",
        since="3.0.0-alpha.1",
        needs=S3,
    ),
)


def features(options: Options) -> frozenset[str]:
    """Return what a registry has, of what advisories need. The charm configures no Redis."""
    present = {
        CACHE: options.cache.remoteurl is not None,
        FIXED_DELETE: not options.storage.delete,
        S3: options.storage.driver == "s3",
        TOKENS: options.authentication.kind == "token",
    }
    return frozenset(name for name, is_so in present.items() if is_so)


def of_version(version: str) -> tuple[Advisory, ...]:
    """Return the advisories for *version*, whatever a registry has; none for an empty one, which is unknown."""
    return tuple(one for one in ADVISORIES if version and one.concerns(version))


def newest(versions: Iterable[str]) -> str:
    """Return the newest of *versions*."""
    return max(versions, key=_key)


def affecting(version: str, present: frozenset[str]) -> tuple[Advisory, ...]:
    """Return the advisories that concern a registry of *version* with these `features`."""
    return tuple(one for one in of_version(version) if not one.needs or one.needs in present)


def _key(version: str) -> tuple[tuple[int, ...], bool, tuple[tuple[bool, int, str], ...]]:
    """Return what versions are sorted by: a candidate precedes its release.

    >>> sorted(["3.1.0", "3.0.0", "3.0.0-rc.3", "2.8.3+ds1", "3.0.0-rc.10", "3.0.0-beta.1", "2.8"], key=_key)
    ['2.8', '2.8.3+ds1', '3.0.0-beta.1', '3.0.0-rc.3', '3.0.0-rc.10', '3.0.0', '3.1.0']
    """
    number, _, candidate = version.partition("+")[0].partition("-")
    words = tuple((word.isdigit(), int(word) if word.isdigit() else 0, word) for word in candidate.split(".") if word)
    return tuple(int(digits) for digits in re.findall(r"\d+", number)), not words, words
