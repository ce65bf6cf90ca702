"""Archives of images, made here as docker save and OCI tools make them."""

import bz2
import contextlib
import ctypes
import gzip
import hashlib
import io
import json
import lzma
import pathlib
import random
import tarfile

import pytest
from registry.client import archive, zstd


def tar(path, files):
    with tarfile.open(path, "w") as file:
        for name, data in files.items():
            header = tarfile.TarInfo(name)
            header.size = len(data)
            file.addfile(header, io.BytesIO(data))
    return path


def docker_save(path, *names):
    entries = [{"Config": "abc.json", "RepoTags": list(names) or None, "Layers": ["l/layer.tar"]}]
    return tar(path, {"manifest.json": json.dumps(entries).encode(), "abc.json": b"{}", "l/layer.tar": b""})


def oci(path, name=None, architectures=("amd64",), prefix=""):
    blobs = {}

    def add(data):
        digest = hashlib.sha256(data).hexdigest()
        blobs[f"{prefix}blobs/sha256/{digest}"] = data
        return {"digest": f"sha256:{digest}", "size": len(data)}

    manifests = []
    for architecture in architectures:
        manifest = {
            "config": add(f'{{"architecture": "{architecture}"}}'.encode()),
            "layers": [add(b"layer")],
        }
        manifests.append({**add(json.dumps(manifest).encode()), "platform": {"architecture": architecture}})
    top = manifests[0] if len(manifests) == 1 else add(json.dumps({"manifests": manifests}).encode())
    if name:
        top["annotations"] = {"org.opencontainers.image.ref.name": name}
    index = json.dumps({"manifests": [top]}).encode()
    return tar(path, {f"{prefix}index.json": index, f"{prefix}oci-layout": b"{}", **blobs})


def test_docker_save(tmp_path):
    found = archive.read(docker_save(tmp_path / "a.tar", "registry:2"), "amd64")
    assert found.names == ("registry:2",)
    assert found.name_of("docker.io/library/registry:2") == "registry:2"
    assert found.name_of("registry:3") is None
    with found.for_docker(tmp_path) as file:
        assert file.read() == (tmp_path / "a.tar").read_bytes()


def test_docker_save_of_an_image_without_a_name(tmp_path):
    assert archive.read(docker_save(tmp_path / "a.tar"), "amd64").names == ()


@pytest.mark.parametrize("prefix", ["", "./"])
def test_an_oci_archive_becomes_one_that_every_docker_loads(tmp_path, prefix):
    found = archive.read(oci(tmp_path / "a.tar", "registry:2", prefix=prefix), "amd64")
    assert found.names == ("registry:2",)
    with found.for_docker(tmp_path) as file, tarfile.open(fileobj=file) as loadable:
        (entry,) = json.load(loadable.extractfile("manifest.json"))
        names = {name.removeprefix("./") for name in loadable.getnames()}
        assert not names & {"index.json", "oci-layout"}, "containerd would take the names from there"
        assert {entry["Config"], *entry["Layers"]} <= names
        assert entry["RepoTags"] == ["registry:2"]
    assert [path.name for path in tmp_path.iterdir()] == ["a.tar"]


def test_an_oci_archive_of_several_architectures_gives_that_of_the_machine(tmp_path):
    path = oci(tmp_path / "a.tar", architectures=("amd64", "arm64"))
    for architecture in ("amd64", "arm64"):
        (entry,) = archive.read(path, architecture).entries
        with tarfile.open(path) as file:
            assert json.load(file.extractfile(entry["Config"])) == {"architecture": architecture}
    assert archive.read(path, "s390x").entries == ()


