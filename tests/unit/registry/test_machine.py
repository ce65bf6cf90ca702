"""The machine's files and programs."""

import os
import stat

import pytest
from registry import daemon, engine, machine, packages


@pytest.fixture
def daemon_json(tmp_path, monkeypatch):
    path = tmp_path / "docker/daemon.json"
    monkeypatch.setattr(machine, "DAEMON_JSON", path)
    return path


def test_daemon_json_is_made_with_its_folder_and_goes_again(daemon_json):
    here = machine.Machine()
    assert here.daemon_json() is None
    here.write_daemon_json("{}\n")
    assert here.daemon_json() == "{}\n"
    assert stat.S_IMODE(daemon_json.stat().st_mode) == 0o644
    here.write_daemon_json(None)
    assert not daemon_json.exists()


def test_daemon_json_keeps_its_mode(daemon_json):
    daemon_json.parent.mkdir()
    daemon_json.write_text("{}")
    daemon_json.chmod(0o600)
    machine.Machine().write_daemon_json('{"live-restore": true}')
    assert stat.S_IMODE(daemon_json.stat().st_mode) == 0o600


@pytest.mark.parametrize("dangling", [False, True])
def test_daemon_json_that_is_a_link_stays_one(daemon_json, tmp_path, dangling):
    target = tmp_path / "elsewhere/settings.json"
    daemon_json.parent.mkdir()
    daemon_json.symlink_to("../elsewhere/settings.json")
    if not dangling:
        target.parent.mkdir()
        target.write_text("{}")
    machine.Machine().write_daemon_json('{"live-restore": true}')
    assert daemon_json.is_symlink()
    assert target.read_text() == '{"live-restore": true}'


def test_daemon_json_of_another_encoding_is_a_clause(daemon_json):
    daemon_json.parent.mkdir()
    daemon_json.write_bytes(b'{"label": "\xe9"}')
    with pytest.raises(daemon.BadSettings, match=r"/etc/docker/daemon.json is not UTF-8"):
        machine.Machine().daemon_json()


def test_the_last_ten_outputs_are_kept_for_root_alone(tmp_path, monkeypatch):
    folder = tmp_path / "outputs"
    monkeypatch.setattr(machine, "OUTPUT_FOLDER", folder)
    for number in range(12):
        path = machine.Machine().keep_output(f"{number}.txt", "x")
        os.utime(path, (number, number))
    assert {path.name for path in folder.iterdir()} == {f"{number}.txt" for number in range(2, 12)}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_docker_that_cannot_be_finished_says_both(monkeypatch):
    def down():
        raise engine.EngineError("Docker does not answer")

    def broken():
        raise packages.PackageError("no room")

    monkeypatch.setattr(engine, "Engine", down)
    monkeypatch.setattr(packages, "finish", broken)
    with pytest.raises(engine.EngineError, match=r"Docker does not answer, and its .* cannot be finished: no room"):
        machine.Machine().docker()


@pytest.mark.parametrize("cut_off", [True, False])
def test_docker_that_was_left_half_installed_is_finished(monkeypatch, cut_off):
    tried = []

    def connect():
        tried.append("engine")
        if "finish" not in tried:
            raise engine.EngineError("Docker does not answer")
        return "engine"

    monkeypatch.setattr(engine, "Engine", connect)
    monkeypatch.setattr(packages, "finish", lambda: tried.append("finish") or cut_off)
    if cut_off:
        assert machine.Machine().docker() == "engine"
    else:
        with pytest.raises(engine.EngineError):
            machine.Machine().docker()
    assert tried == ["engine", "finish", "engine"][: 3 if cut_off else 2]
