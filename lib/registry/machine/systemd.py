"""systemd: its units and their journal."""

from __future__ import annotations

import subprocess

PROGRAMS = "/usr/bin"
SECONDS = 120
"""How long a program may take: systemd itself gives up the start of a service after 90 s."""
TIMED_OUT = 124
"""Exit code of a program that took longer, as that of `timeout`."""
TIMES = 400
"""Of a schedule that are looked at: its longest pause is among them, a week's for example."""
NOT_FOUND = 127
"""Exit code of a program that is not installed, as in a shell."""


class Systemd:
    """The systemd of this machine; if it has none, every call fails with `NOT_FOUND`."""

    def __init__(self, programs: str = PROGRAMS) -> None:
        self._programs = programs

    def systemctl(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run systemctl; its failure is for the caller to handle."""
        return self._run("systemctl", *words)

    def read_journal(self, unit: str, since: int) -> str:
        """Return the log of *unit* since a time, in seconds since 1970."""
        return self._run("journalctl", "-o", "cat", f"--since=@{since}", f"_SYSTEMD_UNIT={unit}").stdout

    def analyze_calendar(self, calendar: str) -> subprocess.CompletedProcess[str]:
        """Return what systemd reads in a time of its calendar syntax: the next times, in UTC; or its refusal."""
        return self._run("env", "TZ=UTC", "systemd-analyze", "calendar", f"--iterations={TIMES}", "--", calendar)

    def _run(self, program: str, *words: str) -> subprocess.CompletedProcess[str]:
        command = [f"{self._programs}/{program}", *words]
        try:
            return subprocess.run(
                command, check=False, capture_output=True, text=True, errors="replace", timeout=SECONDS
            )
        except subprocess.TimeoutExpired:
            return subprocess.CompletedProcess(command, TIMED_OUT, "", f"{program} does not end within {SECONDS} s")
        except FileNotFoundError as error:
            return subprocess.CompletedProcess(command, NOT_FOUND, "", str(error))
