"""What belongs together in a repository, and what a removal would do."""

import json

import pytest
from registry.images import listing, manifest
from registry.images.inventory import Repository, removal, subject_of
from registry.images.manifest import BadManifest, Manifest
from registry_server import MemoryRegistry


def read(server, name="app"):
    """Return the repository as the charm reads it, with untagged manifests."""
    parsed = {digest: manifest.parse(data, kind, digest) for digest, (kind, data) in server.manifests[name].items()}
    return Repository(name, server.tags[name], parsed)


def short(digest):
    return digest.partition(":")[2]


def dependent(server, subject, suffix, text):
    """Put a signature, an attestation or an SBOM as cosign does; return its tag and descriptor."""
    tag = f"sha256-{short(subject['digest'])}{suffix}"
    return tag, server.image("app", tag, text)


@pytest.fixture
def server():
    return MemoryRegistry()


@pytest.mark.parametrize(
    ("tag", "is_dependent"),
    [
        (f"sha256-{'0a' * 32}", True),
        (f"sha256-{'0a' * 32}.sig", True),
        (f"sha256-{'0a' * 32}.att", True),
        (f"sha256-{'0a' * 32}.sbom", True),
        (f"sha512-{'0a' * 64}", True),
        (f"sha256-{'0a' * 32}.other", False),
        (f"sha256-{'0A' * 32}", False),
        (f"sha256-{'0a' * 31}", False),
        (f"v-sha256-{'0a' * 32}", False),
        ("latest", False),
    ],
)
def test_tags_of_dependents(tag, is_dependent):
    assert (subject_of(tag) is not None) == is_dependent


def test_an_image_goes_with_all_that_belongs_to_it(server):
    child = server.image("app", None, "amd64")
    index = server.index("app", "1.0", amd64=child, arm64=server.image("app", None, "arm64"))
    other = server.image("app", "2.0", "other")
    signature, _ = dependent(server, index, ".sig", "signature")
    bundle, _ = dependent(server, child, "", "of a child")
    referrer = server.image("app", None, "by subject", subject=index)
    kept, _ = dependent(server, other, ".sig", "of the other")
    repository = read(server)
    assert set(repository.images) == {"1.0", "2.0"}
    gone = removal(repository, ["1.0"])
    assert set(gone.tags) == {"1.0", signature, bundle}
    assert kept not in gone.tags
    assert referrer["digest"] in gone.digests
    assert gone.digests.index(index["digest"]) < gone.digests.index(child["digest"])
    assert other["digest"] not in gone.digests


def test_what_another_tag_still_needs_stays(server):
    child = server.image("app", "amd64-only", "amd64")
    index = server.index("app", "1.0", amd64=child)
    server.tags["app"]["stable"] = index["digest"]
    repository = read(server)
    one_tag = removal(repository, ["1.0"])
    assert one_tag.tags == ("1.0",)
    assert one_tag.digests == ()
    assert one_tag.shared == {index["digest"]: ("stable",)}
    whole = removal(repository, [], [index["digest"]])
    assert set(whole.tags) == {"1.0", "stable"}
    assert whole.digests == (index["digest"],)
    child_only = removal(repository, ["amd64-only"])
    assert child_only.digests == ()
    assert child_only.shared == {child["digest"]: ("1.0", "stable")}


def test_untagged_manifests_stay_unless_they_are_selected(server):
    lost = server.image("app", None, "lost")
    server.image("app", "1.0", "found")
    repository = read(server)
    assert repository.untagged == (lost["digest"],)
    assert lost["digest"] not in removal(repository, ["1.0"]).digests
    assert removal(repository, [], [lost["digest"]]).digests == (lost["digest"],)


def test_bytes_are_counted_once(server):
    server.image("app", "1.0", "shared", "one" * 100)
    server.image("app", "2.0", "shared", "two" * 100)
    repository = read(server)
    freed = removal(repository, ["1.0"]).freed
    assert sum(repository.blobs(repository.manifests).values()) < 2 * sum(
        repository.blobs([repository.tags["1.0"]]).values()
    )
    assert 300 in freed.values()
    assert len("shared") not in freed.values()


def test_dependents_of_an_image_that_is_elsewhere_stay(server):
    orphan = f"sha256-{'0a' * 32}.sig"
    server.image("app", orphan, "signature")
    server.image("app", "1.0", "signature")
    repository = read(server)
    assert repository.orphans == (orphan,)
    assert removal(repository, ["1.0"]).digests == ()


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"[]",
        b"null",
        b"7",
        b"{",
        b'{"manifests": 7}',
        b'{"manifests": [{"digest": "sha256:0a", "size": 1}]}',
        b'{"layers": [{"digest": "sha256:%s"}]}' % (b"0a" * 32),
        b'{"layers": [{"digest": "sha256:%s", "size": -1}]}' % (b"0a" * 32),
        b'{"config": {"digest": "../../etc/passwd", "size": 1}}',
        b'{"subject": {"digest": 7}}',
        b"[" * 100000,
    ],
)
def test_a_document_that_is_no_manifest(document):
    with pytest.raises(BadManifest):
        manifest.parse(document, manifest.OCI_MANIFEST, "sha256:0a")


def test_shapes_of_manifests():
    digest = f"sha256:{'0a' * 32}"
    layer = {"digest": digest, "size": 7, "mediaType": "application/vnd.oci.image.layer.nondistributable.v1.tar"}
    foreign = manifest.parse(json.dumps({"layers": [layer]}).encode(), manifest.OCI_MANIFEST, digest)
    assert foreign.blobs == ()
    old = {"fsLayers": [{"blobSum": digest}, {"blobSum": digest}]}
    assert [one.digest for one in manifest.parse(json.dumps(old).encode(), manifest.SCHEMA_1, digest).blobs] == [digest]
    named = manifest.parse(b"{}", f"{manifest.DOCKER_MANIFEST}; charset=utf-8", digest)
    assert named.media_type == manifest.DOCKER_MANIFEST


def test_a_removal_looks_at_each_tag_a_few_times_however_many_there_are(monkeypatch):
    digests = [f"sha256:{number:064x}" for number in range(300)]
    tags = {f"{kind}-{number}": digest for kind in ("build", "sha") for number, digest in enumerate(digests)}
    repository = Repository("app", tags, {digest: Manifest(digest, "", 1) for digest in digests})
    calls, closure = [], Repository.closure

    def counted(self, some):
        calls.append(some)
        return closure(self, some)

    monkeypatch.setattr(Repository, "closure", counted)
    found = removal(repository, [tag for tag in tags if tag.startswith("build")])
    assert found.shared == {digest: (f"sha-{number}",) for number, digest in enumerate(digests)}
    assert len(calls) < 2 * len(tags)


def test_a_size_is_said_in_the_largest_unit_of_which_it_has_one():
    sizes = {0: "0 B", 999: "999 B", 1000: "1.0 kB", 1_500_000: "1.5 MB", 10**12: "1.0 TB", 2 * 10**15: "2000.0 TB"}
    assert {size: listing.human(size) for size in sizes} == sizes
