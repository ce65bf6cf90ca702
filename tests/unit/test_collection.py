"""Garbage collection in a store that units share, and the schedules of actions."""

import json
import time

import fakes
import pytest
from charms.layer import basic
from test_endpoints import OURS, bag, relate

from actions import scheduled

OTHER = "docker-registry/1"
SERVES = {"address": "10.0.0.1", "port": "5000", "scheme": "http"}
YEAR = 366 * 86400
DELETES = {"all-tags": False, "dry-run": False}
STORE = {"storage-s3-bucket": "images", "storage-s3-region": "here"}
ABOUT = {"JUJU_RELATION_ID": "peer:1", "JUJU_REMOTE_UNIT": OTHER}


@pytest.fixture
def shared(registry, deployed, juju, machine):
    """A unit that shares a store with another one."""
    juju.change(config=STORE)
    deployed.hook("config-changed")
    machine.engine.calls.clear()  # the new store was tried
    relate(juju, deployed, "peer", {OTHER: SERVES})
    return deployed


def said(juju, charm, **keys):
    """Have the other unit publish *keys*."""
    there = {**juju.model["relations"]["peer:1"], OTHER: {**SERVES, **keys}}
    juju.change(relations={"peer:1": there})
    charm.hook("peer-relation-changed", **ABOUT)


def collect(charm, actions):
    return charm.action("garbage-collect", actions, untagged=False, **{"dry-run": False})


def started(machine):
    return [call for call in machine.engine.calls if call[:2] == ("start", "docker-registry-maintenance")]


def test_units_that_share_a_store_refuse_pushes_first(shared, juju, machine, actions):
    assert collect(shared, actions)["failure"].startswith(
        f"Units that share the object store still accept pushes: {OTHER}"
    )
    until = bag(juju, "peer:1")["read-only-until"]
    assert started(machine) == []
    assert machine.store.current().is_read_only
    shared.hook("update-status")
    assert "Pushes are refused while docker-registry/0 collects garbage." in juju.model["status"][1]
    said(juju, shared, **{"refuses-pushes": json.dumps({OURS: int(until) - 1})})
    assert "still accept" in collect(shared, actions)["failure"], "that answers an earlier request"
    said(juju, shared, **{"refuses-pushes": json.dumps({OURS: int(until)})})
    assert collect(shared, actions)["blobs"] == "0"
    assert len(started(machine)) == 2
    assert "read-only-until" not in {key for key, value in bag(juju, "peer:1").items() if value}
    assert not machine.store.current().is_read_only


def test_a_unit_follows_the_request_of_another_and_answers(shared, juju, machine, actions, monkeypatch):
    before, later = machine.store.current(), int(time.time()) + 3600
    said(juju, shared, **{"read-only-until": str(later)})
    assert machine.store.current().is_read_only
    assert json.loads(bag(juju, "peer:1")["refuses-pushes"]) == {OTHER: later}
    busy = f"{OTHER} collects garbage in the same object store"
    assert collect(shared, actions)["failure"].startswith(busy)
    for name, params in (
        ("delete-image", {"image": "app:1", **DELETES}),
        ("push", {"image": "registry:2", "pull": False, "tag": "app:1"}),
    ):
        assert shared.action(name, actions, **params)["failure"].startswith(busy)
    said(juju, shared)
    assert machine.store.current() == before
    said(juju, shared, **{"read-only-until": "1000"})
    assert machine.store.current() == before, "that time has passed"
    said(juju, shared, **{"read-only-until": str(later + YEAR)})
    assert machine.store.current() == before, "the other machine's clock is a year ahead"
    said(juju, shared, **{"read-only-until": str(later)})
    for jump in (-YEAR, YEAR):
        with monkeypatch.context() as patch:
            patch.setattr(time, "time", lambda jump=jump: later + jump)
            shared.hook("update-status")
            assert machine.store.current().is_read_only, "what it has confirmed it keeps to, whatever its clock does"
            assert shared.action("delete-image", actions, image="a:1", **DELETES)["failure"].startswith(busy)
    with monkeypatch.context() as patch:
        uptime = time.clock_gettime(time.CLOCK_BOOTTIME)
        patch.setattr(time, "clock_gettime", lambda _: uptime + 13 * 3600)
        shared.hook("update-status")
        assert machine.store.current() == before, "that unit is lost"
    said(juju, shared)
    assert machine.store.current() == before

    # A wrong option of the storage keeps it neither from refusing pushes nor from accepting them again.
    juju.change(config={**STORE, "storage-s3-region": None, "storage-purge-age": "soon"})
    shared.hook("config-changed")
    for until, refuses in ((str(later), True), ("1000", False)):
        said(juju, shared, **{"read-only-until": until})
        assert machine.store.current().is_read_only == refuses
        assert juju.model["status"][0] == "blocked"
    assert machine.store.current() == before
    juju.change(config={**STORE, "storage-purge-age": None})
    shared.hook("config-changed")

    # Of two requests the first counts; of two at the same time, that of the lower number.
    collect(shared, actions)
    until = int(bag(juju, "peer:1")["read-only-until"])
    answer = {"refuses-pushes": json.dumps({OURS: until})}
    said(juju, shared, **answer, **{"read-only-until": str(until - 1)})
    assert collect(shared, actions)["failure"].startswith(f"{OTHER} collects garbage")
    said(juju, shared, **answer, **{"read-only-until": str(until)})
    assert "failure" not in collect(shared, actions)


