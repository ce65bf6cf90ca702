"""Images on Juju storage: it comes, goes and outlives units; the tests of each application run in order."""

import contextlib
import json
import os
import re
import subprocess
import time
import urllib.error
import urllib.request

import pytest
from unit import Unit

LOCATION = "/srv/registry-data"
FOLDER = f"{LOCATION}/registry"
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


def deployed(model, charm, archives, app, **more):
    model.deploy(charm, app, resources={"registry-image": str(archives.registry)}, **more)
    unit = Unit(model, f"{app}/0")
    unit.settle()
    return unit


@pytest.fixture(scope="module")
def stored(model, charm, archives, small_image):
    """A unit that was deployed with storage, with an image."""
    unit = deployed(model, charm, archives, "stored", storage={"registry-data": "1G"})
    assert unit.status() == ready(unit)
    push(unit, small_image)
    return unit


@pytest.fixture(scope="module")
def later(model, charm, archives, small_image):
    """A unit that was deployed without, with an image."""
    unit = deployed(model, charm, archives, "later")
    push(unit, small_image)
    return unit


def ready(unit):
    return "active", f"Ready at {unit.address}:5000 (http)."


def push(unit, archive):
    unit.load(archive)
    unit.run("push", image="small:1", pull=False)
    assert serves_the_image(unit)


def serves_the_image(unit):
    """Tell whether the image is there, its layer included."""
    url = f"http://{unit.address}:5000/v2/small"
    try:
        with urllib.request.urlopen(
            urllib.request.Request(f"{url}/manifests/1", headers={"Accept": MANIFEST})
        ) as found:
            layers = json.load(found)["layers"]
        with urllib.request.urlopen(f"{url}/blobs/{layers[0]['digest']}") as found:
            return len(found.read()) == layers[0]["size"]
    except urllib.error.HTTPError as error:
        if error.code != 404:
            raise
        return False


def storage_of(unit):
    """Return the ID of the unit's storage."""
    known = json.loads(unit.juju.cli("storage", "--format", "json"))["storage"]
    (found,) = (name for name, item in known.items() if unit.name in item.get("attachments", {}).get("units", {}))
    return found


def source(unit):
    return next(one["Source"] for one in unit.container()["Mounts"] if one["Destination"] == "/var/lib/registry")


def detach(unit, storage):
    unit.juju.cli("detach-storage", storage)
    unit.settle()
    for _ in range(60):  # a real controller unmounts in its own time
        if unit.exec(f"mountpoint -q {LOCATION} || echo no") == "no":
            return
        time.sleep(1)
    raise AssertionError("it stays mounted")


def attach(unit, storage):
    unit.juju.cli("attach-storage", unit.name, storage)
    unit.settle()


def look(unit, path):
    return unit.exec(f"ls {path} 2>&1 || true")


def test_a_deployment_with_storage_has_its_images_there(stored):
    assert source(stored) == FOLDER
    assert look(stored, f"{FOLDER}/docker/registry/v2/repositories") == "small"
    assert "No such file" in look(stored, "/srv/registry")


def test_images_are_there_after_a_reboot_and_after_power_was_lost(stored):
    before = stored.container()["Id"]
    stored.reboot()
    assert (stored.status(), serves_the_image(stored)) == (ready(stored), True)
    if stored.is_local:
        stored.juju.cli("machine", "kill", stored.machine)
        stored.juju.cli("machine", "start", stored.machine)
        stored.settle()
        assert (stored.status(), serves_the_image(stored)) == (ready(stored), True)
    assert stored.container()["Id"] == before


