"""The machine's files and programs."""

import os
import stat
import subprocess

import pytest
from charms.layer import edges
from registry.formats import daemon
from registry.machine import apt, engine
from registry.plan import disk


@pytest.fixture
def daemon_json(tmp_path, monkeypatch):
    path = tmp_path / "docker/daemon.json"
    monkeypatch.setattr(edges, "DAEMON_JSON", path)
    return path


def test_daemon_json_is_made_with_its_folder_and_goes_again(daemon_json):
    here = edges.Machine()
    assert here.daemon_json() is None
    here.write_daemon_json("{}\n")
    assert here.daemon_json() == "{}\n"
    assert stat.S_IMODE(daemon_json.stat().st_mode) == 0o600
    here.write_daemon_json(None)
    assert not daemon_json.exists()


def test_daemon_json_keeps_its_mode(daemon_json):
    daemon_json.parent.mkdir()
    daemon_json.write_text("{}")
    daemon_json.chmod(0o644)
    edges.Machine().write_daemon_json('{"live-restore": true}')
    assert stat.S_IMODE(daemon_json.stat().st_mode) == 0o644


def test_a_file_that_others_can_read_is_closed_although_its_text_is_right(tmp_path):
    path = tmp_path / "registry.key"
    path.write_text("key\n")
    path.chmod(0o644)
    edges.Machine().write(str(path), "key\n", 0o600)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_a_cancelled_upload_leaves_goes_and_nothing_else(tmp_path):
    left = tmp_path / "docker/registry/v2/repositories/docker-registry-charm/probe/_uploads/1/hashstates/sha256/0"
    kept = tmp_path / "docker/registry/v2/repositories/ubuntu"
    left.parent.mkdir(parents=True)
    left.write_text("")
    kept.mkdir()
    edges.Machine().forget_probes(str(tmp_path))
    edges.Machine().forget_probes(str(tmp_path))
    assert [path.name for path in kept.parent.iterdir()] == ["ubuntu"]


def test_images_are_what_is_in_a_repository_but_for_that_of_a_proof(tmp_path, monkeypatch):
    storage = disk.Storage("registry-data/0", str(tmp_path / "there"))
    monkeypatch.setattr(disk, "LOCAL", str(tmp_path / "here"))
    assert edges.Machine().disk(None) == disk.Disk()
    assert edges.Machine().disk(storage) == disk.Disk(storage)
    edges.Machine().ensure_folder(storage.folder)
    assert stat.S_IMODE(os.stat(storage.folder).st_mode) == 0o700
    probe = tmp_path / "there/registry/docker/registry/v2/repositories/docker-registry-charm"
    probe.mkdir(parents=True)
    edges.Machine().ensure_folder(storage.folder)
    assert edges.Machine().disk(storage) == disk.Disk(storage, is_mounted=True)
    (probe.parent / "ubuntu").mkdir()
    (tmp_path / "here").write_text("no folder")
    assert edges.Machine().disk(storage) == disk.Disk(storage, is_mounted=True, has_images=True)
    (tmp_path / "here").unlink()
    (tmp_path / "here/docker/registry/v2/repositories/a").mkdir(parents=True)
    assert edges.Machine().disk(storage).local_has_images


@pytest.mark.parametrize("dangling", [False, True])
def test_daemon_json_that_is_a_link_stays_one(daemon_json, tmp_path, dangling):
    target = tmp_path / "elsewhere/settings.json"
    daemon_json.parent.mkdir()
    daemon_json.symlink_to("../elsewhere/settings.json")
    if not dangling:
        target.parent.mkdir()
        target.write_text("{}")
    edges.Machine().write_daemon_json('{"live-restore": true}')
    assert daemon_json.is_symlink()
    assert target.read_text() == '{"live-restore": true}'


def test_daemon_json_of_another_encoding_is_a_clause(daemon_json):
    daemon_json.parent.mkdir()
    daemon_json.write_bytes(b'{"label": "\xe9"}')
    with pytest.raises(daemon.BadSettings, match=r"/etc/docker/daemon.json is not UTF-8"):
        edges.Machine().daemon_json()


