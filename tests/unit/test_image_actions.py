"""The actions on images in the registry, against a registry in memory."""

import json

import fakes
import pytest
from registry_server import MemoryRegistry, serve


@pytest.fixture
def registry(deployed, machine):
    memory = MemoryRegistry()
    server, machine.registry_url = serve(memory)
    yield memory
    server.shutdown()
    server.server_close()


@pytest.fixture
def catalog(deployed, actions):
    return lambda **params: deployed.action(
        "catalog", actions, **{"match": "", "output": "table", "untagged": True, **params}
    )


@pytest.fixture
def delete(deployed, actions):
    def run(image, *, all_tags=False, dry_run=False):
        return deployed.action("delete-image", actions, image=image, **{"all-tags": all_tags, "dry-run": dry_run})

    return run


def report(machine, results):
    return json.loads(machine.records.outputs[results["report-json"].rpartition("/")[2]])


def test_the_catalog_has_images_with_their_dependents(registry, catalog, machine):
    child = registry.image("team/app", None, "amd64")
    index = registry.index("team/app", "1.0", amd64=child)
    tag = f"sha256-{index['digest'].partition(':')[2]}.sig"
    registry.image("team/app", tag, "signature")
    lost = registry.image("team/app", None, "lost")
    machine.engine.garbage.insert(0, f"team/app: marking manifest {lost['digest']} ")
    results = catalog()
    assert (results["repositories"], results["images"]) == ("1", "2")
    assert "team/app:1.0" in results["output"]
    (repository,) = report(machine, results)
    image = next(one for one in repository["images"] if one["tags"])
    assert image["platforms"] == ["linux/amd64"]
    assert image["created"] == "2026-01-02T03:04:05Z"
    assert image["dependents"] == [tag]
    assert [one["digest"] for one in repository["images"] if not one["tags"]] == [lost["digest"]]


@pytest.mark.parametrize(
    ("match", "output"), [("team/*", "team/app:1\nteam/app:2\n"), ("^other$", "other:1\n"), ("none", "")]
)
def test_the_catalog_can_be_limited(registry, catalog, match, output):
    for name in ("team/app:1", "team/app:2", "other:1"):
        registry.image(*name.split(":"), name)
    assert catalog(match=match, output="names")["output"] == output


def test_a_long_catalog_is_in_the_file(registry, catalog, machine):
    for number in range(600):
        registry.image("app", f"version-{number:04}", str(number))
    results = catalog(output="names", untagged=False)
    assert len(results["output"]) < 10_000
    assert results["output"].endswith(f"... cut; all of it is in {results['report']}\n")
    assert machine.records.outputs["uuid.txt"].count("\n") == 600


def test_what_would_be_deleted_is_shown_first(registry, delete):
    registry.image("app", "1.0", "one" * 1000)
    results = delete("app:1.*", dry_run=True)
    assert results["dry-run"] == "true"
    assert results["tags"] == "1"
    assert "app:1.0 sha256:" in results["output"]
    assert "1.0" in registry.tags["app"]


def test_an_image_is_deleted_with_its_dependents(registry, delete, machine):
    one, two = registry.image("app", "1.0", "one"), registry.image("app", "2.0", "two")
    for image in (one, two):
        registry.image("app", f"sha256-{image['digest'].partition(':')[2]}.sig", image["digest"])
    assert delete("app:1.0")["manifests"] == "2"
    assert set(registry.tags["app"]) == {"2.0", f"sha256-{two['digest'].partition(':')[2]}.sig"}
    assert machine.store.current().accepts_deletes is False
    assert "registry-loopback" not in machine.engine.containers


def test_2_8_does_not_delete_one_tag_of_several(registry, delete, machine):
    image = registry.image("app", "1.0", "one")
    registry.tags["app"]["stable"] = image["digest"]
    results = delete("app:1.0")
    assert (results["tags"], results["manifests"]) == ("0", "0")
    assert "app:1.0 stays: stable also refer to it" in results["output"]
    assert report(machine, results)[0]["stays"] == {"1.0": ["stable"]}
    assert delete("app:1.0", all_tags=True)["tags"] == "2"
    assert registry.tags["app"] == {}


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        ("", "image: no image is named."),
        ("app", "image: 'app' names no tag."),
        ("app:9", "image: no image in the registry matches."),
    ],
)
def test_a_selection_of_nothing_fails(registry, delete, image, reason):
    registry.image("app", "1.0")
    assert delete(image)["failure"].startswith(reason)


def test_a_registry_that_is_stopped_has_no_catalog(registry, deployed, catalog, actions):
    deployed.action("stop", actions, name="", remove=False)
    assert catalog()["failure"] == "The registry is stopped. Run the action start first."


def test_an_error_of_the_registry_fails_the_action(registry, catalog, monkeypatch):
    registry.image("app", "1.0")
    monkeypatch.setattr(registry, "_manifest", lambda *_: (500, {}, b"{}"))
    assert catalog()["failure"].startswith("The registry failed: GET /v2/app/manifests/1.0 returned 500")


