"""Two units of the charm on one machine: the first one owns it, and the second changes nothing."""

import json
import os

import pytest
from fake_machine import READY


def taken(charm, machine, owner="images/3", *, agent=True):
    """Have another unit own the machine, with or without its agent."""
    machine.records.save("owner", {"unit": owner})
    if agent:
        agents = os.path.dirname(os.path.dirname(charm.folder))
        machine.folders.existing.add(f"{agents}/unit-{owner.replace('/', '-')}")


def picture(machine):
    """What is on the machine."""
    return json.dumps(
        [
            machine.engine.containers,
            machine.engine.writes(),
            machine.apt.calls,
            machine.dockerd.daemon_json,
            machine.dockerd.drop_in,
            machine.checks.files,
            machine.records.texts,
            machine.files.texts,
            sorted(str(path) for path in machine.store.root.parent.rglob("registry/**/*")),
        ]
    )


OCCUPIED = [
    "blocked",
    "The unit images/3 of this charm is on the same machine, and there can be one registry on a machine. "
    "Remove one of the two units.",
]


def test_the_unit_that_comes_second_changes_nothing_and_says_so(charm, juju, machine):
    taken(charm, machine)
    machine.checks.files = {"/etc/nagios/nrpe.d/check_docker_registry.cfg": "of the first"}
    before = picture(machine)
    juju.change(config={"daemon-opts": '{"debug": true}', "package_status": "hold", "extra_packages": "jq"})
    for hook in ("install", "config-changed", "start", "update-status"):
        charm.hook(hook)
        assert juju.model["status"] == OCCUPIED
    charm.hook("stop")
    assert picture(machine) == before


@pytest.mark.parametrize(
    ("action", "params"),
    [
        ("stop", {"name": "", "remove": True}),
        ("stop", {"name": "registry", "remove": True}),
        ("start", {"name": ""}),
        ("push", {"image": "registry:2", "pull": False, "tag": ""}),
        ("upgrade-docker", {}),
        ("clean-containers", {}),
    ],
)
def test_its_actions_change_nothing_either(deployed, machine, actions, action, params):
    taken(deployed, machine)
    before = picture(machine)
    assert deployed.action(action, actions, **params)["failure"] == OCCUPIED[1]
    assert picture(machine) == before


@pytest.mark.parametrize("owner", ["docker-registry/0", "docker-registry/9", "images/3"])
def test_a_unit_whose_agent_is_gone_blocks_nobody(charm, juju, machine, owner):
    taken(charm, machine, owner, agent=owner == "docker-registry/0")
    for hook in ("install", "config-changed", "start"):
        charm.hook(hook)
    assert juju.model["status"] == READY
    assert machine.records.load("owner") == {"unit": "docker-registry/0"}


def test_the_machine_is_free_once_its_owner_is_removed(deployed, juju, machine):
    deployed.hook("stop")
    assert machine.records.load("owner") == {}


def test_the_second_takes_over_when_the_first_is_gone(charm, juju, machine):
    taken(charm, machine)
    charm.hook("install")
    assert juju.model["status"] == OCCUPIED
    machine.records.remove("owner")
    charm.hook("update-status")
    assert juju.model["status"] == READY


def test_the_leader_shares_the_secret_although_its_machine_is_anothers(charm, juju, machine):
    taken(charm, machine)
    charm.hook("install")
    assert juju.model["status"] == OCCUPIED
    assert len(juju.model["leader"]["http-secret"]) == 44


def test_the_secret_of_another_unit_is_not_shared(deployed, juju, machine):
    taken(deployed, machine)
    secret = juju.model["leader"].pop("http-secret")
    juju._write({**juju.model, "leader": {}})
    deployed.hook("config-changed")
    assert juju.model["leader"]["http-secret"] not in ("", secret)


def test_a_follower_on_anothers_machine_says_that(charm, juju, machine):
    juju.change(is_leader=False)
    taken(charm, machine)
    charm.hook("install")
    assert juju.model["status"] == OCCUPIED
    assert "http-secret" not in juju.model["leader"]
