"""Which images of a repository have had their time."""

from __future__ import annotations

import dataclasses
import datetime
import re
from collections.abc import Mapping, Sequence

from registry.images.inventory import Repository
from registry.images.selection import Selection
from registry.message import Fault, Message

NO_RULE = Message("no rule is given", "Set keep, older-than or not-in-list")
"""Without a rule every image would be pruned."""
NOT_AN_AGE = Message("{value!r} is not an age", "Use a number and h, d or w, for example 30d")
"""The value has no unit, or another one than hours, days and weeks."""
NEGATIVE = Message("{value} images cannot be kept", "Use 0 or more")
"""The number of images to keep is negative."""

UNKNOWN = float("inf")
_SECONDS = {"h": 3600, "d": 86400, "w": 7 * 86400}


class BadRule(Fault):
    """A rule cannot be followed."""


def age(text: str) -> int:
    """Return an age in seconds. Raises BadRule.

    >>> age("30d")
    2592000
    """
    match = re.fullmatch(r"([1-9][0-9]{0,4})([hdw])", text.strip(), re.ASCII)
    if match is None:
        raise BadRule(NOT_AN_AGE(value=text))
    return int(match[1]) * _SECONDS[match[2]]


@dataclasses.dataclass(frozen=True)
class Rules:
    """What is pruned: an image that no rule keeps."""

    keep: int | None = None
    """So many of the newest images of each repository stay."""
    older_than: int | None = None
    """Younger images stay: seconds."""
    listed: frozenset[tuple[str, str]] | None = None
    """Repository and tag, or digest, of images that stay."""
    protected: Sequence[Selection] = ()
    """Images that stay in any case."""

    def __post_init__(self) -> None:
        if self.keep is None and self.older_than is None and self.listed is None:
            raise BadRule(NO_RULE())
        if self.keep is not None and self.keep < 0:
            raise BadRule(NEGATIVE(value=self.keep))


def expired(repository: Repository, created: Mapping[str, str], rules: Rules, now: float) -> list[str]:
    """Return the digests of the images that go with all their tags, oldest first.

    *created*: digest to the time in the image's configuration. An image without one is never too old, and not among
    the newest either, because nobody knows which of several such images is. An image with several tags stays if one of
    them does.
    """
    times = {digest: _seconds(created.get(digest, "")) for digest in set(repository.images.values())}
    newest_first = sorted(times, key=lambda digest: (times[digest], digest), reverse=True)
    kept = set[str]()
    if rules.keep:
        unknown = {digest for digest, time in times.items() if time == UNKNOWN}
        kept |= unknown.union([digest for digest in newest_first if digest not in unknown][: rules.keep])
    if rules.older_than is not None:
        kept |= {digest for digest, time in times.items() if time > now - rules.older_than}
    for tag, digest in repository.images.items():
        names = {(repository.name, tag), (repository.name, digest)}
        if rules.listed is not None and names & rules.listed:
            kept.add(digest)
        if any(
            one.tags(repository.name, {tag: digest}) or (digest == one.digest and one.matches(repository.name))
            for one in rules.protected
        ):
            kept.add(digest)
    return [digest for digest in reversed(newest_first) if digest not in kept]


def _seconds(created: str) -> float:
    """Return a time of RFC 3339 in seconds since 1970; infinity where there is none, or the beginning of time.

    Reproducible builds have 1970 or the year 1 there: such an image is of unknown age.
    """
    try:
        # Go writes nanoseconds, of which Python 3.10 reads three or six digits only.
        plain = re.sub(r"(\.\d{1,6})\d*", lambda match: match[1].ljust(7, "0"), created.replace("Z", "+00:00"))
        time = datetime.datetime.fromisoformat(plain)
        if time.tzinfo is None or time.year < 1980:
            return UNKNOWN
        return time.timestamp()
    except (ValueError, OverflowError):
        return UNKNOWN
