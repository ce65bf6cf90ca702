"""The relations through the real dispatch: databags whole, in both directions, and what each hook costs."""

import contextlib
import json
import subprocess

import pytest
import tool_process
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
    assert juju.model["status"] == ["maintenance", "Being removed. The last hook removes the registry."]
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


@pytest.mark.parametrize(
    ("endpoint", "unit", "key"),
    [
        ("docker-registry", "containerd/0", "registry_netloc"),
        ("website", "haproxy/0", "port"),
        ("peer", "docker-registry/1", "address"),
        ("cert-provider", "easyrsa/0", "common_name"),
        ("nrpe-external-master", "nrpe/0", "primary"),
        ("s3-credentials", "s3/0", "bucket"),
    ],
)
def test_data_that_juju_dropped_are_published_again(deployed, juju, endpoint, unit, key):
    name = relate(juju, deployed, endpoint, {unit: {}})
    owner = OURS.partition("/")[0] if endpoint == "s3-credentials" else OURS
    published = juju.model["relations"][name][owner]
    without = {other: value for other, value in published.items() if other != key}
    for lost, hook in (
        ({}, "upgrade-charm"),
        ({}, "config-changed"),
        ({}, "update-status"),
        (without, "update-status"),
        ({**published, key: "stale"}, "update-status"),
        ({**published, "juju": "ours"}, "update-status"),
    ):
        juju.change(relations={name: {**juju.model["relations"][name], owner: lost}})
        deployed.hook("leader-settings-changed")
        assert juju.model["relations"][name][owner] == lost, "only some hooks ask Juju"
        deployed.hook(hook)
        assert juju.model["relations"][name][owner] == {**lost, **published}


def test_a_relation_without_units_is_looked_at_when_one_joins(deployed, juju):
    juju.change(relations={"docker-registry:1": {}})
    deployed.hook("docker-registry-relation-created", JUJU_RELATION_ID="docker-registry:1")
    published = bag(juju, "docker-registry:1")
    juju.change(relations={"docker-registry:1": {OURS: {}}})
    assert "relation-get" not in [call[0] for call in deployed.hook("update-status")]
    juju.change(relations={"docker-registry:1": {OURS: {}, "node/0": {}}})
    deployed.hook("docker-registry-relation-joined", JUJU_RELATION_ID="docker-registry:1", JUJU_REMOTE_UNIT="node/0")
    assert bag(juju, "docker-registry:1") == published != {}


def test_data_that_juju_has_are_not_published_again(deployed, juju):
    relate(juju, deployed, "docker-registry", {"containerd/0": {}}, 1)
    peers(juju, deployed)
    for hook in ("config-changed", "update-status"):
        assert "relation-set" not in [call[0] for call in deployed.hook(hook)]


@pytest.mark.parametrize("hook", ["config-changed", "update-status", "start"])
@pytest.mark.parametrize(
    ("opened", "after"),
    [
        ([], ["5000/tcp"]),
        (["8080/tcp"], ["5000/tcp", "8080/tcp"]),
        (["5000/udp"], ["5000/tcp", "5000/udp"]),
        (["4000-6000/tcp"], ["4000-6000/tcp"]),
    ],
)
def test_a_port_that_juju_did_not_open_is_opened_again(deployed, juju, hook, opened, after):
    juju.change(ports=opened)
    deployed.hook(hook)
    assert juju.model["ports"] == after


def test_a_port_that_juju_did_not_close_is_closed_again(deployed, juju):
    juju.change(config={"registry-port": 6000})
    deployed.hook("config-changed")
    juju.change(ports=["5000/tcp", "6000/tcp", "7000/tcp"])
    deployed.hook("leader-settings-changed")
    assert len(juju.model["ports"]) == 3
    deployed.hook("update-status")
    assert juju.model["ports"] == ["6000/tcp", "7000/tcp"], "7000 was never the charm's"
    deployed.hook("update-status")
    juju.change(ports=["5000/tcp", "6000/tcp"])
    deployed.hook("update-status")
    assert juju.model["ports"] == ["5000/tcp", "6000/tcp"], "5000 is somebody else's since it was closed"


@contextlib.contextmanager
def broken(monkeypatch, machine):
    """Hooks fail meanwhile, after they have read their data."""
    with monkeypatch.context() as patch:
        patch.setattr(machine.store, "current", lambda: 1 / 0)
        yield


