"""Archives of images, into a registry and out of one."""

import ctypes
import gzip
import json
import lzma
import pathlib
import re
import tarfile

import pytest
from layouts import BASE, CONTAINERD, MANIFEST, REF, Layout, docker_save, dump, sha, tar
from registry.client import layout_reader, layout_writer, space, zstd
from registry.client.archive import BadArchive
from registry.client.content import Content
from registry.client.http import ApiError, Connection
from registry.client.layout_reader import LayoutReader
from registry.client.transfer import Copier, Damaged
from registry.client.unloading import Unloading
from registry.images.manifest import BadManifest
from registry_server import MemoryRegistry, serve


@pytest.fixture
def registry():
    return MemoryRegistry()


@pytest.fixture
def content(registry):
    server, url = serve(registry)
    yield Content(Connection(url))
    server.shutdown()
    server.server_close()


def unload(path, content):
    """Copy all images of an archive; return them, and the platforms that were left out."""
    with space.plain(path) as plain:
        reader = LayoutReader(plain)
        unloading = Unloading(reader, content, sleep=lambda _: None)
        return reader.images, [unloading.copy(image, image.repository)[1] for image in reader.images]


def docker_25(path):
    layout = Layout()
    one = layout.image("one")
    for tag in ("1.0", "latest"):
        layout.name(one, **{CONTAINERD: f"docker.io/team/app:{tag}", REF: tag})
    layout.files["manifest.json"] = dump([{"Config": "x", "RepoTags": ["team/app:1.0"], "Layers": []}])
    return layout.write(path)


def containerd_store(path):
    layout = Layout()
    gone, attestation = layout.image("arm64"), layout.image("attestation")
    index = layout.index(amd64=layout.image("amd64"), arm64=gone, unknown=attestation)
    layout.drop(gone)
    layout.name(index, **{CONTAINERD: "docker.io/team/app:1.0", REF: "1.0"})
    return layout.write(path)


def hauler(path):
    layout = Layout()
    names = {CONTAINERD: "index.docker.io/team/app:1.0", REF: "team/app:1.0"}
    layout.name(layout.index(amd64=layout.image("one")), **names, kind="dev.cosignproject.cosign/imageIndex")
    layout.name(layout.image("signature"), **names, kind="dev.cosignproject.cosign/sigs")
    layout.name(layout.image("sbom"), **names, kind="dev.hauler/sboms")
    return layout.write(path)


def named(key, name, prefix=""):
    def make(path):
        layout = Layout()
        layout.name(layout.image("one"), **{key: name})
        return layout.write(path, prefix)

    return make


def hard_links(path):
    """What GNU tar makes of a folder in which two names are one file."""
    layout = Layout()
    layout.name(layout.image("one"), **{REF: "team/app:1.0"})
    layer = f"blobs/sha256/{sha(b'one')}"
    layout.files["first"] = layout.files.pop(layer)
    with tarfile.open(layout.write(path), "a") as file:
        for kind, name, target in ((tarfile.DIRTYPE, "blobs", ""), (tarfile.LNKTYPE, layer, "./first")):
            header = tarfile.TarInfo(name)
            header.type, header.linkname = kind, target
            file.addfile(header)
    return path


def two_images(path):
    return docker_save(path, (["team/app:1.0", "other:2"], [b"base", b"one"]), (["team/web:1.0"], [b"base", b"two"]))


def k3s(path):
    return docker_save(path, (["docker.io/rancher/pause:3.6"], [gzip.compress(b"layer")]))


def zstandard(data, window=0):
    """As the program zstd does; *window* is the logarithm of its option --long."""
    library = ctypes.CDLL(zstd.LIBRARY)
    library.ZSTD_createCCtx.restype = ctypes.c_void_p
    context = ctypes.c_void_p(library.ZSTD_createCCtx())
    library.ZSTD_CCtx_setParameter(context, 101, window)  # ZSTD_c_windowLog; 0 is the default
    out = ctypes.create_string_buffer(len(data) + 1000)
    size = library.ZSTD_compress2(context, out, ctypes.c_size_t(len(out)), data, ctypes.c_size_t(len(data)))
    library.ZSTD_freeCCtx(context)
    return out.raw[:size]


