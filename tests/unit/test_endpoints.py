"""The relations through the real dispatch: databags whole, in both directions, and what each hook costs."""

import json

import pytest
import yaml
from charmhelpers.core import unitdata
from charms.layer import context

OURS = "docker-registry/0"


def bag(juju, relation):
    """This unit's databag."""
    return juju.model["relations"][relation].get(OURS, {})


def relate(juju, charm, endpoint, units, number=1):
    """Relate the endpoint to *units* (name -> databag), and run the hooks that follow."""
    name = f"{endpoint}:{number}"
    juju.change(relations={name: juju.model["relations"].get(name, {})})
    charm.hook(f"{endpoint}-relation-created", JUJU_RELATION_ID=name, JUJU_REMOTE_APP=next(iter(units)).split("/")[0])
    for unit, databag in units.items():
        there = {**juju.model["relations"][name], unit: databag}
        juju.change(relations={name: there})
        for step in ("joined", "changed"):
            charm.hook(f"{endpoint}-relation-{step}", JUJU_RELATION_ID=name, JUJU_REMOTE_UNIT=unit)
    return name


def test_clients_are_told_all_five_keys_in_json(deployed, juju):
    name = relate(juju, deployed, "docker-registry", {"containerd/0": {}})
    assert bag(juju, name) == {
        "registry_netloc": '"10.0.0.10:5000"',
        "registry_url": '"http://10.0.0.10:5000"',
        "basic_user": "null",
        "basic_password": "null",
        "tls_ca": "null",
        "registry_unit": f'"{OURS}"',
    }
    assert " Clients that run containerd cannot pull over plain HTTP." in juju.model["status"][1]


def test_clients_look_again_when_the_unit_whose_word_counted_is_gone(deployed, juju):
    name = relate(juju, deployed, "docker-registry", {"node/0": {}}, 1)
    juju.change(config={"http-host": "http://registry.example.com"})
    others = {f"docker-registry/{n}": {"address": f"10.0.0.{n}", "port": "5000", "scheme": "http"} for n in (1, 10)}
    # As charms.reactive compares them: app/1 < app/10 < app/2.
    deployed.hook("config-changed")
    before = bag(juju, name)
    assert before["registry_unit"] == f'"{OURS}"'
    relate(juju, deployed, "peer", others, 2)
    assert bag(juju, name) == before, "a unit more is no reason to look"


def test_the_address_of_before_counts_where_juju_does_not_tell(deployed, juju):
    name = relate(juju, deployed, "docker-registry", {"node/0": {}})
    before = bag(juju, name)
    juju.change(address=None)
    deployed.hook("config-changed")
    assert bag(juju, name) == before


def test_a_departure_that_juju_was_told_to_pass_over_is_seen_with_the_next_change(deployed, juju):
    clients = relate(juju, deployed, "docker-registry", {"node/0": {}}, 1)
    proxy = relate(juju, deployed, "website", {"haproxy/0": {"ingress-address": "10.0.8.8"}}, 2)
    ours = {unit: said for unit, said in juju.model["relations"][proxy].items() if unit == OURS}
    juju.change(relations={proxy: ours})
    deployed.hook("update-status")
    assert json.loads(bag(juju, clients)["registry_netloc"]) == "10.0.8.8:5000"
    deployed.hook("config-changed")
    assert json.loads(bag(juju, clients)["registry_netloc"]) == "10.0.0.10:5000"


def test_a_password_reaches_clients_although_another_option_is_wrong(deployed, juju):
    name = relate(juju, deployed, "docker-registry", {"node/0": {}})
    juju.change(config={"auth-basic-password": "before"})
    deployed.hook("config-changed")
    juju.change(config={"website-check-fall": 0, "auth-basic-password": "hush"})
    deployed.hook("config-changed")
    assert juju.model["status"][0] == "blocked"
    assert json.loads(bag(juju, name)["basic_password"]) == "hush"


