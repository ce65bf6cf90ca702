"""The operator's own disk at the folder of the images: late at boot, gone, or mounted over a registry that runs."""

import dataclasses

import pytest
from fake_machine import READY

LOCAL = "/srv/registry"


def marks(machine):
    return {path for path in machine.folders.existing if "docker-registry-disk-" in path}


def lose(machine):
    """The disk is not mounted: an empty folder is there."""
    lost = marks(machine)
    machine.folders.existing -= lost
    machine.engine.missing |= lost
    return lost


def come(machine, lost):
    machine.folders.existing |= lost
    machine.engine.missing -= lost


MISSING = [
    "blocked",
    "The disk with the images is not mounted at /srv/registry, so the registry is stopped. Mount it; the registry then "
    "starts automatically. Or run `juju run docker-registry/0 start` to serve without those images.",
]


def test_the_container_needs_the_marker_of_the_disk(deployed, machine):
    (marker,) = marks(machine)
    mounts = {mount.source: mount.target for mount in machine.store.current().container.mounts}
    assert mounts[marker] == marker.replace(LOCAL, "/var/lib/registry")
    assert machine.records.load("disk") == {"folder": LOCAL, "marker": marker.removeprefix(f"{LOCAL}/")}


def test_a_disk_that_is_late_is_waited_for(deployed, juju, machine):
    machine.engine.stop("registry")
    lost = lose(machine)
    for hook in ("start", "update-status"):
        deployed.hook(hook)
        assert (juju.model["status"], machine.engine.serving(5000)) == (MISSING, None)
    assert not marks(machine), "the empty folder is not taken for the disk"
    come(machine, lost)
    before = machine.engine.containers["registry"]["id"]
    deployed.hook("update-status")
    assert juju.model["status"] == READY
    assert machine.engine.containers["registry"]["id"] == before


def test_what_runs_on_the_empty_folder_is_stopped(deployed, juju, machine):
    lose(machine)
    deployed.hook("start")
    assert (juju.model["status"], machine.engine.serving(5000)) == (MISSING, None)


def test_a_registry_whose_disk_is_hidden_serves_on_and_says_so(deployed, juju, machine):
    lost = lose(machine)
    machine.folders.hidden = True
    juju.change(config={"storage-delete": True})
    deployed.hook("config-changed")
    assert juju.model["status"] == [
        "blocked",
        "The disk with the images is no longer mounted at /srv/registry; the registry uses it until it is stopped. "
        "Mount it again, or copy the images to what is there now. Still serving at 10.0.0.10:5000 (http).",
    ]
    machine.folders.hidden = False
    come(machine, lost)
    deployed.hook("update-status")
    assert juju.model["status"] == READY


def test_a_container_that_was_started_before_the_disk_was_mounted_is_restarted_on_it(deployed, juju, machine):
    machine.folders.hidden = True
    machine.engine.calls.clear()
    deployed.hook("update-status")
    assert [call[0] for call in machine.engine.writes()] == ["stop", "start"]
    assert juju.model["status"] == READY


def test_images_that_were_copied_to_a_disk_of_their_own_are_told_from_the_copy_below(deployed, juju, machine):
    (before,) = marks(machine)
    machine.folders.mounts.add(LOCAL)
    deployed.hook("update-status")
    deployed.hook("update-status")
    assert juju.model["status"] == READY
    (after,) = marks(machine) - {before}
    assert after in {mount.source for mount in machine.store.current().container.mounts}
    machine.folders.mounts.remove(LOCAL)
    machine.folders.existing.remove(after)
    machine.engine.missing.add(after)
    deployed.hook("start")
    assert juju.model["status"] == MISSING


def test_the_operator_can_do_without_the_disk(deployed, juju, machine, actions):
    machine.engine.stop("registry")
    lose(machine)
    deployed.hook("update-status")
    assert juju.model["status"] == MISSING
    machine.engine.missing.clear()  # the folder is made anew
    deployed.action("start", actions, name="")
    deployed.hook("update-status")
    assert juju.model["status"] == READY
    assert marks(machine)


def test_a_start_after_a_stop_is_no_consent_to_go_without_the_disk(deployed, juju, machine, actions):
    deployed.action("stop", actions, name="", remove=False)
    lose(machine)
    assert deployed.action("start", actions, name="")["failure"] == MISSING[1]
    assert machine.engine.serving(5000) is None
    machine.engine.missing.clear()
    deployed.action("start", actions, name="")
    assert machine.engine.serving(5000)


@pytest.mark.parametrize("change", [{}, {"storage-delete": True}])
def test_a_release_of_an_earlier_revision_is_not_replaced_for_the_marker_alone(deployed, juju, machine, change):
    current = machine.store.current()
    mounts = tuple(mount for mount in current.container.mounts if "docker-registry-disk-" not in mount.source)
    earlier = dataclasses.replace(current, container=dataclasses.replace(current.container, mounts=mounts))
    machine.engine.remove("registry")
    machine.store.write(earlier)
    machine.store.make_current(earlier)
    machine.records.remove("disk")
    lose(machine)
    machine.engine.missing.clear()
    machine.engine.create("registry", machine.store.body(earlier))
    machine.engine.start("registry")
    before = machine.engine.containers["registry"]["id"]
    juju.change(config=change)
    deployed.hook("upgrade-charm")
    assert juju.model["status"] == READY
    assert (machine.engine.containers["registry"]["id"] == before) == (not change)
    assert machine.records.load("disk")["folder"] == LOCAL
    assert marks(machine)
