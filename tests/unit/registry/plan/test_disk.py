"""Where the images are to be: the machine's own disk or storage of Juju's."""

import dataclasses

import pytest
from registry.plan import decision, disk, published, report
from test_plan import container, facts, status, wanted

STORAGE = disk.Storage("registry-data/0", "/srv/registry-data")
FOLDER = "/srv/registry-data/registry"
EMPTY = disk.Disk(STORAGE, is_mounted=True)
FULL = disk.Disk(STORAGE, is_mounted=True, has_images=True)
GONE = disk.Disk(dataclasses.replace(STORAGE, attached=False))
S3 = {"storage_s3_bucket": "images", "storage_s3_region": "eu-west-1"}


def over(folder, **config):
    """A release with its images in this folder."""
    there = FULL if folder == FOLDER else disk.Disk()
    release = decision.decide(wanted(**config), facts(disk=there)).release
    assert release.data_folder == folder
    return release


@pytest.mark.parametrize("before", [None, disk.LOCAL, FOLDER])
@pytest.mark.parametrize("local", [False, True])
@pytest.mark.parametrize("there", [False, True])
def test_storage_is_used_unless_that_hides_images(before, local, there):
    found = disk.Disk(STORAGE, True, there, local)
    hides = local and not there and before != FOLDER
    assert found.folder(before, on_disk=False) == (disk.LOCAL if hides else FOLDER)
    assert bool(found.unused(found.folder(before, on_disk=False), "registry/0")) == hides
    assert found.folder(before, on_disk=True) == found.folder(before, on_disk=False)


@pytest.mark.parametrize("local", [False, True])
def test_what_is_on_storage_is_decided_when_it_is_mounted(local):
    unmounted = disk.Disk(STORAGE, local_has_images=local)
    for before, there in ((None, FOLDER), (FOLDER, FOLDER), (disk.LOCAL, disk.LOCAL)):
        assert unmounted.folder(before, on_disk=False) == there
    planned = decision.decide(wanted(), facts(current=over(disk.LOCAL), disk=unmounted))
    assert status(planned) == (
        "active",
        "Ready at 10.0.0.1:5000 (http). Storage registry-data/0 is not used, because it is not mounted. "
        "Mount it on the machine.",
    )


@pytest.mark.parametrize("found", [disk.Disk(), GONE])
def test_without_storage_the_own_disk_takes_the_place_of_a_storage_by_consent_alone(found):
    for before in (None, disk.LOCAL):
        assert found.folder(before, on_disk=False) == disk.LOCAL
    assert found.folder(FOLDER, on_disk=False) == FOLDER
    assert found.folder(FOLDER, on_disk=True) == disk.LOCAL


def test_a_deployment_with_storage_has_its_images_there():
    planned = decision.decide(wanted(), facts(disk=EMPTY))
    assert [str(mount) for mount in planned.release.container.mounts] == [f"{FOLDER}:/var/lib/registry:rw"]
    assert published.checks(planned.release).data_folder == FOLDER
    assert status(planned) == ("active", "Ready at 10.0.0.1:5000 (http).")


def test_images_on_the_own_disk_stay_in_use_with_the_commands_that_move_them():
    before = over(disk.LOCAL)
    found = dataclasses.replace(EMPTY, local_has_images=True)
    planned = decision.decide(wanted(), facts(current=before, disk=found))
    assert planned.release == before
    assert status(planned) == (
        "active",
        "Ready at 10.0.0.1:5000 (http). Storage registry-data/0 is not used: it has no images, and /srv/registry has. "
        "To move them: `juju config docker-registry storage-read-only=true`, "
        "`juju ssh docker-registry/1 'sudo cp -aT --no-preserve=mode /srv/registry "
        "/srv/registry-data/.new && sync && "
        "sudo mv -T --backup=t /srv/registry-data/.new /srv/registry-data/registry'`, "
        "`juju config docker-registry --reset storage-read-only`.",
    )
    moved = decision.decide(wanted(), facts(current=before, disk=dataclasses.replace(found, has_images=True)))
    assert (moved.release.data_folder, moved.warnings) == (FOLDER, ())


def test_without_its_storage_nothing_serves_until_the_operator_says_where_from():
    planned = decision.decide(wanted(), facts(current=over(FOLDER), disk=GONE, container=container("running")))
    assert planned.release == over(FOLDER)
    assert status(planned, serving=False) == (
        "blocked",
        "Storage registry-data/0 is detached, so the registry is stopped. Run `juju attach-storage docker-registry/1 "
        "registry-data/0`, or `juju run docker-registry/1 start` to serve from the unit's disk (/srv/registry).",
    )
    consent = decision.decide(wanted(), facts(current=over(FOLDER), disk=GONE, on_disk=True))
    assert (consent.release.data_folder, consent.unavailable, consent.can_fall_back) == (disk.LOCAL, None, False)


def test_what_is_gone_is_said_although_its_name_was_forgotten():
    planned = decision.decide(wanted(), facts(current=over(FOLDER)))
    assert planned.unavailable.startswith("Storage registry-data is detached, so the registry is stopped. ")


def test_both_reasons_not_to_serve_are_said():
    planned = decision.decide(wanted(), facts(current=over(FOLDER), disk=GONE, stopped=True))
    said = report.status(planned, report.Outcome(False, "", "", ()), "docker-registry/1")
    assert said == report.Report("blocked", (said.problems[0], planned.unavailable))
    assert said.summary == (
        "Stopped by the action stop. Run `juju run docker-registry/1 start` to start it. "
        "(1 more problem: see juju debug-log.)"
    )


def test_a_wrong_option_does_not_let_a_registry_run_without_its_storage():
    planned = decision.decide(wanted(registry_port=0), facts(current=over(FOLDER), disk=GONE))
    assert planned.unavailable
    assert planned.release == over(FOLDER)


def test_storage_that_is_not_mounted_yet_is_waited_for():
    unmounted = disk.Disk(STORAGE)
    planned = decision.decide(wanted(), facts(current=over(FOLDER), disk=unmounted, container=container("exited")))
    assert status(planned, serving=False) == (
        "blocked",
        f"Storage registry-data/0 is not mounted: there is no folder {FOLDER}. "
        "Mount it on the machine; the registry then starts automatically.",
    )
    running = decision.decide(wanted(), facts(current=over(FOLDER), disk=unmounted, container=container("running")))
    assert (running.unavailable, running.can_fall_back) == (None, True), "what runs has it mounted"


def test_an_object_store_needs_no_storage():
    for found in (GONE, EMPTY, dataclasses.replace(EMPTY, local_has_images=True)):
        planned = decision.decide(wanted(**S3), facts(disk=found))
        assert planned.release.data_folder is None
        assert (planned.unavailable, planned.warnings, planned.can_fall_back) == (None, (), True)
        later = decision.decide(wanted(**S3), facts(current=planned.release, disk=found))
        assert later == dataclasses.replace(planned, outdated=())


def test_an_object_store_takes_the_place_of_storage_that_is_gone():
    planned = decision.decide(wanted(**S3), facts(current=over(FOLDER), disk=GONE))
    assert planned.release.is_shared
    assert (planned.unavailable, planned.can_fall_back) == (None, False)


def test_where_images_stay_is_told_by_its_name():
    assert disk.whereabouts(disk.LOCAL, STORAGE) == "/srv/registry"
    assert disk.whereabouts(FOLDER, STORAGE) == "the storage registry-data/0"
    assert disk.whereabouts(FOLDER, None) == "the storage registry-data"
    assert disk.whereabouts(None, None) == "the object store"
