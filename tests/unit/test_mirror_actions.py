"""The action mirror, and push of what is in another registry: between registries in memory."""

import json
import re
import time
from urllib.parse import urlsplit

import fakes
import pytest
from registry_server import MemoryRegistry, serve

DEFAULTS = {
    **dict.fromkeys(("images", "file", "release", "prefix", "variables", "credentials", "ca", "plain-http"), ""),
    "to": "REPOSITORY",
    "dry-run": False,
}


def started(request, memory):
    server, url = serve(memory)
    request.addfinalizer(server.server_close)
    request.addfinalizer(server.shutdown)
    return url


@pytest.fixture
def target(deployed, machine, request):
    memory = MemoryRegistry()
    machine.registry_url = started(request, memory)
    return memory


@pytest.fixture
def source(request):
    memory = MemoryRegistry()
    memory.host = urlsplit(started(request, memory)).netloc
    return memory


@pytest.fixture
def mirror(deployed, actions, source, target):
    defaults = {**DEFAULTS, "plain-http": f"http://{source.host}/", "prefix": source.host}
    return lambda **params: deployed.action("mirror", actions, **{**defaults, **params})


def report(machine):
    return {one["image"].partition("/")[2]: one for one in json.loads(machine.records.outputs["uuid.json"])}


def signed(registry, name):
    """Put an image of two platforms with a signature; return the tag of that."""
    repository, tag = name.split(":")
    children = {arch: registry.image(repository, None, f"{name} {arch}") for arch in ("amd64", "arm64")}
    index = registry.index(repository, tag, **children)
    signature = f"{index['digest'].replace(':', '-')}.sig"
    registry.image(repository, signature, f"signature of {name}")
    return signature


def test_images_are_copied_with_all_that_belongs_to_them_and_once(source, target, mirror, machine):
    signature = signed(source, "team/app:1")
    source.image("web", "2", "layer of web", created="")  # no blob of it is in the other one too
    results = mirror(images="team/app:1\n web:2", to="mirror/REPOSITORY")
    assert (results["copied"], results["skipped"], results["failed"]) == ("2", "0", "0")
    assert int(results["bytes"]) == sum(map(len, source.blobs.values()))
    assert target.manifests["mirror/team/app"] == source.manifests["team/app"]
    assert set(target.tags["mirror/team/app"]) == {"1", signature}
    assert report(machine)["web:2"]["state"] == "copied"
    assert f"copied  {source.host}/web:2 -> mirror/web:2\n" in results["output"]
    again = mirror(images="team/app:1 web:2", to="mirror/REPOSITORY")
    assert (again["copied"], again["skipped"], again["bytes"]) == ("0", "2", "0")


def test_a_dry_run_copies_nothing(source, target, mirror):
    for tag in ("1", "2"):
        source.image("app", tag, tag)
    mirror(images="app:1")
    before = dict(target.tags["app"])
    results = mirror(images="app:1 app:2", **{"dry-run": True})
    assert (results["dry-run"], results["to-copy"], results["skipped"], results["bytes"]) == ("true", "1", "1", "0")
    assert target.tags["app"] == before


def test_an_image_that_fails_keeps_no_other_from_being_copied(source, target, mirror, machine, juju):
    source.image("app", "1", "layer")
    target.first = lambda method, path, headers: (500, {}, b"{}") if path.startswith("/v2/gone/") else None
    failure = mirror(images="gone:1 app:1")["failure"]
    assert re.fullmatch(
        rf"1 of 2 images cannot be copied\. The first is {source.host}/gone:1: gone has no 1\. See .*uuid.txt and .*\.",
        failure,
    )
    assert juju.model["results"]["copied"] == "1"
    assert report(machine)["gone:1"]["reason"] == "gone has no 1"
    assert "1" in target.tags["app"]


