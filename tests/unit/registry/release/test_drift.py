"""How a container differs from that of its release, and what is done about it."""

import dataclasses

import pytest
from deploying import assert_settled, deploy, release
from fakes import FakeEngine
from registry.formats.inspection import Network
from registry.release import container, drift
from registry.release.drift import Need, Step

ALTERED = {
    "memory": {"Memory": 10_000_000},
    "ports": {"PortBindings": {"5000/tcp": [{"HostIp": "", "HostPort": "7777"}]}},
    "processors": {"NanoCpus": 10_000_000},
    "restart": {"RestartPolicy": {"Name": "no"}},
}


@pytest.mark.parametrize("damage", ["stop", "remove", "pause", "folder", *ALTERED])
def test_what_was_altered_by_hand_comes_back_without_a_proof(store, damage):
    docker, requested = FakeEngine(), release()
    deploy(docker, store, requested)
    host = docker.containers["registry"]["body"]["HostConfig"]
    if damage in ALTERED:
        host |= ALTERED[damage]
    elif damage == "stop":
        docker.stop("registry")
    elif damage == "remove":
        docker.remove("registry")
    elif damage == "pause":
        docker.containers["registry"]["status"] = "paused"
    elif damage == "folder":
        (store.folder(requested) / "extra").write_text("x")
    assert deploy(docker, store, requested)
    assert_settled(docker, store, requested)
    assert ("create", "registry-candidate") not in docker.calls


def test_what_docker_adds_by_itself_is_no_alteration(store):
    docker, requested = FakeEngine(), release()
    deploy(docker, store, requested)
    body = docker.containers["registry"]["body"]
    body["Env"].append("PATH=/bin")
    body["HostConfig"]["LogConfig"]["Config"]["labels"] = "production"
    body["HostConfig"]["CapAdd"] = ["CAP_DAC_OVERRIDE"]
    assert deploy(docker, store, requested) == []


def test_a_container_whose_mounts_are_written_in_the_earlier_way_is_not_replaced(store):
    docker, requested = FakeEngine(), release()
    deploy(docker, store, requested)
    host = docker.containers["registry"]["body"]["HostConfig"]
    folder = store.folder(requested)
    host["Binds"] = [f"{folder}:/etc/docker/registry:ro", "/srv/registry:/var/lib/registry:rw"]
    host["Mounts"] = None
    assert deploy(docker, store, requested) == []


def test_a_config_file_altered_by_hand_is_written_again(store):
    docker, requested = FakeEngine(), release()
    deploy(docker, store, requested)
    (store.folder(requested) / "config.yml").write_text("version: 0.1\n")
    assert store.current() is None
    deploy(docker, store, requested)
    assert_settled(docker, store, requested)


def test_a_dead_container_is_replaced(store):
    docker, requested = FakeEngine(), release()
    deploy(docker, store, requested)
    docker.containers["registry"]["status"] = "dead"
    deploy(docker, store, requested)
    assert_settled(docker, store, requested)


FOLDER = "/etc/docker/registry/applied/one"


def existing(status="running", **host):
    """The container of a release, with an altered host configuration."""
    docker, body = FakeEngine(), container.create_body(release().container, FOLDER, "one")
    docker.create("registry", {**body, "HostConfig": {**body["HostConfig"], **host}})
    docker.containers["registry"]["status"] = status
    return docker.inspect("registry")


@pytest.mark.parametrize(
    ("current", "intact", "step", "reasons"),
    [
        (existing(), True, Step.NOTHING, ()),
        (None, True, Step.REPLACE, ("the container does not exist",)),
        (existing(), False, Step.REPLACE, ("the files of the release were altered",)),
        (existing("exited"), True, Step.START, ("the container is exited",)),
        (existing("created"), True, Step.START, ("the container is created",)),
        (existing("paused"), True, Step.START, ("the container is paused",)),
        (existing("restarting"), True, Step.START, ("the container is restarting",)),
        (existing("dead"), True, Step.REPLACE, ("the container is dead",)),
        (existing("removing"), True, Step.REPLACE, ("the container is removing",)),
        (existing("exited"), False, Step.REPLACE, ("the files of the release were altered",)),
        (existing(NanoCpus=7), True, Step.REPLACE, ("Limits is {'NanoCpus': 7}, not {}",)),
        (existing("exited", CapAdd=[]), True, Step.REPLACE, ("CapAdd is [], not ['DAC_OVERRIDE']",)),
        (existing(CapAdd=["CAP_DAC_OVERRIDE"]), True, Step.NOTHING, ()),
        (existing(Tmpfs=None), True, Step.REPLACE, ("Tmpfs is {}, not {'/tmp': ''}",)),
    ],
)
def test_what_a_container_needs(current, intact, step, reasons):
    body = container.create_body(release().container, FOLDER, "one")
    assert drift.needs(body, current, intact) == Need(step, reasons)


def test_a_container_on_another_network_is_altered():
    current = dataclasses.replace(existing(), networks=(Network("host", "", ""),))
    body = container.create_body(release().container, FOLDER, "one")
    assert drift.differences(body, current) == ["Networks is ['host'], not ['bridge']"]


def test_a_container_of_another_image_or_release_is_altered():
    body = container.create_body(release("sha256:two").container, FOLDER, "two")
    clauses = ["Image is 'sha256:one', not 'sha256:two'", "Labels is 'one', not 'two'"]
    assert drift.differences(body, existing()) == clauses