def compressed(make, compress):
    def run(path):
        plain = make(path.with_name("plain.tar"))
        path.write_bytes(compress(plain.read_bytes()))
        plain.unlink()
        return path

    return run


SHAPES = {
    "docker save": (two_images, {"team/app": {"1.0"}, "other": {"2"}, "team/web": {"1.0"}}),
    "docker save, Docker 25": (docker_25, {"team/app": {"1.0", "latest"}}),
    "docker save, containerd's store": (containerd_store, {"team/app": {"1.0"}}),
    "k3s": (compressed(k3s, lambda data: zstandard(data, 25)), {"rancher/pause": {"3.6"}}),
    "hauler": (compressed(hauler, zstandard), {"team/app": {"1.0", "dependents"}}),
    "zarf": (named(REF, "ghcr.io/team/app:1.0@sha256:" + 64 * "0"), {"team/app": {"1.0"}}),
    "crane": (named(BASE, "registry.example.com:5000/team/app"), {"team/app": {"latest"}}),
    "tar of a folder": (compressed(named(REF, "team/app:1.0", "./"), gzip.compress), {"team/app": {"1.0"}}),
    "zarf's package": (named(REF, "ghcr.io/team/app:1.0", "images/"), {"team/app": {"1.0"}}),
    "tar of a folder with hard links": (hard_links, {"team/app": {"1.0"}}),
    "xz": (compressed(named(REF, "team/app:1.0"), lzma.compress), {"team/app": {"1.0"}}),
}


def test_archives_of_all_tools_are_read(registry, content, tmp_path):
    for shape, (make, expected) in SHAPES.items():
        registry.tags.clear()
        registry.manifests.clear()
        registry.blobs.clear()
        _, absent = unload(make(tmp_path / "a.tar"), content)
        tags = {
            name: {"dependents" if one.startswith("sha256-") else one for one in tags}
            for name, tags in registry.tags.items()
        }
        assert tags == expected, shape
        for name, manifests in registry.manifests.items():
            for kind, data in manifests.values():
                document = json.loads(data)
                assert kind == document["mediaType"]
                assert {child["digest"] for child in document.get("manifests", ())} <= set(registry.manifests[name])
                assert {one["digest"] for one in document.get("layers", ())} <= set(registry.blobs)
        assert any(absent) == (shape == "docker save, containerd's store"), shape
        assert [path.name for path in tmp_path.iterdir()] == ["a.tar"]
    assert absent == [()]


def test_a_registry_that_comes_back_meanwhile_takes_each_image_once(registry, content, tmp_path):
    seen, answer = set(), registry.answer

    def flaky(method, path, *rest):  # each request fails once
        known = (method, path) in seen
        seen.add((method, path))
        return answer(method, path, *rest) if known else (503, {}, b"")

    registry.answer = flaky
    with space.plain(docker_25(tmp_path / "archive.tar")) as plain:
        reader = LayoutReader(plain)
        unloading = Unloading(reader, content, sleep=lambda _: None)
        assert [unloading.has(image, image.repository) for image in reader.images] == [False, False]
        for image in reader.images:
            unloading.copy(image, image.repository)
        assert [unloading.has(image, image.repository) for image in reader.images] == [True, True]
    with pytest.raises(ApiError, match="HEAD /v2/other/blobs/sha256:0 returned 503 instead of 200 or 404"):
        content.has_blob("other", "sha256:0")


def test_signatures_of_a_haul_have_the_tags_that_clients_ask_for(registry, content, tmp_path):
    unload(hauler(tmp_path / "a.tar"), content)
    digest = registry.tags["team/app"]["1.0"].replace(":", "-")
    assert set(registry.tags["team/app"]) == {"1.0", f"{digest}.sig", f"{digest}.sbom"}


def test_what_docker_saves_always_has_the_same_digest(tmp_path):
    digests = {
        LayoutReader(docker_save(tmp_path / "a.tar", (["app:1"], [b"layer"]), files=more)).images[0].digest
        for more in ({}, {"repositories": b"{}"})
    }
    assert digests == {"sha256:8d135f62ec282e0bd12921fcf9a28f935572b9eb8cab8a3f846b570fc0c9a512"}


