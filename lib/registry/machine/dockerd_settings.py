"""dockerd's settings as the options request them: applied, reverted if dockerd does not start, and recorded.

A registry serves meanwhile, so containers must survive each step: live-restore is enabled before any restart, and
dockerd is only reloaded where it confirms that it accepts the file.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from registry.formats import daemon
from registry.machine.dockerd import Dockerd
from registry.machine.engine import Engine, EngineError
from registry.machine.records import Records
from registry.message import Message, Sentence, about, alone
from registry.options import runtime

RECORD = "daemon"
LIVE_RESTORE_RECORD = "live-restore"
"""Names of the two records that a `daemon.Record` is saved in."""

Errors = tuple[Sentence, ...]
"""Errors for the status."""
Log = Callable[[str], None]

NO_EFFECT = Message(
    "daemon-opts, docker-opts and the proxies have no effect: Docker does not use /etc/docker/daemon.json and "
    "docker.service",
    "Reset these options, and configure Docker where it is set up",
)
"""Docker was installed in another way, for example as a snap, and reads its settings from elsewhere."""
REVERTED = Message("the new settings were reverted ({error})", "Fix them")
"""dockerd does not start with the options, so it runs with the previous ones. They are tried again once they change."""
NO_LIVE_RESTORE = Message("live-restore of Docker cannot be enabled ({error})", "Retrying automatically")
"""The charm lets containers run while Docker restarts; writing daemon.json or reloading Docker failed."""


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
        """Connect to Docker; first, revert settings that keep it from starting. Raises OSError, EngineError.

        These are of a change that a crash interrupted, or that Docker rejects later: while containers keep running, a
        restart does not apply the settings of its network.
        """
        record = self._load()
        if record.trying and record.before is not None:
            self._log("A crash interrupted a change of Docker's settings; reverting to the previous ones.")
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
        """Apply the options and the *environment* to Docker; return the engine to use, and what is wrong.

        Settings that Docker rejects are reverted, and not tried again until they change. Raises EngineError if Docker
        does not answer any more, and OSError if a file cannot be written.
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
            return docker, () if is_default else (alone(NO_EFFECT()),)
        try:
            before = daemon.Files(self._dockerd.read_daemon_json(), self._dockerd.read_drop_in())
            after = daemon.Files(
                daemon.merged(before.daemon_json, record.ours, settings, options.flags()),
                daemon.drop_in(environment, command, arguments),
            )
        except daemon.BadSettings as error:
            return docker, (alone(error.text),)
        if after == before:
            self._save(dataclasses.replace(record, ours=settings, refused="", reason=""))
            return docker, ()
        if record.refused == after.digest:
            return docker, (Sentence(record.reason),)
        errors = self._try(record, before, after, settings, docker)
        return self._connect(), errors

    def ensure_live_restore(self, docker: Engine) -> Errors:
        """Have dockerd keep containers running while it restarts; return a sentence if daemon.json prevents it.

        If dockerd does not apply it, daemon.json stays unchanged, and a warning is logged once.
        """
        record = self._load()
        try:
            text = self._dockerd.read_daemon_json()
            value = daemon.live_restore(text or "")
            if value is False or record.live_restore_refused or (value is True and record.live_restore_loaded):
                return ()
            is_on = docker.live_restore()
            if is_on is False:
                is_on = self._enable_live_restore(docker, text, write=value is None)
            if is_on is not None:
                self._save(dataclasses.replace(record, live_restore_loaded=is_on, live_restore_refused=not is_on))
        except daemon.BadSettings as error:
            return (alone(error.text),)
        except (OSError, EngineError) as error:
            return (alone(NO_LIVE_RESTORE(error=error)),)
        if is_on is False:
            self._warn(
                "Docker does not apply live-restore after `systemctl reload docker`. Enable it where Docker is "
                "configured; until then the registry is unavailable while Docker restarts."
            )
        return ()

    def forget_refusals(self) -> None:
        """Try rejected settings again, because another version of Docker was installed. Raises OSError."""
        self._save(dataclasses.replace(self._load(), refused="", reason="", live_restore_refused=False))

    def forget_live_restore(self) -> None:
        """Remove the record of live-restore: another unit on this machine checks it itself. Raises OSError."""
        self._records.remove(LIVE_RESTORE_RECORD)

    def note_live_restore(self, *, loaded: bool, refused: bool) -> None:
        """Record what an older charm knew of live-restore. Raises OSError."""
        self._save(dataclasses.replace(self._load(), live_restore_loaded=loaded, live_restore_refused=refused))

    def _load(self) -> daemon.Record:
        return daemon.Record.from_json({**self._records.load(RECORD), **self._records.load(LIVE_RESTORE_RECORD)})

    def _save(self, record: daemon.Record) -> None:
        """Save those of the two records that have changed."""
        before, after = self._load().to_json(), record.to_json()
        settings = after.keys() - set(daemon.LIVE_RESTORE_FIELDS)
        for name, fields in ((RECORD, settings), (LIVE_RESTORE_RECORD, daemon.LIVE_RESTORE_FIELDS)):
            if any(before[field] != after[field] for field in fields):
                self._records.save(name, {field: value for field, value in after.items() if field in fields})

    def _restart_or_revert(self, record: daemon.Record, before: daemon.Files, down: EngineError) -> None:
        """Start a Docker that has failed, with its settings or with those *before*. Raises *down* if both fail."""
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
            self._reject(record, record.ours_before, before, current, error)

    def _try(
        self,
        record: daemon.Record,
        before: daemon.Files,
        after: daemon.Files,
        settings: Mapping[str, Any],
        docker: Engine,
    ) -> Errors:
        """Run Docker with the files *after*, which contain the *settings*; if it fails, revert to those *before*."""
        self._save(record.renewed(record.ours, before=before, trying=True))
        try:
            self._write(before, after)
            self._activate(before, after, docker)
        except EngineError as error:
            self._write(after, before)
            self._dockerd.restart()
            return self._reject(record, record.ours, before, after, error)
        self._save(record.renewed(settings, before=before, ours_before=record.ours))
        return ()

    def _reject(
        self,
        record: daemon.Record,
        ours: Mapping[str, Any],
        before: daemon.Files,
        after: daemon.Files,
        error: EngineError,
    ) -> Errors:
        """Record that Docker rejects the files *after*, and return the sentence."""
        json_differs, drop_in_differs = before.daemon_json != after.daemon_json, before.drop_in != after.drop_in
        options = [*(["daemon-opts"] if json_differs else []), *(["docker-opts"] if drop_in_differs else [])]
        reason = about(" and ".join(options), REVERTED(error=error))
        self._save(record.renewed(ours, refused=after.digest, reason=reason))
        return (reason,)

    def _activate(self, before: daemon.Files, after: daemon.Files, docker: Engine) -> None:
        """Have dockerd apply its files, without a restart if it confirms that it accepts them."""
        dockerd = self._dockerd
        if daemon.is_reloadable(before, after) and dockerd.is_daemon_json_valid() and dockerd.reload():
            self._log("Docker has reloaded its settings.")
            return
        is_requested = daemon.live_restore(after.daemon_json or "") is True
        if is_requested and daemon.live_restore(before.daemon_json or "") is not True:
            dockerd.reload()  # otherwise this restart would stop the containers
            docker.live_restore(within=5)
        dockerd.restart()
        self._log("Docker has restarted with new settings.")

    def _enable_live_restore(self, docker: Engine, text: str | None, *, write: bool) -> bool:
        """Add it to daemon.json with *text* (unless not *write*: it is there); tell whether dockerd applied it."""
        is_on = False
        try:
            if write:
                self._dockerd.write_daemon_json(daemon.with_live_restore(text or ""))
            # Also if it was there before: a crash may have come between writing and reloading.
            is_on = self._dockerd.reload() and docker.live_restore(within=5) is True
        finally:
            if write and not is_on:  # dockerd would not start with a setting that it rejects
                self._dockerd.write_daemon_json(text)
        return is_on

    def _read(self) -> daemon.Files:
        """Return the current files; an unreadable one counts as empty."""
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
