"""dockerd's files, and its unit of systemd, which a script of the shell plays."""

import os
import stat
import subprocess

import pytest
from registry.formats import daemon
from registry.machine import engine
from registry.machine.dockerd import Dockerd
from registry.machine.systemd import Systemd


@pytest.fixture
def daemon_json(tmp_path):
    return tmp_path / "docker/daemon.json"


@pytest.fixture
def dockerd(tmp_path, daemon_json):
    """A dockerd with its files, and systemd's programs, below tmp_path; without `systemctl` there are none."""
    return Dockerd(
        Systemd(str(tmp_path)), daemon_json, tmp_path / "docker.service.d/docker-registry.conf", tmp_path / "docker.pid"
    )


@pytest.fixture
def systemctl(tmp_path):
    """Make systemctl and journalctl say what a script says; what they were called with is in `calls`."""

    def make(script=""):
        (tmp_path / "systemctl").write_text(
            f'#!/bin/sh\ncd {tmp_path}\necho "$*" >>calls\ncase "$*" in\n{script}\nesac\n'
        )
        (tmp_path / "systemctl").chmod(0o755)
        (tmp_path / "journalctl").symlink_to("systemctl")
        return lambda: (tmp_path / "calls").read_text().splitlines()

    return make


def test_daemon_json_is_made_with_its_folder_and_goes_again(dockerd, daemon_json):
    assert dockerd.read_daemon_json() is None
    dockerd.write_daemon_json("{}\n")
    assert dockerd.read_daemon_json() == "{}\n"
    assert stat.S_IMODE(daemon_json.stat().st_mode) == 0o600
    dockerd.write_daemon_json(None)
    assert not daemon_json.exists()


def test_daemon_json_keeps_its_mode(dockerd, daemon_json):
    daemon_json.parent.mkdir()
    daemon_json.write_text("{}")
    daemon_json.chmod(0o644)
    dockerd.write_daemon_json('{"live-restore": true}')
    assert stat.S_IMODE(daemon_json.stat().st_mode) == 0o644


@pytest.mark.parametrize("dangling", [False, True])
def test_daemon_json_that_is_a_link_stays_one(dockerd, daemon_json, tmp_path, dangling):
    target = tmp_path / "elsewhere/settings.json"
    daemon_json.parent.mkdir()
    daemon_json.symlink_to("../elsewhere/settings.json")
    if not dangling:
        target.parent.mkdir()
        target.write_text("{}")
    dockerd.write_daemon_json('{"live-restore": true}')
    assert daemon_json.is_symlink()
    assert target.read_text() == '{"live-restore": true}'


def test_daemon_json_of_another_encoding_is_an_error(dockerd, daemon_json):
    daemon_json.parent.mkdir()
    daemon_json.write_bytes(b'{"label": "\xe9"}')
    with pytest.raises(daemon.BadSettings, match=r"/etc/docker/daemon.json is not UTF-8"):
        dockerd.read_daemon_json()


def test_the_drop_in_is_written_and_removed_and_systemd_reloaded(dockerd, systemctl):
    calls = systemctl()
    assert dockerd.read_drop_in() is None
    dockerd.write_drop_in("[Service]\n")
    assert dockerd.read_drop_in() == "[Service]\n"
    dockerd.write_drop_in(None)
    assert dockerd.read_drop_in() is None
    assert calls() == ["daemon-reload"] * 2


def test_a_docker_that_does_not_start_says_why(dockerd, systemctl):
    systemctl('restart*) exit 1;;\n*SYSTEMD_UNIT*) echo "unknown flag: --nosuch";;')
    with pytest.raises(engine.EngineError, match=r"^Docker does not start: unknown flag: --nosuch$"):
        dockerd.restart()


def test_without_systemd_nothing_is_reloaded(dockerd):
    assert dockerd.reload() is False
    assert dockerd.read_command() == ""
    assert dockerd.is_daemon_json_valid() is False
    with pytest.raises(engine.EngineError, match=r"^Docker does not start: .*No such file"):
        dockerd.restart()


@pytest.mark.parametrize(("code", "valid"), [(0, True), (1, False)])
def test_dockerd_validates_with_its_own_arguments(dockerd, systemctl, tmp_path, code, valid):
    """The process is one of sh, which takes --validate for the first argument of its script."""
    script = tmp_path / "dockerd"
    script.write_text(f'case "$*" in *--validate) exit {code};; esac; sleep 60')
    process = subprocess.Popen(["/bin/sh", script, "-H", "fd://"])
    try:
        systemctl(f"*MainPID*) echo {process.pid};;")
        assert dockerd.is_daemon_json_valid() is valid
    finally:
        process.kill()
        process.wait()


def test_one_start_of_dockerd_is_told_from_another(dockerd, tmp_path):
    assert dockerd.read_start() == ""
    (tmp_path / "docker.pid").write_text("17\n")
    os.utime(tmp_path / "docker.pid", ns=(0, 5))
    assert dockerd.read_start() == "17 5"


def test_the_command_of_the_running_dockerd_is_read_from_its_process(dockerd, tmp_path):
    assert dockerd.read_running() == []
    program = tmp_path / "dockerd"
    program.write_text("echo started; read line")
    words = ["dockerd", str(program), "-H", "fd://"]
    with subprocess.Popen(words, executable="/bin/sh", stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            process.stdout.readline()  # before that, the kernel may not show its command yet
            (tmp_path / "docker.pid").write_text(str(process.pid))
            assert dockerd.read_running() == words
        finally:
            process.kill()


def test_somebody_elses_daemon_json_is_copied_beside_it(dockerd, daemon_json):
    daemon_json.parent.mkdir()
    daemon_json.write_text("{ }")
    assert dockerd.save_daemon_json().read_text() == "{ }"
    assert stat.S_IMODE(dockerd.save_daemon_json().stat().st_mode) == 0o600
