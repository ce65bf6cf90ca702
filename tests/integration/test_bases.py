"""The charm on another release: a newer Python, a newer Docker, Docker's images in either of its stores."""

import json

import prepared
import pytest
from unit import Unit, is_local


@pytest.fixture(scope="module")
def newer(model, charm, archives):
    """A unit on a bare Debian 13: Python 3.13, Docker 26.1, its `docker` command a package of its own."""
    if not is_local(model):
        pytest.skip("the releases of a real cloud are chosen when the model is made")
    resources = {"registry-image": str(archives.registry)}
    model.deploy(charm, "newer", constraints={"image-id": "trixie"}, resources=resources)
    yield Unit(model, "newer/0")
    model.remove_application("newer", force=True)


def test_the_charm_deploys_there_and_takes_a_change(newer):
    assert newer.status() == ("active", f"Ready at {newer.address}:5000 (http).")
    assert newer.exec("python3 --version").startswith("Python 3.13")
    assert newer.exec("docker version --format {{.Server.Version}}").startswith("26.")
    assert newer.config(registry_port=5001) == ("active", f"Ready at {newer.address}:5001 (http).")
    assert newer.answers(5001)
    assert newer.containers() == ["registry"]
    newer.reboot()
    assert newer.answers(5001)


@pytest.fixture(params=[pytest.param(False, marks=pytest.mark.soak), True], ids=["overlay2", "containerd"])
def newest(model, charm, archives, request):
    """A unit on the newest Docker; its resource is an OCI archive, as the README has it made."""
    if not is_local(model):
        pytest.skip("the releases of a real cloud are chosen when the model is made")
    files = {
        "/etc/docker/daemon.json": json.dumps({"features": {"containerd-snapshotter": request.param}}),
        # The machine is a container itself, whose one volume is Docker's folder: overlay does not lie over overlay.
        "/etc/containerd/config.toml": 'version = 2\nroot = "/var/lib/docker/containerd-store"\n',
    }
    image = prepared.with_files(f"newest-{request.param}".lower(), files, prepared.newest_docker())
    model.deploy(charm, "newest", constraints={"image-id": image}, resources={"registry-image": str(archives.oci)})
    yield Unit(model, "newest/0")
    model.remove_application("newest", force=True)


def test_the_newest_docker_takes_an_oci_archive_into_either_store(newest, archives):
    assert newest.status() == ("active", f"Ready at {newest.address}:5000 (http).")
    before = newest.container()["Id"]
    newest.update_status()
    assert newest.container()["Id"] == before, "an ID that is a manifest's is the same ID again"
    newest.juju.cli("attach-resource", newest.app, f"registry-image={archives.registry}")
    newest.settle()
    assert newest.status() == ("active", f"Ready at {newest.address}:5000 (http).")
    assert newest.config(daemon_opts="dns: [192.0.2.1]")[0] == "active"
    assert newest.container()["Id"] != before, "a container takes its name servers over when it is created"
    assert "192.0.2.1" in newest.exec("docker exec registry cat /etc/resolv.conf")
    assert newest.answers()
