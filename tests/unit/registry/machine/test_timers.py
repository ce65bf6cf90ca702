"""The charm's timers on the machine."""

import subprocess

import pytest
from registry.formats import timers
from registry.machine.files import LocalFiles
from registry.machine.records import Records
from registry.machine.timers import BadSchedule, Timers

TIMES = "Next elapse: Sun 2026-11-29 03:00:00 UTC\nIter. #2: Sun 2026-12-06 03:00:00 UTC\n"
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
        return subprocess.CompletedProcess([], calendar == "soon", TIMES, "Failed to parse: Invalid argument\n")


def test_timers_are_made_changed_and_removed(tmp_path):
    systemd, root = FakeSystemd(), tmp_path / "root"
    folder = root / timers.FOLDER[1:]
    folder.mkdir(parents=True)
    edge = Timers(LocalFiles(), Records(tmp_path / "records"), systemd, str(root))
    assert edge.check("Sun 03:00", FILES) == 7 * 86400
    with pytest.raises(BadSchedule, match=r"'soon' is not a time.*Invalid argument"):
        edge.check("soon", FILES)
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
