"""The actions on the images in the registry, on a real registry."""

import json
import os
import subprocess
import time

import pytest
from unit import MOMENTS
from uploads import Uploads, digest_of


@pytest.fixture
def uploads(unit):
    return Uploads(f"http://{unit.address}:5000")


def report(unit, task):
    return json.loads(unit.exec(f"cat {task.results['report-json']}"))


def test_images_are_listed_and_deleted_with_what_belongs_to_them(unit, uploads):
    children = {name: uploads.image("team/app", None, name.encode() * 1000) for name in ("amd64", "arm64")}
    index = uploads.index("team/app", "1.0", **children)
    signatures = [uploads.signature("team/app", index), uploads.signature("team/app", children["arm64"], "")]
    uploads.image("team/app", "2.0", b"amd64" * 1000, os.urandom(100_000))
    lost = uploads.image("team/app", None, b"lost")

    listed = unit.run("catalog", match="team/*")
    (repository,) = report(unit, listed)
    images = {",".join(one["tags"]): one for one in repository["images"]}
    assert set(images) == {"1.0", "2.0", ""}
    assert images[""]["digest"] == lost["digest"]
    assert images["1.0"]["platforms"] == ["linux/amd64", "linux/arm64"]
    assert sorted(images["1.0"]["dependents"]) == sorted(signatures)
    assert images["2.0"]["size"] > 100_000
    assert "team/app:1.0" in listed.results["output"]

    shown = unit.run("delete-image", image="team/app:1.*")
    assert (shown.results["dry-run"], shown.results["tags"]) == ("true", "3")
    done = unit.run("delete-image", image="team/app:1.*", **{"dry-run": False})
    assert done.results["tags"] == "3"
    (repository,) = report(unit, unit.run("catalog", match="team/*"))
    left = {",".join(one["tags"]): one for one in repository["images"]}
    assert set(left) == {"2.0", ""}
    assert left["2.0"] == images["2.0"]
    assert "registry-loopback" not in unit.containers()


def test_garbage_is_collected(unit, uploads):
    child = uploads.image("kept/app", None, b"kept" * 1000)
    index = uploads.index("kept/app", "1.0", amd64=child)
    uploads.signature("kept/app", index, "")
    uploads.signature("kept/app", child)
    uploads.image("gone/app", "1.0", os.urandom(3_000_000))
    lost = uploads.image("gone/app", None, os.urandom(1_000_000))
    before = report(unit, unit.run("catalog", match="kept/*"))
    unit.run("delete-image", image="gone/app:*", **{"dry-run": False})

    assert int(unit.run("garbage-collect").results["blobs"]) > 0
    done = unit.run("garbage-collect", untagged=True, **{"dry-run": False})
    assert int(done.results["freed-bytes"]) > 4_000_000
    assert lost["digest"] in unit.exec(f"cat {done.results['report']}")
    assert report(unit, unit.run("catalog", match="kept/*")) == before
    assert unit.status()[0] == "active"
    uploads.image("gone/app", "2.0", b"writable again")
    assert unit.containers() == ["registry"]


@pytest.mark.soak
def test_1500_repositories_are_listed_and_an_upload_outlasts_a_collection(unit, uploads):
    data = os.urandom(200_000)
    place = uploads.begin("abandoned", data[:100_000])
    uploads.begin("abandoned", b"nobody ends it")
    image = uploads.image("seed", "1", os.urandom(1000))
    folder = "/srv/registry/docker/registry/v2/repositories"
    unit.exec(f"cd {folder} && mkdir many && for n in $(seq 1500); do cp -a seed many/$n; done")
    try:
        done = unit.run("catalog", match="many/*", output="names", untagged=False)
        assert done.results["repositories"] == "1500"
        names = unit.exec(f"cat {done.results['report']}").split()
        assert sorted(names) == sorted(f"many/{number}:1" for number in range(1, 1501))
        assert unit.run("delete-image", image="many/*:*").results["tags"] == "1500"
        unit.run("delete-image", image="many/*:*", **{"dry-run": False})
        unit.run("garbage-collect", untagged=True, **{"dry-run": False})
    finally:
        unit.exec(f"rm -rf {folder}/many")
    uploads.check("seed", image["digest"])
    uploads.finish(place, data[100_000:], digest_of(data))
    assert uploads.read("abandoned", digest_of(data)) == data
    assert "abandoned" not in unit.run("catalog", output="names").results["output"]