def test_an_index_of_which_all_is_missing_is_said(content, tmp_path):
    layout = Layout()
    child = layout.image("one")
    layout.name(layout.index(amd64=child), **{REF: "app:1"})
    layout.drop(child)
    with pytest.raises(Damaged, match="contains no platform of sha256:"):
        unload(layout.write(tmp_path / "a.tar"), content)


def changed(files, **more):
    def make(path):
        return tar(path, {**files, **{name.replace("__", "/"): data for name, data in more.items()}})

    return make


def damaged_layer(path):
    whole = docker_save(path, (["app:1"], [b"a layer"]))
    path.write_bytes(whole.read_bytes().replace(b"a layer", b"A layer"))
    return path


def sparse(path):
    with tarfile.open(path, "w") as file:
        header = tarfile.TarInfo("blobs/sha256/0")
        header.type = tarfile.GNUTYPE_SPARSE
        file.addfile(header)
    return path


def long_name(path):
    with tarfile.open(path, "w") as file:
        header = tarfile.TarInfo("x")
        header.type, header.size = tarfile.GNUTYPE_LONGNAME, 1 << 31
        file.addfile(header)
    with path.open("r+b") as file:
        file.truncate(1 << 32)
    return path


def huge(path):
    tar(path, {"index.json": b"{}"})
    header = tarfile.TarInfo("index.json")
    header.size = layout_reader.INDEX_BYTES + 1
    with path.open("r+b") as file:
        file.write(header.tobuf())
        file.truncate(layout_reader.INDEX_BYTES + 10240)
    return path


def written(data):
    def make(path):
        path.write_bytes(data)
        return path

    return make


SAVED = {"Config": "../../etc/passwd", "RepoTags": ["app:1"], "Layers": ["l"]}
DAMAGE = {
    "nothing": (written(b""), "it cannot be read"),
    "text": (written(b"no archive" * 1000), "it cannot be read"),
    "cut gzip": (written(gzip.compress(bytes(10000))[:30]), "it cannot be read"),
    "cut zstd": (written(b"\x28\xb5\x2f\xfd1234"), "it cannot be read"),
    "another archive": (changed({"hello": b""}), "it contains neither"),
    "no JSON": (changed({"index.json": b"{"}), "it cannot be read"),
    "deep JSON": (changed({"index.json": b"[" * 100_000}), "it cannot be read"),
    "another shape": (changed({"index.json": b"[]"}), "it cannot be read"),
    "no digest": (changed({"index.json": dump({"manifests": [{"digest": "../x"}]})}), "it cannot be read"),
    "huge index": (huge, r"index\.json has 33554433 bytes"),
    "long name": (long_name, "the name of a file in it is too long"),
    "sparse": (sparse, "is a sparse file"),
    "a path outside": (changed({"manifest.json": dump([SAVED])}), "is missing in it: ../../etc/passwd"),
    "a link outside": (
        changed({"manifest.json": dump([{**SAVED, "Config": "c"}]), "c": "../../../etc/passwd", "l": b""}),
        "is missing in it: c",
    ),
    "a link to itself": (changed({"index.json": "index.json"}), "it contains neither"),
    "a damaged layer": (damaged_layer, r"layer\.tar is damaged"),
    "two layouts": (changed({"a/oci-layout": b"", "b/oci-layout": b""}), "it contains 2 OCI layouts"),
}


def test_what_is_no_archive_is_a_sentence(content, tmp_path):
    for name, (make, reason) in DAMAGE.items():
        path = make(tmp_path / "a.tar")
        with pytest.raises(BadArchive) as caught:
            unload(path, content)
        assert re.search(reason, str(caught.value)), name
        assert [path.name for path in tmp_path.iterdir()] == ["a.tar"]


def test_an_archive_beyond_a_limit_is_a_sentence(content, tmp_path, monkeypatch):
    path = docker_save(tmp_path / "a.tar", (["app:1"], [b"a layer"]))
    monkeypatch.setattr(layout_reader, "DOCUMENT_BYTES", 50)
    with pytest.raises(BadArchive, match=r"[0-9a-f]{64}\.json has \d+ bytes"):
        unload(path, content)
    monkeypatch.setattr(layout_reader, "FILES", 2)
    with pytest.raises(BadArchive, match="it has more than 2 files"):
        unload(path, content)


