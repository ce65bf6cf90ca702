"""The actions export and import, against a registry in memory."""

import json
import pathlib

import pytest


@pytest.fixture
def run(deployed, actions, tmp_path):
    defaults = {
        "export": {"images": "*:*", "file": str(tmp_path / "images.tar"), "since": ""},
        "import": {"file": str(tmp_path / "images.tar"), "images": "", "prefix": "", "dry-run": False},
    }
    return lambda name, **params: deployed.action(name, actions, **{**defaults[name], **params})


def report(machine, results):
    return json.loads(machine.records.outputs[results["report-json"].rpartition("/")[2]])


def clear(registry):
    registry.tags, registry.manifests, registry.blobs = {}, {}, {}


def test_images_go_out_and_in_again(registry, run, machine, tmp_path):
    image = registry.image("team/app", "1.0", "one")
    registry.image("team/app", f"{image['digest'].replace(':', '-')}.sig", "signature")
    lost = registry.image("team/app", None, "lost")
    registry.image("other", "2", "two")
    done = run("export", images=f"team/*:* team/*@{lost['digest']}")
    assert (done["copied"], done["failed"], done["list"]) == ("2", "0", f"{tmp_path}/images.tar.list")
    assert (
        run("export")["failure"] == f"file: {tmp_path}/images.tar exists. Use another name, or remove the file first."
    )
    clear(registry)
    shown = run("import", prefix="/mirror/", **{"dry-run": True})
    assert (shown["to-copy"], registry.tags) == ("2", {})
    assert "to-copy  mirror/team/app:1.0\n" in shown["output"]
    done = run("import", prefix="mirror")
    assert (done["copied"], done["failed"], done["dry-run"]) == ("2", "0", "false")
    assert set(registry.manifests["mirror/team/app"]) >= {image["digest"], lost["digest"]}
    assert len(registry.tags["mirror/team/app"]) == 2
    assert {one["state"] for one in report(machine, run("import", prefix="mirror"))} == {"skipped"}


def test_a_later_archive_has_what_is_new(registry, run, machine, tmp_path):
    image = registry.image("app", "1", "one")
    first = run("export")
    registry.image("app", f"{image['digest'].replace(':', '-')}.sig", "signature")
    registry.image("app", "2", "two")
    second = str(tmp_path / "second.tar.zst")
    done = run("export", file=second, since=first["list"])
    assert (done["copied"], done["skipped"]) == ("1", "1")
    everything = registry.tags
    clear(registry)
    run("import")
    done = run("import", file=second)
    assert (registry.tags, done["copied"]) == (everything, "2")


def test_images_of_an_archive_can_be_chosen(registry, run, juju, tmp_path):
    for name in ("team/app:1", "team/app:2", "other:1"):
        registry.image(*name.split(":"), name)
    run("export")
    clear(registry)
    pathlib.Path(tmp_path / "empty").touch()
    juju.change(resources={"images": str(tmp_path / "empty")})
    assert run("import", file="")["failure"].startswith("No archive is named, and the resource images is empty.")
    juju.change(resources={"images": str(tmp_path / "images.tar")})
    run("import", file="", images="team/*:2 other:*")
    assert registry.tags == {"team/app": {"2": registry.tags["team/app"]["2"]}, "other": registry.tags["other"]}


def test_images_that_fail_do_not_stop_the_others(registry, run, machine, monkeypatch):
    monkeypatch.setattr("registry.client.transfer.ATTEMPTS", 1)
    registry.image("app", "1", "one")
    registry.image("app", "2", "two")
    registry.blobs = {digest: b"" if data == b"one" else data for digest, data in registry.blobs.items()}
    failure = run("export")["failure"]
    assert failure.startswith("1 of 2 images cannot be copied. The first is app:1: sha256:")
    assert {one["image"]: one["state"] for one in report(machine, {"report-json": "uuid.json"})} == {
        "app:1": "failed",
        "app:2": "copied",
    }
    clear(registry)
    assert run("import")["copied"] == "1"


def test_images_that_are_refused_do_not_stop_the_others_but_a_registry_that_takes_none_does(registry, run):
    for number in range(9):
        registry.image("app", str(number), f"layer {number}")
    run("export")
    clear(registry)
    answer = registry.answer

    def refusing(status):
        registry.answer = lambda method, path, *rest: (
            (status, {}, b"") if method == "PUT" and "/manifests/" in path else answer(method, path, *rest)
        )

    refusing(413)
    assert run("import")["failure"].startswith("9 of 9 images cannot be copied. The first is app:0: PUT /v2/app/manif")
    refusing(405)
    failure = run("import")["failure"]
    assert failure.startswith("The registry failed: PUT /v2/app/manifests/sha256:")
    assert failure.endswith(" returned 405 instead of 201. Fix it and run the action again.")


@pytest.mark.parametrize(
    ("action", "params", "reason"),
    [
        ("export", {"images": "app"}, "images: 'app' names no tag."),
        ("export", {"images": "app:9"}, "images: no image in the registry matches."),
        ("export", {"file": "images.tar"}, "file: 'images.tar' is not the path of an archive."),
        ("export", {"file": "/nowhere/images.tar"}, "file: '/nowhere/images.tar' is not the path of an archive."),
        ("export", {"file": "/tmp/images"}, "file: '/tmp/images' is not the path of an archive."),
        ("export", {"since": "/etc/passwd"}, "since: /etc/passwd is not the list of an earlier archive."),
        ("import", {"images": "app"}, "images: 'app' names no tag."),
        ("import", {"file": "images.tar"}, "file: 'images.tar' is not a file on the unit."),
        ("import", {"file": "/dev/zero"}, "file: '/dev/zero' is not a file on the unit."),
        ("import", {"file": "/etc/passwd"}, "/etc/passwd is not an archive of images (it cannot be read: "),
        ("import", {"file": "/etc/passwd", "prefix": "Team"}, "prefix: 'Team' cannot be the beginning of"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(registry, run, tmp_path, action, params, reason):
    registry.image("app", "1.0")
    assert run(action, **params)["failure"].startswith(reason)
    assert not list(tmp_path.glob("*.tar"))
