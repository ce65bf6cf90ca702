"""The file of users that the registry reads: https://httpd.apache.org/docs/2.4/programs/htpasswd.html, bcrypt only."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import hmac
import json
import re
import unicodedata
from collections.abc import Iterable

import bcrypt

from registry.message import Message, Text

BAD_NAME = Message(
    "{name!r} is not a user name", "Use no colon, no # in front, no space around it and no control characters"
)
"""The registry ends a user name at the first colon, and ignores surrounding space and lines that begin with #."""
LONG_NAME = Message("the user name has {length} bytes", "Use {most} at most")
"""A user name is longer than other programs accept."""
CONTROL_CHARACTER = Message("the password contains a control character, for example a line break", "Remove it")
"""Clients cannot send the password unchanged; often it was read from a file with a line break at its end."""
LONG_PASSWORD = Message("the password has {length} bytes, of which bcrypt uses {most} only", "Use {most} at most")
"""bcrypt ignores what follows, so any password that begins with the same 72 bytes would be accepted."""
NOT_BCRYPT = Message("the hash is not bcrypt, the only kind that the registry accepts", "Use `htpasswd -nB USER`")
"""The hash of a password was made with another algorithm, for example MD5 or SHA."""
COST_OUT_OF_RANGE = Message("{cost} is not a supported bcrypt cost", "Use a number from {least} to {most}")
"""A lower cost is insecure, and with a higher one each request would use a core for seconds."""

COST = 5
"""Binary logarithm of bcrypt's rounds, unless the operator sets another.

The registry hashes the password anew in every request: 1.6 ms of a core at 5, 12 ms at 8, 47 ms at 10, 185 ms at 12.
A pull of ten layers is 13 requests, so 21 ms at 5 and 2.4 s at 12; at 10 two cores answer 42 requests a second at
most. A good password needs no more: 2 ** 5 rounds for each guess are 600 guesses a second and core, and 32 random
bytes, as the charm's own user has, cannot be guessed at any cost.
"""
COSTS = range(4, 18)
"""What the htpasswd command accepts too; beyond it, one request would keep a core busy for ten seconds and more."""
PASSWORD_BYTES = 72
"""bcrypt ignores what follows."""
NAME_BYTES = 255

# Go's bcrypt accepts each of these letters, and none.
_HASH = re.compile(r"\$2[abxy]?\$([0-9]{2})\$[./A-Za-z0-9]{53}")
# Bcrypt, even if it is cut; crypt(3) and htpasswd; what LDAP servers store.
_HASH_OF_ANY_KIND = re.compile(
    r"\$(?:2[abxy]?|1|5|6|7|y|gy|apr1|md5|sha1|scrypt|argon2\w*|pbkdf2[\w-]*)\$|\{[A-Z]\w+\}[A-Za-z0-9+/=]{20,}"
)


@dataclasses.dataclass(frozen=True)
class User:
    """Somebody who may pull and push, with either a password or its hash."""

    name: str
    password: str | None = dataclasses.field(default=None, repr=False)
    hashed: str | None = dataclasses.field(default=None, repr=False)


@dataclasses.dataclass(frozen=True)
class Verdicts:
    """Which hashes belong to which passwords, so that bcrypt is not asked again in each hook.

    Without the *key*, a password cannot be compared with a digest.
    """

    key: bytes = dataclasses.field(default=b"", repr=False)
    digests: frozenset[str] = dataclasses.field(default=frozenset(), repr=False)

    def knows(self, user: User, hashed: str) -> bool:
        """Tell whether *hashed* was found to be the hash of the user's password."""
        return self._digest(user, hashed) in self.digests

    def of(self, users: Iterable[User], text: str) -> Verdicts:
        """Return those of *users* with passwords, whose hashes are in *text*, and no others."""
        hashes = _hashes(text)
        known = (self._digest(user, hashes[user.name]) for user in users if user.password is not None)
        return dataclasses.replace(self, digests=frozenset(known))

    def _digest(self, user: User, hashed: str) -> str:
        text = json.dumps([user.name, user.password, hashed])
        return hmac.new(self.key, text.encode(), hashlib.sha256).hexdigest()


def name_problem(name: str) -> Text | None:
    """Return what is wrong with the name of a user, or None.

    The registry strips a line and ignores one that begins with # as a comment; basic authentication ends
    the name at the first colon (https://www.rfc-editor.org/rfc/rfc7617#section-2).
    """
    if (
        name
        and not _has(name, "Cc", "Cs", "Zl", "Zp")
        and name.strip() == name
        and ":" not in name
        and not name.startswith("#")
    ):
        if len(name.encode()) <= NAME_BYTES:
            return None
        return LONG_NAME(length=len(name.encode()), most=NAME_BYTES)
    return BAD_NAME(name=shown(name))


def shown(name: str) -> str:
    """Return a *name* for a message: what follows a colon is a password that was pasted together with its user."""
    before, colon, _ = name.partition(":")
    return f"{before}:..." if colon else name


def password_problem(password: str) -> Text | None:
    """Return what is wrong with a password, without the password itself, or None."""
    if _has(password, "Cc", "Cs"):
        return CONTROL_CHARACTER()
    length = len(password.encode())
    if length > PASSWORD_BYTES:
        return LONG_PASSWORD(length=length, most=PASSWORD_BYTES)
    return None


def _has(text: str, *categories: str) -> bool:
    return any(unicodedata.category(character) in categories for character in text)


def is_hash(text: str) -> bool:
    """Tell whether *text* is a bcrypt hash."""
    return _HASH.fullmatch(text) is not None


def looks_hashed(text: str) -> bool:
    """Tell whether *text* looks like a hash, of bcrypt or of an algorithm that the registry does not accept."""
    return _HASH_OF_ANY_KIND.match(text) is not None


def hash_problem(text: str) -> Text | None:
    """Return what is wrong with a hash, without the hash itself, or None."""
    match = _HASH.fullmatch(text)
    if match is None:
        return NOT_BCRYPT()
    return cost_problem(int(match.group(1)))


def cost_problem(cost: int) -> Text | None:
    """Return what is wrong with the cost of a hash, or None."""
    return None if cost in COSTS else COST_OUT_OF_RANGE(cost=cost, least=COSTS[0], most=COSTS[-1])


def text(users: Iterable[User], cost: int = COST, before: str = "", verdicts: Verdicts | None = None) -> str:
    """Return the text of the file for *users*, none of whom has a problem; *before* is the current text.

    A hash that still verifies its user's password is kept and not salted again, so that the text and the file's time
    change only when a user does. *verdicts* spare it the verification.
    """
    known, verdicts = _hashes(before), verdicts or Verdicts()
    return "".join(f"{user.name}:{_hash(user, cost, known.get(user.name, ''), verdicts)}\n" for user in users)


def _hashes(text: str) -> dict[str, str]:
    return dict(line.split(":", 1) for line in text.split("\n") if ":" in line)


def _hash(user: User, cost: int, before: str, verdicts: Verdicts) -> str:
    if user.password is None:
        return user.hashed or ""
    password = user.password.encode()
    # Only a hash of our cost is verified: the file may have any cost, and verifying a high one would take hours.
    if before.startswith(f"$2y${cost:02}$"):
        with contextlib.suppress(ValueError):
            if verdicts.knows(user, before) or bcrypt.checkpw(password, before.encode()):
                return before
    # $2b$ and $2y$ are one algorithm; the latter is what the htpasswd command writes.
    return bcrypt.hashpw(password, bcrypt.gensalt(cost)).decode().replace("$2b$", "$2y$", 1)
