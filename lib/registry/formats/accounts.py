"""Users and groups of Linux as numbers: the registry's own, and who else may have it."""

from __future__ import annotations

import struct
from collections.abc import Iterable

NUMBER = 60900
"""User and group of the registry, the same on every machine: Juju's storage is attached to another one with its files.

It is no account, which needs none: nothing is made or removed, and nobody else's can have the same name. No tool gives
this number away: 60706 to 61183 is unused in https://systemd.io/UIDS-GIDS/, above login.defs' UID_MAX and below the
65536 that an unprivileged container of LXD has at least.
"""
RULES = "system.posix_acl_default"
"""Name of the attribute of a folder with the access rules for what is created in it."""


def is_free(texts: Iterable[str]) -> bool:
    """Tell whether no account in the texts of /etc/passwd and /etc/group has the number."""
    fields = (line.split(":") for text in texts for line in text.splitlines())
    return not any(len(field) > 2 and field[2] == str(NUMBER) for field in fields)


def is_mapped(text: str) -> bool:
    """Tell whether the user namespace of /proc/self/uid_map, or gid_map, has the number."""
    ranges = (map(int, line.split()) for line in text.splitlines())
    return any(first <= NUMBER < first + size for first, _, size in ranges)


def rules(user: int) -> bytes:
    """Return access rules by which *user* has full access to what others create in a folder.

    For all others it gets the mode that it has without rules and with the usual umask: linux/posix_acl_xattr.h.
    """
    nobody = 0xFFFFFFFF
    entries = ((0x01, 7, nobody), (0x02, 7, user), (0x04, 5, nobody), (0x10, 7, nobody), (0x20, 5, nobody))
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)
