"""The charm's timers on this machine."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping

from registry.formats import timers
from registry.machine.files import LocalFiles, UnreadableError
from registry.machine.records import Records
from registry.machine.systemd import Systemd
from registry.message import Fault, Message

RECORD = "timers"
"""Name of the record that systemd has to read them again."""

STAMPS = "/var/lib/systemd/timers"
"""Where systemd notes when a timer ran last."""

FOREIGN = Message("{path} exists and was not written by this charm", "Remove it, or reset the option")
"""Somebody else made a unit of systemd with a name that the charm uses."""
NOT_A_CALENDAR = Message(
    "{value!r} is not a time in systemd's calendar syntax ({error})",
    'Use for example "Sun 03:00", and try it with `systemd-analyze calendar`',
)
"""systemd does not accept the schedule."""
NEVER = Message("{value!r} is a time that never comes", "Try it with `systemd-analyze calendar`")
"""The schedule is in the past, or on a day that no month has."""
NO_TIMER = Message("systemd does not start {timer} ({error})", "See `journalctl -b -u {timer}` on the machine")
"""The timer of a schedule was written, and systemd refuses it."""


class BadSchedule(Fault):
    """A schedule cannot be followed."""


class Timers:
    """The files of timers, and what systemd makes of them. Tests use another *root*."""

    def __init__(self, files: LocalFiles, records: Records, systemd: Systemd, root: str = "") -> None:
        self._files = files
        self._records = records
        self._systemd = systemd
        self._root = root

    def has(self, files: Mapping[str, str]) -> bool:
        """Tell whether these files are in place."""
        return all(self._files.has_text(self._root + path, text) for path, text in files.items())

    def check(self, calendar: str, files: Mapping[str, str]) -> int:
        """Return the most seconds between two times of *calendar*, the schedule in *files*. Raises BadSchedule."""
        for path in files:
            if os.path.lexists(self._root + path) and not self._is_ours(path):
                raise BadSchedule(FOREIGN(path=path))
        done = self._systemd.analyze_calendar(calendar)
        if done.returncode:
            lines = (done.stderr or done.stdout).strip().splitlines()
            raise BadSchedule(NOT_A_CALENDAR(value=calendar, error=lines[-1] if lines else "no reason given"))
        wait = timers.longest_wait(done.stdout, time.time())
        if wait is None:
            raise BadSchedule(NEVER(value=calendar))
        return wait

    def ensure(self, files: Mapping[str, str], kept: frozenset[str] = frozenset()) -> None:
        """Make *files* the charm's only ones, but for those *kept* as they are. Raises OSError, BadSchedule."""
        outdated = self._find() - set(files) - kept
        new = {path: text for path, text in files.items() if not self._files.has_text(self._root + path, text)}
        if outdated or new:
            self._records.save(RECORD, {"changed": True})  # before the first of them: a crash may precede the reload
        for path in sorted(outdated):
            if path.endswith(".timer"):
                self._systemd.systemctl("disable", "--now", os.path.basename(path))
            self._files.remove(self._root + path)
        for path, text in new.items():
            self._files.ensure(self._root + path, text, 0o644)
        if not self._records.load(RECORD):
            return
        self._systemd.systemctl("daemon-reload")
        for name in sorted(os.path.basename(path) for path in files if path.endswith(".timer")):
            self._systemd.systemctl("stop", name)  # one that runs keeps its old time
            # A new schedule makes up for no run that an earlier one missed.
            self._files.remove(f"{self._root}{STAMPS}/stamp-{name}")
            done = self._systemd.systemctl("enable", "--now", name)
            if done.returncode:
                raise BadSchedule(NO_TIMER(timer=name, error=done.stderr.strip() or done.returncode))
        self._records.remove(RECORD)

    def _find(self) -> set[str]:
        """Return the paths of the charm's files that exist."""
        folder = self._root + timers.FOLDER
        names = os.listdir(folder) if os.path.isdir(folder) else []
        paths = {f"{timers.FOLDER}/{name}" for name in names if name.startswith(timers.PREFIX)}
        paths = {path for path in paths if path.endswith((".timer", ".service"))}
        return set(filter(self._is_ours, paths))

    def _is_ours(self, path: str) -> bool:
        try:
            return (self._files.read(self._root + path) or "").startswith(timers.MARK)
        except UnreadableError:
            return False
