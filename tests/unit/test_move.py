"""The actions move and check-storage, against registries in memory."""

import functools
import json

import pytest
from registry.client.transfer import Copier
from registry_server import MemoryRegistry, serve

S3 = "storage-s3-bucket=images storage-s3-region=eu-west-1"


@pytest.fixture
def registries(deployed, machine, monkeypatch):
    """The unit's registry, and one with another storage."""
    both = MemoryRegistry(), MemoryRegistry()
    servers, (machine.registry_url, machine.target_url) = zip(*map(serve, both), strict=True)
    monkeypatch.setattr("registry.client.transfer.ATTEMPTS", 1)
    yield both
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def move(deployed, actions):
    defaults = {"to": "s3", "options": S3, "untagged": False, "dry-run": False}
    return lambda **params: deployed.action("move", actions, **{**defaults, **params})


def counts(results):
    return {name: int(results[name]) for name in ("images", "copied", "skipped", "failed", "left")}


def test_all_images_are_copied_and_what_is_new_the_next_time(registries, move, machine):
    source, target = registries
    children = {name: source.image("team/app", None, name) for name in ("amd64", "arm64")}
    index = source.index("team/app", "1.0", **children)
    source.image("team/app", f"sha256-{index['digest'].partition(':')[2]}.sig", "signature")
    lost, web = source.image("team/app", None, "lost"), source.image("web", "1.0", "web")
    before = machine.store.current()
    machine.engine.garbage[:0] = [
        f"{name}: marking manifest {digest} " for name, manifests in source.manifests.items() for digest in manifests
    ]
    shown = {"images": 4, "copied": 0, "skipped": 0, "failed": 0, "left": 4}
    assert counts(move(untagged=True, **{"dry-run": True})) == shown
    assert target.tags == {}
    results = move(untagged=True)
    assert counts(results) == {"images": 4, "copied": 4, "skipped": 0, "failed": 0, "left": 0}
    assert (target.tags, target.manifests, target.blobs) == (source.tags, source.manifests, source.blobs)
    assert int(results["bytes"]) == sum(map(len, source.blobs.values()))
    assert lost["digest"] in target.manifests["team/app"]
    (body,) = {call[1] for call in machine.engine.calls if call[0] == "create" and "move" in call[1]}
    assert body == "registry-move-loopback"
    assert (machine.store.current(), set(machine.engine.containers)) == (before, {"registry"})

    source.image("web", "1.0", "newer")
    target.tags["web"]["0.9"] = web["digest"]
    results = move()
    assert counts(results) == {"images": 3, "copied": 1, "skipped": 2, "failed": 0, "left": 0}
    assert "web:0.9 is in the new storage only\n" in results["output"]
    assert target.tags["web"]["1.0"] == source.tags["web"]["1.0"]


def test_an_image_that_is_damaged_keeps_no_other_from_being_copied(registries, move, machine):
    source, target = registries
    source.image("app", "1.0", "one")
    source.image("app", "2.0", "two")
    del source.blobs[source.blob(b"one")["digest"]]
    source.image("app", "3.0", "three")
    results = move()
    assert counts(results) == {"images": 3, "copied": 2, "skipped": 0, "failed": 1, "left": 1}
    report = json.loads(machine.records.outputs[results["report-json"].rpartition("/")[2]])
    assert list(report["failed"]) == report["left"] == ["app:1.0"]
    assert set(target.tags["app"]) == {"2.0", "3.0"}


def test_lists_that_fail_once_are_requested_again(registries, move, monkeypatch):
    monkeypatch.setattr("registry.client.transfer.ATTEMPTS", 2)
    monkeypatch.setattr("actions.move.Copier", functools.partial(Copier, sleep=lambda _: None))
    seen = [set(), set()]
    for registry, failed in zip(registries, seen, strict=True):

        def fail(method, path, headers, failed=failed):
            is_list = "/tags/list" in path or "/_catalog" in path
            if not is_list or path in failed:
                return None
            failed.add(path)
            return 500, {}, b"{}"

        registry.first = fail
    for name in ("app", "web"):
        registries[0].image(name, "1.0", name)
    assert counts(move()) == {"images": 2, "copied": 2, "skipped": 0, "failed": 0, "left": 0}
    assert list(map(len, seen)) == [3, 2]


