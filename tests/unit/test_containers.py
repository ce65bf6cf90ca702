"""Containers of the machine as operators have them: the charm's own by any name, and those of others."""

import pytest
from charms.layer import context
from fake_machine import READY
from registry.formats import names

STRANGER = {"Image": "sha256:other", "Cmd": None, "Env": [], "Labels": {}, "HostConfig": {"PortBindings": {}}}


def identity(machine, way):
    full = machine.engine.containers["registry"]["id"]
    return {"name": "registry", "id": full, "prefix": full[:12]}[way]


@pytest.mark.parametrize("way", ["name", "id", "prefix"])
@pytest.mark.parametrize("remove", [False, True])
def test_stop_of_the_registrys_container_by_any_name_is_stop(deployed, juju, machine, actions, way, remove):
    deployed.action("stop", actions, name=identity(machine, way), remove=remove)
    deployed.hook("update-status")
    assert juju.model["status"][1].startswith("Stopped by the action stop.")
    assert machine.engine.serving(5000) is None


@pytest.mark.parametrize("way", ["name", "id", "prefix"])
def test_start_of_the_registrys_container_by_any_name_is_start(deployed, juju, machine, actions, way):
    deployed.action("stop", actions, name="", remove=False)
    deployed.action("start", actions, name=identity(machine, way))
    deployed.hook("update-status")
    assert juju.model["status"] == READY


@pytest.mark.parametrize("labels", [{}, "copied"])
def test_a_strangers_container_under_our_name_is_left_alone_and_named(deployed, juju, machine, labels):
    copied = machine.engine.containers["registry"]["body"]["Labels"]
    machine.engine.remove("registry")
    machine.engine.create("registry", STRANGER | {"Labels": copied if labels else {}})
    machine.engine.start("registry")
    machine.engine.volumes["registry"] = "precious"
    for hook in ("update-status", "config-changed"):
        deployed.hook(hook)
        assert juju.model["status"] == [
            "blocked",
            "registry-name: the container 'registry' exists and was not created by this charm. "
            "Remove it or choose another name.",
        ]
    assert (machine.engine.containers["registry"]["status"], machine.engine.volumes) == (
        "running",
        {"registry": "precious"},
    )
    juju.change(config={"registry-name": "images"})
    deployed.hook("config-changed")
    assert juju.model["status"] == READY
    deployed.hook("stop")
    assert list(machine.engine.containers) == ["registry"]


@pytest.mark.parametrize("kind", ["candidate", "next", "previous", "loopback"])
def test_a_strangers_container_in_the_way_of_a_change_is_named(deployed, juju, machine, kind):
    machine.engine.create(f"registry-{kind}", STRANGER)
    deployed.hook("update-status")
    assert juju.model["status"] == READY
    juju.change(config={"storage-delete": True})
    deployed.hook("config-changed")
    assert juju.model["status"] == [
        "blocked",
        f"The container registry-{kind} was not created by this charm, and the charm needs its name. "
        "Rename or remove it. Still serving at 10.0.0.10:5000 (http).",
    ]
    assert f"registry-{kind}" in machine.engine.containers
    del machine.engine.containers[f"registry-{kind}"]
    deployed.hook("update-status")
    assert juju.model["status"] == READY, "this is looked at in each hook"


def test_a_container_that_only_looks_like_the_predecessors_is_not_taken_over(charm, juju, machine):
    binds = ["/etc/docker/registry/config.yml:/etc/docker/registry/config.yml"]
    machine.engine.create("registry", STRANGER | {"HostConfig": {"Binds": binds, "PortBindings": {}}})
    charm.hook("install")
    assert juju.model["status"][1].startswith("registry-name: the container 'registry' exists")
    assert machine.engine.containers["registry"]["body"]["Image"] == "sha256:other"


@pytest.mark.parametrize(
    "name",
    [
        *("registry-next", "a-previous", "x.y-candidate", "-loopback"),
        *(names.VERSION, names.MAINTENANCE),
    ],
)
def test_a_name_of_the_charms_own_temporary_containers_is_refused(deployed, juju, machine, name):
    juju.change(config={"registry-name": name})
    deployed.hook("config-changed")
    assert juju.model["status"][0] == "blocked"
    assert juju.model["status"][1].startswith(f"registry-name: '{name}' is")
    assert list(machine.engine.containers) == ["registry"]


