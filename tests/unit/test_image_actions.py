"""The actions on images in the registry, against a registry in memory."""

import json

import fakes
import pytest
import yaml
from registry_server import INDEX, MemoryRegistry3


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


def test_the_catalog_has_the_platforms_of_an_index_of_indexes(registry, catalog, machine):
    old, new = (registry.image("app", None, year, created=f"{year}-01-02T03:04:05Z") for year in ("2025", "2026"))
    attestation = {
        **registry.image("app", None, "attestation"),
        "platform": {"os": "unknown", "architecture": "unknown"},
    }
    inner = [registry.index("app", None, amd64=old), registry.index("app", None, amd64=old, arm64=new)]
    outer = registry.put("app", {"manifests": [inner[0], attestation, inner[1]]}, "1.0", INDEX)
    (repository,) = report(machine, catalog(untagged=False))
    (image,) = repository["images"]
    assert (image["digest"], image["platforms"]) == (outer["digest"], ["linux/amd64", "linux/arm64"])
    assert image["created"] == "2026-01-02T03:04:05Z"


@pytest.mark.parametrize("registry", [MemoryRegistry3], indirect=True, ids=["3.1"])
def test_registry_3_deletes_a_tag_of_an_image_that_others_have(registry, deployed, machine, delete, catalog):
    machine.engine.version = "v3.1.2"
    deployed.hook("upgrade-charm")
    image, other = registry.image("app", "1.0"), registry.image("web", "1.0", "web")
    registry.tags["app"]["stable"] = image["digest"]
    assert delete("app:1.0 web:*", dry_run=True)["tags"] == "2"
    done = delete("app:1.0 web:*")
    assert (done["tags"], done["manifests"]) == ("2", "1")
    assert registry.tags == {"app": {"stable": image["digest"]}, "web": {}}
    assert (set(registry.manifests["app"]), other["digest"] in registry.manifests["web"]) == ({image["digest"]}, False)
    for registry.keeps_folders in (True, False):
        assert catalog(output="names")["output"] == "app:stable\n"


@pytest.mark.parametrize(
    ("match", "output"), [("team/*", "team/app:1\nteam/app:2\n"), ("^other$", "other:1\n"), ("none", "")]
)
def test_the_catalog_can_be_limited(registry, catalog, match, output):
    for name in ("team/app:1", "team/app:2", "other:1"):
        registry.image(*name.split(":"), name)
    assert catalog(match=match, output="names")["output"] == output


def test_a_long_catalog_is_in_the_file(registry, catalog, machine):
    for number in range(120):
        registry.image("app", f"version-{number:0100}", str(number))
    results = catalog(output="names", untagged=False)
    assert len(results["output"]) < 10_000
    assert results["output"].endswith(f"... cut; all of it is in {results['report']}\n")
    assert machine.records.outputs["uuid.txt"].count("\n") == 120


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
    assert delete(f"app:1.0@{image['digest']}")["tags"] == "0"
    assert delete("app:1.0", all_tags=True)["tags"] == "2"
    assert registry.tags["app"] == {}


def test_what_is_tagged_while_images_are_deleted_stays(registry, delete):
    registry.image("app", "1.0", "one")
    image = registry.image("web", "1.0", "two")

    def push(method, path, headers):
        if method == "DELETE" and path.startswith("/v2/app/manifests/"):
            registry.tags["web"]["stable"] = image["digest"]

    registry.first = push
    assert delete("*:1.0")["pushed-meanwhile"] == "1"
    assert (set(registry.tags["app"]), set(registry.tags["web"])) == (set(), {"1.0", "stable"})


def test_a_long_report_begins_in_the_results(registry, delete, monkeypatch):
    monkeypatch.setattr("actions.results.PREVIEW", 200)
    for number in range(3):
        registry.image("app", f"1.{number}", str(number))
    lines = delete("app:*", dry_run=True)["output"].splitlines()
    assert [line[:7] for line in lines] == ["app:1.0", "app:1.1", "... cut"]


def test_the_time_of_creation_is_read_from_no_large_blob(registry, catalog, machine, monkeypatch):
    monkeypatch.setattr("registry.client.content.CONFIG_BYTES", 1000)
    large = registry.blob(b" " * 1000 + b'{"created": "2026-01-02T03:04:05Z"}')
    registry.put("app", {"config": {**large, "size": 3}, "layers": []}, "1.0")
    assert report(machine, catalog(untagged=False))[0]["images"][0]["created"] == ""


