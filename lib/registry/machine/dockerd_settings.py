"""dockerd's settings as the options request them: applied, reverted if dockerd does not start, and recorded.

A registry serves meanwhile, so containers must survive each step: live-restore is enabled before any restart, dockerd
is only reloaded where it confirms that it accepts the file, and settings that would hide the containers are refused.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from registry.formats import daemon, dockerd_flags
from registry.machine.dockerd import Dockerd
from registry.machine.dockerd_checks import Change, DockerdChecks, Errors
from registry.machine.dockerd_record import DockerdRecord, options
from registry.machine.engine import Engine, EngineError
from registry.message import Message, Sentence, about, alone
from registry.options import runtime

Log = Callable[[str], None]

NO_EFFECT = Message(
    "daemon-opts, docker-opts and the proxies have no effect: Docker does not use /etc/docker/daemon.json and "
    "docker.service",
    "Reset these options, and configure Docker where it is set up",
)
"""Docker was installed in another way, for example as a snap, and reads its settings from elsewhere."""
NO_LIVE_RESTORE = Message("live-restore of Docker cannot be enabled ({error})", "Retrying automatically")
"""The charm lets containers run while Docker restarts; writing daemon.json or reloading Docker failed."""


class DockerdSettings:
    """The settings of this machine's dockerd. *connect* returns its engine or raises EngineError."""

    def __init__(
        self, dockerd: Dockerd, record: DockerdRecord, connect: Callable[[], Engine], *, log: Log, warn: Log
    ) -> None:
        self._dockerd = dockerd
        self._record = record
        self._checks = DockerdChecks(dockerd, record, connect)
        self._connect = connect
        self._log = log
        self._warn = warn

    def ensure(self, wanted: runtime.Runtime, environment: Mapping[str, str], docker: Engine) -> tuple[Engine, Errors]:
        """Apply the options and the *environment* to Docker; return the engine to use, and what is wrong.

        Settings that Docker rejects are reverted, and not tried again until they change. Those that must not be made
        stay as they are, and the others are applied. Raises EngineError if Docker does not answer any more, and OSError
        if a file cannot be written.
        """
        is_valid = not any(wanted.settings_problems().values())
        settings = wanted.settings() if is_valid else {}
        if not is_valid or daemon.LIVE_RESTORE not in wanted.requested():
            errors = self.ensure_live_restore(docker)
            if errors or not is_valid:
                return docker, errors
        arguments, record = wanted.arguments(), self._record.load()
        flags = list(dockerd_flags.names(arguments))
        command = self._dockerd.read_command() if arguments else ""
        if record.live_restore_refused or (arguments and not command):
            is_default = not environment and not arguments and settings == runtime.DEFAULT_SETTINGS
            return docker, () if is_default else (alone(NO_EFFECT()),)
        try:
            before = daemon.Files(self._dockerd.read_daemon_json(), self._dockerd.read_drop_in())
            drop_in = daemon.drop_in(environment, command, arguments)
            settings = _without_defaults(settings, record.ours, before, arguments)
            after = daemon.Files(daemon.merged(before.daemon_json, record, settings, flags), drop_in)
            if after != before:
                owners = self._checks.read_owners(before, arguments)
                settings = _without_defaults(settings, record.ours, before, owners)
                after = daemon.Files(daemon.merged(before.daemon_json, record, settings, flags), drop_in)
            theirs = daemon.overridden(before.daemon_json, record, settings)
        except daemon.BadSettings as error:
            return docker, (alone(error.text),)
        if after == before:
            self._record.save(dataclasses.replace(record, ours=settings, refused="", reason=""))
            return self._checks.compare(wanted, environment, docker)
        if record.refused == after.digest:
            return docker, (Sentence(record.reason),)
        change = Change(before, after, self._dockerd.read_running(), arguments, owners)
        if objection := self._checks.objection(change, docker):
            rest = wanted.without(objection.keys, record.ours if objection.stays else {})
            can_apply = rest.requested() != wanted.requested()
            docker, more = self.ensure(rest, environment, docker) if can_apply else (docker, ())
            return docker, (about(options(before, after), objection.text), *more)
        errors = self._try(record, change, settings, theirs, docker)
        docker = self._connect()
        return (docker, errors) if errors else self._checks.compare(wanted, environment, docker)

    def ensure_live_restore(self, docker: Engine) -> Errors:
        """Have dockerd keep containers running while it restarts; return a sentence if daemon.json prevents it.

        If dockerd does not apply it, daemon.json stays unchanged, and a warning is logged once.
        """
        record = self._record.load()
        try:
            text = self._dockerd.read_daemon_json()
            value = daemon.live_restore(text or "")
            if value is False or record.live_restore_refused or (value is True and record.live_restore_loaded):
                return ()
            is_on = docker.live_restore()
            if is_on is False:
                is_on = self._enable_live_restore(docker, text, write=value is None)
            if is_on is not None:
                record = dataclasses.replace(record, live_restore_loaded=is_on, live_restore_refused=not is_on)
                written = self._record.read()
                if written.daemon_json != text:
                    before = daemon.Files(text, written.drop_in)
                    record = dataclasses.replace(record, before=before, written=written, ours_before=record.ours)
                self._record.save(record)
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
        self._record.save(dataclasses.replace(self._record.load(), refused="", reason="", live_restore_refused=False))

    def note_live_restore(self, *, loaded: bool, refused: bool) -> None:
        """Record what an older charm knew of live-restore. Raises OSError."""
        record = dataclasses.replace(self._record.load(), live_restore_loaded=loaded, live_restore_refused=refused)
        self._record.save(record)

    def _try(
        self,
        record: daemon.Record,
        change: Change,
        settings: Mapping[str, Any],
        theirs: Mapping[str, Any],
        docker: Engine,
    ) -> Errors:
        """Run Docker with the files after the *change*, which contain the *settings*; if it fails, undo it.

        *theirs* are the owner's values that these override.
        """
        before, after = change.before, change.after
        if before.daemon_json != after.daemon_json:
            self._record.keep(before.daemon_json)
        self._record.save(record.renewed(record.ours, before=before, written=after, trying=True))
        try:
            self._record.write(before, after)
            self._activate(before, after, docker)
        except EngineError as error:
            self._record.write(after, before)
            self._dockerd.restart()
            return (self._record.reject(record, record.ours, before, after, error),)
        done = record.renewed(settings, theirs=theirs, before=before, ours_before=record.ours, written=after)
        self._record.save(done)
        return ()

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
                self._record.keep(text)
                self._dockerd.write_daemon_json(daemon.with_live_restore(text or ""))
            # Also if it was there before: a crash may have come between writing and reloading.
            is_on = self._dockerd.reload() and docker.live_restore(within=5) is True
        finally:
            if write and not is_on:  # dockerd would not start with a setting that it rejects
                self._dockerd.write_daemon_json(text)
        return is_on


def _without_defaults(
    settings: dict[str, Any], ours: Mapping[str, Any], before: daemon.Files, words: list[str]
) -> dict[str, Any]:
    """Return *settings*; none if they are the option's defaults and somebody else has set one of them otherwise."""
    defaults = runtime.DEFAULT_SETTINGS
    if settings != defaults:
        return settings
    current = daemon.settings(before.daemon_json or "")
    others = {key for key in defaults.keys() & current.keys() if current[key] not in (defaults[key], ours.get(key))}
    return {} if others or dockerd_flags.in_both(words, defaults) else settings