def test_a_registry_that_does_not_answer_any_more_ends_the_action(source, target, mirror, monkeypatch):
    monkeypatch.setattr("registry.client.transfer.ATTEMPTS", 1)
    for number in range(20):
        source.image("app", str(number), "layer")
    target.answer = lambda *_: (503, {}, b"")
    failure = mirror(images=" ".join(f"app:{number}" for number in range(20)))["failure"]
    assert (
        failure == "The registry failed: GET /v2/ returned 503 instead of 200 or 404. Fix it and run the action again."
    )
    assert len([one for one in source.requests if "/manifests/" in one[1]]) < 10


def test_lists_from_a_file_and_from_the_resource(source, target, mirror, juju, tmp_path):
    for name in ("pause-amd64:3", "other:1"):
        source.image(*name.split(":"), name)
    (tmp_path / "list.txt").write_text("v1: pause-{{ arch }}:3\nv2: other:1\n")
    place = str(tmp_path / "list.txt")
    assert mirror(file=place, release="v1")["failure"].startswith("file: line 1: 'pause-{{arch}}:3' contains a variab")
    assert mirror(file=place, release="v1", variables="arch=amd64")["copied"] == "1"
    assert set(target.tags) == {"pause-amd64"}
    juju.change(resources={"image-list": place})
    assert mirror(release="v2")["copied"] == "1"
    assert mirror(images="other:1", file=place, release="v2")["skipped"] == "1"


def test_a_user_from_a_secret(source, target, mirror, juju, machine):
    source.image("app", "1", "layer")
    challenge = {"WWW-Authenticate": "Basic"}
    sent = []

    def refuse(method, path, headers):
        sent.append(headers.get("Authorization"))
        return None if sent[-1] == "Basic bWU6aHVudGVyMg==" else (401, challenge, b"")

    source.first = refuse
    assert "needs credentials" in mirror(images="app:1")["failure"]
    juju.change(secrets={"abc": {"users": f"{source.host}: me:hunter2"}})
    juju.forget_calls()
    results = mirror(images="app:1", credentials="secret:abc")
    assert results["copied"] == "1"
    assert "hunter2" not in json.dumps([juju.calls, results, machine.records.outputs])


def test_docker_and_mirror_use_the_proxies_of_the_registry(source, target, mirror, juju, machine, deployed, actions):
    source.image("app", "1", "layer")
    juju.change(config={"http_proxy": "http://docker.example:3128", "registry-https-proxy": "http://own.example:3128"})
    assert mirror(images="app:1")["copied"] == "1"
    machine.engine.pullable["far.example/app:1"] = "sha256:app"
    machine.files.texts["/root/.docker/config.json"] = '{"auths": {"far.example": {"auth": "bWU6c2VjcmV0"}}}'
    deployed.action("push", actions, image="far.example/app:1", pull=True, tag="")
    for access in machine.accesses:
        assert access.environment["HTTP_PROXY"] == "http://docker.example:3128"
        assert access.environment["HTTPS_PROXY"] == "http://own.example:3128"
    assert [access.users["far.example"].name for access in machine.accesses[1:]] == ["me"]


def test_there_are_at_most_eight_requests_at_once(source, target, mirror):
    for number in range(9):
        source.image(f"app{number}", "1", *(f"layer {number} {layer}" for layer in range(2)))
    now, most = set(), []

    def refuse(method, path, headers):
        now.add(path)
        most.append(len(now))
        time.sleep(0.003)
        now.discard(path)

    source.first = refuse
    assert mirror(images=" ".join(f"app{number}:1" for number in range(9)))["copied"] == "9"
    assert 1 < max(most) <= 8


def test_what_was_copied_before_a_kill_is_not_copied_again(source, target, mirror, monkeypatch):
    for name in ("app", "web"):
        source.image(name, "1", f"{name} one", f"{name} two")
    put = "registry.client.content.Content.put_manifest"
    with monkeypatch.context() as context:
        context.setattr(put, lambda self, repository, *rest: (_ for _ in ()).throw(fakes.Killed))
        with pytest.raises(fakes.Killed):
            mirror(images="app:1 web:1")
    assert target.blobs
    before = sum(map(len, target.blobs.values()))
    results = mirror(images="app:1 web:1")
    assert results["copied"] == "2"
    assert int(results["bytes"]) == sum(map(len, source.blobs.values())) - before


