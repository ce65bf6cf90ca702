"""Two units of one application, and a third that joins: what they share and tell, and what happens when one goes.

The tests run in order, on machines of their own.
"""

import contextlib
import json
import shutil
import zipfile

import pytest
import yaml
from unit import Unit

APP = "group"
ALONE = (
    "Each unit keeps its images on its own disk, so an image pushed to one is missing on the others. "
    "Set storage-s3-... or storage-swift-..., or remove the other units."
)
PLAIN = "Clients that run containerd cannot pull over plain HTTP. Relate a CA to cert-provider, or set tls-cert-blob."


@pytest.fixture(scope="module")
def group(model, charm, archives):
    """The application; its units are asked for by `units`."""
    model.deploy(charm, APP, num_units=2, resources={"registry-image": str(archives.registry)})
    yield model
    model.remove_application(APP, force=True)


@pytest.fixture(scope="module")
def other(group, stand_in):
    """A client, which writes nothing by itself; and one on each unit's machine."""
    group.deploy(stand_in("other-end"), "other")
    group.deploy(stand_in("other-end-subordinate"), "within")
    for ours, theirs in (
        ("docker-registry", "other:registry"),
        ("nrpe-external-master", "within:monitored"),
    ):
        group.integrate(f"{APP}:{ours}", theirs)
    unit = Unit(group, "other/0")
    unit.settle()
    return unit


def units(juju):
    """The units of the application by their number."""
    names = sorted(juju.status().apps[APP].units, key=lambda name: int(name.partition("/")[2]))
    return [Unit(juju, name) for name in names]


def ready(unit, *words):
    """The status of a unit that is well."""
    shown = [*words[:1], *(["(1 more warning: see juju debug-log.)"] if len(words) == 2 else [])]
    return "active", " ".join([f"Ready at {unit.address}:5000 (http).", *shown])


@contextlib.contextmanager
def related(juju, ours, theirs):
    """Have one relation more for a while."""
    juju.integrate(f"{APP}:{ours}", f"other:{theirs}")
    settle(juju)
    yield
    juju.remove_relation(f"{APP}:{ours}", f"other:{theirs}")
    settle(juju)


def settle(juju):
    """Wait until nothing is to be done any more."""
    units(juju)[0].settle()


def leader(juju):
    (name,) = (name for name, unit in juju.status().apps[APP].units.items() if unit.leader)
    return name


def secret_of(unit):
    """The http.secret that the registry of a unit runs with."""
    return yaml.safe_load(unit.exec("cat /etc/docker/registry/config.yml"))["http"]["secret"]


def started(unit):
    """Which container the registry of a unit is, and since when it runs without a break."""
    container = unit.container()
    return container["Id"], container["State"]["StartedAt"]


def netlocs(other, juju):
    """What each unit tells clients."""
    return {json.loads(other.databag("registry", unit.name)["registry_netloc"]) for unit in units(juju)}


def test_every_unit_serves_with_the_leaders_secret(group):
    settle(group)
    two = units(group)
    assert [unit.name for unit in two] == [f"{APP}/{number}" for number in range(2)]
    for unit in two:
        assert unit.status() == ready(unit, ALONE)
        assert unit.answers()
    secrets = {secret_of(unit) for unit in two}
    assert secrets == {two[0].tool("leader-get", "http-secret")}
    assert len(secrets.pop()) == 44, "32 bytes in base64"


def test_every_unit_knows_its_peers(group):
    for unit in units(group):
        for peer in units(group):
            if peer.name != unit.name:
                expected = {"address": peer.address, "port": "5000", "scheme": "http"}
                assert unit.databag("peer", peer.name) == expected


def test_clients_are_told_the_same_by_every_unit(group, other):
    first = units(group)[0]
    for unit in units(group):
        assert other.databag("registry", unit.name) == {
            "registry_netloc": f'"{first.address}:5000"',
            "registry_url": f'"http://{first.address}:5000"',
            "basic_user": "null",
            "basic_password": "null",
            "tls_ca": "null",
            "registry_unit": f'"{APP}/0"',
        }


def test_a_proxy_is_told_of_one_server_by_each_unit_and_one_is_no_backup(group, other):
    with related(group, "website", "reverseproxy"):
        bags = [(unit, other.databag("reverseproxy", unit.name)) for unit in units(group)]
        for unit in units(group):
            state, message = unit.status()
            assert (state, message.partition(" Clients")[0]) == (
                "active",
                f"Ready at {other.address}:5000 (http, proxied).",
            )
    for unit, told in bags:
        backup = "" if unit.name == f"{APP}/0" else " backup"
        services = yaml.safe_load(told.pop("services"))
        assert told == {"hostname": unit.address, "port": "5000"}
        server = [
            f"{unit.name.replace('/', '-')}-5000",
            unit.address,
            5000,
            f"check inter 700 fastinter 350 rise 2 fall 2 on-marked-down shutdown-sessions maxconn 4096{backup}",
        ]
        (service,) = services
        assert service.pop("service_options")[0] == "mode http"
        assert service == {
            "service_name": APP,
            "service_host": "0.0.0.0",
            "service_port": 5000,
            "servers": [server],
        }


