"""What is in a registry, read from a server."""

import dataclasses

import pytest
from registry.client.concurrency import concurrently
from registry.client.content import Content
from registry.client.http import ApiError, Connection, Refusal
from registry_server import MemoryRegistry, MemoryRegistry3, serve


@pytest.fixture(params=[MemoryRegistry, MemoryRegistry3], ids=["2.8", "3.1"])
def registry(request):
    return request.param()


@pytest.fixture
def content(registry):
    server, url = serve(registry)
    yield lambda page=1000: Content(Connection(url), page)
    server.shutdown()
    server.server_close()


def test_lists_go_over_all_pages_and_have_nothing_twice(registry, content):
    names = [f"team/app{number:04}" for number in range(57)]
    for name in names:
        registry.image(name, "1")
    assert list(content(10).repositories()) == names
    for number in range(25):
        registry.image("many", f"v{number:02}")
    assert content(10).tags("many") == [f"v{number:02}" for number in range(25)]
    assert content().tags("missing") == []


def test_a_list_that_repeats_itself_ends(registry, content):
    page = 200, {"Link": '</v2/_catalog?n=1>; rel="next"'}, b'{"repositories": ["app"]}'
    registry.first = lambda *_: page
    assert list(content().repositories()) == ["app"]


def test_a_repository_is_read_with_all_that_its_tags_reach(registry, content):
    child, lost = registry.image("app", None, "child"), registry.image("app", None, "lost")
    index = registry.index("app", "1.0", amd64=child)
    inner = registry.index("app", "nested", amd64=index)
    repository = content().read("app")
    assert repository.tags == {"1.0": index["digest"], "nested": inner["digest"]}
    assert set(repository.manifests) == {child["digest"], index["digest"], inner["digest"]}
    assert set(content().read("app", [lost["digest"]]).untagged) == {lost["digest"]}


def test_a_damaged_manifest_is_left_out(registry, content):
    gone = registry.image("app", "1.0")
    registry.manifests["app"][gone["digest"]] = ("application/vnd.oci.image.manifest.v1+json", b"\0")
    assert content().read("app").tags == {}


def test_an_error_of_the_registry_is_said(registry, content):
    registry.image("app", "1.0")
    registry.first = lambda method, path, headers: (500, {}, b"{}") if "/manifests/" in path else None
    with pytest.raises(ApiError, match=r"GET /v2/app/manifests/1.0 returned 500 instead of 200"):
        content().read("app")
    registry.first = lambda *_: (200, {}, b"<html>")
    with pytest.raises(ApiError, match="it returned no list"):
        list(content().repositories())


def test_the_time_of_an_image(registry, content):
    registry.image("app", "1.0", created="2026-01-02T03:04:05Z")
    registry.image("app", "odd", created=7)
    found = content()
    repository = found.read("app")
    times = [found.created("app", repository.manifests[repository.tags[tag]]) for tag in ("1.0", "odd")]
    assert times == ["2026-01-02T03:04:05Z", ""]


def test_manifests_are_deleted(registry, content):
    image = registry.image("app", "1.0")
    assert content().delete("app", image["digest"])
    assert not content().delete("app", image["digest"])
    registry.image("app", "1.0")
    registry.deletes = False
    with pytest.raises(ApiError, match="returned 405 instead of 202"):
        content().delete("app", image["digest"])


@pytest.mark.parametrize("registry", [MemoryRegistry3], indirect=True, ids=["3.1"])
def test_registry_3_deletes_tags_and_has_a_limit_of_its_own_for_pages_of_them(registry, content):
    image = registry.image("app", "1.0")
    registry.image("app", "stable")
    for number in range(4):
        registry.image("many", str(number))
    registry.page, registry.max_tags = 5000, 1000
    assert content(5000).read("many").tags.keys() == {"0", "1", "2", "3"}
    assert (content().delete("app", "1.0"), content().delete("app", "1.0")) == (True, False)
    assert content().read("app").tags == {"stable": image["digest"]}
    content().delete("app", "stable")
    for registry.keeps_folders in (True, False):
        repository = content().read("app", [image["digest"]])
        assert (repository.tags, repository.untagged) == ({}, (image["digest"],))
    assert list(content().repositories()) == ["app", "many"]
    registry.deletes = False
    with pytest.raises(Refusal, match=r"returned 405 instead of 202 \(UNSUPPORTED: The operation is unsupported\.\)"):
        content().delete("app", "stable")


def test_results_keep_their_order_and_an_error_ends_the_rest():
    assert list(concurrently(lambda number: number * 2, range(100))) == [number * 2 for number in range(100)]
    with pytest.raises(ZeroDivisionError):
        list(concurrently(lambda number: 1 // number, [1, 0, 2]))


def test_a_blob_that_the_registry_lacks_is_said(content):
    with pytest.raises(ApiError, match="app has no blob sha256:0"):
        list(content().blob("app", "sha256:0"))


def test_a_configuration_of_any_size_is_read_to_a_limit(registry, content, monkeypatch):
    monkeypatch.setattr("registry.client.content.CONFIG_BYTES", 200)
    image = registry.image("app", "1", created="2026-01-02T03:04:05Z", large="x" * 200)
    found = content()
    manifest = found.read("app").manifests[image["digest"]]
    registry.requests.clear()
    assert found.created("app", manifest) == ""
    assert registry.requests == []
    lying = dataclasses.replace(manifest, config=dataclasses.replace(manifest.config, size=100))
    assert found.created("app", lying) == ""
    assert registry.requests == [("GET", f"/v2/app/blobs/{manifest.config.digest}")]
