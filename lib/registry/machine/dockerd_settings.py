"""dockerd's settings as the options request them: tried, reverted where dockerd does not start, and recorded.

It touches dockerd under a registry that serves, so containers must survive each step: live-restore is on before
anything restarts, and a reload is enough where dockerd confirms that it accepts the file.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from registry.formats import daemon
from registry.machine.dockerd import Dockerd
from registry.machine.engine import Engine, EngineError
from registry.machine.records import Records
from registry.message import alone
from registry.options import runtime

RECORD = "daemon"
LIVE_RESTORE_RECORD = "live-restore"
"""Names of the two records that a `daemon.Record` is saved in."""

Errors = tuple[str, ...]
"""Sentences for the status."""
Log = Callable[[str], None]


class DockerdSettings:
    """The settings of this machine's dockerd. *connect* returns its engine or raises EngineError."""

    def __init__(
        self, dockerd: Dockerd, records: Records, connect: Callable[[], Engine], *, log: Log, warn: Log
    ) -> None:
        self._dockerd = dockerd
        self._records = records
        self._connect = connect
        self._log = log
        self._warn = warn

    def connect(self) -> Engine:
        """Connect to Docker; first, restore what keeps it from starting. Raises OSError, EngineError.

        That is a change which a crash cut off, or one that Docker could not take after all: while containers run on, it
        does not try the settings of its network.
        """
        record = self._load()
        if record.trying and record.before is not None:
            self._log("New settings of Docker were being tried when a crash came; those before are put back.")
            self._write(self._read(), record.before)
            self._dockerd.restart()
            self._save(record.renewed(record.ours))
        try:
            return self._connect()
        except EngineError as down:
            if record.trying or record.before is None or not self._dockerd.has_failed():
                raise
            self._restart_or_revert(record, record.before, down)
        return self._connect()

    def ensure(self, options: runtime.Runtime, environment: Mapping[str, str], docker: Engine) -> tuple[Engine, Errors]:
        """Have Docker run as the options say, with the *environment*; return the engine to use, and what is wrong.

        Settings that Docker does not take are reverted, and not tried again until something of them changes. Raises
        EngineError if Docker does not answer any more, OSError where the machine does not take what is written.
        """
        is_valid = not any(options.settings_problems().values())
        settings = options.settings() if is_valid else {}
        if not is_valid or (daemon.LIVE_RESTORE not in settings and daemon.LIVE_RESTORE not in options.flags()):
            errors = self.ensure_live_restore(docker)
            if errors or not is_valid:
                return docker, errors
        arguments, record = options.arguments(), self._load()
        command = self._dockerd.read_command() if arguments else ""
        if record.live_restore_refused or (arguments and not command):
            is_default = not environment and not arguments and settings == runtime.DEFAULT_SETTINGS
            return docker, () if is_default else (
                "daemon-opts, docker-opts and the proxies have no effect: this Docker is not set up by "
                "/etc/docker/daemon.json and systemd's docker.service.",
            )
        try:
            before = daemon.Files(self._dockerd.read_daemon_json(), self._dockerd.read_drop_in())
            after = daemon.Files(
                daemon.merged(before.daemon_json, record.ours, settings, options.flags()),
                daemon.drop_in(environment, command, arguments),
            )
        except daemon.BadSettings as error:
            return docker, (unreadable(error),)
        if after == before:
            self._save(dataclasses.replace(record, ours=settings, refused="", reason=""))
            return docker, ()
        if record.refused == after.digest:
            return docker, (record.reason,)
        errors = self._try(record, before, after, settings, docker)
        return self._connect(), errors

    def ensure_live_restore(self, docker: Engine) -> Errors:
        """Have dockerd leave containers running while it restarts; return a sentence if daemon.json is in the way.

        Where dockerd does not take it, daemon.json stays as it was, and a warning in the log says so, once.
        """
        record = self._load()
        try:
            text = self._dockerd.read_daemon_json()
            value = daemon.live_restore(text or "")
            if value is False or record.live_restore_refused or (value is True and record.live_restore_loaded):
                return ()
            is_on = docker.live_restore()
            if is_on is False:
                is_on = self._turn_on_live_restore(docker, text, write=value is None)
            if is_on is not None:
                self._save(dataclasses.replace(record, live_restore_loaded=is_on, live_restore_refused=not is_on))
        except daemon.BadSettings as error:
            return (unreadable(error),)
        except (OSError, EngineError) as error:
            return (f"Docker cannot be told to keep containers running while it restarts: {error}.",)
        if is_on is False:
            self._warn(
                "This Docker does not take live-restore by `systemctl reload docker`. Turn it on where this Docker is "
                "configured; until then the registry is away while Docker restarts."
            )
        return ()

    def forget_refusals(self) -> None:
        """Let a Docker that has just been installed try what the one before it did not take. Raises OSError."""
        self._save(dataclasses.replace(self._load(), refused="", reason="", live_restore_refused=False))

    def forget_live_restore(self) -> None:
        """Let another unit on this machine look at live-restore for itself. Raises OSError."""
        self._records.remove(LIVE_RESTORE_RECORD)

    def note_live_restore(self, *, loaded: bool, refused: bool) -> None:
        """Record what is known of live-restore from elsewhere. Raises OSError."""
        self._save(dataclasses.replace(self._load(), live_restore_loaded=loaded, live_restore_refused=refused))

    def _load(self) -> daemon.Record:
        return daemon.Record.from_json({**self._records.load(RECORD), **self._records.load(LIVE_RESTORE_RECORD)})

    def _save(self, record: daemon.Record) -> None:
        """Save what differs from what is saved."""
        before, after = self._load().to_json(), record.to_json()
        settings = after.keys() - set(daemon.LIVE_RESTORE_FIELDS)
        for name, fields in ((RECORD, settings), (LIVE_RESTORE_RECORD, daemon.LIVE_RESTORE_FIELDS)):
            if any(before[field] != after[field] for field in fields):
                self._records.save(name, {field: value for field, value in after.items() if field in fields})

    def _restart_or_revert(self, record: daemon.Record, before: daemon.Files, down: EngineError) -> None:
        """Start a Docker that has failed, with its settings or with those *before*. Raises *down* if neither helps."""
        current = self._read()
        try:
            self._dockerd.restart()
        except EngineError as error:
            self._write(current, before)
            try:
                self._dockerd.restart()
            except EngineError:
                self._write(before, current)
                raise down from None
            self._refuse(record, record.ours_before, before, current, error)

    def _try(
        self,
        record: daemon.Record,
        before: daemon.Files,
        after: daemon.Files,
        settings: Mapping[str, Any],
        docker: Engine,
    ) -> Errors:
        """Let Docker run with the files *after*, which say the *settings*; if it does not, revert to those *before*."""
        self._save(record.renewed(record.ours, before=before, trying=True))
        try:
            self._write(before, after)
            self._activate(before, after, docker)
        except EngineError as error:
            self._write(after, before)
            self._dockerd.restart()
            return self._refuse(record, record.ours, before, after, error)
        self._save(record.renewed(settings, before=before, ours_before=record.ours))
        return ()

    def _refuse(
        self,
        record: daemon.Record,
        ours: Mapping[str, Any],
        before: daemon.Files,
        after: daemon.Files,
        error: EngineError,
    ) -> Errors:
        """Record that Docker does not start with the files *after*, and return the sentence."""
        json_differs, drop_in_differs = before.daemon_json != after.daemon_json, before.drop_in != after.drop_in
        options = [*(["daemon-opts"] if json_differs else []), *(["docker-opts"] if drop_in_differs else [])]
        reason = f"{' and '.join(options)}: {error}. It runs with what was before."
        self._save(record.renewed(ours, refused=after.digest, reason=reason))
        return (reason,)

    def _activate(self, before: daemon.Files, after: daemon.Files, docker: Engine) -> None:
        """Have dockerd read its files again, without a restart where it confirms that it accepts them."""
        dockerd = self._dockerd
        if daemon.is_reloadable(before, after) and dockerd.is_daemon_json_valid() and dockerd.reload():
            self._log("Docker has read its new settings.")
            return
        is_requested = daemon.live_restore(after.daemon_json or "") is True
        if is_requested and daemon.live_restore(before.daemon_json or "") is not True:
            dockerd.reload()  # or the containers would stop for this one time
            docker.live_restore(within=5)
        dockerd.restart()
        self._log("Docker has restarted with its new settings.")

    def _turn_on_live_restore(self, docker: Engine, text: str | None, *, write: bool) -> bool:
        """Add it to daemon.json, which has *text*, and tell whether dockerd took it; without *write* it is there."""
        is_on = False
        try:
            if write:
                self._dockerd.write_daemon_json(daemon.with_live_restore(text or ""))
            # Also where it was there before: a crash may have come between writing and reloading.
            is_on = self._dockerd.reload() and docker.live_restore(within=5) is True
        finally:
            if write and not is_on:  # dockerd would not start with what it does not take
                self._dockerd.write_daemon_json(text)
        return is_on

    def _read(self) -> daemon.Files:
        """Return the current files; what cannot be read counts as empty."""
        try:
            text = self._dockerd.read_daemon_json()
        except daemon.BadSettings:
            text = ""
        return daemon.Files(text, self._dockerd.read_drop_in())

    def _write(self, current: daemon.Files, files: daemon.Files) -> None:
        if current.daemon_json != files.daemon_json:
            self._dockerd.write_daemon_json(files.daemon_json)
        if current.drop_in != files.drop_in:
            self._dockerd.write_drop_in(files.drop_in)


def unreadable(error: daemon.BadSettings) -> str:
    """Return the sentence for a daemon.json that Docker would not start with."""
    return alone(error.text)
