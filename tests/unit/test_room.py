"""A disk with images that becomes full: the registry is read-only before, and can always be cleaned up."""

import dataclasses

import pytest
from charms.layer import room
from fake_machine import READY
from fakes import Killed
from registry_server import MemoryRegistry, serve

LOCAL, OWN = "/srv/registry", "/var/lib/docker-registry"
LOW = "Pushes are refused, because the disk with the images has only "


@pytest.fixture
def disk(deployed, machine):
    """Has so many percent free; the tests that begin so have had enough."""

    def free(percent):
        space = machine.folders.space
        taken = machine.folders.reserves.get(LOCAL, 0)
        machine.folders.space = dataclasses.replace(space, free=space.size * percent // 100 + taken)

    return free


def test_a_registry_is_read_only_while_its_disk_is_low(deployed, juju, machine, disk, actions):
    before = machine.store.current()
    disk(4)
    deployed.hook("update-status")
    assert machine.store.current().is_read_only
    assert juju.model["status"] == [
        "active",
        f"{READY[1]} {LOW}4.3 GB of 107.4 GB free. Run the actions prune or delete-image, then garbage-collect; "
        "or enlarge it, or change storage-minimum-free.",
    ]
    assert deployed.action("push", actions, image="app:1", tag="", pull=True)["failure"].startswith(LOW)
    machine.engine.calls.clear()
    for percent in (4, 6, 7):
        disk(percent)
        deployed.hook("update-status")
        assert (machine.store.current().is_read_only, machine.engine.writes()) == (True, [])
    disk(8)
    deployed.hook("update-status")
    assert (machine.store.current(), juju.model["status"]) == (before, READY)
    disk(6)
    deployed.hook("update-status")
    assert machine.store.current() == before

    # Neither of the two reasons to be read-only ends the other.
    disk(4)
    juju.change(config={"storage-read-only": True})
    deployed.hook("config-changed")
    disk(50)
    deployed.hook("update-status")
    assert machine.store.current().is_read_only
    disk(4)
    deployed.hook("update-status")
    juju.change(config={"storage-read-only": False})
    deployed.hook("config-changed")
    assert machine.store.current().is_read_only
    juju.change(config={"storage-minimum-free": "0"})
    deployed.hook("config-changed")
    assert machine.store.current() == before


def test_a_wrong_option_of_the_storage_keeps_no_registry_read_only(deployed, juju, machine, disk):
    before = machine.store.current()
    disk(4)
    deployed.hook("update-status")
    juju.change(config={"storage-purge-age": "soon"})
    deployed.hook("config-changed")
    assert machine.store.current().is_read_only
    disk(50)
    deployed.hook("update-status")
    assert machine.store.current() == before
    disk(4)
    deployed.hook("update-status")
    assert machine.store.current().is_read_only
    # What the operator requested lasts.
    juju.change(config={"storage-purge-age": None, "storage-read-only": True})
    deployed.hook("config-changed")
    juju.change(config={"storage-purge-age": "soon", "storage-read-only": False})
    disk(50)
    deployed.hook("config-changed")
    assert machine.store.current().is_read_only


def test_a_refresh_closes_no_registry_whose_disk_has_little_free(deployed, juju, machine, disk):
    disk(4)
    machine.records.remove(room.RECORD)
    machine.folders.reserves.clear()
    disk(4)
    deployed.hook("upgrade-charm")
    assert not machine.store.current().is_read_only
    assert juju.model["status"][1].startswith(f"{READY[1]} The disk with the images has only 4.3 GB of 107.4 GB free.")
    assert machine.folders.reserves == {}, "it would take what is left"
    juju.change(config={"storage-minimum-free": "1g"})
    deployed.hook("config-changed")
    assert (machine.store.current().is_read_only, juju.model["status"]) == (False, READY)
    juju.change(config={"storage-minimum-free": "10g"})
    deployed.hook("config-changed")
    assert machine.store.current().is_read_only
    juju.change(config={"storage-minimum-free": "lots"})
    deployed.hook("config-changed")
    assert juju.model["status"][0] == "blocked"
    assert machine.store.current().is_read_only


def test_the_reserve_makes_room_for_what_cleans_up(deployed, juju, machine, disk, actions, monkeypatch):
    reserves, seen = machine.folders.reserves, []
    assert reserves == {LOCAL: 128 << 20}
    deploy = machine.store.write

    def write(release):
        seen.append(dict(reserves))
        deploy(release)

    monkeypatch.setattr(machine.store, "write", write)
    juju.change(config={"storage-delete": True})
    deployed.hook("config-changed")
    assert seen[0] == {LOCAL: 128 << 20}, "there is room"
    machine.folders.space = dataclasses.replace(machine.folders.space, free=128 << 20, left=128 << 20)
    seen.clear()
    juju.change(config={"auth-basic-password": "one"})
    deployed.hook("config-changed")
    assert (machine.store.current().authentication, seen[0], reserves) == ("htpasswd", {}, {LOCAL: 128 << 20})

    memory = MemoryRegistry()
    memory.image("app", "1", "1")
    server, machine.registry_url = serve(memory)
    seen.clear()
    assert deployed.action("garbage-collect", actions, untagged=False, **{"dry-run": False})["blobs"] == "0"
    deployed.action("delete-image", actions, image="app:1", **{"dry-run": False, "all-tags": False})
    server.shutdown()
    server.server_close()
    assert ({LOCAL: 128 << 20} in seen, reserves) == (False, {LOCAL: 128 << 20})
    machine.folders.space = dataclasses.replace(machine.folders.space, free=0, left=0)
    reserves.clear()
    with room.made():
        pass
    assert reserves == {}
    deployed.hook("update-status")
    assert machine.store.current().is_read_only
    machine.folders.space = None
    deployed.hook("update-status")
    assert machine.store.current().is_read_only, "what is unknown changes nothing"


def test_the_reserve_goes_with_the_images_and_the_unit(deployed, juju, machine, disk, actions):
    disk(1)
    with pytest.raises(room.NoRoom):
        room.require()
    disk(50)
    juju.change(config={"storage-s3-bucket": "images", "storage-s3-region": "here"})
    deployed.hook("config-changed")
    assert machine.store.current().data_folder is None
    assert (machine.folders.reserves, machine.records.load(room.RECORD)) == ({OWN: 128 << 20}, {})
    juju.change(config={"storage-s3-bucket": "", "storage-s3-region": ""})
    deployed.action("start", actions, name="")
    assert machine.folders.reserves == {LOCAL: 128 << 20}
    machine.folders.is_apart = True
    deployed.hook("update-status")
    assert machine.folders.reserves == dict.fromkeys((LOCAL, OWN), 128 << 20)
    machine.folders.space = dataclasses.replace(machine.folders.space, left=129 << 20)
    with room.made():
        assert machine.folders.reserves == {}
    assert machine.folders.reserves == dict.fromkeys((LOCAL, OWN), 128 << 20)
    deployed.hook("stop")
    assert machine.folders.reserves == {}


@pytest.mark.parametrize(("hook", "left"), [("update-status", ["/srv/registry-data/registry"]), ("stop", [])])
def test_a_kill_after_a_change_of_disks_leaves_no_reserve(deployed, machine, monkeypatch, hook, left):
    def die(*_):
        raise Killed

    storage = {"JUJU_STORAGE_ID": "registry-data/0", "JUJU_STORAGE_LOCATION": "/srv/registry-data"}
    with monkeypatch.context() as patch:
        patch.setattr(room, "ensure_reserve", die)
        with pytest.raises(Killed):
            deployed.hook("registry-data-storage-attached", **storage)
    assert machine.store.current().data_folder == "/srv/registry-data/registry"
    assert list(machine.folders.reserves) == [LOCAL]
    deployed.hook(hook)
    assert list(machine.folders.reserves) == left
