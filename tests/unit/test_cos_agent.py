"""The relation cos-agent through the real dispatch: what is scraped, what the charm says itself, and what it costs."""

import dataclasses
import json

import pytest
from registry.formats import exporter
from test_endpoints import bag, relate

OURS = "docker-registry/0"


@pytest.fixture
def agent(deployed, juju):
    return relate(juju, deployed, "cos-agent", {"otelcol/0": {}})


def targets(juju, name):
    jobs = json.loads(bag(juju, name)["config"])["metrics_scrape_jobs"]
    return [target for job in jobs for one in job["static_configs"] for target in one["targets"]]


def values(machine):
    """The charm's metrics, by name and labels."""
    lines = [line for line in machine.metrics.text.splitlines() if not line.startswith("#")]
    return dict(line.removeprefix("docker_registry_").rsplit(" ", 1) for line in lines)


def test_metrics_are_on_for_the_agent_alone(deployed, juju, machine, agent):
    current = machine.store.current()
    assert (current.container.ports["5001"], current.container.addresses["5001"]) == (5001, "127.0.0.1")
    assert targets(juju, agent) == ["127.0.0.1:5002", "127.0.0.1:5001"]
    folder = current.data_folder
    assert machine.metrics.served == exporter.Exporter(5002, "127.0.0.1:5001", folder, None)
    assert values(machine) == {
        'info{version="2.8.3"}': "1",
        "stopped{}": "0",
        "drained{}": "0",
        "pushes_refused{}": "0",
    }
    juju.change(config={"debug-port": 6001, "debug-address": "10.0.0.10"})
    deployed.hook("config-changed")
    assert targets(juju, agent) == ["127.0.0.1:6002", "10.0.0.10:6001"]
    juju.change(config={"debug-port": 4999, "debug-address": "", "prometheus-metrics": True})
    deployed.hook("config-changed")
    assert "5001" not in machine.store.current().container.addresses
    assert targets(juju, agent) == ["127.0.0.1:5001", "127.0.0.1:4999"]
    deployed.hook("cos-agent-relation-broken", JUJU_RELATION_ID=agent)
    assert machine.metrics.served is None
    assert "5001" in machine.store.current().container.ports


def test_an_idle_hook_writes_nothing_more(deployed, juju, machine, agent):
    deployed.hook("update-status")
    before = bag(juju, agent)
    machine.engine.calls.clear()
    calls = deployed.hook("update-status")
    assert [call[0] for call in calls].count("relation-set") == 0
    assert machine.engine.calls == [("inspect", "registry")]
    assert bag(juju, agent) == before


def test_a_port_in_use_is_a_warning(deployed, juju, machine, agent):
    machine.metrics.error = "Address already in use"
    deployed.hook("update-status")
    assert juju.model["status"][0] == "active"
    assert "cannot be served at 127.0.0.1:5002: Address already in use. Choose" in juju.model["status"][1]


def test_runs_of_actions_and_a_stop_are_told(deployed, juju, machine, actions, agent):
    deployed.action("garbage-collect", actions, **{"untagged": False, "dry-run": True})
    assert "runs" not in machine.records.texts
    deployed.action("garbage-collect", actions, **{"untagged": False, "dry-run": False})  # the registry answers nothing
    assert values(machine)['action_success{action="garbage-collect"}'] == "0"
    machine.records.save("runs", {"garbage-collect": {"failed": False, "succeeded": 1795651200}})
    deployed.action("stop", actions, name="", remove=False)
    assert values(machine) == {
        'action_success{action="garbage-collect"}': "1",
        'action_success_timestamp_seconds{action="garbage-collect"}': "1795651200",
        'info{version="2.8.3"}': "1",
        "stopped{}": "1",
        "drained{}": "0",
        "pushes_refused{}": "0",
    }


def test_a_registry_whose_disk_is_missing_was_not_stopped_by_an_action(deployed, juju, machine, agent):
    lost = {path for path in machine.folders.existing if "docker-registry-disk-" in path}
    machine.folders.existing -= lost
    machine.engine.missing |= lost
    deployed.hook("update-status")
    assert "is not mounted at /srv/registry, so the registry is stopped" in juju.model["status"][1]
    assert values(machine)["stopped{}"] == "0", "the alert DockerRegistryDown is silent while it is 1"


def test_pushes_that_are_refused_are_told_in_the_hook_that_sees_the_disk_low(deployed, machine, agent):
    for share, told in ((50, "0"), (4, "1"), (50, "0")):
        machine.folders.space = dataclasses.replace(
            machine.folders.space, free=machine.folders.space.size * share // 100
        )
        deployed.hook("update-status")
        assert values(machine)["pushes_refused{}"] == told


def test_a_cache_tells_nothing_of_a_disk_that_was_low_before(deployed, juju, machine, agent):
    machine.folders.space = dataclasses.replace(machine.folders.space, free=machine.folders.space.size * 4 // 100)
    deployed.hook("update-status")
    assert values(machine)["pushes_refused{}"] == "1"
    machine.engine.upstreams.add("registry-1.docker.io")
    juju.change(config={"cache-remoteurl": "https://registry-1.docker.io"})
    deployed.hook("config-changed")
    assert "pushes_refused{}" not in values(machine)


def test_a_cache_of_before_a_fix_says_so(deployed, juju, machine, actions, agent):
    machine.engine.upstreams.add("registry-1.docker.io")
    juju.change(config={"cache-remoteurl": "https://registry-1.docker.io"})
    deployed.hook("config-changed")
    assert juju.model["status"][0] == "active"
    assert "registry 2.8.3 has faults that concern this registry: CVE-2026-85747, CVE-2026-" in juju.model["status"][1]
    assert 'advisory{advisory="CVE-2026-85747",fixed="3.1.2"}' in values(machine)
    assert machine.metrics.served.upstream == "https://registry-1.docker.io"
    shown = deployed.action("advisories", actions)
    assert (shown["version"], shown["advisories"], shown["concerning"]) == ("2.8.3", "3", "2")
    assert "CVE-2026-85747, fixed in 3.1.2: A cache does not verify" in shown["output"]
    assert "registry:2 is not rebuilt" in shown["output"]
