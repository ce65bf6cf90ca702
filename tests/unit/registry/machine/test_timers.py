"""The charm's timers on the machine."""

import subprocess

import pytest
from registry.formats import timers
from registry.machine.files import LocalFiles
from registry.machine.records import Records
from registry.machine.timers import BadSchedule, Timers

NOW = 1795737600  # Fri 2026-11-27 00:00:00 UTC
TIMES = "Next elapse: Sun 2026-11-29 03:00:00 UTC\nIter. #2: Sun 2026-12-06 03:00:00 UTC\n"
NEVER = "  Original form: 2020-01-01\nNormalized form: 2020-01-01 00:00:00\n    Next elapse: never\n"
FILES = timers.files("garbage-collect", "Sun 03:00", "app/0", "/charm/actions/scheduled.py")
TIMER = "juju-docker-registry-garbage-collect.timer"
PATH = f"{timers.FOLDER}/{TIMER}"


class FakeSystemd:
    def __init__(self):
        self.asked, self.code = [], 0

    def systemctl(self, *words):
        self.asked.append(words)
        return subprocess.CompletedProcess(words, self.code, "", "bad unit")

    def analyze_calendar(self, calendar):
        output = NEVER if calendar == "2020-01-01" else TIMES
        return subprocess.CompletedProcess([], calendar == "soon", output, "Failed to parse: Invalid argument\n")


def test_the_longest_wait_of_a_schedule_is_what_it_may_be_late_by():
    for days, longest in (
        (["2026-11-28", "2026-11-29", "2026-12-05", "2026-12-06"], 6),  # Sat,Sun
        (["2026-11-27", "2026-11-28", "2026-11-29"], 1),
        (["2026-12-24"], 27),  # once
        ([], 1),
    ):
        output = "".join(f"   Iter. #2: Day {day} 00:00:00 UTC\n   (a line between)\n" for day in days)
        assert timers.longest_wait(output, NOW) == longest * 86400, days
    assert timers.longest_wait(NEVER, NOW) is None


def test_timers_are_made_changed_and_removed(tmp_path, monkeypatch):
    monkeypatch.setattr("time.time", lambda: NOW)
    systemd, root = FakeSystemd(), tmp_path / "root"
    folder = root / timers.FOLDER[1:]
    folder.mkdir(parents=True)
    edge = Timers(LocalFiles(), Records(tmp_path / "records"), systemd, str(root))
    assert edge.check("Sun 03:00", FILES) == 7 * 86400
    with pytest.raises(BadSchedule, match=r"'soon' is not a time.*Invalid argument"):
        edge.check("soon", FILES)
    with pytest.raises(BadSchedule, match="'2020-01-01' is a time that never comes"):
        edge.check("2020-01-01", FILES)
    edge.ensure(FILES)
    assert edge.has(FILES)
    assert systemd.asked == [("daemon-reload",), ("stop", TIMER), ("enable", "--now", TIMER)]
    edge.ensure(FILES)
    assert len(systemd.asked) == 3, "nothing has changed"
    edge.ensure({}, frozenset(FILES))
    assert edge.has(FILES)
    systemd.code = 1
    with pytest.raises(BadSchedule, match="bad unit"):
        edge.ensure(timers.files("garbage-collect", "Mon", "app/0", "/charm"))
    systemd.code, systemd.asked = 0, []
    (folder / "juju-docker-registry-mine.timer").write_text("[Timer]\n")
    edge.ensure({})
    assert [path.name for path in folder.iterdir()] == ["juju-docker-registry-mine.timer"]
    assert systemd.asked == [("disable", "--now", TIMER), ("daemon-reload",)]
    (root / PATH[1:]).write_text("somebody else's")
    with pytest.raises(BadSchedule, match="was not written by this charm"):
        edge.check("Sun 03:00", FILES)
    edge.ensure({})
    assert (root / PATH[1:]).exists()
