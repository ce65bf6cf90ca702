"""What the charm remembers of dockerd's settings, and its last change undone where Docker does not start with it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from registry.formats import daemon
from registry.machine.dockerd import Dockerd
from registry.machine.engine import Engine, EngineError
from registry.machine.records import Records
from registry.message import Message, Sentence, about

RECORD = "daemon"
LIVE_RESTORE_RECORD = "live-restore"
"""Names of records: a `daemon.Record` is saved in the first and those of `daemon.SEPARATE`."""

REVERTED = Message("the new settings were reverted ({error})", "Fix them")
"""dockerd does not start with the options, so it runs with the previous ones. They are tried again once they change."""
EDITED = Message(
    "{error}. /etc/docker/daemon.json was changed by somebody else", "Fix the file; the charm does not change it"
)
"""dockerd has failed, and the file with its settings is not the one that the charm wrote last."""


class DockerdRecord:
    """The record of this machine's dockerd, and its files. *connect* returns its engine or raises EngineError."""

    def __init__(
        self, dockerd: Dockerd, records: Records, connect: Callable[[], Engine], log: Callable[[str], None]
    ) -> None:
        self._dockerd = dockerd
        self._records = records
        self._connect = connect
        self._log = log

    def load(self) -> daemon.Record:
        """Return the record. Raises OSError."""
        names = (RECORD, *daemon.SEPARATE)
        return daemon.Record.from_json(
            {key: value for name in names for key, value in self._records.load(name).items()}
        )

    def save(self, record: daemon.Record) -> None:
        """Save those of its parts that have changed. Raises OSError."""
        before, after = self.load().to_json(), record.to_json()
        rest = after.keys() - {field for fields in daemon.SEPARATE.values() for field in fields}
        for name, fields in ((RECORD, rest), *daemon.SEPARATE.items()):
            if any(before[field] != after[field] for field in fields):
                self._records.save(name, {field: value for field, value in after.items() if field in fields})

    def forget_live_restore(self) -> None:
        """Remove the record of live-restore: another unit on this machine checks it itself. Raises OSError."""
        self._records.remove(LIVE_RESTORE_RECORD)

    def read(self) -> daemon.Files:
        """Return the current files; an unreadable one counts as empty."""
        try:
            text = self._dockerd.read_daemon_json()
        except daemon.BadSettings:
            text = ""
        return daemon.Files(text, self._dockerd.read_drop_in())

    def write(self, current: daemon.Files, files: daemon.Files) -> None:
        """Replace the *current* files; a daemon.json that is not as the charm wrote it is copied first."""
        if current.daemon_json != files.daemon_json:
            self.keep(current.daemon_json)
            self._dockerd.write_daemon_json(files.daemon_json)
        if current.drop_in != files.drop_in:
            self._dockerd.write_drop_in(files.drop_in)

    def keep(self, text: str | None) -> None:
        """Copy daemon.json with this *text*, unless the charm wrote it."""
        record = self.load()
        known = [files.daemon_json for files in (record.written, record.before) if files]
        if text and text not in known:
            self._log(f"Somebody else's daemon.json is kept as {self._dockerd.save_daemon_json()}.")

    def connect(self) -> Engine:
        """Connect to Docker; first, undo the charm's last change if it keeps Docker from starting.

        A crash may have interrupted it, or Docker rejects it later: while containers keep running, a restart does not
        apply the settings of its network. Raises OSError, EngineError, and BadSettings where somebody else's
        daemon.json may be the reason.
        """
        record = self.load()
        if record.trying and record.before is not None:
            self._log("A crash interrupted a change of Docker's settings; reverting to the previous ones.")
            current = self.read()
            self.write(current, record.undone(current))
            self._dockerd.restart()
            self.save(record.renewed(record.ours))
            return self._connect()
        try:
            return self._connect()
        except EngineError:
            if not self._dockerd.has_failed():
                raise
            self._restart_or_undo(record)
        return self._connect()

    def reject(
        self,
        record: daemon.Record,
        ours: Mapping[str, Any],
        before: daemon.Files,
        after: daemon.Files,
        error: EngineError,
    ) -> Sentence:
        """Record that Docker rejects the files *after*, and return the sentence."""
        reason = about(options(before, after), REVERTED(error=error))
        self.save(record.renewed(ours, refused=after.digest, reason=reason, written=record.written))
        return reason

    def _restart_or_undo(self, record: daemon.Record) -> None:
        """Start a Docker that has failed, with its settings or with those before the charm's last change."""
        current = self.read()
        try:
            self._dockerd.restart()
        except EngineError as error:
            older = record.undone(current)
            if older != current and self._starts_with(current, older):
                self._log(f"Docker did not start with the settings that the charm wrote last; reverted ({error}).")
                self.reject(dataclasses.replace(record, written=None), record.ours_before, older, current, error)
            elif record.written is not None and current.daemon_json != record.written.daemon_json:
                raise daemon.BadSettings(EDITED(error=error)) from error
            else:
                raise

    def _starts_with(self, current: daemon.Files, files: daemon.Files) -> bool:
        """Start Docker with other *files*; if that fails too, write the *current* ones back."""
        self.write(current, files)
        try:
            self._dockerd.restart()
        except EngineError:
            self.write(files, current)
            return False
        return True


def options(before: daemon.Files, after: daemon.Files) -> str:
    """Return the names of the options that make the difference, for the subject of a sentence."""
    changed = {
        "daemon-opts": before.daemon_json != after.daemon_json,
        "docker-opts": before.drop_in != after.drop_in,
    }
    return " and ".join(option for option, is_changed in changed.items() if is_changed)