def test_nothing_is_deleted_where_lists_lack_images(registry, deployed, juju, machine, catalog, delete, prune, collect):
    registry.image("app", "1.0")
    juju.change(config={"storage-s3-bucket": "images", "storage-s3-region": "here"})
    deployed.hook("config-changed")
    assert "incomplete" not in catalog()
    machine.engine.version = "v3.1.1"
    deployed.hook("upgrade-charm")
    reason = "Registry 3.1.1 leaves images in S3 out of its lists. Set registry-image to version 3.1.2 or a newer one."
    assert catalog()["incomplete"] == reason
    assert [delete("app:1.0"), prune(keep=0), collect()] == [{"failure": reason}] * 3
    assert registry.tags["app"]


def read_configuration(machine, seen):
    """What adds the configuration of the registry on loopback to *seen*, at each request of a list."""

    def read(method, path, headers):
        if path.partition("?")[0].endswith(("/_catalog", "/tags/list")):
            seen.extend(path.read_text() for path in machine.store.loopback().folders.glob("*/config.yml"))

    return read


def test_a_registry_that_redirects_is_read_without(registry, deployed, juju, machine, catalog):
    store = {"storage-s3-bucket": "images", "storage-s3-region": "here", "storage-redirect-disable": False}
    juju.change(config=store)
    deployed.hook("config-changed")
    registry.image("app", "1.0")
    seen = []
    registry.first = read_configuration(machine, seen)
    assert catalog()["images"] == "1"
    assert machine.store.current().redirects
    assert [yaml.safe_load(text)["storage"]["redirect"] for text in seen] == [{"disable": True}] * 2


def test_a_cache_shows_what_it_has_and_fetches_nothing(registry, deployed, juju, machine, catalog, delete):
    machine.engine.upstreams.add("registry-1.docker.io")
    juju.change(config={"cache-remoteurl": "https://registry-1.docker.io"})
    deployed.hook("config-changed")
    registry.image("app", "1.0")
    seen = []
    registry.first = read_configuration(machine, seen)
    assert (catalog()["images"], delete("app:1.0")["tags"]) == ("1", "1")
    assert machine.store.current().upstream
    assert ["proxy" in yaml.safe_load(text) for text in seen] == [False] * 5


def test_before_the_registry_is_deployed_there_are_no_images(charm, actions):
    params = {"image": "app:1", "all-tags": False, "dry-run": True}
    assert charm.action("delete-image", actions, **params)["failure"].startswith(
        "There is no registry on this unit yet"
    )


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


def test_an_error_of_the_registry_fails_the_action(registry, catalog):
    registry.image("app", "1.0")
    registry.first = lambda method, path, headers: (502, {}, b"{}") if "/manifests/" in path else None
    assert catalog()["failure"].startswith("The registry failed: GET /v2/app/manifests/1.0 returned 502")


def test_a_damaged_image_hides_no_other_and_can_be_deleted(registry, catalog, delete, machine):
    bad, good = registry.image("app", "1.0", "bad"), registry.image("app", "2.0", "good")
    registry.manifests["app"][bad["digest"]] = ("", b"")
    machine.engine.garbage = ["failed to mark: unexpected end of JSON"]
    results = catalog()
    assert "app:2.0" in results["output"]
    assert "app:1.0 cannot be read" in results["output"]
    assert results["unreadable"].startswith("1 tags and manifests cannot be read. Find what is damaged")
    assert results["untagged"].startswith("garbage-collect failed: ")
    assert report(machine, results)[0]["unreadable"] == ["1.0"]
    assert delete("app:2.0")["failure"] == (
        "The registry cannot read an image: GET /v2/app/manifests/1.0 returned 500 instead of 200. "
        "Find what is damaged with the action verify."
    )
    results = delete(f"app@{bad['digest']}")
    assert results["output"] == f"app@{bad['digest']} is deleted\n"
    assert registry.tags["app"] == {"2.0": good["digest"]}


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


@pytest.mark.parametrize("what", ["blobs", "manifests", "another image"])
def test_what_is_lost_with_the_garbage_is_said(registry, collect, machine, what):
    for number in range(50):
        registry.image("app", f"1.{number}", "one")
    lose = {
        "blobs": registry.blobs.clear,
        "manifests": registry.manifests["app"].clear,
        "another image": lambda: registry.tags["app"].update({"1.0": registry.tags["app"]["1.9"]}),
    }[what]
    registry.image("app", "1.0", "zero")

    def first(method, path, headers):
        runs = [call for call in machine.engine.calls if call[:2] == ("create", "docker-registry-maintenance")]
        if len(runs) == 2:  # the first one only looks
            lose()
            machine.engine.calls.clear()
            registry.requests.clear()

    registry.first = first
    failure = "After garbage collection, app:1.0 cannot be read. Restore a backup of the images."
    assert collect() == {"failure": failure}
    assert len(registry.requests) < 10, "no other image is read again"


