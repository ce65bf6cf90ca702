"""Images put together from parts: their layers, archives and indexes, whole."""

import concurrent.futures
import gzip
import hashlib
import io
import json
import subprocess
import tarfile
import time

import image_files
import images
import pytest

IMAGE = image_files.Image(
    layers=(
        image_files.layer({"bin/tool": image_files.Entry(b"tool", 0o755), "bin/sh": image_files.Entry(target="tool")}),
        image_files.layer({"tmp": image_files.Entry(mode=0o1777)}),
    ),
    config={"Cmd": ["/bin/tool"]},
    architecture="amd64",
    created="2023-05-13T15:21:12Z",
)


def read(path_or_bytes):
    stream = io.BytesIO(path_or_bytes) if isinstance(path_or_bytes, bytes) else path_or_bytes.open("rb")
    with stream, tarfile.open(fileobj=stream) as archive:
        return {
            member.name: (member, (archive.extractfile(member) if member.isfile() else io.BytesIO()).read())
            for member in archive
        }


def test_a_layer_has_its_folders_its_modes_and_no_times():
    members = {name: member for name, (member, _) in read(IMAGE.layers[0]).items()}
    assert {name: (member.type, member.mode, member.mtime) for name, member in members.items()} == {
        "bin": (tarfile.DIRTYPE, 0o755, 0),
        "bin/sh": (tarfile.SYMTYPE, 0o777, 0),
        "bin/tool": (tarfile.REGTYPE, 0o755, 0),
    }
    assert members["bin/sh"].linkname == "tool"
    assert read(IMAGE.layers[1])["tmp"][0].mode == 0o1777


def test_the_order_of_entries_makes_no_difference():
    entries = {"b": image_files.Entry(b"2"), "a/c": image_files.Entry(b"1")}
    assert image_files.layer(entries) == image_files.layer(dict(reversed(entries.items())))


def test_the_id_is_the_hash_of_the_configuration_and_names_the_layers():
    assert image_files.Image(**vars(IMAGE)).id() == f"sha256:{hashlib.sha256(IMAGE.configuration()).hexdigest()}"
    configuration = json.loads(IMAGE.configuration())
    assert configuration["config"] == {"Cmd": ["/bin/tool"]}
    digests = [f"sha256:{hashlib.sha256(layer).hexdigest()}" for layer in IMAGE.layers]
    assert configuration["rootfs"] == {"type": "layers", "diff_ids": digests}


def test_an_archive_has_the_configuration_the_layers_and_the_tag(tmp_path):
    image_files.save(IMAGE, tmp_path / "image.tar", "registry:2")
    contents = {name: content for name, (_, content) in read(tmp_path / "image.tar").items()}
    (entry,) = json.loads(contents["manifest.json"])
    assert entry["RepoTags"] == ["registry:2"]
    assert contents[entry["Config"]] == IMAGE.configuration()
    assert tuple(contents[layer] for layer in entry["Layers"]) == IMAGE.layers


def test_an_index_has_a_manifest_for_each_architecture(tmp_path):
    def blob(descriptor):
        content = (tmp_path / "blobs" / descriptor["digest"].replace(":", "/")).read_bytes()
        assert descriptor["digest"] == f"sha256:{hashlib.sha256(content).hexdigest()}"
        assert descriptor["size"] == len(content)
        return content

    digest = image_files.index(tmp_path, IMAGE, "multi")
    (named,) = json.loads((tmp_path / "index.json").read_text())["manifests"]
    assert named["digest"] == digest
    assert named["annotations"] == {"org.opencontainers.image.ref.name": "multi"}
    manifests = json.loads(blob(named))["manifests"]
    assert [manifest["platform"]["architecture"] for manifest in manifests] == ["amd64", "arm64"]
    for described in manifests:
        manifest = json.loads(blob(described))
        assert json.loads(blob(manifest["config"]))["architecture"] == described["platform"]["architecture"]
        assert tuple(gzip.decompress(blob(layer)) for layer in manifest["layers"]) == IMAGE.layers


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (["/etc/docker/registry/config.yml"], "registry serve /etc/docker/registry/config.yml"),
        (["other.yaml"], "registry serve other.yaml"),
        (["--version"], "registry --version"),
        (["garbage-collect", "--dry-run", "c.yml"], "registry garbage-collect --dry-run c.yml"),
        (["printf", "%s", "else"], "else"),
    ],
)
def test_the_entrypoint_takes_what_the_official_one_takes(arguments, command, tmp_path):
    program = tmp_path / "registry"
    program.write_text('#!/bin/sh\necho registry "$@"\n')
    program.chmod(0o755)
    done = subprocess.run(
        ["sh", "-c", images.ENTRYPOINT, "entrypoint.sh", *arguments],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == command


def test_an_archive_that_two_want_at_once_is_made_once(tmp_path, monkeypatch):
    monkeypatch.setattr(images, "CACHE", tmp_path / "cache")
    made = []

    def write(path):
        made.append(path)
        time.sleep(0.2)
        path.write_text("image")

    with concurrent.futures.ThreadPoolExecutor() as threads:
        paths = list(threads.map(lambda _: images._made("image.tar", write), range(2)))
    assert [path.read_text() for path in paths] == ["image"] * 2
    assert len(made) == 1