@pytest.mark.parametrize("problem", ["no answer to 192.0.2.6 within 2.5 s", "Connection refused from 192.0.2.6"])
def test_what_clients_cannot_reach_is_not_ready(deployed, juju, machine, problem):
    machine.outside.problem = problem
    deployed.hook("update-status")
    assert juju.model["status"] == [
        "blocked",
        f"The registry is not reachable at 10.0.0.10:5000 from other machines ({problem}). "
        "Check net.ipv4.ip_forward, `ip` of daemon-opts and the firewall (FORWARD, DOCKER-USER), which must admit this "
        "address too.",
    ]
    before = machine.engine.containers["registry"]["id"]
    juju.change(config={"storage-delete": True})
    deployed.hook("config-changed")
    assert juju.model["status"][1].startswith("The registry is not reachable")
    assert machine.engine.containers["registry"]["id"] != before, "the change is applied all the same"
    machine.outside.problem = ""
    deployed.hook("update-status")
    assert juju.model["status"] == READY


def test_a_registry_that_does_not_answer_at_all_is_not_blamed_on_the_network(deployed, juju, machine):
    machine.outside.problem = "Connection refused"
    machine.engine.deaf.add("sha256:one")
    deployed.hook("update-status")
    assert juju.model["status"][1].startswith("The registry does not answer at port 5000: connection failed.")


def test_what_another_program_answers_at_the_port_is_not_the_registry(deployed, juju, machine):
    ports = {"5000/tcp": [{"HostIp": "", "HostPort": "5000"}]}
    machine.engine.create("web", STRANGER | {"HostConfig": {"PortBindings": ports}})
    for state, config in (("exited", {}), ("created", {"registry-port": 0}), ("exited", {"storage-delete": True})):
        machine.engine.containers["web"]["status"] = "exited"
        machine.engine.containers["registry"]["status"] = state
        machine.engine.start("web")
        juju.change(config={"registry-port": 5000, "storage-delete": False, **config})
        deployed.hook("config-changed")
        context.client(machine.store.current()).check_alive()
        kind, words = juju.model["status"]
        assert (kind, "serving" in words) == ("blocked", False), (config, words)
    machine.engine.containers["web"]["status"] = "exited"
    deployed.hook("start")
    assert juju.model["status"] == READY


@pytest.mark.parametrize("state", ["running", "exited"])
def test_the_registrys_container_gets_its_name_back_while_it_serves(deployed, juju, machine, state):
    identity = machine.engine.containers["registry"]["id"]
    if state == "exited":
        machine.engine.stop("registry")
    machine.engine.rename("registry", "mine")
    if state == "running":
        machine.engine.watched = 5000
        juju.change(config={"log-level": "debug"})  # the change of the same hook is applied
    deployed.hook("update-status")
    assert "The registry's container was renamed to mine, and has its name registry again." in juju.model["status"][1]
    assert machine.engine.outages == []
    assert list(machine.engine.containers) == ["registry"]
    assert (machine.engine.containers["registry"]["id"] == identity) is (state == "exited")
    deployed.hook("update-status")
    assert juju.model["status"] == READY


def test_a_renamed_container_that_cannot_have_its_name_back_is_left(deployed, juju, machine):
    machine.engine.rename("registry", "mine")
    machine.engine.create("registry", STRANGER)
    deployed.hook("update-status")
    assert juju.model["status"][0] == "blocked"
    assert "the container 'registry' exists and was not created by this charm" in juju.model["status"][1]
    assert machine.engine.serving(5000)


def test_stop_by_the_new_name_is_stop_too(deployed, juju, machine, actions):
    machine.engine.rename("registry", "mine")
    deployed.action("stop", actions, name="mine", remove=False)
    deployed.hook("update-status")
    assert juju.model["status"][1].startswith("Stopped by the action stop.")
    assert machine.engine.serving(5000) is None
