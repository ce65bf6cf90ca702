"""Data that the leader shares with all units of the application, read once a hook.

Flags, by the name of the community's leadership layer: `leadership.set.<key>` while a key has a value.

Values are strings. The tool leader-set takes them on its command line only, so a secret that must not appear in the
machine's process list for a moment does not belong here.
"""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Mapping

from charmhelpers.core import hookenv, unitdata
from charms import reactive

SEEN = "leadership.seen"
"""Key in unitdata: digests of the values by key, as the last successful hook saw them."""

_data: dict[str, str] | None = None
_is_leader: bool | None = None


def get(key: str) -> str | None:
    """The value that the leader has set, or None."""
    return _all().get(key)


def is_leader() -> bool:
    """Whether this unit is the leader. Juju answers for the next 30 s; read once a hook."""
    global _is_leader
    if _is_leader is None:
        try:
            _is_leader = hookenv.is_leader() is True
        except (subprocess.CalledProcessError, ValueError):
            return False  # what only the leader may do waits for the next hook
    return _is_leader


def set(values: Mapping[str, str | None]) -> None:
    """Share values with all units; None removes one. Only the leader may; for others, Juju raises an error."""
    changed = {key: value for key, value in values.items() if _all().get(key) != (value or None)}
    if changed:
        try:
            hookenv.leader_set(dict(changed))
        except subprocess.CalledProcessError as error:
            # Its text has the whole command line, and with it the values.
            raise subprocess.CalledProcessError(error.returncode, ["leader-set"]) from None
        _all().update({key: value for key, value in changed.items() if value})
        for key in [key for key, value in changed.items() if not value]:
            _all().pop(key, None)
        set_flags()


def set_flags() -> None:
    """Set and clear the flags of the keys that have changed, and none of the others."""
    seen = unitdata.kv().get(SEEN) or {}
    try:
        _all()
    except (subprocess.CalledProcessError, ValueError):
        return  # the flags stay as they are; who needs a value reports it
    now = {key: hashlib.sha256(value.encode()).hexdigest() for key, value in _all().items()}
    for key in sorted({*seen, *now}):
        if seen.get(key) == now.get(key):
            continue
        reactive.toggle_flag(f"leadership.set.{key}", key in now)
    if seen != now:
        unitdata.kv().set(SEEN, now)


def _all() -> dict[str, str]:
    global _data
    if _data is None:
        answer = hookenv.leader_get()
        _data = {str(key): str(value) for key, value in answer.items()} if isinstance(answer, dict) else {}
    return _data
