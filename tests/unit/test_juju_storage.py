"""Juju storage through the real dispatch: attached before install or later, detached, attached again."""

import contextlib
import errno

import fakes
import pytest
from authority import ROOT
from charms.layer import flags
from fake_machine import READY
from registry.machine import engine

ID = "registry-data/0"
LOCATION = "/srv/registry-data"
FOLDER = f"{LOCATION}/registry"
LOCAL = "/srv/registry"
GONE = (
    "Storage registry-data/0 is detached, so the registry is stopped. Run `juju attach-storage docker-registry/0 "
    "registry-data/0`, or `juju run docker-registry/0 start` to serve from the unit's disk (/srv/registry)."
)


def storage(charm, what, name=ID):
    environment = {"JUJU_STORAGE_ID": name, "JUJU_STORAGE_LOCATION": LOCATION, "JUJU_STORAGE_KIND": "filesystem"}
    return charm.hook(f"registry-data-storage-{what}", **environment)


def detach(charm, machine):
    """Detach as Juju does: what is mounted is there until the hook has ended."""
    storage(charm, "detaching")
    machine.folders.existing.discard(FOLDER)
    machine.engine.missing.add(FOLDER)


def attach(charm, machine):
    machine.engine.missing.discard(FOLDER)
    storage(charm, "attached")


def folder(machine):
    return machine.store.current().data_folder


@pytest.fixture
def on_storage(charm, juju, machine):
    """A charm that was deployed with storage."""
    for name in ("registry-data-storage-attached", "install", "config-changed", "start"):
        environment = {"JUJU_STORAGE_ID": ID, "JUJU_STORAGE_LOCATION": LOCATION} if "storage" in name else {}
        charm.hook(name, **environment)
    assert juju.model["status"] == READY
    machine.folders.with_images.add(FOLDER)
    return charm


def test_storage_that_is_attached_before_install_has_the_images(on_storage, machine):
    assert folder(machine) == FOLDER
    assert all(path.startswith(FOLDER) for path in machine.folders.existing), (
        "nothing is made on the machine's own disk"
    )


def test_an_idle_hook_asks_nothing_more_for_it(on_storage, machine):
    machine.engine.calls.clear()
    assert len(on_storage.hook("update-status")) == 6
    assert machine.engine.calls == [("inspect", "registry")]


def test_storage_that_comes_to_a_registry_without_images_is_used(deployed, juju, machine):
    assert folder(machine) == LOCAL
    attach(deployed, machine)
    assert (juju.model["status"], folder(machine)) == (READY, FOLDER)
    assert list(machine.engine.containers) == ["registry"]


def test_storage_that_comes_to_images_is_used_once_it_holds_them(deployed, juju, machine):
    machine.folders.with_images.add(LOCAL)
    before = machine.engine.containers["registry"]
    attach(deployed, machine)
    assert juju.model["status"][0] == "active"
    assert "registry-data/0 is not used: it has no images, and /srv/registry has." in juju.model["status"][1]
    assert machine.engine.containers["registry"] is before
    detach(deployed, machine)
    assert (juju.model["status"], machine.engine.containers["registry"]) == (READY, before)
    attach(deployed, machine)
    machine.folders.with_images.add(FOLDER)
    deployed.hook("update-status")
    assert (juju.model["status"], folder(machine)) == (READY, FOLDER)


def test_what_is_detached_stops_and_comes_back_as_it_was(on_storage, juju, machine):
    before = machine.engine.containers["registry"]
    detach(on_storage, machine)
    assert machine.engine.serving(5000) is None
    assert (juju.model["status"], juju.model["ports"]) == (["blocked", GONE], [])
    juju.change(config={"storage-delete": True})
    on_storage.hook("config-changed")
    on_storage.hook("start")
    assert machine.engine.serving(5000) is None
    assert juju.model["status"] == ["blocked", GONE]
    juju.change(config={"storage-delete": False})
    attach(on_storage, machine)
    assert (juju.model["status"], folder(machine)) == (READY, FOLDER)
    assert machine.engine.containers["registry"] is before
    assert machine.engine.serving(5000)


def test_start_is_the_consent_to_go_on_with_the_disk(on_storage, juju, machine, actions):
    detach(on_storage, machine)
    assert on_storage.action("start", actions, name="") == {"message": READY[1]}
    assert (folder(machine), list(machine.engine.containers)) == (LOCAL, ["registry"])
    on_storage.hook("update-status")
    assert (juju.model["status"], folder(machine)) == (READY, LOCAL)
    machine.folders.with_images.add(LOCAL)
    attach(on_storage, machine)
    assert (juju.model["status"], folder(machine)) == (READY, FOLDER), "there are images on it"