def test_the_oldest_proxy_counts(deployed, juju):
    name = relate(juju, deployed, "docker-registry", {"node/0": {}}, 1)
    relate(juju, deployed, "website", {"haproxy/0": {"ingress-address": "10.0.0.9"}}, 9)
    relate(juju, deployed, "website", {"other/0": {"ingress-address": "10.0.0.100"}}, 10)
    assert json.loads(bag(juju, name)["registry_netloc"]) == "10.0.0.9:5000"


def test_a_unit_that_is_removed_serves_as_it_is_until_it_goes(deployed, juju, machine):
    clients = relate(juju, deployed, "docker-registry", {"node/0": {}}, 1)
    proxy = relate(juju, deployed, "website", {"haproxy/0": {"ingress-address": "10.0.8.8"}}, 2)
    before = bag(juju, clients), bag(juju, proxy), machine.store.current(), juju.model["ports"]
    about = {"JUJU_RELATION_ID": proxy, "JUJU_REMOTE_UNIT": "haproxy/0", "JUJU_DEPARTING_UNIT": OURS}
    deployed.hook("website-relation-departed", **about)
    deployed.hook("website-relation-broken", JUJU_RELATION_ID=proxy)
    juju.change(config={"registry-port": 6000})
    deployed.hook("config-changed")
    assert (bag(juju, clients), bag(juju, proxy), machine.store.current(), juju.model["ports"]) == before
    assert juju.model["status"] == ["maintenance", "Being removed. The registry serves until the last hook."]
    deployed.hook("stop")
    assert machine.store.current() is None


def test_another_unit_that_is_removed_is_no_reason_to_leave(deployed, juju):
    name = peers(juju, deployed)
    about = {"JUJU_RELATION_ID": name, "JUJU_REMOTE_UNIT": "docker-registry/2"}
    deployed.hook("peer-relation-departed", **about, JUJU_DEPARTING_UNIT="docker-registry/2")
    assert juju.model["status"][0] == "active"


def test_a_second_relation_is_told_too(deployed, juju):
    first = relate(juju, deployed, "docker-registry", {"containerd/0": {}}, 1)
    second = relate(juju, deployed, "docker-registry", {"docker/0": {}}, 2)
    assert bag(juju, first) == bag(juju, second) != {}


def test_clients_hear_of_another_port(deployed, juju):
    name = relate(juju, deployed, "docker-registry", {"containerd/0": {}})
    juju.change(config={"registry-port": 6000})
    deployed.hook("config-changed")
    assert json.loads(bag(juju, name)["registry_netloc"]) == "10.0.0.10:6000"


def test_clients_hear_nothing_before_the_registry_serves(charm, juju, machine):
    machine.engine.images = {}
    name = relate(juju, charm, "docker-registry", {"containerd/0": {}})
    assert juju.model["status"][0] == "blocked"
    assert bag(juju, name) == {}
    machine.engine.images = {"registry:2": "sha256:one"}
    charm.hook("update-status")
    assert json.loads(bag(juju, name)["registry_netloc"]) == "10.0.0.10:5000"


def test_a_wrong_http_host_leaves_clients_what_they_know(deployed, juju):
    name = relate(juju, deployed, "docker-registry", {"containerd/0": {}})
    before = bag(juju, name)
    juju.change(config={"http-host": "reg.example.com"})
    deployed.hook("config-changed")
    assert bag(juju, name) == before


def test_a_proxy_is_told_of_this_units_server(deployed, juju):
    juju.change(relations={"website:1": {OURS: {"all_services": "- stale"}}})
    name = relate(juju, deployed, "website", {"haproxy/0": {}})
    told = bag(juju, name)
    assert told.keys() == {"hostname", "port", "services"}
    assert (told["hostname"], told["port"]) == ("10.0.0.10", "5000")
    (service,) = yaml.safe_load(told["services"])
    assert service["service_name"] == "docker-registry"
    assert [server[:3] for server in service["servers"]] == [["docker-registry-0-5000", "10.0.0.10", 5000]]