def test_a_registry_that_is_gone_ends_it_where_nothing_is_copied_too(registries, move):
    registries[0].image("app", "1.0", "one")
    registries[0].first = lambda _, path, __: None if path.startswith("/v2/_") or "/tags/" in path else (503, {}, b"{}")
    assert move(**{"dry-run": True})["failure"].startswith("The registry failed: GET /v2/ returned 503")


def test_targets_that_cannot_be(registries, move, deployed, actions):
    for params, reason in (
        ({"options": ""}, "options: they name no s3 store."),
        ({"options": "'"}, "options: it cannot be split into words (No closing quotation)."),
        ({"options": "registry-port=1"}, "options: 'registry-port' is not an option of an object store."),
        ({"options": f"{S3} storage-s3-secretkey=hush"}, "options: storage-s3-secretkey is shown to everybody here."),
        ({"options": f"{S3} storage-s3-secure=no"}, "options: storage-s3-secure cannot be 'no'. Use true or false."),
        ({"options": f"{S3} storage-s3-chunksize=9"}, "options (storage-s3-chunksize): "),
        ({"options": f"{S3} storage-s3-chunksize={'9' * 5000}"}, "options: storage-s3-chunksize cannot be '9999"),
        ({"options": f"{S3} storage-s3-bucket=b"}, "options: storage-s3-bucket is set 2 times. Set it once."),
        ({"to": "swift", "options": S3}, "options: they name no swift store."),
        ({"to": "disk", "options": ""}, "The images are there already."),
    ):
        assert move(**params)["failure"].startswith(reason), params


def test_the_storage_is_tried_rule_by_rule(registries, deployed, actions, machine, juju, monkeypatch):
    registry, _ = registries
    monkeypatch.setattr("registry.client.trial.PART", 1 << 20)
    monkeypatch.setattr("registry.client.trial.TAGS", 30)
    results = deployed.action("check-storage", actions, lists=True)
    assert results["rules"] == "6"
    assert results["output"].count(": works\n") == 6
    assert (registry.blobs, registry.manifests["docker-registry-charm/check"]) == ({}, {})
    assert set(machine.engine.containers) == {"registry"}

    def faulty(method, path, headers):
        if path.endswith("tags/list?n=1000"):
            return 200, {}, b'{"tags": ["check-1"]}'
        if "/blobs/uploads/" in path and method == "PUT":
            registry.upload = b""
            return 500, {}, b"{}"
        return None

    registry.first = faulty
    failure = deployed.action("check-storage", actions, lists=True)["failure"]
    assert failure.startswith("The storage breaks what the registry needs: move (PUT /v2/docker-registry-charm/check/")
    assert "; delete (" not in failure
    assert registry.requests[-1][0] == "DELETE"  # of the upload
    assert set(machine.engine.containers) == {"registry"}

    registry.first = lambda *_: None
    machine.engine.garbage = []
    failure = deployed.action("check-storage", actions, lists=False)["failure"]
    assert failure.startswith("The storage breaks what the registry needs: delete (garbage-collect failed: ")
    assert juju.model["results"]["rules"] == "5"


def test_what_registry_2_cannot_do_is_no_fault_of_the_store(registries, deployed, actions, juju, monkeypatch):
    monkeypatch.setattr("registry.client.trial.PART", 1 << 20)
    juju.change(config=dict(word.split("=") for word in S3.split()))
    deployed.hook("config-changed")
    results = deployed.action("check-storage", actions, lists=False)
    assert (
        "zero-size object: not tried: registry 2.8 cannot store an empty blob in an object store" in results["output"]
    )
    assert results["output"].count(": works\n") == 4
