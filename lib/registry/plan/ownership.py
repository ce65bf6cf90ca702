"""Whether the registry can run as a user of its own: who serves the images, and how far their files are the user's.

Where files belong to root, a pass makes them the user's while root serves, and what root writes meanwhile is open to
both. Once it is through, the user serves; a second pass takes what root wrote last. Where the storage does not allow
that, root serves as before.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from registry.plan.facts import Facts

AGAIN = 24 * 3600
"""Seconds after which files are looked through again: an operator may have copied some, as root."""
STORE = "an object store"
"""In place of the folder, where there is none."""


@dataclasses.dataclass(frozen=True)
class Ownership:
    """What is known of the files of the images."""

    place: str
    """Their folder, or `STORE`."""
    served_by: str = ""
    """Who served them when the pass began: "root", "user", or "" where nothing did."""
    cursor: tuple[str, ...] | None = None
    """How far the pass has come."""
    is_complete: bool = False
    has_rules: bool = True
    """What root writes during the pass is open to the user."""
    problem: str = ""
    """Why the user cannot have them."""
    ended: float = 0
    """When the pass ended, or failed."""
    interrupted: bool = False
    """The attempt to run as the user stopped the registry. Only `start` and `upgrade-charm` repeat it."""
    is_copied: bool = False
    """The first folders changed owner while the user served, so others may have. Root serves until the pass ends."""

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Ownership:
        """Read the result of `to_json`; nothing is known from any other record."""
        try:
            cursor = record["cursor"]
            return cls(**{**record, "cursor": cursor if cursor is None else tuple(cursor)})
        except (TypeError, KeyError):
            return cls("")

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return dataclasses.asdict(self)

    def next(self, other: Ownership, now: float, *, is_owner: bool, retry: bool) -> Ownership | None:
        """Return the pass to continue or to begin: *other*, as it is now without one; None where none is due."""
        if (self.place, self.served_by) != (other.place, other.served_by):
            return other
        if not self.problem and not self.is_complete:
            return self
        is_old = not (self.interrupted or 0 <= now - self.ended < AGAIN)  # somebody may have set the clock
        is_due = retry if self.problem else not is_owner
        if is_due and not self.problem:
            return dataclasses.replace(other, is_copied=other.served_by == "user")
        return other if is_old or is_due else None

    def allows_user(self, *, is_owner: bool) -> bool:
        """Tell whether the user can serve the files; *is_owner*: the first folders are its own."""
        if self.served_by == "user":
            return is_owner and (self.is_complete or not self.is_copied)
        # Without rules for what root writes, the user could not go on with it.
        return is_owner and self.is_complete and not self.problem and (self.has_rules or not self.served_by)


def served_by(facts: Facts, place: str) -> str:
    """Return who serves the images of the *place*."""
    current = facts.current
    if current is None or (current.data_folder or STORE) != place:
        return ""
    return "user" if current.container.user else "root"