def index_of(path, *platforms, configuration=b"{}", missing=()):
    """An OCI archive of an index with these platforms, each with layers of its own; *missing* ones are left out."""
    blobs = {}

    def add(data):
        digest = hashlib.sha256(data).hexdigest()
        blobs[f"blobs/sha256/{digest}"] = data
        return {"digest": f"sha256:{digest}", "size": len(data)}

    inner = []
    for number, platform in enumerate(platforms):
        layers = [add(f"layer {number}".encode())]
        one = add(json.dumps({"config": add(configuration), "layers": layers}).encode())
        inner.append({**one, **platform})
        if number in missing:
            del blobs[f"blobs/sha256/{one['digest'].partition(':')[2]}"]
    index = {"manifests": [add(json.dumps({"manifests": inner}).encode())]}
    return tar(path, {"index.json": json.dumps(index).encode(), **blobs})


AMD64 = {"platform": {"architecture": "amd64", "os": "linux"}}


@pytest.mark.parametrize(
    ("platforms", "missing", "number"),
    [
        ([{"platform": {"architecture": "amd64", "os": "windows"}}, AMD64], (0,), 1),
        ([{"platform": {"architecture": "amd64", "os": "windows"}}, AMD64], (), 1),
        ([{"platform": None}], (), 0),
        ([{}], (), 0),
        ([{"platform": {}}, AMD64], (0,), 1),
        ([AMD64, {"platform": {"architecture": "amd64", "os": "linux", "variant": "v3"}}], (0,), 1),
        ([AMD64, {"platform": {"architecture": "unknown", "os": "unknown"}}], (1,), 0),
    ],
)
def test_the_image_of_an_index_that_linux_runs_and_that_is_there(tmp_path, platforms, missing, number):
    (entry,) = archive.read(index_of(tmp_path / "a.tar", *platforms, missing=missing), "amd64").entries
    assert entry["Layers"] == [f"blobs/sha256/{hashlib.sha256(f'layer {number}'.encode()).hexdigest()}"]


@pytest.mark.parametrize(
    ("configuration", "kind"),
    [
        (b'{"architecture": "arm64"}', "arm64"),
        (b'{"architecture": "arm64", "os": "linux"}', "arm64"),
        (b'{"architecture": "amd64", "os": "windows"}', "windows/amd64"),
        (b'{"architecture": 5}', "5"),
    ],
)
def test_an_image_for_another_machine_is_named_by_its_configuration(tmp_path, configuration, kind):
    found = archive.read(index_of(tmp_path / "a.tar", {}, configuration=configuration), "amd64")
    assert (found.entries, found.others) == ((), {"": kind})


def test_a_compressed_archive(tmp_path):
    path = tmp_path / "a.tar.gz"
    path.write_bytes(gzip.compress(oci(tmp_path / "a.tar", "registry:2").read_bytes()))
    found = archive.read(path, "amd64")
    with found.for_docker(tmp_path) as file, tarfile.open(fileobj=file) as loadable:
        assert "manifest.json" in loadable.getnames()


def compress_zstd(data):
    library = ctypes.CDLL(zstd.LIBRARY)
    out = ctypes.create_string_buffer(len(data) + 1000)
    size = library.ZSTD_compress(out, len(out), data, len(data), 3)
    return out.raw[:size]


def test_an_archive_compressed_with_zstd(tmp_path):
    whole = compress_zstd(oci(tmp_path / "a.tar", "registry:2").read_bytes() + bytes(300000))
    path = tmp_path / "a.tar.zst"
    path.write_bytes(whole)
    with archive.unpacked(path, tmp_path) as plain:
        assert archive.read(plain, "amd64").names == ("registry:2",)
    assert {left.name for left in tmp_path.iterdir()} == {"a.tar", "a.tar.zst"}
    for damaged in (whole[:-9], whole[:20] + b"xxxxxxxxxx" + whole[30:]):
        path.write_bytes(damaged)
        with pytest.raises(archive.BadArchive, match=r"compressed with zstd"), archive.unpacked(path, tmp_path):
            pass


@pytest.mark.parametrize("size", [0, 1, *(blocks * zstd.SIZE + more for blocks in (1, 5) for more in (-1, 0, 1))])
@pytest.mark.parametrize("frames", [1, 2])
def test_data_of_any_size_compressed_with_zstd(tmp_path, size, frames):
    for byte in (b"\0", b"xyz"):
        data = (byte * size)[:size]
        path = tmp_path / "a.zst"
        path.write_bytes(compress_zstd(data) * frames)
        zstd.decompress(path, tmp_path / "a")
        assert (tmp_path / "a").read_bytes() == data * frames


