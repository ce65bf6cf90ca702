"""Which images an operator means: names with globs, regular expressions, digests."""

from __future__ import annotations

import dataclasses
import fnmatch
import re
from collections.abc import Mapping

from registry.images.manifest import DIGEST
from registry.message import Fault, Message

NO_IMAGE = Message("no image is named", "Name images such as app:1.* or app@sha256:..., separated by spaces")
"""The parameter is empty."""
NO_TAG = Message("{word!r} names no tag", "Add :TAG, :* for all of them, or @DIGEST")
"""A whole repository is named. Only `:*` deletes all of its images."""
NOT_A_SELECTION = Message(
    "{word!r} is not the name of an image", "Use REPOSITORY:TAG or REPOSITORY@DIGEST, * and ? allowed"
)
"""The word has the name of another registry, capital letters or other characters that no repository has."""
BAD_PATTERN = Message("{text!r} is not a regular expression ({error})", "Fix it, or use a glob such as team/*")
"""The pattern begins with ^, so it is a regular expression, and has a syntax error."""
LONG_PATTERN = Message("the pattern has {length} characters", "Use {most} at most")
"""A pattern that is longer than any name of an image cannot be what was meant."""

UNREADABLE = (re.error, OverflowError, RecursionError)
"""What Python raises for a regular expression: a syntax error, a count that is too large, brackets too deep."""
_LIMIT = 512
_REPOSITORY = re.compile(r"[a-z0-9._/*?\[\]!-]+")
_TAG = re.compile(r"[\w.*?\[\]!-]+", re.ASCII)


class BadSelection(Fault):
    """A text does not select images."""


@dataclasses.dataclass(frozen=True)
class Selection:
    """One image or several of a registry."""

    repository: str
    """Glob."""
    tag: str
    """Glob; may be empty with a digest."""
    digest: str = ""
    """With a tag too, the image is selected by that tag only, as long as it is this image."""

    def tags(self, name: str, tags: Mapping[str, str]) -> list[str]:
        """Return those of the *tags* of the repository *name* that are selected by tag."""
        if not self.tag or not self.matches(name):
            return []
        digests = (self.digest,) if self.digest else tags.values()
        return [tag for tag, one in tags.items() if one in digests and fnmatch.fnmatchcase(tag, self.tag)]

    def matches(self, name: str) -> bool:
        """Tell whether images of the repository *name* may be selected."""
        return fnmatch.fnmatchcase(name, self.repository)

    def digests(self, name: str) -> list[str]:
        """Return the digest that is selected in the repository *name*, if one is."""
        return [self.digest] if self.digest and not self.tag and self.matches(name) else []


def selections(text: str) -> tuple[Selection, ...]:
    """Read names separated by white space, as in ``app:1.* other@sha256:...``. Raises BadSelection.

    >>> selections("team/app:1.*")[0].tags("team/app", {"1.0": "", "2.0": ""})
    ['1.0']
    """
    words = text.split()
    if not words:
        raise BadSelection(NO_IMAGE())
    return tuple(map(_selection, words))


def _selection(word: str) -> Selection:
    if len(word) > _LIMIT:
        raise BadSelection(LONG_PATTERN(length=len(word), most=_LIMIT))
    name, at, digest = word.partition("@")
    repository, colon, tag = name.partition(":")
    if not _REPOSITORY.fullmatch(repository) or (at and not DIGEST.fullmatch(digest)):
        raise BadSelection(NOT_A_SELECTION(word=word))
    if not colon and not at:
        raise BadSelection(NO_TAG(word=word))
    if colon and not _TAG.fullmatch(tag):
        raise BadSelection(NOT_A_SELECTION(word=word))
    return Selection(repository, tag, digest)


@dataclasses.dataclass(frozen=True)
class Pattern:
    """Names of repositories: a glob, or a regular expression if it begins with ^."""

    _expression: re.Pattern[str]

    @classmethod
    def parse(cls, text: str) -> Pattern:
        """Read a pattern; an empty one matches all. Raises BadSelection."""
        if len(text) > _LIMIT:
            raise BadSelection(LONG_PATTERN(length=len(text), most=_LIMIT))
        try:
            expression = text if text.startswith("^") else fnmatch.translate(text.strip() or "*")
            return cls(re.compile(expression))
        except UNREADABLE as error:
            raise BadSelection(BAD_PATTERN(text=text, error=error)) from error

    def matches(self, name: str) -> bool:
        """Tell whether *name* matches: a glob all of it, a regular expression from its beginning."""
        return self._expression.match(name) is not None
