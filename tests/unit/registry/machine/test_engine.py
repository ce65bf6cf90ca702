"""`Engine` and what it makes of Docker's answers, which come over a socket as Docker's own do."""

import threading

import pytest
from registry.formats.inspection import DIGEST_LABEL
from test_inspection import inspection

RELEASE = "/etc/docker/registry/applied/abc"
OURS = {
    "labels": {DIGEST_LABEL: "abc"},
    "host": {"Mounts": [{"Type": "bind", "Source": RELEASE, "Target": "/etc/docker/registry"}]},
}


def removed(docker, daemon, **parts):
    """Ask for the removal of such a container; return what Docker was asked for."""
    daemon.answers["GET /containers/registry-next/json"] = (200, inspection("running", **parts))
    docker.remove("registry-next")
    return [call for call in daemon.calls if call.startswith("DELETE")]


@pytest.mark.parametrize(
    "ours",
    [
        OURS,
        {"labels": {DIGEST_LABEL: "abc"}, "host": {"Binds": [f"{RELEASE}:/etc/docker/registry:ro"]}},
        {"labels": {DIGEST_LABEL: ""}, "cmd": ["--version"]},
    ],
)
def test_a_container_of_ours_goes_by_force_with_its_volumes_and_by_its_id(docker, daemon, ours):
    assert removed(docker, daemon, **ours) == ["DELETE /containers/c1?v=True&link=False&force=True"]


@pytest.mark.parametrize(
    "theirs",
    [
        {},
        {"labels": {"com.example": "x"}},
        {"labels": {DIGEST_LABEL: "abc"}},
        {"labels": {DIGEST_LABEL: "abc"}, "host": {"Binds": ["/etc/docker/registry/applied/other:/x"]}},
        {"labels": {DIGEST_LABEL: "abc"}, "mounts": [{"Type": "bind", "Source": RELEASE}]},
        {"labels": {DIGEST_LABEL: ""}},
        {"labels": {DIGEST_LABEL: ""}, "cmd": ["--version"], "host": {"Binds": ["/srv:/srv"]}},
        {**OURS, "labels": {DIGEST_LABEL: "abc", "com.docker.compose.project": "web"}},
        {"host": OURS["host"]},
    ],
)
def test_a_container_of_somebody_else_is_not_removed_whatever_its_name_and_labels(docker, daemon, theirs):
    assert removed(docker, daemon, **theirs) == []


def test_the_predecessors_container_goes_without_its_volumes(docker, daemon):
    mounts = [{"Type": "bind", "Source": "/etc/docker/registry/config.yml"}]
    assert removed(docker, daemon, mounts=mounts) == ["DELETE /containers/c1?v=False&link=False&force=True"]


def test_another_container_is_removed_as_docker_rm_would(docker, daemon):
    docker.remove_ended("done")
    assert daemon.calls[-1] == "DELETE /containers/done?v=False&link=False&force=False"


def test_a_container_of_a_longer_name_is_another_one(docker, daemon):
    daemon.answers["GET /containers/registry/json"] = (404, {"message": "No such container: registry"})
    daemon.answers["GET /containers/json"] = (200, [{"Id": "c1", "Names": ["/my-registry"]}])
    daemon.answers["GET /containers/c1/json"] = (200, {"Name": "/my-registry"})
    assert docker.inspect("registry") is None


def test_exited_containers_have_names_that_docker_accepts(docker, daemon):
    listed = [{"Id": "c0", "Names": ["/web/db", "/db"]}, {"Id": "c1", "Names": None}, {"Id": "c2"}]
    daemon.answers["GET /containers/json"] = (200, listed)
    assert docker.exited() == ["c1", "c2", "db"]


@pytest.mark.parametrize(
    ("info", "expected"),
    [
        ({"LiveRestoreEnabled": True, "Swarm": {"LocalNodeState": "inactive"}}, True),
        ({"LiveRestoreEnabled": False, "Swarm": {"LocalNodeState": "inactive"}}, False),
        ({"LiveRestoreEnabled": False, "Swarm": {"LocalNodeState": "active"}}, None),
        ({"LiveRestoreEnabled": False}, False),
    ],
)
def test_live_restore(docker, daemon, info, expected):
    daemon.answers["GET /info"] = (200, info)
    assert docker.live_restore() is expected


def test_live_restore_is_waited_for(docker, daemon):
    daemon.answers["GET /info"] = (200, {"LiveRestoreEnabled": False})
    later = threading.Timer(0.2, lambda: daemon.answers.update({"GET /info": (200, {"LiveRestoreEnabled": True})}))
    later.start()
    assert docker.live_restore(within=10) is True
    later.join()


def test_a_name_that_is_no_container_of_docker_is_never_asked_for(docker, daemon):
    before = len(daemon.calls)
    assert [docker.inspect(name) for name in ("", "../info", "a/b", "a b")] == [None] * 4
    assert daemon.calls[before:] == []


def test_a_log_of_any_length_comes_line_by_line(docker, daemon):
    parts = (b"one\ntw", b"o\n", b"\xff three")
    frames = b"".join(b"\x01\0\0\0" + len(part).to_bytes(4, "big") + part for part in parts)
    daemon.answers["GET /containers/registry/json"] = (200, inspection("exited", **OURS))
    daemon.answers["GET /containers/registry/logs"] = (200, frames)
    assert list(docker.log_lines("registry")) == ["one", "two", "\ufffd three"]
    (asked,) = [call for call in daemon.calls if "/logs?" in call]
    assert "tail=all" in asked
    assert "follow=0" in asked