def test_an_archive_that_is_not_compressed_with_zstd_is_not_copied(tmp_path):
    path = oci(tmp_path / "a.tar")
    with archive.unpacked(path, tmp_path) as plain:
        assert plain == path


@pytest.mark.parametrize("make", [docker_save, oci])
def test_an_archive_for_another_architecture_says_for_which(tmp_path, make):
    if make is docker_save:
        entries = [{"Config": "abc.json", "RepoTags": ["registry:2"], "Layers": []}]
        files = {"manifest.json": json.dumps(entries).encode(), "abc.json": b'{"architecture": "arm64"}'}
        path = tar(tmp_path / "a.tar", files)
    else:
        path = oci(tmp_path / "a.tar", "registry:2", ("arm64",))
    found = archive.read(path, "amd64")
    assert (found.entries, found.others) == ((), {"registry:2": "arm64"})
    assert found.is_for_others("docker.io/library/registry:2")
    assert not found.is_for_others("registry:3")
    assert archive.read(path, "arm64").names == ("registry:2",)


@pytest.mark.parametrize(("architecture", "complete"), [("amd64", True), ("arm64", False)])
def test_an_index_of_which_a_platform_is_missing_is_read_as_far_as_it_goes(tmp_path, architecture, complete):
    path = oci(tmp_path / "a.tar", "registry:2", ("amd64", "arm64"))
    with tarfile.open(path) as file:
        files = {name: file.extractfile(name).read() for name in file.getnames()}
    (gone,) = (name for name, data in files.items() if data == b'{"architecture": "arm64"}')
    lost = next(name for name, data in files.items() if gone.rpartition("/")[2].encode() in data and name != gone)
    path = tar(tmp_path / "b.tar", {name: data for name, data in files.items() if name != lost})
    if complete:
        assert archive.read(path, architecture).names == ("registry:2",)
    else:
        with pytest.raises(archive.BadArchive, match=rf"^a part of the image is missing in it: {lost}$"):
            archive.read(path, architecture)


def test_an_image_whose_layer_is_elsewhere_is_a_sentence(tmp_path):
    entries = [{"Config": "abc.json", "RepoTags": None, "Layers": ["blobs/sha256/foreign"]}]
    path = tar(tmp_path / "a.tar", {"manifest.json": json.dumps(entries).encode(), "abc.json": b"{}"})
    with pytest.raises(archive.BadArchive, match=r"^a part of the image is missing in it: blobs/sha256/foreign$"):
        archive.read(path, "amd64")


@pytest.mark.parametrize(
    "data",
    [b"", b"not a tar", b"\x1f\x8bbroken", "empty.tar", "no-index.tar", "bad-json.tar", "no-blob.tar"],
)
def test_what_is_no_archive_is_a_sentence(tmp_path, data):
    path = tmp_path / "a.tar"
    if isinstance(data, bytes):
        path.write_bytes(data)
    else:
        tar(
            path,
            {
                "empty.tar": {},
                "no-index.tar": {"hello": b"x"},
                "bad-json.tar": {"manifest.json": b"{"},
                "no-blob.tar": {"index.json": b'{"manifests": [{"digest": "sha256:00"}]}'},
            }[data],
        )
    with pytest.raises(
        archive.BadArchive, match=r"it cannot be read|it contains neither|a part of the image is missing"
    ):
        archive.read(path, "amd64")


GOOD = {"Config": "abc.json", "RepoTags": ["registry:2"], "Layers": ["l/layer.tar"]}