def test_a_ca_is_asked_for_a_certificate_for_each_unit(group, other):
    with related(group, "cert-provider", "certificates"):
        bags = [(unit, other.databag("certificates", unit.name)) for unit in units(group)]
        assert [unit.status()[0] for unit in units(group)] == ["waiting"] * 2, "it does not answer"
        assert [unit.answers() for unit in units(group)] == [True] * 2
    for unit, told in bags:
        name = unit.name.replace("/", "_")
        names = json.loads(told.pop("sans"))
        (request,) = json.loads(told.pop("certificate_signing_requests"))
        assert request["certificate_signing_request"].startswith("-----BEGIN CERTIFICATE REQUEST-----")
        assert told == {"unit_name": name, "common_name": unit.address, "certificate_name": name}
        assert set(names) == {unit.address, unit.exec("hostname")}


def test_nrpe_is_told_whose_checks_it_has(group, other):
    for name in group.status().get_units("within"):
        nrpe = Unit(group, name)
        principal = nrpe.tool("relation-list", "-r", nrpe.relation("monitored"))[0]
        told = nrpe.databag("monitored", principal)
        checks = yaml.safe_load(told.pop("monitors"))["monitors"]["remote"]["nrpe"]
        assert set(checks) == {f"docker_registry_{name}" for name in ("http", "container", "storage")}
        assert told == {"primary": "True"}


def test_idle_hooks_cost_the_same_with_all_these_relations(group, other):
    unit = units(group)[1]
    if not unit.is_local:
        pytest.skip("only the local model counts hook tools")
    unit.update_status()
    always = ["config-get", "juju-log", "leader-get", "network-get", "status-set"]
    own = ["opened-ports", *["relation-get"] * 3]  # what the unit has published: to clients, nrpe and peers
    assert sorted(unit.hook_tools()) == sorted([*always, *own])


def test_a_change_reaches_all_units_and_what_they_tell(group, other):
    group.config(APP, {"registry-port": 5001})
    settle(group)
    assert [unit.answers(5001) for unit in units(group)] == [True] * 2
    assert netlocs(other, group) == {f"{units(group)[0].address}:5001"}
    group.config(APP, reset=["registry-port"])
    settle(group)
    assert netlocs(other, group) == {f"{units(group)[0].address}:5000"}


def test_a_refresh_takes_one_unit_after_another_and_no_registry_stops(group, charm, tmp_path):
    rebuilt = tmp_path / "docker-registry.charm"
    shutil.copy(charm, rebuilt)
    with zipfile.ZipFile(rebuilt, "a") as file:
        file.writestr("rebuilt", "yes")
    before = [started(unit) for unit in units(group)]
    secrets = {secret_of(unit) for unit in units(group)}
    group.refresh(APP, path=rebuilt)
    settle(group)
    assert [started(unit) for unit in units(group)] == before
    assert {secret_of(unit) for unit in units(group)} == secrets
    assert [unit.status()[0] for unit in units(group)] == ["active"] * 2


def test_a_unit_that_is_killed_takes_nothing_from_the_others_and_comes_back(group, other):
    first, *rest = units(group)
    if not first.is_local:
        pytest.skip("a real machine's plug is out of reach")
    secret = secret_of(first)
    group.cli("machine", "kill", first.machine)
    for unit in rest:
        assert unit.update_status() == ready(unit, PLAIN, ALONE)
        assert unit.answers()
    group.cli("machine", "start", first.machine)
    settle(group)
    assert first.update_status() == ready(first, PLAIN, ALONE)
    assert first.answers()
    assert secret_of(first) == secret


def test_a_unit_that_is_rebooted_comes_back(group):
    unit = units(group)[1]
    before = unit.container()["Id"]
    unit.reboot()
    assert unit.status() == ready(unit, PLAIN, ALONE)
    assert unit.container()["Id"] == before


def test_a_new_unit_joins_with_the_same_secret_and_becomes_nobodys_primary(group, other):
    before = netlocs(other, group)
    group.add_unit(APP)
    settle(group)
    added = units(group)[-1]
    assert added.name == f"{APP}/2"
    assert added.status() == ready(added, PLAIN, ALONE)
    assert secret_of(added) == secret_of(units(group)[0])
    assert netlocs(other, group) == before


def test_a_new_leader_keeps_the_secret_and_clients_are_sent_to_the_next_unit(group, other):
    secret = secret_of(units(group)[0])
    leading = leader(group)
    group.cli("remove-unit", leading, "--no-prompt")
    group.wait(lambda status: leading not in status.apps[APP].units, delay=0.2, successes=1)
    settle(group)
    rest = units(group)
    assert len(rest) == 2
    assert leader(group) in [unit.name for unit in rest]
    for unit in rest:
        assert unit.status()[0] == "active"
        assert unit.answers()
        assert secret_of(unit) == unit.tool("leader-get", "http-secret") == secret
    assert netlocs(other, group) == {f"{rest[0].address}:5000"}


def test_from_two_to_one(group, other):
    first, last = units(group)
    before = started(first)
    group.cli("remove-unit", last.name, "--no-prompt")
    group.wait(lambda status: len(status.apps[APP].units) == 1, delay=0.2, successes=1)
    settle(group)
    assert started(first) == before
    assert first.status() == ready(first, PLAIN)
    assert netlocs(other, group) == {f"{first.address}:5000"}
    assert first.tool("relation-list", "-r", first.relation("peer")) == []