def test_start_that_fails_leaves_the_storage_in_force(on_storage, juju, machine, actions):
    detach(on_storage, machine)
    machine.engine.broken = {"sha256:one"}
    failure = on_storage.action("start", actions, name="")["failure"]
    assert failure == (
        "The registry does not start with this configuration: storage is not there. "
        "Fix the cause and run the action start, or reset the options."
    )
    on_storage.hook("update-status")
    assert juju.model["status"] == ["blocked", GONE]
    machine.engine.broken = set()
    attach(on_storage, machine)
    assert (juju.model["status"], folder(machine)) == (READY, FOLDER)


@pytest.mark.parametrize("mounted", [False, True])
def test_start_that_is_killed_never_serves_from_what_is_gone(on_storage, juju, machine, actions, mounted):
    for step in (1, 4, 8, 10, 99):
        detach(on_storage, machine)
        if mounted:  # a folder is there all the same
            machine.engine.missing.clear()
        machine.engine.calls.clear()
        machine.engine.dies_at = step
        with contextlib.suppress(fakes.Killed):
            on_storage.action("start", actions, name="")
        machine.engine.dies_at = None
        on_storage.hook("update-status")
        gone = folder(machine) == FOLDER
        assert juju.model["status"] == (["blocked", GONE] if gone else READY)
        assert bool(machine.engine.serving(5000)) == (not gone)
        assert list(machine.engine.containers) == ["registry"]
        attach(on_storage, machine)
        assert (juju.model["status"], folder(machine)) == (READY, FOLDER)
    assert not gone, "the last one was not killed"


def test_an_object_store_goes_on_without_storage_and_takes_the_place_of_one_that_is_gone(on_storage, juju, machine):
    detach(on_storage, machine)
    store = {"storage-s3-bucket": "images", "storage-s3-region": "here"}
    machine.engine.broken = {"sha256:one"}
    juju.change(config=store)
    on_storage.hook("config-changed")
    assert juju.model["status"] == [
        "blocked",
        "The registry does not start with this configuration: storage is not there. "
        "Fix the cause and run the action start, or reset the options.",
    ]
    assert machine.engine.serving(5000) is None, "what has no disk does not come back"
    machine.engine.broken = set()
    on_storage.hook("update-status")
    assert (juju.model["status"], folder(machine)) == (READY, None)
    attach(on_storage, machine)
    machine.engine.calls.clear()
    detach(on_storage, machine)
    assert juju.model["status"] == READY
    assert machine.engine.writes() == []


def test_the_operators_stop_holds_whatever_comes_and_goes(on_storage, juju, machine, actions):
    on_storage.action("stop", actions, name="", remove=False)
    detach(on_storage, machine)
    attach(on_storage, machine)
    assert machine.engine.serving(5000) is None
    assert juju.model["status"][1] == "Stopped by the action stop. Run `juju run docker-registry/0 start` to start it."
    on_storage.action("start", actions, name="")
    assert (juju.model["status"], folder(machine)) == (READY, FOLDER)


def test_a_start_that_is_killed_leaves_no_consent(on_storage, juju, machine, actions):
    """What else the action does, for example to files of a certificate, is saved before it ends."""
    for number, step in enumerate((1, 4, 8, 10)):
        detach(on_storage, machine)
        juju.change(config={"tls-ca-blob": ROOT, "tls-ca-path": f"/ca/{number}"})
        machine.engine.calls.clear()
        machine.engine.dies_at = step
        with contextlib.suppress(fakes.Killed):
            on_storage.action("start", actions, name="")
        machine.engine.dies_at = None
        assert flags.ON_DISK not in on_storage.flags()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EIO])
def test_attaching_a_disk_that_takes_no_folder_is_repeated_by_juju(deployed, machine, monkeypatch, number):
    def refuse(folder):
        raise OSError(number, "no room")

    with monkeypatch.context() as full:
        full.setattr(machine.folders, "ensure", refuse)
        with pytest.raises(RuntimeError, match=r"the folder /srv/registry-data/registry cannot be created: .* no room"):
            storage(deployed, "attached")
    attach(deployed, machine)
    assert folder(machine) == FOLDER


