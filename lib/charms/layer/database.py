"""The unit's database, `unitdata.kv()`: read once, and written at the end only if something in it has changed.

Flags of this hook and what charms.reactive notes for itself within a hook are kept in memory. So an idle hook writes
nothing, and a full disk does not fail it.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import pathlib
import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any

from charmhelpers.core import hookenv, unitdata
from charms.layer import flags, status
from registry.machine.files import write_file
from registry.message import Message, Sentence, alone

NOT_SAVED = Message(
    "The unit's data cannot be saved in {folder}: {error}", "Free space on the machine. Retrying automatically"
)
"""The machine's root disk is full, has no inodes left or is read-only. Flags and records of this hook are lost."""

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
FULL_DATABASE = ("disk is full", "readonly database", "disk I/O error", "unable to open database file")
"""What the system and SQLite say of a disk that is full or read-only: https://www.sqlite.org/rescode.html."""

OUTDATED = (0, 0)
"""Times of the file while it lacks rows: a full disk takes those, and nothing else."""

_STATES, _DISPATCH = "reactive.states.", "reactive.dispatch."
_OF_THIS_HOOK = {f"{_STATES}{flag}" for flag in (*flags.OF_THIS_HOOK, flags.ON_DISK)}


class Database(unitdata.Storage):  # type: ignore[misc] # charmhelpers has no types
    """The same rows as charmhelpers' own, in memory between the start and `flush`."""

    def __init__(self, path: str | None = None) -> None:
        # charmhelpers opens the file for writing and commits, at each start.
        self.db_path = path or os.environ.get("UNIT_STATE_DB") or os.path.join(hookenv.charm_dir(), ".unit-state.db")
        self.revision = None
        self._closed = False
        self.is_outdated = _is_outdated(self.db_path)
        """Rows of a hook before were not saved, and what it read is unknown."""
        self._saved = _read(self.db_path)
        self._rows = _lasting(self._saved)
        self.error: Exception | None = None
        """Why the last `flush` did not succeed, because of the machine's disk."""

    def get(self, key: str, default: Any = None, record: bool = False) -> Any:
        if key not in self._rows:
            return default
        value = _value(self._rows[key])
        return unitdata.Record(value) if record else value

    def getrange(self, key_prefix: str, strip: bool = False) -> dict[str, Any]:
        start = len(key_prefix) if strip else 0
        texts = [(key[start:], text) for key, text in self._rows.items() if key.startswith(key_prefix)]
        return {key: _value(text) for key, text in texts}

    def set(self, key: str, value: Any) -> Any:
        self._rows[key] = json.dumps(value)
        return value

    def unset(self, key: str) -> None:
        self._rows.pop(key, None)

    def unsetrange(self, keys: Iterable[str] | None = None, prefix: str = "") -> None:
        if keys is None:
            gone = [key for key in self._rows if key.startswith(prefix)]
        else:
            gone = [f"{prefix}{key}" for key in keys]
        for key in gone:
            self._rows.pop(key, None)

    def flush(self, save: bool = True) -> None:
        """Write the rows that have changed, in one transaction; without *save*, forget them.

        A full disk is left in `error`: charms.reactive calls this when everything is done and said.
        """
        if not save:
            self._rows = _lasting(self._saved)
            return
        kept = _lasting(self._rows)
        if kept == self._saved and not self.is_outdated:
            return
        try:
            _write(self.db_path, self._saved, kept)
        except Exception as error:
            if not is_full(error):
                raise
            self.error = error
            _date(self.db_path, OUTDATED)
        else:
            self._saved, self.error = kept, None
            if self.is_outdated:
                _date(self.db_path, None)  # also where no row has changed
            self.is_outdated = False

    def close(self) -> None:
        self._closed = True


def _value(text: str) -> Any:
    # charms.reactive asks for all flags at each handler, and nearly all of their values are null.
    return None if text == "null" else json.loads(text)


def install() -> None:
    """Have `unitdata.kv()` return such a database, and charmhelpers save the options only when they have changed."""
    unitdata._KV = Database()
    hookenv.Config._implicit_save = _save_options


def save() -> None:
    """Save the rows before the status is written, and report a disk that does not take them."""
    rows = unitdata.kv()
    rows.flush()
    if rows.error:
        status.blocked(not_saved(rows.error))


def not_saved(error: Exception) -> Sentence:
    """Return the sentence for a machine whose disk is full."""
    return alone(NOT_SAVED(folder=hookenv.charm_dir(), error=getattr(error, "strerror", None) or error))


def is_full(error: BaseException) -> bool:
    """Tell whether a file could not be written because the machine's disk is full or read-only."""
    if isinstance(error, OSError):
        return error.errno in FULL
    return isinstance(error, sqlite3.OperationalError) and any(words in str(error) for words in FULL_DATABASE)


def _save_options(config: Any) -> None:
    """Save the options where charmhelpers does, if they have changed, and as a whole or not at all."""
    if not config.implicit_save or dict(config) == config._prev_dict:
        return
    try:
        write_file(pathlib.Path(config.path), json.dumps(config))
    except OSError as error:
        if not is_full(error):
            raise
        status.blocked(not_saved(error))


def _lasting(rows: Mapping[str, str]) -> dict[str, str]:
    """Return *rows* without those of one hook, which a killed hook of an older charm left too."""
    return {key: text for key, text in rows.items() if key not in _OF_THIS_HOOK and not key.startswith(_DISPATCH)}


def _read(path: str) -> dict[str, str]:
    """Return the rows; none where there is no database yet."""
    if not os.path.exists(path) or not os.path.getsize(path):
        return {}
    connection = sqlite3.connect(path)
    try:
        return dict(connection.execute("select key, data from kv"))
    except sqlite3.DatabaseError as error:
        if is_full(error) or isinstance(error, sqlite3.OperationalError):
            raise
        # All of it is derived again from Juju and the machine, except what the operator requested by actions.
        os.replace(path, f"{path}.damaged")
        hookenv.log(f"The unit's database was damaged ({error}), and is kept as {path}.damaged.", hookenv.ERROR)
        return {}
    finally:
        connection.close()


def _is_outdated(path: str) -> bool:
    return os.path.exists(path) and os.stat(path).st_mtime == OUTDATED[1]


def _date(path: str, times: tuple[int, int] | None) -> None:
    with contextlib.suppress(OSError):  # on a read-only disk, until the reboot, after which all is read again
        os.utime(path, times)


def _write(path: str, before: Mapping[str, str], after: Mapping[str, str]) -> None:
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
    connection = sqlite3.connect(path)
    try:
        with connection:
            connection.execute("create table if not exists kv (key text, data text, primary key (key))")
            connection.executemany("delete from kv where key = ?", [(key,) for key in before.keys() - after.keys()])
            connection.executemany(
                "insert or replace into kv (key, data) values (?, ?)",
                [(key, text) for key, text in after.items() if before.get(key) != text],
            )
    finally:
        connection.close()