@pytest.fixture
def collect(deployed, actions):
    def run(*, untagged=False, dry_run=False):
        return deployed.action("garbage-collect", actions, **{"untagged": untagged, "dry-run": dry_run})

    return run


def prints(machine, registry, *unused):
    """Have garbage-collect print what it does for the content of *registry*."""
    marked = [
        f"{name}: marking manifest {digest} " for name, manifests in registry.manifests.items() for digest in manifests
    ]
    lines = [f"blob eligible for deletion: {digest}" for digest in unused]
    machine.engine.garbage = [
        *marked,
        f"9 blobs marked, {len(unused)} blobs and 0 manifests eligible for deletion",
        *lines,
    ]


def test_garbage_is_collected_while_nobody_can_push(registry, collect, machine):
    image = registry.image("app", "1.0", "one")
    before, machine.folders.sizes = machine.store.current(), [3_000_000, 1_000_000]
    prints(machine, registry, f"sha256:{'0a' * 32}")
    assert collect(dry_run=True)["blobs"] == "1"
    assert machine.store.current() == before
    machine.engine.calls.clear()
    results = collect()
    assert (results["blobs"], results["freed"]) == ("1", "2.0 MB")
    (run,) = [call for call in machine.engine.calls if call[:2] == ("start", "docker-registry-maintenance")][1:]
    assert run and machine.store.current() == before
    assert image["digest"] in registry.manifests["app"]
    assert set(machine.engine.containers) == {"registry"}


def test_a_kill_leaves_a_registry_that_the_next_hook_makes_writable(registry, collect, deployed, machine, monkeypatch):
    before = machine.store.current()

    def die(name):
        machine.engine.dies_at = len(machine.engine.writes())
        raise fakes.Killed

    monkeypatch.setattr(machine.engine, "log_lines", die)
    with pytest.raises(fakes.Killed):
        collect()
    machine.engine.dies_at = None
    assert machine.store.current().is_read_only
    deployed.hook("update-status")
    assert machine.store.current() == before


def test_nothing_is_deleted_that_an_image_needs(registry, collect, machine):
    image = registry.image("app", "1.0", "one")
    prints(machine, registry, image["digest"])
    assert collect()["failure"].startswith(
        "garbage-collect of this registry would delete 1 blobs that images with tags"
    )
    assert not machine.store.current().is_read_only


def test_images_without_a_tag_go_if_requested(registry, collect, machine):
    lost, kept = registry.image("app", None, "lost"), registry.image("app", "1.0", "kept")
    prints(machine, registry)
    assert collect()["manifests"] == "0"
    assert lost["digest"] in registry.manifests["app"]
    assert collect(untagged=True)["manifests"] == "1"
    assert set(registry.manifests["app"]) == {kept["digest"]}


def test_a_run_that_fails_or_stops_halfway_is_said(registry, collect, machine):
    machine.engine.garbage = ["app: marking manifest sha256:00"]
    assert collect()["failure"].startswith("garbage-collect failed: ")
    assert not machine.store.current().is_read_only


@pytest.fixture
def prune(deployed, actions):
    defaults = {"keep": -1, "older-than": "", "not-in-list": "", "match": "", "except": "", "dry-run": False}
    return lambda **params: deployed.action("prune", actions, **{**defaults, **params})


def test_old_images_are_pruned_with_what_belongs_to_them(registry, prune, tmp_path):
    old = [registry.image("app", f"1.{day}", created=f"2026-01-0{day}T00:00:00Z") for day in (1, 2, 3)]
    signature = f"sha256-{old[0]['digest'].partition(':')[2]}.sig"
    registry.image("app", signature, "signature")
    registry.image("other", "1.0", created="2026-01-01T00:00:00Z")
    assert prune(keep=1, match="app", **{"dry-run": True})["tags"] == "3"
    assert set(registry.tags["app"]) == {"1.1", "1.2", "1.3", signature}
    assert prune(keep=2, match="app")["tags"] == "2"
    assert set(registry.tags["app"]) == {"1.2", "1.3"}
    (tmp_path / "list.txt").write_text("app:1.3\n")
    assert prune(**{"not-in-list": str(tmp_path / "list.txt"), "except": "other:*"})["tags"] == "1"
    assert (set(registry.tags["app"]), set(registry.tags["other"])) == ({"1.3"}, {"1.0"})


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({}, "keep: no rule is given."),
        ({"older-than": "soon"}, "older-than: 'soon' is not an age."),
        ({"keep": 1, "except": "app"}, "except: 'app' names no tag."),
        ({"keep": 1, "match": "^("}, "match: '^(' is not a regular expression"),
        ({"not-in-list": "/nowhere"}, "not-in-list: /nowhere cannot be read (No such file or directory)"),
    ],
)
def test_rules_that_cannot_be_followed(registry, prune, params, reason):
    registry.image("app", "1.0")
    assert prune(**params)["failure"].startswith(reason)
    assert registry.tags["app"]