@pytest.mark.parametrize("seconds", [2.0, 4.0, *MOMENTS])
def test_a_collection_that_is_killed_loses_nothing(unit, uploads, seconds):
    uploads.image("kept/app", f"killed-{seconds}", os.urandom(100_000))
    uploads.image("gone/killed", None, os.urandom(100_000))
    before = report(unit, unit.run("catalog", match="kept/*"))
    command = [unit.juju.cli_binary, "run", "-m", unit.juju.model, unit.name, "garbage-collect", "dry-run=false"]
    run = subprocess.Popen([*command, "untagged=true"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    time.sleep(seconds)
    unit.exec("pkill -KILL -f actions/[g]arbage-collect || true")
    assert unit.answers()
    run.communicate(timeout=120)
    assert unit.update_status() == ("active", f"Ready at {unit.address}:5000 (http).")
    assert unit.containers() == ["registry"]
    uploads.image("gone/killed", "1.0", b"writable again")
    assert report(unit, unit.run("catalog", match="kept/*")) == before


def test_a_schedule_runs_the_action(unit, uploads, tmp_path):
    assert unit.config(gc_schedule="soon")[1].startswith("gc-schedule: 'soon' is not a time")
    assert unit.config(gc_schedule="Sun 03:00")[0] == "active"
    name = "juju-docker-registry-garbage-collect"
    assert unit.exec(f"systemctl is-active {name}.timer; systemctl is-enabled {name}.timer") == "active\nenabled"
    # In place of Juju's: it notes what it is asked for, which then runs in a context of Juju.
    program = tmp_path / "juju-exec"
    program.write_text('#!/bin/sh\nprintf "%s,%s" "$1" "$2" >/tmp/asked\n')
    unit.juju.scp(program, f"{unit.name}:/var/tmp/juju-exec")
    place = "/usr/local/bin/juju-exec"
    unit.exec(f"install -m 755 /var/tmp/juju-exec {place}; systemctl start {name}.service; rm {place}")
    name_of_unit, command = unit.exec("cat /tmp/asked").split(",")
    assert name_of_unit == unit.name
    uploads.image("gone/scheduled", None, b"not needed")
    unit.juju.exec(command, unit=unit.name)
    last = json.loads(unit.exec("cat /var/lib/docker-registry/scheduled-garbage-collect.json"))
    assert (last["error"], last["interval"]) == ("", 7 * 86400)
    assert unit.config(gc_schedule=None) == ("active", f"Ready at {unit.address}:5000 (http).")
    assert "juju-docker-registry-" not in unit.exec("ls /etc/systemd/system")


def test_an_image_with_layers_elsewhere_is_taken_where_their_urls_are_allowed(unit, uploads):
    config = uploads.blob("windows/app", b"{}")
    layer = {
        "mediaType": "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
        "digest": f"sha256:{'0a' * 32}",
        "size": 1000,
        "urls": ["https://layers.example.com/one"],
    }
    config["mediaType"] = "application/vnd.docker.container.image.v1+json"
    image, kind = {"config": config, "layers": [layer]}, "application/vnd.docker.distribution.manifest.v2+json"
    with pytest.raises(OSError, match="500"):
        uploads.put("windows/app", image, "1.0", kind)
    assert unit.config(validation_urls_allow="^https://layers[.]example[.]com/", catalog_max_entries=2)[0] == "active"
    uploads.put("windows/app", image, "1.0", kind)
    for number in range(3):
        uploads.image(f"many/{number}", "1.0", b"one")
    listed = unit.run("catalog", output="names", untagged=False).results["output"]
    assert {"windows/app:1.0", *(f"many/{number}:1.0" for number in range(3))} <= set(listed.split())
    assert unit.config(validation_urls_allow=None, catalog_max_entries=None)[0] == "active"
