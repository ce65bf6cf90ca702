"""From a bare machine to the charm's next revision, an upgrade of the machine, and removal."""

import platform
import shutil
import zipfile

import pytest
from unit import Unit, is_local


@pytest.fixture(scope="module")
def bare(model, charm, archives):
    """A unit of its own, on a machine without Docker, deployed with defaults; the tests of this file run in order."""
    constraints = {"image-id": platform.freedesktop_os_release()["VERSION_CODENAME"]} if is_local(model) else None
    model.deploy(charm, "bare", constraints=constraints, resources={"registry-image": str(archives.registry)})
    unit = Unit(model, "bare/0")
    unit.settle()
    return unit


def test_docker_is_installed_and_the_registry_serves(bare):
    assert bare.status() == ("active", f"Ready at {bare.address}:5000 (http).")
    assert bare.answers()
    assert "Live Restore Enabled: true" in bare.exec("docker info 2>/dev/null")
    assert bare.exec("systemctl is-enabled docker") == "enabled"


def test_a_refresh_to_a_rebuilt_charm_leaves_the_container_alone(bare, charm, tmp_path):
    rebuilt = tmp_path / "docker-registry.charm"
    shutil.copy(charm, rebuilt)
    with zipfile.ZipFile(rebuilt, "a") as file:
        file.writestr("rebuilt", "yes")
    before = bare.container()
    bare.juju.refresh(bare.app, path=rebuilt)
    bare.settle()
    assert bare.status()[0] == "active"
    assert bare.exec("cat /var/lib/juju/agents/unit-bare-0/charm/rebuilt") == "yes"
    assert bare.container()["Id"] == before["Id"]
    assert bare.container()["State"]["StartedAt"] == before["State"]["StartedAt"]


def test_nothing_changes_during_a_series_upgrade_but_the_status(bare):
    before = bare.container()
    bare.hook("pre-series-upgrade")
    assert bare.status()[0] == "blocked"
    assert bare.status()[1].startswith("Series upgrade in progress")
    bare.exec("docker update --restart=no registry")
    bare.hook("config-changed")
    assert bare.container()["HostConfig"]["RestartPolicy"]["Name"] == "no", "left alone"
    bare.exec("docker update --restart=unless-stopped registry")
    bare.hook("post-series-upgrade")
    assert bare.status() == ("active", f"Ready at {bare.address}:5000 (http).")
    assert bare.container()["Id"] == before["Id"]


def test_removal_takes_the_container_and_the_configuration_and_keeps_the_images(bare):
    bare.exec("touch /srv/registry/witness")
    machine = bare.machine
    # A real controller takes the machine away as well, and only the log is left to look at.
    bare.juju.cli("remove-unit", bare.name, "--no-prompt", *(["--keep-instance"] if bare.is_local else []))
    bare.juju.wait(lambda status: not status.apps[bare.app].units, delay=0.2, successes=1)
    assert "its images stay in /srv/registry" in bare.juju.cli("debug-log", "--replay", "--no-tail")
    if not bare.is_local:
        return
    look = ["ssh", machine, "sudo", "sh", "-c"]
    assert bare.juju.cli(*look, "'docker ps -aq'").strip() == ""
    assert bare.juju.cli(*look, "'ls -d /etc/docker/registry 2>/dev/null || true'").strip() == ""
    assert bare.juju.cli(*look, "'ls /srv/registry/witness'").strip() == "/srv/registry/witness"
    bare.juju.cli("remove-machine", machine, "--no-prompt", "--force")