def test_an_archive_that_is_cut_while_it_is_read_is_said(tmp_path):
    layout = Layout()
    descriptor = layout.image("a layer")
    layout.name(descriptor, **{REF: "app:1"})
    path = layout.write(tmp_path / "a.tar")
    reader = LayoutReader(path)
    with path.open("r+b") as file:
        file.truncate(path.read_bytes().index(b"a layer") + 3)
    with pytest.raises(Damaged, match=f"the archive ends within sha256:{sha(b'a layer')}"):
        list(reader.blob("app", f"sha256:{sha(b'a layer')}"))


def test_images_without_a_name_and_signatures_of_none_are_images_without_a_name(tmp_path):
    layout = Layout()
    layout.name(layout.image("one"))
    layout.name(layout.image("two"), **{REF: "1.0"})
    layout.name(layout.image("signature"), kind="dev.cosignproject.cosign/sigs", **{REF: "team/app:1.0"})
    images = LayoutReader(layout.write(tmp_path / "a.tar")).images
    assert [(image.repository, image.tag) for image in images] == [("", ""), ("", ""), ("team/app", "1.0")]


def test_an_image_whose_manifest_is_missing_is_said(content, tmp_path):
    layout = Layout()
    descriptor = layout.image("one")
    layout.name(descriptor, **{REF: "app:1"})
    layout.drop(descriptor)
    with pytest.raises(Damaged, match=f"the archive does not contain {descriptor['digest']}"):
        unload(layout.write(tmp_path / "a.tar"), content)


def test_a_blob_that_is_missing_or_has_another_digest_is_never_stored(registry, content, tmp_path):
    layout = Layout()
    layout.name(layout.image("one"), **{REF: "app:1"})
    layer = f"blobs/sha256/{sha(b'one')}"
    for data, reason in (
        (b"One", "is damaged in the archive"),
        (b"longer", "is damaged in the archive"),
        (None, "does not contain"),
    ):
        files = {**layout.files, "index.json": dump({"manifests": layout.entries}), layer: data}
        path = tar(tmp_path / "a.tar", {name: data for name, data in files.items() if data is not None})
        with pytest.raises(ApiError, match=reason):
            unload(path, content)
        assert registry.tags == {}
    wrong = {"mediaType": "", "digest": f"sha256:{sha(b'one')}", "size": 4}
    document = layout.blob(dump({"mediaType": MANIFEST, "config": layout.blob(b"{}"), "layers": [wrong]}), MANIFEST)
    layout.entries, entries = [], layout.entries
    layout.name(document, **{REF: "app:1"})
    with pytest.raises(ApiError, match="another size"):
        unload(layout.write(tmp_path / "a.tar"), content)
    layout.entries = entries
    layout.drop(wrong)
    path = layout.write(tmp_path / "a.tar")
    # What the archive lacks may have come with an earlier one.
    registry.blob(b"one")
    unload(path, content)
    assert set(registry.tags["app"]) == {"1"}


def test_a_damaged_manifest_is_said(content, tmp_path):
    for data in (b"{}", b"[]", b"[" * 100_000, bytes(layout_reader.DOCUMENT_BYTES + 1)):
        layout = Layout()
        layout.name(layout.blob(data), **{REF: "app:1"})
        layout.files[f"blobs/sha256/{sha(data)}"] = data[:1] + b" " + data[1:] if data == b"{}" else data
        with pytest.raises((Damaged, BadManifest)):
            unload(layout.write(tmp_path / "a.tar"), content)