def test_what_cannot_be_mirrored(mirror):
    for params, reason in (
        ({}, "images: no image is named. Set images or file, or attach the resource image-list."),
        ({"images": "App:1"}, "images: line 1: 'App:1' is not an image name."),
        ({"images": "a.io/x:1 b.io/x:1"}, "to: a.io/x:1 and b.io/x:1 would both be stored as x:1."),
        ({"images": "x:1", "prefix": "https://a.io"}, "prefix: 'https://a.io' is not a host."),
        ({"images": "x:1", "variables": "a=1 a=2"}, "variables: a is set 2 times. Set it once."),
        ({"images": "x:1", "variables": "arch"}, "variables: 'arch' is not NAME=VALUE."),
        ({"images": "x:1", "credentials": "me:hunter2"}, "credentials: the value is not the URI of a Juju secret."),
        ({"images": "x:1", "credentials": "secret:none"}, "credentials: secret:none cannot be read"),
        ({"images": "x:1", "ca": "nonsense"}, "ca: the text is neither PEM nor base64 of PEM."),
        ({"images": "x:1", "ca": "/nowhere"}, "ca: /nowhere does not exist on the unit."),
        ({"images": "x:1", "plain-http": "https://a.io"}, "plain-http: https://a.io is a URL. Give the host only"),
        ({"images": "x:1", "plain-http": "http://a.io/ b.io,c.io"}, "plain-http: 'b.io,c.io' is not a host name or"),
        ({"file": "/nowhere"}, "file: /nowhere cannot be read (No such file or directory)"),
    ):
        assert mirror(**params)["failure"].startswith(reason)


def test_a_read_only_registry_is_filled_by_a_second_one(deployed, juju, mirror, source, machine):
    source.image("app", "1")
    juju.change(config={"storage-read-only": True})
    deployed.hook("config-changed")
    machine.engine.calls.clear()
    assert mirror(images="app:1", **{"dry-run": True})["to-copy"] == "1"
    assert ("create", "registry-loopback") not in [call[:2] for call in machine.engine.calls]
    assert mirror(images="app:1")["copied"] == "1"
    assert "registry-loopback" in str(machine.engine.calls)
    assert set(machine.engine.containers) == {"registry"}


def test_push_copies_all_platforms_of_an_image_that_is_pulled(deployed, machine, actions, source, target):
    signature = signed(source, "team/app:1")
    name = f"{source.host}/team/app:1"
    machine.engine.pullable[name] = "sha256:app"
    done = deployed.action("push", actions, image=name, pull=True, tag="mine:2")
    assert done == {"outcome": "success", "raw": "pushed 10.0.0.10:5000/mine:2"}
    assert target.manifests["mine"] == source.manifests["team/app"]
    assert set(target.tags["mine"]) == {"2", signature}
    assert [call for call in machine.engine.calls if call[0] == "push"] == []
    assert machine.engine.images["10.0.0.10:5000/mine:2"] == "sha256:app"


def test_push_leaves_to_docker_what_the_registry_does_not_show(deployed, machine, actions, source, target, juju):
    name = f"{source.host}/team/app:1"
    machine.engine.pullable[name] = "sha256:app"
    done = deployed.action("push", actions, image=name, pull=True, tag="mine:2")
    assert done == {"outcome": "success", "raw": "pushed 10.0.0.10:5000/mine:2"}
    assert ("push", "127.0.0.1:5000/mine:2", "juju-docker-registry") in machine.engine.calls
    assert juju.called("action-log")[0][0].startswith(f"Only the platform of this machine is pushed: {name} cannot be")
