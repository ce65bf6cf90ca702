"""What somebody or something did to the registry is mended by the next hook."""

import re
import subprocess
import time

import pytest
from unit import MOMENTS

DAMAGE = {
    "killed": "docker kill registry",
    "removed": "docker rm -f registry",
    "paused": "docker pause registry",
    "no restart": "docker update --restart=no registry",
    "limited": "docker update --memory 64m --memory-swap 64m registry",
    "cut off": "docker network disconnect bridge registry",
    "renamed": "docker rename registry other && docker stop other && docker rm other",
}


@pytest.mark.parametrize("command", DAMAGE.values(), ids=DAMAGE.keys())
def test_a_registry_altered_by_hand_comes_back(unit, command):
    unit.exec(command)
    assert unit.update_status() == ("active", f"Ready at {unit.address}:5000 (http).")
    assert unit.answers()
    assert unit.containers() == ["registry"]
    container = unit.container()
    assert container["HostConfig"]["RestartPolicy"]["Name"] == "unless-stopped"
    assert container["HostConfig"]["Memory"] == 0


def test_a_removed_image_comes_back_from_the_resource(unit):
    unit.exec("docker rm -f registry && docker rmi -f $(docker images -q)")
    assert unit.exec("docker images -q") == ""
    assert unit.update_status()[0] == "active"
    assert unit.answers()


def test_the_configuration_altered_by_hand_comes_back(unit):
    before = unit.exec("cat /etc/docker/registry/config.yml")
    unit.exec("echo nonsense > /etc/docker/registry/config.yml")
    unit.update_status()
    assert unit.exec("cat /etc/docker/registry/config.yml") == before
    assert unit.answers()


def test_a_reboot_brings_the_registry_back_by_itself(unit):
    before = unit.container()["Id"]
    unit.reboot()
    assert unit.status() == ("active", f"Ready at {unit.address}:5000 (http).")
    assert unit.answers()
    assert unit.container()["Id"] == before


def test_a_reboot_in_the_middle_of_a_switch_is_mended(unit):
    unit.exec(
        "echo registry > /etc/docker/registry/switching && docker rename registry registry-previous"
        " && docker stop registry-previous"
    )
    unit.reboot()
    assert unit.status()[0] == "active"
    assert unit.containers() == ["registry"]
    assert unit.answers()


@pytest.mark.parametrize("seconds", [1.2, *MOMENTS])
def test_power_lost_in_the_middle_of_a_change(unit, seconds):
    """The machine dies so long after the option was set; whatever was under way, the next boot mends it."""
    if not unit.is_local:
        pytest.skip("a real machine's plug is out of reach")
    machine = unit.machine
    change = subprocess.Popen([unit.juju.cli_binary, "config", "-m", unit.juju.model, unit.app, "registry-port=5077"])
    time.sleep(seconds)
    unit.juju.cli("machine", "kill", machine)
    change.wait(timeout=120)
    unit.juju.cli("machine", "start", machine)
    unit.settle()
    assert unit.update_status() == ("active", f"Ready at {unit.address}:5077 (http).")
    assert unit.answers(5077)
    assert unit.containers() == ["registry"]
    assert unit.config(registry_port=None)[0] == "active"


def test_docker_that_is_down_is_said_and_the_registry_serves_on(unit):
    unit.exec("systemctl stop docker.socket docker.service")
    state, message = unit.update_status()
    assert state == "blocked"
    assert message.startswith("Docker failed: Docker does not answer: ")
    assert "journalctl -u docker" in message
    assert unit.answers(), "live-restore keeps it running"
    unit.exec("systemctl start docker.service docker.socket")
    assert unit.update_status()[0] == "active"


def test_docker_left_unpacked_by_a_reboot_is_configured(unit):
    """As it is after power was lost in the middle of an upgrade of docker.io."""
    unit.exec(
        "cd /var/tmp && apt-get update -q && apt-get download -q docker.io && dpkg --unpack docker.io_*.deb"
        " && rm docker.io_*.deb; systemctl stop docker.socket docker.service"
    )
    assert "docker.io" in unit.exec("dpkg --audit")
    assert unit.update_status() == ("active", f"Ready at {unit.address}:5000 (http).")
    assert unit.exec("dpkg --audit") == ""
    assert unit.answers()


def test_daemon_json_that_is_broken_is_said_and_not_touched(unit):
    unit.exec("cp /etc/docker/daemon.json /root/daemon.json && echo { > /etc/docker/daemon.json")
    state, message = unit.update_status()
    assert state == "blocked"
    assert "/etc/docker/daemon.json is not JSON" in message
    assert f"Still serving at {unit.address}:5000 (http)." in message
    assert unit.exec("cat /etc/docker/daemon.json") == "{"
    unit.exec("mv /root/daemon.json /etc/docker/daemon.json")
    assert unit.update_status()[0] == "active"


def test_live_restore_as_a_flag_of_dockerd_is_left_there(unit):
    """Said in daemon.json too, dockerd would not start again."""
    unit.exec(
        "mv /etc/docker/daemon.json /root/ && mkdir -p /run/systemd/system/docker.service.d"
        ' && printf "[Service]\nExecStart=\nExecStart=/usr/sbin/dockerd -H fd:// --live-restore\n"'
        " > /run/systemd/system/docker.service.d/flag.conf && systemctl daemon-reload && systemctl restart docker"
    )
    try:
        assert unit.update_status()[0] == "active"
        assert "live-restore" not in unit.exec("cat /etc/docker/daemon.json")
        unit.exec("systemctl restart docker")
    finally:
        unit.exec(
            "rm /run/systemd/system/docker.service.d/flag.conf && mv /root/daemon.json /etc/docker/"
            " && systemctl daemon-reload && systemctl reset-failed docker; systemctl restart docker"
        )
    assert unit.update_status()[0] == "active"


def test_a_full_disk_is_said_and_the_registry_serves_on(unit):
    """The folder of configurations is put onto a file system of its own, which is then filled."""
    unit.exec(
        "cd /etc/docker/registry && mkdir /mnt/full && mount -t tmpfs -o size=64k,mode=700 tmpfs /mnt/full"
        " && cp -a applied/. /mnt/full && mount --bind /mnt/full applied"
        " && dd if=/dev/zero of=applied/fill status=none || true"
    )
    try:
        state, message = unit.config(registry_port=5050)
        assert state == "blocked"
        begin, place, rest = re.split(r"\((/etc/docker/registry/applied/\S+)\)", message)
        assert (begin, place.rpartition("/")[2], rest) == (
            "The configuration cannot be written: No space left on device ",
            "config.yml",
            f". Fix the machine. Retrying automatically. Still serving at {unit.address}:5000 (http).",
        )
        assert unit.answers()
    finally:
        unit.exec("cd / && umount /etc/docker/registry/applied && umount /mnt/full && rmdir /mnt/full")
        unit.config(registry_port=None)
    assert unit.status()[0] == "active"
