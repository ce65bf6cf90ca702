"""Docker that is already there, set up by the machine's owner: the charm serves with it, and leaves it as it is.

The machine's image is that of the host's release of Debian, or that of the environment: `SUITE=trixie-docker`.
"""

import json
import os

import prepared
import pytest
from unit import Unit, is_local

HARDENED = {"userns-remap": "default", "ip": "127.0.0.1"}
LOGGING = """[Service]
ExecStart=
ExecStart=/usr/sbin/dockerd -H fd:// --containerd=/run/containerd/containerd.sock --log-driver=journald
"""
DROP_IN = "/etc/systemd/system/docker.service.d/logging.conf"
FILES = {"/etc/docker/daemon.json": json.dumps(HARDENED), DROP_IN: LOGGING}


@pytest.fixture(scope="module")
def hardened(model, charm, archives):
    if not is_local(model):
        pytest.skip("a cloud's machines have their owner's files only if he made their image")
    image = prepared.with_files("hardened", FILES, os.environ.get("SUITE", ""))
    model.deploy(
        charm, "hardened", constraints={"image-id": image}, resources={"registry-image": str(archives.registry)}
    )
    unit = Unit(model, "hardened/0")
    unit.settle()
    yield unit
    model.remove_application("hardened", force=True)


def test_a_hardened_machine_serves_and_keeps_its_settings(hardened):
    assert hardened.status() == ("active", f"Ready at {hardened.address}:5000 (http).")
    assert hardened.answers()
    assert json.loads(hardened.exec("cat /etc/docker/daemon.json")) == {**HARDENED, "live-restore": True}
    assert json.loads(hardened.exec("cat /etc/docker/daemon.json.saved")) == HARDENED
    assert hardened.exec("docker info -f {{.LoggingDriver}}") == "journald"
    before = hardened.container()["Id"]
    hardened.update_status()
    assert hardened.container()["Id"] == before


@pytest.mark.parametrize(
    ("opts", "sentence"),
    [
        ("data-root: /srv/docker", "daemon-opts: data-root would hide Docker's containers (registry) and images. "),
        ("userns-remap: other", "daemon-opts: userns-remap would hide "),
        ("log-driver: json-file", f"daemon-opts: log-driver is set in {DROP_IN} too. "),
    ],
)
def test_settings_that_harm_are_refused_with_docker_untouched(hardened, opts, sentence):
    docker = hardened.exec("systemctl show -P MainPID docker")
    try:
        state, message = hardened.config(daemon_opts=opts)
        assert (state, message[: len(sentence)]) == ("blocked", sentence)
        assert hardened.exec("systemctl show -P MainPID docker") == docker
        assert hardened.answers()
    finally:
        hardened.config(daemon_opts=None)


def test_arguments_that_a_later_drop_in_overrides_are_said(hardened):
    try:
        state, message = hardened.config(docker_opts="--log-level warn")
        assert (state, message.partition(".service.d/")[0]) == ("blocked", "docker-opts: /etc/systemd/system/docker")
        assert "logging.conf takes precedence, so the option has no effect." in message
    finally:
        hardened.config(docker_opts=None)


def test_a_container_that_docker_lost_sight_of_is_ended(hardened, tmp_path):
    """Its owner moves Docker's folder: the registry's process runs on, unknown to it."""
    lost = hardened.container()["State"]["Pid"]
    (tmp_path / "daemon.json").write_text(json.dumps({**HARDENED, "live-restore": True, "data-root": "/srv/docker"}))
    hardened.juju.scp(tmp_path / "daemon.json", f"{hardened.name}:/var/tmp/daemon.json")
    hardened.exec("cp /var/tmp/daemon.json /etc/docker/daemon.json; systemctl restart docker")
    assert hardened.exec(f"test -d /proc/{lost} && echo runs") == "runs"
    assert hardened.update_status() == ("active", f"Ready at {hardened.address}:5000 (http).")
    assert hardened.exec(f"test -d /proc/{lost} || echo ended") == "ended"
    assert hardened.exec("pgrep -fc [s]erve./etc/docker/registry") == "1"


def test_docker_that_its_owner_broke_is_blamed_on_his_file(hardened, tmp_path):
    good = hardened.exec("cat /etc/docker/daemon.json")
    (tmp_path / "daemon.json").write_text(json.dumps({**json.loads(good), "nosuch": 1}))
    hardened.juju.scp(tmp_path / "daemon.json", f"{hardened.name}:/var/tmp/daemon.json")
    hardened.exec("cp /etc/docker/daemon.json /var/tmp/good.json; cp /var/tmp/daemon.json /etc/docker/daemon.json")
    hardened.exec("systemctl restart docker || true; sleep 1; systemctl is-failed docker || true")
    state, message = hardened.update_status()
    assert (state, "/etc/docker/daemon.json was changed by somebody else. Fix the file" in message) == ("blocked", True)
    assert "nosuch" in hardened.exec("cat /etc/docker/daemon.json")
    hardened.exec(
        "cp /var/tmp/good.json /etc/docker/daemon.json; systemctl reset-failed docker; systemctl restart docker"
    )
    assert hardened.update_status() == ("active", f"Ready at {hardened.address}:5000 (http).")