def test_the_last_ten_outputs_are_kept_for_root_alone(tmp_path, monkeypatch):
    folder = tmp_path / "outputs"
    monkeypatch.setattr(edges, "OUTPUT_FOLDER", folder)
    for number in range(12):
        path = edges.Machine().keep_output(f"{number}.txt", "x")
        os.utime(path, (number, number))
    assert {path.name for path in folder.iterdir()} == {f"{number}.txt" for number in range(2, 12)}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_docker_that_cannot_be_finished_says_both(monkeypatch):
    def down():
        raise engine.EngineError("Docker does not answer")

    def broken():
        raise apt.PackageError("no room")

    monkeypatch.setattr(engine, "Engine", down)
    monkeypatch.setattr(apt, "finish", broken)
    with pytest.raises(engine.EngineError, match=r"Docker does not answer, and its .* cannot be finished: no room"):
        edges.Machine().docker()


@pytest.mark.parametrize("cut_off", [True, False])
def test_docker_that_was_left_half_installed_is_finished(monkeypatch, cut_off):
    tried = []

    def connect():
        tried.append("engine")
        if "finish" not in tried:
            raise engine.EngineError("Docker does not answer")
        return "engine"

    monkeypatch.setattr(engine, "Engine", connect)
    monkeypatch.setattr(apt, "finish", lambda: tried.append("finish") or cut_off)
    if cut_off:
        assert edges.Machine().docker() == "engine"
    else:
        with pytest.raises(engine.EngineError):
            edges.Machine().docker()
    assert tried == ["engine", "finish", "engine"][: 3 if cut_off else 2]


def test_what_is_remembered_is_for_root_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(edges, "MEMORY_FOLDER", tmp_path / "memory")
    here = edges.Machine()
    assert here.recall("daemon") == {}
    here.remember("daemon", {"a": 1})
    assert here.recall("daemon") == {"a": 1}
    path = tmp_path / "memory/daemon.json"
    assert (stat.S_IMODE(path.stat().st_mode), stat.S_IMODE(path.parent.stat().st_mode)) == (0o600, 0o700)
    path.write_text("{")
    assert here.recall("daemon") == {}


@pytest.fixture
def systemctl(tmp_path, monkeypatch):
    """Make systemctl and journalctl say what a script says; what they were called with is in `calls`."""

    def make(script=""):
        (tmp_path / "systemctl").write_text(
            f'#!/bin/sh\ncd {tmp_path}\necho "$*" >>calls\ncase "$*" in\n{script}\nesac\n'
        )
        (tmp_path / "systemctl").chmod(0o755)
        (tmp_path / "journalctl").symlink_to("systemctl")
        return lambda: (tmp_path / "calls").read_text().splitlines()

    monkeypatch.setattr(edges, "_FOLDER", str(tmp_path))
    monkeypatch.setattr(edges, "DROP_IN", tmp_path / "docker.service.d/docker-registry.conf")
    return make


def test_the_drop_in_comes_and_goes_and_systemd_is_told(systemctl):
    calls, here = systemctl(), edges.Machine()
    assert here.drop_in() is None
    here.write_drop_in("[Service]\n")
    assert here.drop_in() == "[Service]\n"
    here.write_drop_in(None)
    assert here.drop_in() is None
    assert calls() == ["daemon-reload"] * 2


def test_a_docker_that_does_not_start_says_why(systemctl):
    systemctl('restart*) exit 1;;\n*SYSTEMD_UNIT*) echo "unknown flag: --nosuch";;')
    with pytest.raises(engine.EngineError, match=r"^Docker does not start: unknown flag: --nosuch$"):
        edges.Machine().restart_docker()


def test_without_systemd_nothing_is_reloaded(tmp_path, monkeypatch):
    monkeypatch.setattr(edges, "_FOLDER", str(tmp_path))
    here = edges.Machine()
    assert here.reload_docker() is False
    assert here.docker_command() == ""
    assert here.takes_daemon_json() is False
    with pytest.raises(engine.EngineError, match=r"^Docker does not start: .*No such file"):
        here.restart_docker()


@pytest.mark.parametrize(("code", "takes"), [(0, True), (1, False)])
def test_dockerd_is_asked_with_its_own_arguments(systemctl, tmp_path, code, takes):
    """The process is one of sh, which takes --validate for the first argument of its script."""
    script = tmp_path / "dockerd"
    script.write_text(f'case "$*" in *--validate) exit {code};; esac; sleep 60')
    process = subprocess.Popen(["/bin/sh", script, "-H", "fd://"])
    try:
        systemctl(f"*MainPID*) echo {process.pid};;")
        assert edges.Machine().takes_daemon_json() is takes
    finally:
        process.kill()
        process.wait()
