"""The schedules of actions: their timers, and how their last runs went."""

from __future__ import annotations

import os
import time

from charmhelpers.core import hookenv
from charms.layer import context
from charms.layer.context import reports_errors
from registry.formats import timers
from registry.machine.timers import BadSchedule
from registry.message import Message, Sentence, about, alone, joined

RECORD = "scheduled-{name}"
"""Name of the record of an action's last scheduled run: `Run` as JSON."""
NAMES = ("garbage-collect", "prune")
"""The actions that can have a schedule."""
SLACK = 86400
"""Seconds that a run may be late: a machine that was off makes up for it when it starts."""

FAILED = Message("The scheduled {name} of {time} failed", "The reason follows. It runs again by its schedule")
"""The last run of an action by the options gc-schedule or prune-schedule did not succeed."""
LATE = Message("The scheduled {name} has not run since {time}", "See `systemctl status {timer}` on the machine")
"""The timer of the option gc-schedule or prune-schedule does not run, or the machine lock is never free."""
ENDED = Message("It was interrupted", "See `juju debug-log --replay`")
"""The run was killed, or failed in a way that the charm does not expect."""


@reports_errors
def ensure() -> None:
    """Have a timer for each schedule in the options, and none else; warn of runs that failed or are late."""
    now, machine = context.now, context.machine
    unit, program = hookenv.local_unit(), os.path.join(hookenv.charm_dir(), "actions/scheduled.py")
    files: dict[str, str] = {}
    kept: frozenset[str] = frozenset()
    upkeep, is_cache = now.options.upkeep, now.options.cache.remoteurl is not None
    schedules = {} if is_cache else upkeep.schedules
    for name, (option, calendar) in schedules.items():
        requested = timers.files(name, calendar, unit, program)
        try:
            if not machine.timers.has(requested):
                interval = machine.timers.check(calendar, requested)
                save(name, {"time": int(time.time()), "interval": interval, "error": ""})
        except BadSchedule as error:
            now.errors.append(about(option, error.text))
            kept |= requested.keys()
        else:
            files |= requested
    for name in NAMES:  # a schedule that is wrong changes nothing
        if name not in schedules and upkeep.requests(name) and not is_cache:
            kept |= timers.files(name, "", unit, program).keys()
    try:
        machine.timers.ensure(files, kept)
    except BadSchedule as error:
        now.errors.append(alone(error.text))
    now.warnings += [warning for name in schedules if (warning := _warning(name))]


def save(name: str, values: dict[str, object]) -> None:
    """Note how the last run went, for the status and for metrics. Raises OSError."""
    records, record = context.machine.records, RECORD.format(name=name)
    records.save(record, {**records.load(record), **values})


def _warning(name: str) -> Sentence | None:
    """Return what to say of the last run, None if it went well."""
    run = context.machine.records.load(RECORD.format(name=name))
    last = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(run.get("time", 0)))
    if run.get("error"):
        return joined(alone(FAILED(name=name, time=last)), Sentence(run["error"]))
    if run and time.time() > run["time"] + 2 * run.get("interval", 0) + SLACK:
        return alone(LATE(name=name, time=last, timer=timers.timer(name)))
    return None