@pytest.mark.parametrize("ending", [".tar", ".tar.gz", ".tar.zst"])
def test_a_round_trip_keeps_every_digest(registry, content, tmp_path, ending):
    children = {name: registry.image("team/app", None, name * 1000) for name in ("amd64", "arm64")}
    index = registry.index("team/app", "1.0", **children)
    signature = registry.image("team/app", f"{index['digest'].replace(':', '-')}.sig", "signature")
    registry.image("team/app", f"{signature['digest'].replace(':', '-')}.att", "about the signature")
    registry.image("team/app", children["arm64"]["digest"].replace(":", "-"), "bundle", subject=children["arm64"])
    registry.image("other", "1", "arm64" * 1000)
    before = registry.tags.copy(), registry.manifests.copy(), registry.blobs.copy()
    path = tmp_path / f"a{ending}"
    with layout_writer.written(path, frozenset()) as writer:
        copier = Copier(content, writer)
        for name, tag in (("team/app", "1.0"), ("other", "1")):
            copier.copy(name, tag, name, [tag])
    registry.tags, registry.manifests, registry.blobs = {}, {}, {}
    images, absent = unload(path, content)
    assert (registry.tags, registry.manifests, registry.blobs) == before
    assert [image.name for image in images if not image.is_dependent] == ["team/app:1.0", "other:1"]
    assert not any(absent)
    assert (path.stat().st_mode & 0o777, len(list(tmp_path.iterdir()))) == (0o600, 2)


def test_only_what_is_new_is_written(registry, content, tmp_path):
    def write(name, known, *images):
        with layout_writer.written(tmp_path / name, known) as writer:
            copier = Copier(content, writer)
            for repository, tag in images:
                copier.copy(repository, tag, repository, [tag])
        with tarfile.open(tmp_path / name) as file:
            blobs = {name for name in file.getnames() if name.startswith("blobs/")}
        return copier.tally, blobs, layout_writer.read_list(tmp_path / f"{name}.list")

    registry.image("app", "1", "base", "one")
    _, _, first = write("first.tar", frozenset(), ("app", "1"))
    image = registry.image("app", "2", "base", "two")
    config = json.loads(registry.manifests["app"][image["digest"]][1])["config"]["digest"]
    tally, blobs, second = write("second.tar", first, ("app", "1"), ("app", "2"))
    assert (tally.images, tally.skipped) == (1, 1)
    assert blobs == {f"blobs/sha256/{one}" for one in (image["digest"][7:], sha(b"two"))} | (
        set() if any(line.endswith(config) for line in first) else {f"blobs/sha256/{config[7:]}"}
    )
    assert first < second
    # Another repository has nothing of it.
    registry.image("web", "1", "base")
    _, blobs, _ = write("third.tar", second, ("web", "1"))
    assert f"blobs/sha256/{sha(b'base')}" in blobs


def test_a_blob_that_ends_early_leaves_an_archive_that_can_be_read(registry, content, tmp_path, monkeypatch):
    registry.image("app", "1", "damaged")
    registry.image("app", "2", "whole")
    registry.image("app", "3", "changed")
    registry.blobs[f"sha256:{sha(b'damaged')}"] = b"short"
    registry.blobs[f"sha256:{sha(b'changed')}"] = b"CHANGED"
    with layout_writer.written(tmp_path / "a.tar", frozenset()) as writer:
        copier = Copier(content, writer, lambda _: None)
        with pytest.raises(ApiError, match="ends early"):
            copier.copy("app", "1", "app", ["1"])
        with pytest.raises(ApiError, match=f"{sha(b'changed')} is damaged"):
            copier.copy("app", "3", "app", ["3"])
        copier.copy("app", "2", "app", ["2"])
    assert [image.name for image in LayoutReader(tmp_path / "a.tar").images] == ["app:2"]


def test_a_full_disk_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(space, "RESERVE", 1 << 60)
    monkeypatch.setattr(
        space.os, "fstatvfs", lambda _: space.os.statvfs_result((4096, 4096, 1000, 10, 10, 0, 0, 0, 0, 255))
    )
    with pytest.raises(space.NoSpace, match="is nearly full"), layout_writer.written(tmp_path / "a.tar", frozenset()):
        pass
    path = compressed(named(REF, "app:1"), zstandard)(tmp_path / "b.tar.zst")
    with pytest.raises(space.NoSpace), space.plain(path):
        pass
    assert list(tmp_path.iterdir()) == [path]
    path.with_suffix(".txt").write_text("sha256:0\n")
    for other in (path.with_suffix(".txt"), tmp_path, "/dev/zero"):
        with pytest.raises(layout_writer.BadList):
            layout_writer.read_list(pathlib.Path(other))
