"""`Engine` and what it makes of Docker's answers, which come over a socket as Docker's own do."""

import threading

import pytest


def test_a_container_of_ours_goes_by_force_and_with_its_volumes_another_as_docker_rm_would(docker, daemon):
    docker.remove("mine")
    docker.remove("done", ours=False)
    assert [call for call in daemon.calls if call.startswith("DELETE")] == [
        "DELETE /containers/mine?v=True&link=False&force=True",
        "DELETE /containers/done?v=False&link=False&force=False",
    ]


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