def test_a_second_proxy_is_told_too_and_what_an_earlier_leader_said_is_gone(deployed, juju):
    stale = {OURS: {"services": "- {service_name: docker-registry, servers: [[docker-registry-9, 10.0.0.9, 5000, x]]}"}}
    juju.change(relations={"website:1": stale}, is_leader=False)
    first = relate(juju, deployed, "website", {"haproxy/0": {}}, 1)
    second = relate(juju, deployed, "website", {"other/0": {}}, 2)
    assert bag(juju, first) == bag(juju, second)
    assert "10.0.0.9" not in bag(juju, first)["services"]


def test_a_wrong_option_takes_no_tls_from_a_proxy(deployed, juju):
    juju.change(config={"website-tls": "terminate"})
    name = relate(juju, deployed, "website", {"haproxy/0": {}})
    before = bag(juju, name)
    assert "DEFAULT" in before["services"]
    juju.change(config={"website-tls": "terminat"})
    deployed.hook("config-changed")
    assert juju.model["status"][1].startswith(
        "website-tls: 'terminat' is not supported. Use one of passthrough, terminate."
    )
    assert bag(juju, name) == before


def test_a_follower_tells_clients_when_a_proxy_comes_and_goes(deployed, juju):
    juju.change(is_leader=False)
    name = relate(juju, deployed, "docker-registry", {"containerd/0": {}})
    proxy = relate(juju, deployed, "website", {"haproxy/0": {"ingress-address": "10.0.8.8"}})
    assert json.loads(bag(juju, name)["registry_netloc"]) == "10.0.8.8:5000"
    deployed.hook("website-relation-departed", JUJU_RELATION_ID=proxy, JUJU_REMOTE_UNIT="haproxy/0")
    assert json.loads(bag(juju, name)["registry_netloc"]) == "10.0.0.10:5000"


def test_a_new_unit_is_nobodys_primary_before_it_has_met_its_peers(charm, juju, machine):
    relations = {"website:1": {"haproxy/0": {}}, "docker-registry:2": {"node/0": {}}}
    juju.change(relations=relations, is_leader=False, leader={"http-secret": "hush"})
    for hook in ("install", "config-changed", "start"):
        charm.hook(hook)
    assert juju.model["status"][0] == "active"
    assert (bag(juju, "website:1"), bag(juju, "docker-registry:2")) == ({}, {})
    relate(juju, charm, "peer", {"docker-registry/1": {}}, 3)
    assert bag(juju, "website:1")["services"]
    assert bag(juju, "docker-registry:2")["registry_netloc"]


def test_a_ca_is_asked_for_a_certificate(deployed, juju):
    name = relate(juju, deployed, "cert-provider", {"easyrsa/0": {}})
    told = bag(juju, name)
    names = json.loads(told.pop("sans"))
    (request,) = json.loads(told.pop("certificate_signing_requests"))
    assert request.keys() == {"certificate_signing_request", "ca"}
    assert request["ca"] is False
    assert told == {
        "unit_name": "docker-registry_0",
        "common_name": "10.0.0.10",
        "certificate_name": "docker-registry_0",
    }
    assert names == sorted(names)
    assert "10.0.0.10" in names


def test_nrpe_is_told_whose_checks_it_has(deployed, juju, machine):
    name = relate(juju, deployed, "nrpe-external-master", {"nrpe/0": {"nagios_hostname": "x-docker-registry-0"}})
    told = bag(juju, name)
    checks = {f"docker_registry_{check}" for check in ("http", "container", "storage")}
    commands = {check: {"command": f"check_{check}"} for check in checks}
    assert yaml.safe_load(told.pop("monitors")) == {"monitors": {"remote": {"nrpe": commands}}}
    assert told == {"primary": "True"}
    assert "/var/lib/nagios/export/service__x-docker-registry-0_check_docker_registry_http.cfg" in machine.checks.files
    juju.change(config={"nagios_context": "a b"})
    deployed.hook("config-changed")
    assert juju.model["status"][0] == "blocked"
    assert machine.checks.files
    deployed.hook("nrpe-external-master-relation-broken", JUJU_RELATION_ID=name)
    assert machine.checks.files == {}


