"""The file of users that the registry asks: https://httpd.apache.org/docs/2.4/programs/htpasswd.html, bcrypt only."""

from __future__ import annotations

import contextlib
import dataclasses
import re
import unicodedata
from collections.abc import Iterable

import bcrypt

COST = 5
"""Binary logarithm of bcrypt's rounds, unless the operator says otherwise.

The registry hashes the password anew in every request: 1.6 ms of a core at 5, 12 ms at 8, 47 ms at 10, 185 ms at 12.
A pull of ten layers is 13 requests, so 21 ms at 5 and 2.4 s at 12; at 10 two cores answer 42 requests a second at
most. A good password needs no more: 2 ** 5 rounds for each guess are 600 guesses a second and core, and 32 random
bytes, as the charm's own user has, are out of reach at any cost.
"""
COSTS = range(4, 18)
"""What the htpasswd command takes too; beyond it, one request would keep a core busy for ten seconds and more."""
PASSWORD_BYTES = 72
"""bcrypt takes no notice of what comes after."""
NAME_BYTES = 255

_HASH = re.compile(r"\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}")
_HASH_OF_ANY_KIND = re.compile(r"\$[a-z0-9]+\$|\{\w+\}[A-Za-z0-9+/=]{20,}")


@dataclasses.dataclass(frozen=True)
class User:
    """Somebody who may pull and push, with either a password or its hash."""

    name: str
    password: str | None = dataclasses.field(default=None, repr=False)
    hashed: str | None = dataclasses.field(default=None, repr=False)


def name_problem(name: str) -> str | None:
    """Return what is wrong with the name of a user, or None.

    The registry drops space around a line and takes one that begins with # for a comment; basic authentication ends
    the name at the first colon (https://www.rfc-editor.org/rfc/rfc7617#section-2).
    """
    if name and name.isprintable() and name.strip() == name and ":" not in name and not name.startswith("#"):
        if len(name.encode()) <= NAME_BYTES:
            return None
        return f"the name of a user has {NAME_BYTES} bytes at most"
    return f"{name!r} is not the name of a user (no colon, no # in front, no space around it, no control characters)"


def password_problem(password: str) -> str | None:
    """Return what is wrong with a password, without the password itself, or None."""
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in password):
        return "the password has a control character in it, a line's end maybe"
    length = len(password.encode())
    if length > PASSWORD_BYTES:
        return f"the password has {length} bytes; bcrypt takes {PASSWORD_BYTES} at most"
    return None


def is_hash(text: str) -> bool:
    """Tell whether *text* is a hash by bcrypt."""
    return _HASH.fullmatch(text) is not None


def looks_hashed(text: str) -> bool:
    """Tell whether *text* is meant as a hash, by bcrypt or by something that the registry does not take."""
    return _HASH_OF_ANY_KIND.match(text) is not None


def hash_problem(text: str) -> str | None:
    """Return what is wrong with a hash, without the hash itself, or None."""
    found = _HASH.fullmatch(text)
    if found is None:
        return "the hash is not bcrypt, the only kind that the registry takes; make one with `htpasswd -nB USER`"
    return cost_problem(int(found.group(1)))


def cost_problem(cost: int) -> str | None:
    """Return what is wrong with the cost of a hash, or None."""
    return None if cost in COSTS else f"{cost} is no cost for bcrypt here, {COSTS[0]} to {COSTS[-1]}"


def text(users: Iterable[User], cost: int = COST, before: str = "") -> str:
    """Return the text of the file for *users*, none of whom has a problem; *before* is the text that is there.

    A hash that fits its user's password still is kept, though it could be salted anew: so the text, and the time of
    the file, change only when a user does.
    """
    known = dict(line.split(":", 1) for line in before.splitlines() if ":" in line)
    return "".join(f"{user.name}:{_hash(user, cost, known.get(user.name, ''))}\n" for user in users)


def _hash(user: User, cost: int, before: str) -> str:
    if user.password is None:
        return user.hashed or ""
    password = user.password.encode()
    # Only one of our cost is even looked at: the cost is the file's to say, and a high one would take hours.
    if before.startswith(f"$2y${cost:02}$"):
        with contextlib.suppress(ValueError):
            if bcrypt.checkpw(password, before.encode()):
                return before
    # $2b$ and $2y$ are one algorithm; the latter is what the htpasswd command writes.
    return bcrypt.hashpw(password, bcrypt.gensalt(cost)).decode().replace("$2b$", "$2y$", 1)
