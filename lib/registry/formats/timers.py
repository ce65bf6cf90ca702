"""Timers of systemd that run an action of the charm by schedule: systemd.timer(5), systemd.service(5)."""

from __future__ import annotations

import datetime
import re

FOLDER = "/etc/systemd/system"
PREFIX = "juju-docker-registry-"
MARK = "# Written by the charm docker-registry. Changes are lost; use its options.\n"
"""How a file of the charm begins: one without it is somebody else's."""
AGAIN = 75
"""Exit code of a run that waits for other units: it is repeated after a minute."""

_SERVICE = """[Unit]
Description=Scheduled {name} of the registry of {unit}
StartLimitIntervalSec=1h
StartLimitBurst=15

[Service]
Type=oneshot
# juju-exec takes the machine lock, so no hook runs at the same time. Juju 2.9 calls it juju-run.
ExecStart=/bin/sh -c 'exec "$$(command -v juju-exec || command -v juju-run)" "$$@"' sh {unit} "{program} {name}"
Restart=on-failure
RestartSec=1min
RestartPreventExitStatus=1
TimeoutStartSec=infinity
"""

_TIMER = """[Unit]
Description=Schedule of {name} of the registry of {unit}

[Timer]
OnCalendar={calendar}
Persistent=true

[Install]
WantedBy=timers.target
"""


def timer(name: str) -> str:
    """Return the name of the timer of an action."""
    return f"{PREFIX}{name}.timer"


def files(name: str, calendar: str, unit: str, program: str) -> dict[str, str]:
    """Return path to text of the files that have *program* run the action *name* of *unit* at the times *calendar*."""
    values = {"name": name, "calendar": calendar, "unit": unit, "program": program}
    return {
        f"{FOLDER}/{PREFIX}{name}.service": MARK + _SERVICE.format(**values),
        f"{FOLDER}/{timer(name)}": MARK + _TIMER.format(**values),
    }


def longest_wait(output: str, now: float) -> int | None:
    r"""Return the most seconds that a schedule waits for its next time; None if it never comes.

    *output* is what `systemd-analyze calendar` prints in UTC, *now* in seconds since 1970. A schedule that it says
    nothing of is a day's.

    >>> longest_wait("Next elapse: Sat 2026-11-28 02:00:00 UTC\n   Iter. #2: Sun 2026-11-29 02:00:00 UTC\n", 1795830000)
    86400
    """
    found = re.findall(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC", output)
    times = [datetime.datetime.fromisoformat(f"{text}+00:00").timestamp() for text in found]
    waits = [int(later - time) for time, later in zip([now, *times], times, strict=False)]
    return None if "elapse: never" in output else max(waits, default=86400)
