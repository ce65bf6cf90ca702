"""Damaged images on a real registry: found, and repaired from another one."""

import json
import os
import time

import pytest
from uploads import Uploads

BLOBS = "/srv/registry/docker/registry/v2/blobs/sha256"
REPOSITORIES = "/srv/registry/docker/registry/v2/repositories"
OTHER = "other-registry"
"""A registry beside the charm's, of the same image."""


@pytest.fixture
def other(unit):
    """The URL of another registry on the machine, and what puts images into it."""
    image = unit.container()["Image"]
    unit.exec(f"docker run -d --name {OTHER} -p 5055:5000 {image}")
    for _ in range(100):
        if unit.answers(5055):
            break
        time.sleep(0.1)
    yield Uploads(f"http://{unit.address}:5055")
    unit.exec(f"docker rm -fv {OTHER}")


def report(unit, task):
    return json.loads(unit.exec(f"cat {task.results['report-json']}"))


def file_of(digest):
    bare = digest.partition(":")[2]
    return f"{BLOBS}/{bare[:2]}/{bare}/data"


def test_damage_is_found_and_repaired(unit, other):
    here, names = Uploads(f"http://{unit.address}:5000"), ("corrupt", "truncated", "empty", "missing", "link")
    layers = {name: os.urandom(300_000) for name in names}
    images, blobs = {}, {}
    for place in (here, other):
        for name, layer in layers.items():
            images[name] = place.image("damaged/app", name, layer)
            blobs[name] = place.blob("damaged/app", layer)["digest"]
        images["child"] = place.image("damaged/app", None, layers["corrupt"], b"more")
        place.index("damaged/app", "index", amd64=images["child"])
        place.image("damaged/app", "manifest", b"manifest")
        images["manifest"] = place.image("damaged/app", "gone", b"gone")
        place.image("damaged/app", "untagged-link", b"untagged link")
    assert unit.run("verify", match="damaged/*").results["damaged"] == "0"

    bare = blobs["link"].partition(":")[2]
    unit.exec(
        f"printf x | dd of={file_of(blobs['corrupt'])} conv=notrunc status=none; "
        f"truncate -s 1000 {file_of(blobs['truncated'])}; truncate -s 0 {file_of(blobs['empty'])}; "
        f"rm {file_of(blobs['missing'])}; truncate -s 0 {REPOSITORIES}/damaged/app/_layers/sha256/{bare}/link; "
        f"truncate -s 0 {REPOSITORIES}/damaged/app/_manifests/tags/untagged-link/current/link; "
        f"truncate -s 0 {file_of(images['manifest']['digest'])}; "
        f"sed -i s/size/Size/ {file_of(images['child']['digest'])}"
    )
    found = {
        one["name"]: (one["state"], sorted(one["images"]))
        for one in report(unit, unit.run("verify", match="damaged/*"))
    }
    assert found == {
        blobs["corrupt"]: ("corrupt", ["corrupt"]),  # the index too, which cannot be read so far
        blobs["truncated"]: ("truncated", ["truncated"]),
        blobs["empty"]: ("empty", ["empty"]),
        blobs["missing"]: ("missing", ["missing"]),
        blobs["link"]: ("unreadable", ["link"]),
        images["manifest"]["digest"]: ("empty", ["gone"]),
        images["child"]["digest"]: ("corrupt", ["index"]),
        "untagged-link": ("unreadable", ["untagged-link"]),
    }

    done = unit.run("verify", match="damaged/*", **{"repair-from": f"http://{unit.address}:5055"})
    assert done.results["damaged"] == done.results["repaired"] == "8"
    again = unit.run("verify", match="damaged/*").results
    assert (again["damaged"], again.get("untagged", "")) == ("0", "")
    for name, layer in layers.items():  # as clients read it
        assert here.read("damaged/app", blobs[name]) == layer
    assert unit.containers() == [OTHER, "registry"]
    assert unit.status()[0] == "active"
    unit.run("delete-image", image="damaged/app:*", **{"dry-run": False})


def test_the_disk_does_what_the_registry_needs(unit):
    done = unit.run("check-storage")
    assert done.results["output"].count(": works") == 6
    assert unit.exec("ls /srv/registry | grep check || echo none") == "none"
    assert unit.containers() == ["registry"]
