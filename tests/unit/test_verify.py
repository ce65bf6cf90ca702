"""The action verify, against a registry in memory whose content is damaged, and another one that has it whole."""

import copy
import json

import pytest
from registry_server import MemoryRegistry, serve


@pytest.fixture
def registries(deployed, machine, monkeypatch):
    """The unit's registry, and the URL of another one."""
    both = MemoryRegistry(), MemoryRegistry()
    (server, machine.registry_url), (other, url) = map(serve, both)
    machine.stored = both[0]
    monkeypatch.setattr("registry.deployment.verification.PAUSE", 0)
    monkeypatch.setattr("registry.client.transfer.ATTEMPTS", 1)
    yield *both, url
    for one in (server, other):
        one.shutdown()
        one.server_close()


@pytest.fixture
def verify(deployed, machine, actions):
    defaults = {"match": "", "untagged": False, "repair-from": "", "credentials": "", "ca": "", "plain-http": ""}

    def run(**params):
        results = deployed.action("verify", actions, **{**defaults, **params})
        if "failure" in results:
            return results, []
        return results, json.loads(machine.records.outputs[results["report-json"].rpartition("/")[2]])

    return run


def as_stored(source, target):
    """Give *target* the content of *source*."""
    for name in ("tags", "manifests", "blobs"):
        setattr(target, name, copy.deepcopy(getattr(source, name)))


def filled(registry):
    """Put images that share layers into *registry*; return digests of their parts by name."""
    children = {name: registry.image("app", None, name * 100, "shared") for name in ("amd64", "arm64")}
    registry.index("app", "1.0", **children)
    registry.image("app", "2.0", "shared", "two")
    registry.image("web", "1.0", "shared", "web")
    layers = {name: registry.blob(name.encode())["digest"] for name in ("shared", "two", "web")}
    layers |= {name: registry.blob(name.encode() * 100)["digest"] for name in ("amd64", "arm64")}
    return layers | {"child": children["arm64"]["digest"], "tag 2.0": registry.tags["app"]["2.0"]}


def test_what_is_whole_is_read_once(registries, verify, machine):
    registry, *_ = registries
    filled(registry)
    results, damages = verify()
    assert (results["manifests"], results["blobs"], results["damaged"]) == ("5", "6", "0")
    assert results["bytes"] == str(sum(map(len, registry.blobs.values())))
    assert damages == []
    assert set(machine.engine.containers) == {"registry"}


def test_damage_is_found_with_the_images_that_it_hurts_and_repaired(registries, verify, machine):
    registry, other, url = registries
    parts = filled(registry)
    as_stored(registry, other)
    registry.blobs[parts["shared"]] = b""
    registry.blobs[parts["amd64"]] = registry.blobs[parts["amd64"]][:50]
    registry.blobs[parts["two"]] = b"owt"
    del registry.blobs[parts["web"]]
    del registry.manifests["app"][parts["child"]]
    kind, data = registry.manifests["app"][parts["tag 2.0"]]
    registry.manifests["app"][parts["tag 2.0"]] = kind, data.replace(b"size", b"Size")
    registry.tags["web"]["latest"] = ""
    other.tags["web"]["latest"] = other.tags["web"]["1.0"]

    results, damages = verify()
    found = {(one["repository"], one["kind"], one["name"]): (one["state"], one["images"]) for one in damages}
    assert found == {
        ("app", "manifest", parts["tag 2.0"]): ("corrupt", ["2.0"]),
        ("app", "manifest", parts["child"]): ("missing", ["1.0"]),
        ("app", "blob", parts["shared"]): ("empty", ["1.0"]),
        ("app", "blob", parts["amd64"]): ("truncated", ["1.0"]),
        ("web", "blob", parts["shared"]): ("empty", ["1.0"]),
        ("web", "blob", parts["web"]): ("missing", ["1.0"]),
        ("web", "tag", "latest"): ("unreadable", ["latest"]),
    }
    assert f"app: blob {parts['amd64']} is truncated, needed by 1.0\n" in results["output"]
    assert registry.blobs[parts["shared"]] == b""  # nothing was changed

    before = machine.store.current()
    results, damages = verify(**{"repair-from": url})
    assert results["damaged"] == results["repaired"] == "7"  # that of 2.0 shows only once 2.0 can be read
    assert parts["two"] in {one["name"] for one in damages}
    assert (registry.tags, registry.blobs) == (other.tags, other.blobs)
    assert registry.manifests == other.manifests
    assert machine.store.current() == before
    assert verify()[0]["damaged"] == "0"


def test_what_the_other_registry_does_not_have_stays_damaged(registries, verify):
    registry, _, url = registries
    parts = filled(registry)
    del registry.blobs[parts["web"]]
    registry.blobs[parts["two"]] = b""
    results, damages = verify(**{"repair-from": url})
    assert (results["damaged"], results["repaired"]) == ("2", "0")
    assert {one["reason"] for one in damages} == {
        f"app has no blob {parts['two']}",
        f"web has no blob {parts['web']}",
    }
    assert "not repaired: " in results["output"]


def test_what_is_deleted_meanwhile_is_no_damage(registries, verify):
    registry, *_ = registries
    registry.image("app", "1.0")

    def delete(method, path, headers):
        if "/manifests/" in path:
            registry.tags["app"].clear()

    registry.first = delete
    assert verify()[0]["damaged"] == "0"


def test_a_manifest_of_an_unknown_form_is_not_replaced(registries, verify):
    registry, other, url = registries
    kept = registry.put("app", {"layers": "none"}, "1.0")
    as_stored(registry, other)
    results, (damage,) = verify(**{"repair-from": url})
    assert (results["damaged"], results["repaired"], damage["state"]) == ("1", "0", "unreadable")
    assert damage["reason"] == damage["error"] == f"{kept['digest']} is not a manifest"
    assert sum(path.endswith("1.0") for _, path in registry.requests) < 5, "it was not read again and again"


def test_what_cannot_be_verified(registries, verify):
    for params, reason in (
        ({"match": "^("}, "match: '^(' is not a regular expression"),
        ({"repair-from": "http://"}, "repair-from: 'http:' has no"),
        ({"repair-from": "https://other.example", "credentials": "me:secret"}, "credentials: the value is not the URI"),
    ):
        assert verify(**params)[0]["failure"].startswith(reason)


def test_images_without_a_tag_that_cannot_be_found_are_said(registries, verify, machine):
    registry, *_ = registries
    image = registry.image("app", None, "lost")
    machine.engine.garbage.insert(0, f"app: marking manifest {image['digest']} ")
    assert verify(untagged=True)[0]["manifests"] == "1"
    machine.engine.garbage = []
    results, _ = verify(untagged=True)
    assert results["manifests"] == "0"
    assert results["untagged"].startswith("garbage-collect failed: ")


def test_a_registry_that_is_gone_is_no_damage(registries, verify):
    registry, *_ = registries
    registry.image("app", "1.0")
    registry.first = lambda *_: (503, {}, b"{}")
    assert verify()[0]["failure"].startswith("The registry failed: ")
