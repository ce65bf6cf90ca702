"""The floor: what stays free of the disk with the images, so that it can always be cleaned up."""

from __future__ import annotations

import dataclasses
import re

from registry.images.listing import human
from registry.message import Message, Text
from registry.options.limits import size_bytes, size_problem

NOT_A_FLOOR = Message(
    "{value!r} is not an amount of free space", "Use a size or up to 50% of the disk, for example 20g or 5%; or 0"
)
"""The value is neither a size with b, k, m or g, nor a whole number of percent, nor 0, which turns the floor off."""

OFF = "0"
PART, MOST = 0.05, 5 << 30
"""The default: this part of the disk, and not more than so many bytes."""
LIMIT = 0.5
"""No floor is a larger part of the disk."""
RECOVERED = 1.5
"""A disk that was low is so until it has so many times its floor free: otherwise it would be low again in a moment."""
RESERVE_PART, RESERVE_MOST = 0.01, 128 << 20
"""Size of the reserve, as that of the floor: what a change and a garbage collection write on the machine."""
RESERVED_INODES = 64
"""Number of the reserve's files that take inodes only: a change and a garbage collection write fewer."""


@dataclasses.dataclass(frozen=True)
class Space:
    """A file system: its bytes and inodes, and what is free of them."""

    size: int
    free: int
    """Bytes for everybody, as `df` shows them."""
    left: int
    """Bytes for root."""
    inodes: int
    """0 where their number is not fixed."""
    inodes_left: int

    @property
    def shortage(self) -> str:
        """What there is none left of, space or inodes; empty if there are both."""
        if self.left == 0:
            return "space"
        return "inodes" if self.inodes and self.inodes_left == 0 else ""

    @property
    def reserve(self) -> int:
        """Size of its reserve, in bytes."""
        return int(min(RESERVE_MOST, RESERVE_PART * self.size))

    @property
    def is_full(self) -> bool:
        """There is hardly any room: bytes for what the charm itself writes, or inodes."""
        return self.left < self.reserve or (self.inodes > 0 and self.inodes_left < RESERVED_INODES)

    @property
    def has_room_for_reserve(self) -> bool:
        """There is room for the reserve twice, so that the disk is not full by it."""
        has_inodes = not self.inodes or self.inodes_left >= 2 * RESERVED_INODES
        return has_inodes and self.left >= 2 * self.reserve > 0

    def words(self) -> str:
        """Return what is free, for people: bytes, or the inodes where these are scarcer."""
        if self.inodes and self.inodes_left * self.size < self.free * self.inodes:
            return f"{self.inodes_left} of {self.inodes} inodes"
        return f"{human(self.free)} of {human(self.size)}"

    def is_below(self, part: float) -> bool:
        """Tell whether less than this *part* of its bytes or of its inodes is free."""
        return self.free < part * self.size or (self.inodes > 0 and self.inodes_left < part * self.inodes)


@dataclasses.dataclass(frozen=True)
class Floor:
    """The option storage-minimum-free."""

    text: str = ""

    def problem(self) -> Text | None:
        """Return what is wrong with the option, or None."""
        if self.text in ("", OFF):
            return None
        if self.text.endswith("%"):
            right = bool(re.fullmatch(r"[1-9]|[1-4][0-9]|50", self.text[:-1], re.ASCII))
        else:
            right = size_problem(self.text) is None
        return None if right else NOT_A_FLOOR(value=self.text)

    @property
    def is_default(self) -> bool:
        """The option is not set, or cannot be read."""
        return not self.text or self.problem() is not None

    def part(self, size: int) -> float:
        """Return the part of a disk of *size* bytes that is to stay free."""
        if not size:
            return 0
        if self.is_default:
            return min(PART, MOST / size)
        if self.text.endswith("%"):
            return int(self.text[:-1]) / 100
        return 0 if self.text == OFF else min(LIMIT, size_bytes(self.text) / size)

    def low(self, space: Space, before: bool | None) -> bool | None:
        """Tell whether the disk has less than the floor free; if it was low *before*, until it has clearly more.

        None, also as *before*: it has never had enough. Then the default changes nothing, so that a refresh of the
        charm closes no registry.
        """
        part = self.part(space.size)
        if before:
            return space.is_below(RECOVERED * part)
        if not space.is_below(part):
            return False
        return None if before is None and self.is_default else True

    def has_room_for_reserve(self, space: Space) -> bool:
        """Tell whether the reserve leaves so much free that the disk is not low by it."""
        size = space.reserve
        rest = dataclasses.replace(space, free=space.free - size, inodes_left=space.inodes_left - RESERVED_INODES)
        return not rest.is_below(RECOVERED * self.part(space.size)) and rest.free >= size > 0
