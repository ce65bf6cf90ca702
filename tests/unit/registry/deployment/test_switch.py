"""From one release to the next: what serves meanwhile, what is left over."""

import pytest
from deploying import ELSEWHERE, assert_settled, away, deploy, release, switcher
from fakes import FakeEngine
from registry.deployment.health import NotServing
from registry.release import container


def test_the_first_release_serves_and_is_in_force(store):
    docker, requested = FakeEngine(), release()
    assert deploy(docker, store, requested)
    assert_settled(docker, store, requested)


def test_a_second_run_does_nothing(store):
    docker, requested = FakeEngine(), release()
    deploy(docker, store, requested)
    assert deploy(docker, store, requested) == []
    assert docker.calls == []


def test_the_old_container_is_stopped_only_when_the_new_one_is_ready_to_start(store):
    docker = FakeEngine()
    deploy(docker, store, release())
    deploy(docker, store, release("sha256:two"))
    writes = [call[:2] for call in docker.writes()]
    stop = writes.index(("stop", "registry-previous"))
    assert ("open", 5000) in writes[:stop]
    assert writes[stop + 1] == ("start", "registry")
    assert ("create", "registry-next") in writes[:stop]
    assert_settled(docker, store, release("sha256:two"))


def test_a_release_that_fails_only_at_its_port_is_rolled_back(store):
    docker, good = FakeEngine(), release()
    deploy(docker, store, good)
    docker.create("other", container.create_body(release(name="other", port=6000).container, "/x", "other"))
    docker.start("other")
    with pytest.raises(NotServing, match="port is already allocated"):
        deploy(docker, store, release(port=6000))
    docker.containers.pop("other", None)
    assert_settled(docker, store, good)


def test_what_was_killed_comes_back_although_the_new_release_is_bad(store):
    docker, good, bad = FakeEngine(broken={"sha256:bad"}), release(), release("sha256:bad")
    deploy(docker, store, good)
    docker.stop("registry")
    with pytest.raises(NotServing):
        deploy(docker, store, bad)
    assert_settled(docker, store, good)


def test_a_new_name_leaves_nothing_under_the_old_one(store):
    docker = FakeEngine()
    deploy(docker, store, release())
    renamed = release(name="images")
    deploy(docker, store, renamed)
    assert_settled(docker, store, renamed)


@pytest.mark.parametrize("trouble", ["broken", "port"])
def test_a_failure_does_not_restore_a_registry_whose_disk_is_unavailable(store, trouble):
    docker = FakeEngine()
    away(docker, store)
    if trouble == "broken":
        docker.broken.add("sha256:one")
    else:
        docker.missing.clear()  # it could run, but shall not
        docker.create("other", container.create_body(release(name="other", port=5000).container, "/x", "other"))
        docker.start("other")
    with pytest.raises(NotServing, match=r"storage is not there|port is already allocated"):
        switcher(docker, store).deploy(ELSEWHERE, docker.inspect("registry"), fall_back=False)
    docker.containers.pop("other", None)
    assert docker.containers["registry"]["status"] == "exited"
    assert (store.current(), list(docker.containers)) == (release(), ["registry"])


def test_pause_stops_the_container_and_keeps_it(store):
    docker, requested = FakeEngine(), release()
    deploy(docker, store, requested)
    switcher(docker, store).pause(docker.inspect("registry"))
    assert docker.containers["registry"]["status"] == "exited"
    assert store.current() == requested


def test_clear_removes_every_container_of_ours(store):
    docker, requested = FakeEngine(), release()
    deploy(docker, store, requested)
    docker.create("registry-candidate", container.create_body(requested.container, "/x/applied/y", "y"))
    switcher(docker, store).clear()
    assert docker.containers == {}


def test_clear_leaves_the_containers_of_others(store):
    docker = FakeEngine()
    docker.create("registry", {**container.create_body(release().container, "/x", "y"), "Labels": {}})
    switcher(docker, store).clear()
    assert list(docker.containers) == ["registry"]


def test_a_leftover_container_of_an_old_switch_is_removed(store):
    docker, requested = FakeEngine(), release("sha256:two")
    deploy(docker, store, release())
    docker.create("registry-previous", container.create_body(requested.container, "/x/applied/y", "y"))
    deploy(docker, store, requested)
    assert_settled(docker, store, requested)


def test_a_release_that_cannot_be_written_leaves_the_old_one_running(store, monkeypatch):
    docker, before = FakeEngine(), release()
    deploy(docker, store, before)
    docker.stop("registry")
    requested, write = release("sha256:two"), store.write

    def full(one):
        if one == requested:
            raise OSError(28, "No space left on device")
        write(one)

    monkeypatch.setattr(store, "write", full)
    with pytest.raises(OSError, match="No space"):
        deploy(docker, store, requested)
    assert_settled(docker, store, before)


def strangers_body(kind):
    """The body of a container of somebody else; some have copies of what identifies the charm's."""
    body = container.create_body(release(name="other", port=6000).container, "/x/applied/y", "y")
    if kind == "plain":
        return {**body, "Labels": {}}
    if kind == "label":
        return {**body, "HostConfig": {**body["HostConfig"], "Mounts": []}}
    return {**body, "Labels": {**body["Labels"], "com.docker.compose.project": "web"}}


@pytest.mark.parametrize("kind", ["plain", "label", "compose"])
@pytest.mark.parametrize("name", ["registry-candidate", "registry-loopback", "registry-next", "registry-previous"])
@pytest.mark.parametrize("is_first", [True, False])
def test_a_strangers_container_in_the_way_is_named_and_stays(store, name, kind, is_first):
    docker, requested = FakeEngine(), release("sha256:two")
    if not is_first:
        deploy(docker, store, release())
    docker.create(name, strangers_body(kind))
    docker.start(name)
    docker.volumes[name] = "precious"
    before = docker.containers[name]
    with pytest.raises(NotServing, match=f"^The container {name} was not created by this charm"):
        deploy(docker, store, requested)
    assert (docker.containers[name], before["status"], docker.volumes) == (before, "running", {name: "precious"})
    switcher(docker, store).recover()
    assert store.current() == (None if is_first else release())
    assert docker.serving(5000) == (None if is_first else release().digest)
    switcher(docker, store).clear()
    assert docker.containers == {name: before}


def test_a_strangers_container_under_the_name_of_ours_stays_and_another_name_gets_around_it(store):
    docker, renamed = FakeEngine(), release(name="images", port=5002)
    deploy(docker, store, release())
    docker.remove("registry")
    docker.create("registry", strangers_body("label"))
    docker.start("registry")
    with pytest.raises(NotServing, match=r"^The container registry was not created by this charm"):
        deploy(docker, store, release("sha256:two"))
    deploy(docker, store, renamed)
    assert docker.serving(5002) == renamed.digest
    assert docker.containers["registry"]["status"] == "running"


@pytest.mark.parametrize("kind", ["candidate", "loopback", "next", "previous"])
def test_a_name_that_an_earlier_revision_allowed_is_left_only_for_one_that_does_not_need_it(store, kind):
    docker, before = FakeEngine(), release(name=f"registry-{kind}")
    deploy(docker, store, before)
    with pytest.raises(NotServing, match="Choose another registry-name"):
        deploy(docker, store, release())
    assert_settled(docker, store, before)
    deploy(docker, store, release(name="images"))
    assert_settled(docker, store, release(name="images"))