@pytest.mark.parametrize(
    "manifest",
    [
        {"Config": "abc.json"},
        ["x"],
        None,
        [{**GOOD, "Config": 1}],
        [{**GOOD, "RepoTags": "registry:2"}],
        [{**GOOD, "RepoTags": [2]}],
        [{**GOOD, "Layers": None}],
        [{**GOOD, "Layers": [None]}],
        [{"RepoTags": ["registry:2"]}],
    ],
)
def test_a_manifest_of_another_shape_is_a_sentence(tmp_path, manifest):
    path = tar(tmp_path / "a.tar", {"manifest.json": json.dumps(manifest).encode()})
    with pytest.raises(archive.BadArchive, match=r"^it cannot be read: "):
        archive.read(path, "amd64")


@pytest.mark.parametrize("names", [["<none>:<none>", "registry:2"], ["registry:2", "UPPER:1"]])
def test_invalid_names_are_ignored(tmp_path, names):
    found = archive.read(docker_save(tmp_path / "a.tar", *names), "amd64")
    assert found.names == ("registry:2",)
    assert found.name_of("registry:2") == "registry:2"


def test_an_image_without_a_list_of_names_has_none(tmp_path):
    nameless = {"Config": "abc.json", "Layers": ["l/layer.tar"]}
    files = {"manifest.json": json.dumps([nameless]).encode(), "abc.json": b"{}", "l/layer.tar": b""}
    path = tar(tmp_path / "a.tar", files)
    assert archive.read(path, "amd64").names == ()


def test_an_oci_archive_with_an_invalid_name_has_none(tmp_path):
    found = archive.read(oci(tmp_path / "a.tar", "No Name"), "amd64")
    assert found.names == ()


LOOP = {"digest": "sha256:0", "platform": {"architecture": "amd64"}}


@pytest.mark.parametrize(
    "files",
    [
        {"index.json": {"manifests": [{"digest": 5}]}},
        {"index.json": {"manifests": 5}},
        {"index.json": []},
        {"index.json": {"manifests": [LOOP]}, "blobs/sha256/0": {"manifests": [LOOP]}},
        {"index.json": {"manifests": [LOOP]}, "blobs/sha256/0": {"manifests": [{**LOOP, "platform": None}]}},
        {"index.json": {"manifests": [LOOP]}, "blobs/sha256/0": "text"},
        {"index.json": {"manifests": [{**LOOP, "annotations": 7}]}, "blobs/sha256/0": {}},
    ],
)
def test_an_index_of_another_shape_is_a_sentence(tmp_path, files):
    path = tar(tmp_path / "a.tar", {name: json.dumps(value).encode() for name, value in files.items()})
    with pytest.raises(archive.BadArchive, match=r"it cannot be read"):
        archive.read(path, "amd64")


@pytest.mark.parametrize("make", [docker_save, oci])
@pytest.mark.parametrize("compress", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_no_damage_raises_anything_else(tmp_path, make, compress):
    """Bytes are changed and cut at random, the same at each run: what reads it says so, or hands out an archive."""
    chance = random.Random(7)
    whole = compress(make(tmp_path / "whole.tar", "registry:2").read_bytes())
    path = tmp_path / "a.tar"
    for _ in range(200):
        data = bytearray(whole)
        for _ in range(chance.randrange(1, 4)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        path.write_bytes(data[: chance.choice([len(data), chance.randrange(len(data))])])
        with contextlib.suppress(archive.BadArchive):
            found = archive.read(path, "amd64")
            found.name_of("registry:2")
            with found.for_docker(tmp_path) as file:
                file.read()
    assert {left.name for left in tmp_path.iterdir()} == {"a.tar", "whole.tar"}


def test_a_machine_without_room_for_the_copy_says_that_it_has_none(tmp_path):
    found = archive.read(oci(tmp_path / "a.tar", "registry:2"), "amd64")
    with pytest.raises(FileNotFoundError), found.for_docker(tmp_path / "nowhere"):
        pass


def test_a_truncated_archive_is_a_sentence(tmp_path):
    path: pathlib.Path = docker_save(tmp_path / "a.tar", "registry:2")
    path.write_bytes(path.read_bytes()[:600])
    with pytest.raises(archive.BadArchive):
        archive.read(path, "amd64")
