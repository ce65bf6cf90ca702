"""Copies of images between two servers."""

import pytest
from registry.client.answers import Rejected
from registry.client.content import Content
from registry.client.http import ApiError, Connection, Refusal
from registry.client.transfer import Copier, Damaged, Missing
from registry_server import MemoryRegistry, serve


@pytest.fixture
def registries():
    """Two registries in memory, and a copier from the first to the second; its pauses are noted."""
    both = MemoryRegistry(), MemoryRegistry()
    servers = [serve(registry) for registry in both]
    pauses = []
    copier = Copier(*(Content(Connection(url)) for _, url in servers), pauses.append)
    yield *both, copier, pauses
    for server, _ in servers:
        server.shutdown()
        server.server_close()


def test_an_image_is_copied_with_platforms_and_dependents(registries):
    source, target, copier, _ = registries
    children = {name: source.image("team/app", None, name * 1000) for name in ("amd64", "arm64")}
    index = source.index("team/app", "1.0", **children)
    tags = [f"sha256-{one['digest'].partition(':')[2]}" for one in (index, children["arm64"])]
    source.image("team/app", f"{tags[0]}.sig", "signature")
    source.image("team/app", tags[1], "bundle of a child")
    assert copier.copy("team/app", "1.0", "mirror/app", ["1.0", "stable"]) == index["digest"]
    assert target.manifests["mirror/app"] == source.manifests["team/app"]
    assert set(target.tags["mirror/app"]) == {"1.0", "stable", f"{tags[0]}.sig", tags[1]}
    assert target.blobs == source.blobs
    assert (copier.tally.images, copier.tally.skipped) == (2, 0)
    assert copier.tally.bytes == sum(map(len, source.blobs.values()))


def test_what_a_child_of_a_child_has_is_copied(registries):
    source, target, copier, _ = registries
    deep = source.image("app", None, "deep")
    inner = source.index("app", "inner", amd64=deep)
    index = source.index("app", "1.0", arm64=inner)
    tag = f"sha256-{deep['digest'].partition(':')[2]}.sig"
    source.image("app", tag, "signature")
    copier.copy("app", "1.0", "app", ["1.0"])
    assert target.tags["app"] == {"1.0": index["digest"], tag: source.tags["app"][tag]}


def test_an_image_that_the_target_cannot_take_is_not_tried_again_and_says_why(registries):
    source, target, copier, pauses = registries
    gone = source.image("app", None, "gone")
    source.index("app", "partial", amd64=source.image("app", None, "here"), arm64=gone)
    del source.manifests["app"][gone["digest"]]
    foreign = {"digest": f"sha256:{'0a' * 32}", "size": 1, "mediaType": "application/x", "urls": ["https://a.example"]}
    source.put("app", {"config": source.blob({}), "layers": [foreign]}, "foreign")
    source.put("app", {"mediaType": "application/vnd.docker.distribution.manifest.v1+json", "fsLayers": []}, "old")
    refusal = b'{"errors": [{"code": "MANIFEST_INVALID", "message": "manifest invalid"}]}'

    def strict(method, path, headers):
        images = path.partition("/manifests/")[2] in (source.tags["app"]["partial"], source.tags["app"]["foreign"])
        return (400, {}, refusal) if method == "PUT" and images else None

    target.first = strict
    for tag, reason in (
        ("partial", r"instead of 201 \(MANIFEST_INVALID: manifest invalid\); .* does not have all of it: linux/arm64"),
        ("foreign", "the option validation-urls-allow must allow its foreign layers"),
        ("old", "schema 1"),
    ):
        with pytest.raises(Damaged, match=reason):
            copier.copy("app", tag, "app", [tag])
    assert pauses == []


def test_what_is_there_is_not_copied_again(registries):
    source, target, copier, _ = registries
    source.image("app", "1.0", "layer")
    copier.copy("app", "1.0", "app", ["1.0"])
    target.requests.clear()
    copier.copy("app", "1.0", "app", ["1.0"])
    assert copier.tally.skipped == 1
    assert {method for method, _ in target.requests} == {"HEAD"}
    target.tags["app"].clear()
    copier.copy("app", "1.0", "app", ["1.0"])
    assert copier.tally.images == 2


def test_an_image_without_a_tag_and_an_index_without_all_platforms(registries):
    source, target, copier, _ = registries
    child = source.image("app", None, "amd64")
    gone = source.image("app", None, "arm64")
    index = source.index("app", "1.0", amd64=child, arm64=gone)
    del source.manifests["app"][gone["digest"]]
    assert copier.copy("app", index["digest"], "app", ()) == index["digest"]
    assert set(target.manifests["app"]) == {index["digest"], child["digest"]}
    assert target.tags["app"] == {}


def test_a_request_that_fails_is_repeated(registries):
    source, target, copier, pauses = registries
    source.image("app", "1.0", "layer")
    errors = [500, 503]
    target.first = lambda method, *_: (errors.pop(0), {}, b"") if method == "POST" and errors else None
    copier.copy("app", "1.0", "app", ["1.0"])
    assert target.tags["app"]
    assert len(pauses) == 2


def test_an_image_that_does_not_exist_and_a_target_that_refuses(registries):
    source, target, copier, pauses = registries
    with pytest.raises(Missing, match=r"app has no 1\.0"):
        copier.copy("app", "1.0", "app", ["1.0"])
    assert pauses == []
    source.image("app", "1.0", "layer")
    target.first = lambda method, *_: (405, {}, b"") if method == "POST" else (404, {}, b"")
    with pytest.raises(Refusal, match="returned 405"):
        copier.copy("app", "1.0", "app", ["1.0"])
    assert pauses == []


def test_what_a_registry_refuses_is_not_requested_again_but_what_it_cannot_do_now_is(registries):
    source, target, copier, pauses = registries
    source.image("app", "1.0", "layer")
    for method, place, status, kind, waits in (
        ("PUT", "/manifests/", 413, Rejected, 0),
        ("PUT", "/manifests/", 403, Refusal, 0),
        ("PUT", "/manifests/", 408, ApiError, 3),
        ("PUT", "/manifests/", 429, ApiError, 3),
        ("POST", "/blobs/", 400, Rejected, 0),
        ("PUT", "/blobs/uploads/", 404, ApiError, 3),  # the upload was lost
        ("PUT", "/blobs/uploads/", 500, ApiError, 3),
    ):

        def strict(sent, path, headers, method=method, place=place, status=status):
            return (status, {}, b"") if sent == method and place in path else None

        pauses.clear()
        target.blobs.clear()
        target.first = strict
        with pytest.raises(ApiError) as caught:
            copier.copy("app", "1.0", "app", ["1.0"])
        assert type(caught.value) is kind, (method, place, status)
        assert len(pauses) in (waits, 2 * waits)  # two blobs are copied at once
