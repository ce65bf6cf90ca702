"""The actions drain and resume: what the proxy and the status say."""

import pytest
import yaml
from test_endpoints import bag, peers, relate

WARNING = "Drained: the proxy sends it no new requests. Run `juju run docker-registry/0 resume` to end this."


@pytest.fixture
def proxy(deployed, juju):
    return relate(juju, deployed, "website", {"haproxy/0": {"ingress-address": "10.0.8.8"}}, 9)


def words(juju, proxy):
    return yaml.safe_load(bag(juju, proxy)["services"])[0]["servers"][0][3].split()


def test_a_drained_unit_stays_so_until_it_is_resumed(deployed, juju, proxy, actions, machine):
    peers(juju, deployed)
    before = bag(juju, proxy)
    assert WARNING in deployed.action("drain", actions, timeout=5)["message"]
    for hook in ("start", "upgrade-charm"):
        deployed.hook(hook)
        assert "disabled" in words(juju, proxy)
        assert juju.model["status"][0] == "active"
        assert "Drained" in juju.model["status"][1]
    assert deployed.action("drain", actions, timeout=5) == {"transfers": "ended"}
    assert machine.engine.bridge.waits == [(5000, 5)]
    deployed.action("resume", actions)
    assert bag(juju, proxy) == before
    assert "Drained" not in juju.model["status"][1]


def test_the_only_unit_leaves_clients_without_a_registry(deployed, juju, proxy, actions):
    message = deployed.action("drain", actions, timeout=5)["message"]
    assert "Drained, and there is no other unit: clients see no registry." in message


def test_without_a_proxy_there_is_nothing_to_drain(deployed, actions):
    failure = deployed.action("drain", actions, timeout=5)["failure"]
    assert failure.startswith("There is no proxy in front of this unit.")
