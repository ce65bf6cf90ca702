"""What the charm keeps on the machine."""

import os
import stat
import time

import pytest
from registry.machine.records import Records


def test_a_record_is_for_root_alone(tmp_path):
    records = Records(tmp_path / "memory")
    assert records.load("daemon") == {}
    records.save("daemon", {"a": 1})
    assert records.load("daemon") == {"a": 1}
    path = tmp_path / "memory/daemon.json"
    assert (stat.S_IMODE(path.stat().st_mode), stat.S_IMODE(path.parent.stat().st_mode)) == (0o600, 0o700)
    path.write_text("{")
    assert records.load("daemon") == {}
    records.remove("daemon")
    records.remove("daemon")
    assert not path.exists()


def test_links_in_place_of_the_folders_may_lead_nowhere(tmp_path):
    (tmp_path / "memory").symlink_to("gone")
    records = Records(tmp_path / "memory")
    records.save("daemon", {})
    (tmp_path / "gone/output").symlink_to("gone too")
    records.save_output("1.txt", "x")
    assert (tmp_path / "gone/gone too/1.txt").read_text() == "x"
    (tmp_path / "file").write_text("theirs")
    with pytest.raises(FileExistsError):
        Records(tmp_path / "file").save("daemon", {})


def test_what_was_being_written_when_a_process_was_killed_goes(tmp_path):
    records = Records(tmp_path)
    records.remove_drafts()
    records.save("daemon", {})
    (tmp_path / ".daemon.json.new").write_text("half")
    with records.open_output("1.txt") as file:
        records.remove_drafts()  # an action runs handlers meanwhile
        file.write("x")
    assert {one for one in tmp_path.rglob("*") if one.is_file()} == {records.output("1.txt"), tmp_path / "daemon.json"}


def test_the_last_twenty_outputs_are_kept_for_root_alone(tmp_path):
    records, folder = Records(tmp_path), tmp_path / "output"
    for number in range(22):
        path = records.save_output(f"{number}.txt", "x")
        os.utime(path, (number, number))
    assert {path.name for path in folder.iterdir()} == {f"{number}.txt" for number in range(2, 22)}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_outputs_of_a_clock_that_was_ahead_go_before_those_that_are_being_written(tmp_path):
    records, later = Records(tmp_path), time.time() + 366 * 86400
    for number in range(25):
        os.utime(records.save_output(f"{number}.txt", "x"), (later, later))
    with records.open_output("now.txt"), records.open_output("now.json"):
        pass
    assert records.output("now.txt").exists() and records.output("now.json").exists()
    assert len(list((tmp_path / "output").iterdir())) == 20