def peers(juju, charm, **more):
    there = {f"docker-registry/{n}": {"address": f"10.0.0.{n}", "port": "5000", "scheme": "http"} for n in (2, 10)}
    return relate(juju, charm, "peer", {**there, **more})


def test_peers_are_told_where_this_unit_answers(deployed, juju):
    assert bag(juju, peers(juju, deployed)) == {"address": "10.0.0.10", "port": "5000", "scheme": "http"}


def test_a_peer_that_leaves_is_forgotten(deployed, juju):
    name = peers(juju, deployed)
    known = [peer.unit for peer in context.endpoint("peer").peers()]
    assert known == ["docker-registry/2", "docker-registry/10"]
    # Juju may still list the unit in the hook that tells of its departure.
    deployed.hook("peer-relation-departed", JUJU_RELATION_ID=name, JUJU_REMOTE_UNIT="docker-registry/2")
    assert [peer.unit for peer in context.endpoint("peer").peers()] == ["docker-registry/10"]


def remembered(charm):
    """What the unit keeps from hook to hook."""
    charm.flags()  # opens it anew
    return unitdata.kv().getrange("")


def test_what_the_unit_remembers_does_not_grow(deployed, juju):
    relate(juju, deployed, "nrpe-external-master", {"nrpe/0": {}}, 1)
    name = relate(juju, deployed, "docker-registry", {"node/0": {}}, 2)
    before, there = remembered(deployed), juju.model["relations"][name]
    for step, bags in (("joined", {**there, "node/1": {}}), ("departed", there)):
        juju.change(relations={name: bags})
        deployed.hook(f"docker-registry-relation-{step}", JUJU_RELATION_ID=name, JUJU_REMOTE_UNIT="node/1")
    deployed.hook("update-status")
    assert remembered(deployed) == before


def test_a_relation_that_is_broken_is_forgotten(deployed, juju):
    name = relate(juju, deployed, "website", {"haproxy/0": {}})
    deployed.hook("website-relation-broken", JUJU_RELATION_ID=name)
    assert context.endpoint("website").relation_ids == ()
    assert "endpoint.website.joined" not in deployed.flags()


def test_a_refresh_reads_and_writes_everything_again(deployed, juju):
    name = relate(juju, deployed, "docker-registry", {"containerd/0": {}})
    there = {**juju.model["relations"][name], OURS: {}}
    juju.change(relations={name: there})
    deployed.hook("update-status")
    assert bag(juju, name) == {}
    deployed.hook("upgrade-charm")
    assert len(bag(juju, name)) == 6


@pytest.mark.parametrize("number", [1, 10, 100])
def test_a_hook_costs_the_same_whatever_the_number_of_units(deployed, juju, number):
    units = {f"containerd/{n}": {"ingress-address": f"10.1.0.{n}"} for n in range(number)}
    others = {f"docker-registry/{n}": {"address": f"10.0.0.{n}", "port": "5000"} for n in range(1, number + 1)}
    for endpoint, there in (("docker-registry", units), ("peer", others)):
        name = f"{endpoint}:1"
        juju.change(relations={name: there})
    anew = [call[0] for call in deployed.hook("upgrade-charm")]
    assert anew.count("relation-get") == 2 * number, "only a refresh or a start reads everything again"
    always = ["config-get", "juju-log", "leader-get", "network-get", *["relation-ids"] * 8, "status-set"]
    idle = [call[0] for call in deployed.hook("update-status")]
    assert sorted(idle) == always
    about = {"JUJU_RELATION_ID": "peer:1", "JUJU_REMOTE_UNIT": "docker-registry/1"}
    changed = [call[0] for call in deployed.hook("peer-relation-changed", **about)]
    assert sorted(changed) == sorted([*always, "relation-list", "relation-get"])
