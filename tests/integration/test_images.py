"""The actions on the images in the registry, on a real registry."""

import json
import os

import pytest
from uploads import Uploads


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