PASSED_OVER = [
    ("peer", "docker-registry/1", "changed", {"port": "6000", "address": "10.0.0.1", "scheme": "http"}),
    ("website", "haproxy/0", "changed", {"ingress-address": "10.0.8.9"}),
    ("nrpe-external-master", "nrpe/0", "changed", {"nagios_hostname": "other"}),
    ("website", "haproxy/1", "joined", {"ingress-address": "10.0.8.9"}),
]


# What was passed over is the same for all that may follow, and the other way round: each of both is there.
FOLLOWING = [
    *((PASSED_OVER[0], hook) for hook in ("update-status", "leader-settings-changed")),
    *((passed_over, "docker-registry-relation-created") for passed_over in PASSED_OVER),
]


@pytest.mark.parametrize(("passed_over", "following"), FOLLOWING)
def test_what_a_hook_was_about_that_juju_passed_over_is_read_by_the_next(
    deployed, juju, machine, monkeypatch, passed_over, following
):
    endpoint, unit, step, said = passed_over
    name = relate(juju, deployed, endpoint, {f"{unit[:-1]}{9}": {"ingress-address": "10.0.8.8"}, unit: {}}, 1)
    juju.change(relations={name: {**juju.model["relations"][name], unit: said}, "docker-registry:7": {}})
    with broken(monkeypatch, machine), pytest.raises(ZeroDivisionError):
        deployed.hook(f"{endpoint}-relation-{step}", JUJU_RELATION_ID=name, JUJU_REMOTE_UNIT=unit)
    calls = deployed.hook(following, JUJU_RELATION_ID="docker-registry:7" if "-relation-" in following else "")
    assert ["relation-get", "--format=json", "-r", name, "-", unit] in calls
    assert context.endpoint(endpoint).units(name)[unit] == said
    again = deployed.hook("leader-settings-changed")
    assert "relation-get" not in [call[0] for call in again], "once"


def test_a_relation_whose_first_hook_juju_passed_over_is_known_in_the_next(deployed, juju, machine, monkeypatch):
    juju.change(relations={"docker-registry:7": {"node/0": {}}})
    with broken(monkeypatch, machine), pytest.raises(ZeroDivisionError):
        deployed.hook("docker-registry-relation-created", JUJU_RELATION_ID="docker-registry:7")
    deployed.hook("leader-settings-changed")
    assert bag(juju, "docker-registry:7")


FAILED = (1, "", "ERROR connection is shut down\n")


ANSWERS = [
    *((tool, FAILED) for tool in ("relation-list", "relation-get", "network-get", "opened-ports")),
    *((tool, (0, text, "")) for tool in ("network-get", "opened-ports") for text in ("null", "", "7", '"x"')),
]


def test_a_hook_tool_that_fails_or_says_nothing_changes_nothing(deployed, juju, monkeypatch):
    clients = relate(juju, deployed, "docker-registry", {"node/0": {}}, 1)
    relate(juju, deployed, "website", {"haproxy/0": {"ingress-address": "10.0.8.8"}}, 2)
    before = bag(juju, clients), juju.model["ports"], juju.model["status"]
    call, current = juju.answer, {}
    tools = tool_process.popen(juju.folder, lambda name, *rest: current.get(name) or call(name, *rest))
    monkeypatch.setattr(subprocess, "Popen", tools)
    about = {"JUJU_RELATION_ID": "website:2", "JUJU_REMOTE_UNIT": "haproxy/0"}
    hooks = (("config-changed", {}), ("update-status", {}), ("website-relation-changed", about))
    for tool, answer in ANSWERS:
        current = {tool: answer}
        for hook, environment in hooks:
            deployed.hook(hook, **environment)
            now = bag(juju, clients), juju.model["ports"], juju.model["status"]
            assert now == before, (tool, answer, hook)


def test_a_hook_that_is_retried_reads_its_own_unit_alone(deployed, juju, machine, monkeypatch):
    name = peers(juju, deployed)
    about = {"JUJU_RELATION_ID": name, "JUJU_REMOTE_UNIT": "docker-registry/2"}
    with broken(monkeypatch, machine), pytest.raises(ZeroDivisionError):
        deployed.hook("peer-relation-changed", **about)
    calls = [call[0] for call in deployed.hook("peer-relation-changed", **about)]
    assert calls.count("relation-get") == 1