@pytest.mark.parametrize("step", range(3))
def test_detaching_that_is_killed_is_finished_by_the_next_hook(on_storage, juju, machine, step):
    machine.engine.calls.clear()
    machine.engine.dies_at = step
    with contextlib.suppress(fakes.Killed):
        storage(on_storage, "detaching")
    machine.engine.dies_at = None
    on_storage.hook("update-status")
    assert machine.engine.serving(5000) is None
    assert juju.model["status"] == ["blocked", GONE]
    detach(on_storage, machine)
    assert juju.model["status"] == ["blocked", GONE]


def test_attaching_that_is_killed_is_finished_by_the_next_hook(deployed, juju, machine, actions):
    for step in (0, 4, 8, 10, 12):
        machine.engine.calls.clear()
        machine.engine.dies_at = step
        with contextlib.suppress(fakes.Killed):
            attach(deployed, machine)
        machine.engine.dies_at = None
        deployed.hook("update-status")
        assert (juju.model["status"], folder(machine)) == (READY, FOLDER)
        attach(deployed, machine)
        assert (juju.model["status"], folder(machine)) == (READY, FOLDER)
        detach(deployed, machine)
        deployed.action("start", actions, name="")
        assert (juju.model["status"], folder(machine)) == (READY, LOCAL)


def test_every_container_of_an_unfinished_switch_lets_go_of_the_storage(on_storage, juju, machine):
    body = machine.engine.containers["registry"]["body"]
    host = {**body["HostConfig"], "PortBindings": {"5000/tcp": [{"HostPort": "32768"}]}}
    machine.engine.create("registry-candidate", {**body, "HostConfig": host})
    machine.engine.start("registry-candidate")
    machine.store.begin_switch({"registry"})
    on_storage.set_flag("upgrade.series.in-progress")  # then nothing else is done
    storage(on_storage, "detaching")
    assert {one["status"] for one in machine.engine.containers.values()} == {"exited"}


def test_storage_is_not_let_go_while_docker_cannot_say_what_uses_it(on_storage, machine):
    machine.docker_answers = False
    with pytest.raises(engine.EngineError, match="Docker does not answer"):
        storage(on_storage, "detaching")
    machine.docker_answers = True
    detach(on_storage, machine)
    assert machine.engine.serving(5000) is None


@pytest.mark.parametrize("docker_installed", [True, False])
def test_storage_that_nothing_uses_is_let_go_without_docker(deployed, machine, docker_installed):
    machine.folders.with_images.add(LOCAL)
    attach(deployed, machine)
    machine.docker_answers, machine.docker_packages.is_installed, machine.apt.works = False, docker_installed, False
    detach(deployed, machine)


def test_a_boot_before_the_storage_is_mounted_is_waited_out(on_storage, juju, machine):
    machine.folders.existing.discard(FOLDER)
    machine.engine.missing.add(FOLDER)
    machine.engine.stop("registry")
    on_storage.hook("start")
    assert juju.model["status"] == [
        "blocked",
        f"Storage registry-data/0 is not mounted: there is no folder {FOLDER}. "
        "Mount it on the machine; the registry then starts automatically.",
    ]
    assert FOLDER not in machine.folders.existing
    machine.folders.existing.add(FOLDER)
    machine.engine.missing.clear()
    on_storage.hook("update-status")
    assert (juju.model["status"], folder(machine)) == (READY, FOLDER)


@pytest.mark.parametrize(
    ("hooks", "kept"),
    [(["stop"], "/srv/registry"), (["registry-data-storage-attached", "stop"], "the storage registry-data/0")],
)
def test_removal_says_where_the_images_stay(deployed, juju, machine, hooks, kept):
    for name in hooks:
        storage(deployed, "attached") if "storage" in name else detach(deployed, machine) or deployed.hook(name)
    assert juju.model["status"] == ["maintenance", f"Removed. The images stay in {kept}."]


def test_removal_says_that_the_images_stay_in_the_object_store(deployed, juju):
    juju.change(config={"storage-s3-bucket": "images", "storage-s3-region": "here"})
    deployed.hook("config-changed")
    deployed.hook("stop")
    assert juju.model["status"] == ["maintenance", "Removed. The images stay in the object store."]


@pytest.mark.parametrize("name", [ID, "registry-data/1"])
def test_another_storage_in_the_place_of_the_first_is_used_and_the_first_is_waited_for(on_storage, juju, machine, name):
    (marker,) = (path for path in machine.folders.existing if path != FOLDER)
    machine.folders.existing.discard(marker)
    machine.engine.stop("registry")
    storage(on_storage, "attached", name)
    on_storage.hook("config-changed")
    if name == ID:
        assert juju.model["status"][1].startswith(f"The disk with the images is not mounted at {FOLDER}")
    else:
        assert juju.model["status"] == READY
        assert marker in machine.folders.existing