def test_a_boot_before_the_storage_is_mounted_serves_nothing_until_it_is(stored):
    if not stored.is_local:
        pytest.skip("a controller mounts it in its own time")
    before = stored.container()["Id"]
    stored.exec(f"sed -i s,.*{LOCATION},#\\&, /etc/fstab")
    stored.reboot()
    assert stored.status() == (
        "blocked",
        f"Storage registry-data/0 is not mounted: there is no folder {FOLDER}. "
        "Mount it on the machine; the registry then starts automatically.",
    )
    assert "bind source path does not exist" in stored.exec("docker start registry 2>&1 || true")
    stored.exec("systemctl restart docker")
    assert not stored.answers()
    assert look(stored, LOCATION) == "", "neither Docker nor the charm has made a folder"
    stored.exec("sed -i s/^#// /etc/fstab && systemctl daemon-reload && mount -a")
    assert stored.update_status() == ready(stored)
    assert serves_the_image(stored)
    assert stored.container()["Id"] == before


def test_what_is_detached_is_let_go_and_comes_back_as_it_was(stored):
    storage, before = storage_of(stored), stored.container()["Id"]
    has_it_mounted = "grep -l /var/lib/registry /proc/[0-9]*/mountinfo || true"
    assert stored.exec(has_it_mounted)
    detach(stored, storage)
    assert stored.status() == (
        "blocked",
        f"Storage {storage} is detached, so the registry is stopped. Run `juju attach-storage stored/0 {storage}`, "
        "or `juju run stored/0 start` to serve from the unit's disk (/srv/registry).",
    )
    assert stored.container()["State"]["Status"] == "exited"
    assert stored.exec(has_it_mounted) == "", "nor has any process a view of it"
    stored.reboot()
    assert stored.status()[0] == "blocked"
    assert not stored.answers()
    assert look(stored, LOCATION) == ""
    attach(stored, storage)
    assert (stored.status(), serves_the_image(stored)) == (ready(stored), True)
    assert stored.container()["Id"] == before


def test_start_goes_on_with_the_units_own_disk(stored):
    storage = storage_of(stored)
    detach(stored, storage)
    stored.run("start")
    assert stored.update_status() == ready(stored)
    assert (source(stored), serves_the_image(stored)) == ("/srv/registry", False)
    attach(stored, storage)
    assert (stored.status(), serves_the_image(stored)) == (ready(stored), True)
    assert source(stored) == FOLDER


def test_storage_outlives_a_unit_and_another_one_serves_the_same(stored):
    storage = storage_of(stored)
    stored.juju.remove_unit("stored/0")
    stored.juju.wait(lambda status: not status.apps["stored"].units, delay=0.2, successes=1)
    assert f"its images stay in the storage {storage}" in stored.juju.cli("debug-log", "--replay", "--no-tail")
    stored.juju.add_unit("stored", attach_storage=storage)
    another = Unit(stored.juju, "stored/1")
    another.settle()
    assert (another.status(), serves_the_image(another)) == (ready(another), True)


def test_images_move_to_storage_that_comes_later_by_the_commands_in_the_status(later, tmp_path):
    before = later.container()["Id"]
    later.juju.cli("add-storage", later.name, "registry-data=1G")
    later.settle()
    state, message = later.status()
    assert (state, message.startswith(f"{ready(later)[1]} Storage {storage_of(later)} is not used: ")) == (
        "active",
        True,
    )
    assert (later.container()["Id"], serves_the_image(later)) == (before, True)
    with typed_by_an_operator(later, tmp_path) as shell:
        for command in re.findall("`(juju [^`]+)`", message):
            print(command)
            shell(command)
            later.settle()
    assert (later.status(), serves_the_image(later)) == (ready(later), True)
    assert source(later) == FOLDER
    assert look(later, "/srv/registry/docker/registry/v2/repositories") == "small", "what was copied stays"


@contextlib.contextmanager
def typed_by_an_operator(unit, folder):
    """A shell in which `juju` is the command of this test, about its model."""
    (folder / "juju").symlink_to(os.path.realpath(unit.juju.cli_binary))
    environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "JUJU_MODEL": unit.juju.model}

    def run(command):
        subprocess.run(command, shell=True, env=environment, check=True)

    yield run