def test_each_relation_gets_the_address_at_which_it_reaches_the_unit(deployed, juju):
    juju.change(ingress={"docker-registry:2": "192.0.2.1", "website:4": "192.0.2.4"})
    inside = relate(juju, deployed, "docker-registry", {"node/0": {}}, 1)
    outside = relate(juju, deployed, "docker-registry", {"remote-1/0": {}}, 2)

    def netlocs():
        return [json.loads(bag(juju, name)["registry_netloc"]) for name in (inside, outside)]

    assert netlocs() == ["10.0.0.10:5000", "192.0.2.1:5000"]
    peer = peers(juju, deployed)
    assert json.loads(bag(juju, peer)["ingress"]) == {"docker-registry:2": "192.0.2.1"}
    for hook, about in (
        ("update-status", {}),
        ("docker-registry-relation-changed", {"JUJU_RELATION_ID": outside, "JUJU_REMOTE_UNIT": "remote-1/0"}),
        ("docker-registry-relation-changed", {"JUJU_RELATION_ID": inside, "JUJU_REMOTE_UNIT": "node/0"}),
        ("config-changed", {}),
    ):
        deployed.hook(hook, **about)
        assert netlocs() == ["10.0.0.10:5000", "192.0.2.1:5000"]
        assert juju.model["status"][1].startswith("Ready at 10.0.0.10:5000 (http).")
    proxies = [relate(juju, deployed, "website", {"haproxy/0": {}}, number) for number in (3, 4)]
    assert [bag(juju, name)["hostname"] for name in proxies] == ["10.0.0.10", "192.0.2.4"]
    servers = [yaml.safe_load(bag(juju, name)["services"])[0]["servers"][0][1] for name in proxies]
    assert servers == ["10.0.0.10", "192.0.2.4"]
    juju.change(address="10.0.0.11", ingress={"docker-registry:2": "192.0.2.2"})
    deployed.hook("update-status")
    assert netlocs() == ["10.0.0.11:5000", "192.0.2.2:5000"]


def test_without_peers_the_first_hook_of_another_model_does_not_count_for_all(deployed, juju):
    juju.change(ingress={"docker-registry:1": "192.0.2.1"})
    relate(juju, deployed, "docker-registry", {"remote-1/0": {}}, 1)
    assert juju.model["status"][1].startswith("Ready at 10.0.0.10:5000 (http).")


def test_a_follower_tells_clients_the_primarys_address_for_their_model(deployed, juju):
    outside = relate(juju, deployed, "docker-registry", {"remote-1/0": {}}, 2)
    first = {"address": "10.0.0.1", "port": "5001", "scheme": "http", "ingress": '{"docker-registry:2": "192.0.2.9"}'}
    OLDER = "docker-registry/-1"
    relate(juju, deployed, "peer", {OLDER: first}, 1)
    assert json.loads(bag(juju, outside)["registry_netloc"]) == "192.0.2.9:5001"


@pytest.mark.parametrize(
    "said",
    [
        {"port": "²"},
        {"port": "x"},
        {"port": "-1"},
        {"ingress": "{"},
        {"ingress": "[]"},
        {"ingress": '{"docker-registry:1": null}'},
        {"scheme": "gopher"},
    ],
)
def test_odd_data_of_a_peer_fail_no_hook(deployed, juju, said):
    relate(juju, deployed, "docker-registry", {"node/0": {}}, 1)
    relate(juju, deployed, "peer", {"docker-registry/1": {"address": "10.0.0.1", **said}}, 2)
    assert juju.model["status"][0] == "active"


@pytest.mark.parametrize("number", [1, 10, 100])
def test_a_hook_costs_the_same_whatever_the_number_of_units(deployed, juju, number):
    units = {f"containerd/{n}": {"ingress-address": f"10.1.0.{n}"} for n in range(number)}
    others = {f"docker-registry/{n}": {"address": f"10.0.0.{n}", "port": "5000"} for n in range(1, number + 1)}
    for endpoint, there in (("docker-registry", units), ("peer", others)):
        name = f"{endpoint}:1"
        juju.change(relations={name: there})
    anew = [call[0] for call in deployed.hook("upgrade-charm")]
    assert anew.count("relation-get") == 2 * number, "only a refresh or a start reads everything again"
    always = ["config-get", "juju-log", "leader-get", "network-get", "status-set"]
    idle = [call[0] for call in deployed.hook("update-status")]
    assert sorted(idle) == sorted([*always, "opened-ports", "relation-get", "relation-get"]), "this unit's own data"
    about = {"JUJU_RELATION_ID": "peer:1", "JUJU_REMOTE_UNIT": "docker-registry/1"}
    changed = [call[0] for call in deployed.hook("peer-relation-changed", **about)]
    assert sorted(changed) == sorted([*always, "relation-ids", "relation-list", "relation-get"])