@pytest.mark.parametrize("wrong", [{}, {"storage-s3-bucket": "images"}])
def test_a_kill_leaves_a_registry_that_the_next_hook_makes_writable(
    registry, collect, deployed, juju, machine, monkeypatch, wrong
):
    before = machine.store.current()
    juju.change(config=wrong)

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
    assert juju.model["status"][0] == ("blocked" if wrong else "active")
    assert ("storage-s3-region: " in juju.model["status"][1]) == bool(wrong)


def test_nothing_is_written_while_a_collection_that_was_killed_still_deletes(
    registry, collect, delete, machine, monkeypatch
):
    registry.image("app", "1.0")

    def die(name):
        machine.engine.dies_at = len(machine.engine.writes())
        raise fakes.Killed

    monkeypatch.setattr(machine.engine, "log_lines", die)
    with pytest.raises(fakes.Killed):
        collect()
    machine.engine.dies_at = None
    assert "docker-registry-maintenance" in machine.engine.containers
    machine.engine.calls.clear()
    assert delete("app:1.0")["tags"] == "1"
    changes = [call[:2] for call in machine.engine.calls if call[0] in ("remove", "create")]
    ended, opened = ("remove", "docker-registry-maintenance"), ("create", "registry-loopback")
    assert changes.index(ended) < changes.index(opened)


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


def test_what_an_image_that_cannot_be_read_may_need_stays(registry, collect, prune, delete, machine):
    child = registry.image("app", "old", "amd64")
    index = registry.index("app", "1.0", amd64=child)
    kind, data = registry.manifests["app"][index["digest"]]
    registry.manifests["app"][index["digest"]] = kind, data.replace(b"amd64", b"amd65")
    for results in (prune(keep=0), delete("app:old"), delete(f"app@{child['digest']}"), delete("app:1.0")):
        assert (results["tags"], results["manifests"], results["skipped"]) == ("0", "0", "1")
        assert "app stays as it is: 1.0 cannot be read\n" in results["output"]
    del registry.tags["app"]["old"]
    prints(machine, registry)
    results = collect(untagged=True)
    assert results["manifests"] == "0"
    assert report(machine, results)["unreadable"] == {"app": ["1.0"]}
    assert child["digest"] in registry.manifests["app"]


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
    assert prune(keep=1e21, match="app")["tags"] == "0"
    assert set(registry.tags["app"]) == {"1.2", "1.3"}
    (tmp_path / "list.txt").write_text("app:1.3\n")
    assert prune(**{"not-in-list": str(tmp_path / "list.txt"), "except": "other:*"})["tags"] == "1"
    assert (set(registry.tags["app"]), set(registry.tags["other"])) == ({"1.3"}, {"1.0"})


def test_a_list_names_images_as_mirror_stores_them(registry, prune, tmp_path):
    for image in ("library/nginx:1.25", "library/nginx:latest", "docker.io/library/nginx:1.25", "nginx:1.25", "old:1"):
        registry.image(*image.split(":"), image)
    (tmp_path / "list.txt").write_text("nginx:1.25\nnginx\n")
    assert prune(**{"not-in-list": str(tmp_path / "list.txt")})["tags"] == "1"
    assert registry.tags["old"] == {}


def test_of_a_file_that_is_no_list_little_is_read(registry, prune, tmp_path, monkeypatch):
    monkeypatch.setattr("registry.images.lists.LIMIT", 100)
    (tmp_path / "long").write_bytes(bytes(5000))
    failure = prune(**{"not-in-list": str(tmp_path / "long")})["failure"]
    assert failure.endswith("larger than 100 bytes. Use the path of a smaller file.")


def test_images_that_were_mirrored_from_a_list_stay_as_long_as_it_has_them(registry, prune, tmp_path):
    kept = ("library/nginx", "index-5000/team/app", "team/app")
    for name in (*kept, "library/old"):
        registry.image(name, "1", name)
    (tmp_path / "list.txt").write_bytes("# all\r\nnginx:1\r\nindex:5000/team/app:1\r\n".encode("utf-16"))
    assert prune(**{"not-in-list": str(tmp_path / "list.txt")})["tags"] == "1"
    assert registry.tags == {**{name: {"1": registry.tags[name]["1"]} for name in kept}, "library/old": {}}


def test_artifacts_are_as_old_as_their_manifests_say(registry, prune):
    for number in range(1, 5):
        layer = registry.blob(str(number).encode())
        made = {"org.opencontainers.image.created": f"2026-01-0{number}T00:00:00Z"} if number < 4 else {}
        registry.put("chart", {"config": registry.blob({}), "layers": [layer], "annotations": made}, f"{number}")
    assert prune(keep=1)["tags"] == "2"
    assert set(registry.tags["chart"]) == {"3", "4"}  # nobody knows how old the last one is


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({}, "keep: no rule is given."),
        ({"keep": -2}, "keep: -2 images cannot be kept."),
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