def test_a_request_that_nothing_follows_ends(shared, juju, machine, actions, monkeypatch):
    before = machine.store.current()
    collect(shared, actions)
    monkeypatch.setattr("charms.layer.collection.PATIENCE", 0)
    shared.hook("update-status")
    assert machine.store.current() == before
    assert not bag(juju, "peer:1").get("read-only-until")


def test_a_request_of_a_clock_that_was_ahead_ends(shared, juju, machine, actions):
    before = machine.store.current()
    collect(shared, actions)
    request = machine.records.load("collection")
    machine.records.save("collection", {name: moment + YEAR for name, moment in request.items()})
    shared.hook("update-status")
    assert machine.store.current() == before
    assert not bag(juju, "peer:1").get("read-only-until")


def test_a_kill_ends_the_collection_with_the_next_hook(shared, juju, machine, actions, monkeypatch):
    before = machine.store.current()
    collect(shared, actions)
    said(juju, shared, **{"refuses-pushes": json.dumps({OURS: int(bag(juju, "peer:1")["read-only-until"])})})

    def die(name):
        machine.engine.dies_at = len(machine.engine.writes())
        raise fakes.Killed

    with monkeypatch.context() as patch:
        patch.setattr(machine.engine, "log_lines", die)
        with pytest.raises(fakes.Killed):
            collect(shared, actions)
    machine.engine.dies_at = None
    assert "docker-registry-maintenance" in machine.engine.containers
    shared.hook("update-status")
    assert "docker-registry-maintenance" not in machine.engine.containers
    assert machine.store.current() == before
    assert not bag(juju, "peer:1").get("read-only-until")


def run(charm, name):
    charm._new_process(JUJU_HOOK_NAME="")
    return basic.run_job(lambda: scheduled.run(name))


def test_a_schedule_is_a_timer(deployed, juju, machine):
    juju.change(config={"gc-schedule": "Sun 03:00"})
    deployed.hook("config-changed")
    texts = machine.timers.files
    timer = texts["/etc/systemd/system/juju-docker-registry-garbage-collect.timer"]
    assert "OnCalendar=Sun 03:00\n" in timer
    assert set(map(len, texts)) and len(texts) == 2
    juju.change(config={"gc-schedule": "soon"})
    deployed.hook("config-changed")
    assert juju.model["status"][1].startswith("gc-schedule: 'soon' is not a time in systemd's calendar syntax")
    assert machine.timers.files == texts
    juju.change(config={"gc-schedule": ""})
    deployed.hook("config-changed")
    assert machine.timers.files == {}


def test_a_scheduled_run_is_remembered(registry, deployed, juju, machine, actions):
    juju.change(config={"prune-schedule": "02:00", "prune-policy": "keep=1", "prune-protect": "*:old"})
    deployed.hook("config-changed")
    for tag, day in (("old", 1), ("1", 2), ("2", 3)):
        registry.image("app", tag, tag, created=f"2026-01-0{day}T00:00:00Z")
    assert run(deployed, "prune") == 0
    assert set(registry.tags["app"]) == {"old", "2"}
    assert machine.records.load("scheduled-prune")["error"] == ""
    machine.engine.garbage = []
    juju.change(config={"gc-schedule": "Sun 03:00"})
    deployed.hook("config-changed")
    assert run(deployed, "garbage-collect") == 1
    deployed.hook("update-status")
    assert " The scheduled garbage-collect of " in juju.model["status"][1]
    machine.records.save("scheduled-garbage-collect", {"time": 0, "interval": 3600, "error": ""})
    deployed.hook("update-status")
    assert "The scheduled garbage-collect has not run since 1970-01-01 00:00 UTC." in juju.model["status"][1]


def test_in_a_shared_store_the_leader_collects(shared, juju, machine, actions):
    juju.change(is_leader=False)
    assert run(shared, "garbage-collect") == 0
    juju.change(is_leader=True)
    assert run(shared, "garbage-collect") == 75
    said(juju, shared, **{"refuses-pushes": json.dumps({OURS: int(bag(juju, "peer:1")["read-only-until"])})})
    assert run(shared, "garbage-collect") == 0
    assert len(started(machine)) == 2
