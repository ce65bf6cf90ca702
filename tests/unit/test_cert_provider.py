"""The relation to a CA through the real dispatch: both dialects, late and half answers, rotation, and its end."""

import dataclasses
import json
import types

import fakes
import pytest
from authority import ALONE, ALONE_KEY, BETWEEN, KEY, LEAF, ROOT, certificate, key, signed
from fake_machine import READY
from registry.options.tls import DEFAULT_PATHS
from test_endpoints import bag, relate

PLAIN, ENCRYPTED = "Ready at 10.0.0.10:5000 (http).", "Ready at 10.0.0.10:5000 (https)."
ANSWER = {"ca": ROOT, "chain": BETWEEN, "docker-registry_0.server.cert": LEAF, "docker-registry_0.server.key": KEY}
WAITING = "Waiting for the CA of cert-provider to send a certificate. Check the CA if this takes minutes."
NAMES = " cert-provider: the certificate is not valid for "


def say(juju, charm, databag, writer="easyrsa/0"):
    """Have the CA's unit, or the application, say something, and run the hook that follows."""
    there = juju.model["relations"]["cert-provider:1"]
    juju.change(relations={"cert-provider:1": {**there, writer: databag}})
    unit = {"JUJU_REMOTE_UNIT": writer} if "/" in writer else {"JUJU_REMOTE_APP": writer, "JUJU_REMOTE_UNIT": ""}
    charm.hook("cert-provider-relation-changed", JUJU_RELATION_ID="cert-provider:1", **unit)


def part(juju, charm):
    relations = juju.model["relations"]
    charm.hook("cert-provider-relation-broken", JUJU_RELATION_ID="cert-provider:1")
    juju.change(relations={name: {} for name in relations if name.startswith("cert-")})


def csr(juju):
    (request,) = json.loads(bag(juju, "cert-provider:1")["certificate_signing_requests"])
    return request["certificate_signing_request"]


def sign(juju, charm, **more):
    """Have the CA sign the request that it finds, in the second dialect."""
    issued = signed(csr(juju), "root")
    entry = {"certificate_signing_request": csr(juju), "ca": ROOT, "certificate": issued, "chain": [issued]}
    say(juju, charm, {"certificates": json.dumps([{**entry, **more}])}, "self-signed-certificates")
    return issued


def test_a_ca_that_makes_the_key_turns_tls_on_and_its_departure_turns_it_off(deployed, juju, machine):
    clients = relate(juju, deployed, "docker-registry", {"node/0": {}})
    relate(juju, deployed, "cert-provider", {"easyrsa/0": {}})
    assert juju.model["status"] == ["waiting", f"{WAITING} Still serving at 10.0.0.10:5000 (http)."]
    for half in ({"ca": ROOT}, {name: text for name, text in ANSWER.items() if not name.endswith("key")}):
        say(juju, deployed, half)
        assert juju.model["status"][0] == "waiting"
        assert machine.store.current().scheme == "http"
    say(juju, deployed, ANSWER)
    state, message = juju.model["status"]
    assert state == "active"
    assert message.startswith(f"{ENCRYPTED}{NAMES}10.0.0.10, ")
    assert machine.store.current().certificate == LEAF + BETWEEN
    assert machine.files.texts == {}, "nothing is written to the paths of the options"
    assert json.loads(bag(juju, clients)["tls_ca"]) == ROOT
    part(juju, deployed)
    assert juju.model["status"][1].startswith(PLAIN)
    assert bag(juju, clients)["tls_ca"] == "null"
    assert bag(juju, clients)["registry_url"] == '"http://10.0.0.10:5000"'
    relate(juju, deployed, "cert-provider", {"easyrsa/0": ANSWER})
    assert machine.store.current().certificate == LEAF + BETWEEN, "the same answer counts again"


def test_a_unit_that_begins_with_a_ca_waits_for_it(charm, juju, machine):
    juju.change(relations={"cert-provider:1": {"easyrsa/0": {}}, "docker-registry:2": {"node/0": {}}})
    for hook in ("install", "config-changed", "start"):
        charm.hook(hook)
    assert juju.model["status"] == ["waiting", WAITING]
    assert machine.engine.containers == {}
    assert bag(juju, "docker-registry:2") == {}
    say(juju, charm, ANSWER)
    assert juju.model["status"][1].startswith(ENCRYPTED)
    assert json.loads(bag(juju, "docker-registry:2")["tls_ca"]) == ROOT


def test_clients_are_not_told_of_plain_http_while_a_certificate_is_waited_for(deployed, juju):
    relate(juju, deployed, "cert-provider", {"easyrsa/0": {}})
    name = relate(juju, deployed, "docker-registry", {"node/0": {}})
    assert bag(juju, name) == {}


def test_a_ca_that_signs_a_request_never_sees_the_key(deployed, juju, machine):
    relate(juju, deployed, "cert-provider", {"self-signed-certificates/0": {}})
    say(juju, deployed, {"certificates": "junk"}, "self-signed-certificates")
    assert juju.model["status"][0] == "waiting"
    sign(juju, deployed, revoked=True)
    assert juju.model["status"][0] == "waiting"
    issued = sign(juju, deployed)
    assert juju.model["status"] == ["active", ENCRYPTED]
    release = machine.store.current()
    assert (release.certificate, release.ca) == (issued, ROOT)
    assert "PRIVATE KEY" not in json.dumps(juju.model["relations"])
    deployed.hook("update-status")
    assert machine.store.current() == release
    part(juju, deployed)
    assert machine.credentials.request() is None
    assert juju.model["status"] == READY


def test_the_certificates_between_are_presented_in_the_second_dialect_too(deployed, juju, machine):
    relate(juju, deployed, "cert-provider", {"self-signed-certificates/0": {}})
    issued = signed(csr(juju), "between")
    sign(juju, deployed, certificate=issued, chain=[issued, BETWEEN, ROOT])
    assert machine.store.current().certificate == issued + BETWEEN


def test_a_proxy_passes_on_what_the_relations_certificate_encrypts(deployed, juju):
    proxy = relate(juju, deployed, "website", {"haproxy/0": {}}, 2)
    assert "mode http" in bag(juju, proxy)["services"]
    relate(juju, deployed, "cert-provider", {"easyrsa/0": ANSWER})
    assert "mode tcp" in bag(juju, proxy)["services"]
    assert "check check-ssl verify none " in bag(juju, proxy)["services"]


def test_another_name_asks_for_another_certificate_and_the_old_one_serves_until_it_comes(deployed, juju, machine):
    relate(juju, deployed, "cert-provider", {"self-signed-certificates/0": {}})
    before, asked = sign(juju, deployed), csr(juju)
    juju.change(config={"http-host": "https://registry.example.com"})
    deployed.hook("config-changed")
    assert csr(juju) != asked
    assert "registry.example.com" in json.loads(bag(juju, "cert-provider:1")["sans"])
    assert juju.model["status"][0] == "active"
    assert "cert-provider: waiting for a new certificate. The previous one stays in use." in juju.model["status"][1]
    assert machine.store.current().certificate == before
    after = sign(juju, deployed)
    assert machine.store.current().certificate == after
    assert "waiting" not in juju.model["status"][1]


def test_a_wrong_name_asks_for_nothing_new(deployed, juju):
    juju.change(config={"http-host": "https://registry.example.com"})
    relate(juju, deployed, "cert-provider", {"self-signed-certificates/0": {}})
    asked = csr(juju)
    juju.change(config={"http-host": "registry.example.com"})
    deployed.hook("config-changed")
    assert juju.model["status"][0] == "blocked"
    assert csr(juju) == asked


def test_the_address_of_a_proxy_is_asked_for_too(deployed, juju):
    relate(juju, deployed, "cert-provider", {"easyrsa/0": {}})
    relate(juju, deployed, "website", {"haproxy/0": {"ingress-address": "10.0.0.99"}})
    assert "10.0.0.99" in json.loads(bag(juju, "cert-provider:1")["sans"])
    assert bag(juju, "cert-provider:1")["common_name"] == "10.0.0.10"


def test_another_address_is_asked_for_in_place_of_the_old_one(deployed, juju, machine):
    relate(juju, deployed, "cert-provider", {"easyrsa/0": ANSWER})
    juju.change(address="10.0.0.11")
    deployed.hook("config-changed")
    told = bag(juju, "cert-provider:1")
    assert told["common_name"] == "10.0.0.11"
    assert "10.0.0.10" not in json.loads(told["sans"])
    assert machine.store.current().certificate == LEAF + BETWEEN
    second = {
        "docker-registry_0.server.cert": certificate("second", "between"),
        "docker-registry_0.server.key": key("second"),
    }
    say(juju, deployed, {**ANSWER, **second})
    assert machine.store.current().certificate == certificate("second", "between") + BETWEEN


def test_a_certificate_is_renewed_in_time(deployed, juju, machine, monkeypatch):
    relate(juju, deployed, "cert-provider", {"self-signed-certificates/0": {}})
    before, asked = sign(juju, deployed), csr(juju)
    later = machine.credentials.request().made + 61 * 86400
    monkeypatch.setattr("charms.layer.tls_client.time", types.SimpleNamespace(time=lambda: later))
    deployed.hook("update-status")
    renewed = csr(juju)
    assert renewed != asked
    assert machine.store.current().certificate == before
    machine.credentials.save_request(dataclasses.replace(machine.credentials.request(), made=later))
    deployed.hook("update-status")
    assert csr(juju) == renewed
    after = sign(juju, deployed)
    assert machine.store.current().certificate == after


def test_a_new_certificate_and_a_new_ca_are_taken_up_together_and_alone(deployed, juju, machine):
    relate(juju, deployed, "cert-provider", {"easyrsa/0": ANSWER})
    second = {
        "docker-registry_0.server.cert": certificate("second", "between"),
        "docker-registry_0.server.key": key("second"),
    }
    say(juju, deployed, {**ANSWER, **second})
    assert machine.store.current().certificate == certificate("second", "between") + BETWEEN
    say(juju, deployed, {**ANSWER, **second, "ca": ROOT + ALONE})
    assert machine.store.current().ca == ROOT + ALONE
    say(juju, deployed, {**ANSWER, **second, "ca": ALONE})
    state, message = juju.model["status"]
    assert state == "active"
    assert " cert-provider: between was issued by root, which is neither in the chain nor the CA. " in message
    assert ". The previous certificate stays in use." in message
    assert machine.store.current().ca == ROOT + ALONE, "what does not fit together is not taken"
    juju.change(config={"registry-port": 6000})
    deployed.hook("config-changed")
    assert machine.store.current().port == 6000, "and no other option waits for it"


def test_a_ca_that_replaces_its_own_certificate_alone_is_told_to_clients(deployed, juju, machine):
    clients = relate(juju, deployed, "docker-registry", {"node/0": {}})
    relate(juju, deployed, "cert-provider", {"easyrsa/0": ANSWER})
    again = certificate("root", days=20, is_ca=True)  # the same key
    assert again != ROOT
    say(juju, deployed, {**ANSWER, "ca": again})
    assert (machine.store.current().ca, machine.store.current().certificate) == (again, LEAF + BETWEEN)
    assert json.loads(bag(juju, clients)["tls_ca"]) == again


def test_a_wrong_option_keeps_no_certificate_from_being_replaced(deployed, juju, machine):
    relate(juju, deployed, "cert-provider", {"self-signed-certificates/0": {}})
    sign(juju, deployed)
    juju.change(config={"log-level": "loud", "registry-port": 6000})
    deployed.hook("config-changed")
    issued = sign(juju, deployed)
    assert juju.model["status"][1].startswith("log-level: ")
    assert (machine.store.current().certificate, machine.store.current().port) == (issued, 6000)


def test_without_the_options_certificate_the_registry_does_not_fall_back_to_plain_http(deployed, juju, machine):
    juju.change(config={"tls-cert-blob": ALONE, "tls-key-blob": ALONE_KEY})
    deployed.hook("config-changed")
    relate(juju, deployed, "cert-provider", {"self-signed-certificates/0": {}})
    juju.change(config={"tls-cert-blob": "", "tls-key-blob": ""})
    deployed.hook("config-changed")
    assert machine.store.current().certificate == ALONE
    assert juju.model["status"] == ["waiting", f"{WAITING} Still serving at 10.0.0.10:5000 (https)."]
    issued = sign(juju, deployed)
    assert machine.store.current().certificate == issued


def test_clients_go_by_a_new_name_once_the_certificate_bears_it(deployed, juju):
    clients = relate(juju, deployed, "docker-registry", {"node/0": {}}, 2)
    relate(juju, deployed, "cert-provider", {"self-signed-certificates/0": {}})
    sign(juju, deployed)
    juju.change(config={"http-host": "https://registry.example.com:444"})
    deployed.hook("config-changed")
    # What is told meanwhile is borne by the certificate, and all the rest is told at once.
    juju.change(config={"auth-basic-password": "hush"})
    deployed.hook("config-changed")
    assert json.loads(bag(juju, clients)["registry_url"]) == "https://10.0.0.10:5000"
    assert json.loads(bag(juju, clients)["basic_password"]) == "hush"
    sign(juju, deployed)
    assert json.loads(bag(juju, clients)["registry_url"]) == "https://registry.example.com:444"
    relate(juju, deployed, "website", {"haproxy/0": {"ingress-address": "10.0.0.99"}})
    juju.change(config={"http-host": ""})
    deployed.hook("config-changed")
    assert json.loads(bag(juju, clients)["registry_netloc"]) == "10.0.0.10:5000"
    sign(juju, deployed)
    assert json.loads(bag(juju, clients)["registry_netloc"]) == "10.0.0.99:5000"


def test_a_ca_that_never_gives_a_name_keeps_clients_from_it_for_a_while_only(deployed, juju, machine, monkeypatch):
    clients = relate(juju, deployed, "docker-registry", {"node/0": {}}, 2)
    relate(juju, deployed, "cert-provider", {"easyrsa/0": ANSWER})
    juju.change(config={"http-host": "https://registry.example.com"})
    deployed.hook("config-changed")
    assert json.loads(bag(juju, clients)["registry_netloc"]) == "10.0.0.10:5000"
    later = machine.credentials.request().made + 601
    monkeypatch.setattr("charms.layer.facts.time", types.SimpleNamespace(time=lambda: later))
    monkeypatch.setattr("charms.layer.tls_client.time", types.SimpleNamespace(time=lambda: later))
    deployed.hook("update-status")
    assert json.loads(bag(juju, clients)["registry_netloc"]) == "registry.example.com"


@pytest.mark.parametrize("key", ["csr", "certificate_signing_request"])
def test_a_ca_that_refuses_is_said_with_its_words(deployed, juju, key):
    relate(juju, deployed, "cert-provider", {"self-signed-certificates/0": {}})
    error = {"code": 101, "name": "ip_not_allowed", "message": "IP addresses are not allowed."}
    say(juju, deployed, {"request_errors": json.dumps([{key: csr(juju), "error": error}])}, "self-signed-certificates")
    refused = "cert-provider: the CA refused the certificate request: IP addresses are not allowed. Fix it at the CA."
    assert juju.model["status"] == ["waiting", f"{refused} {WAITING} Still serving at 10.0.0.10:5000 (http)."]
    sign(juju, deployed)
    assert juju.model["status"] == ["active", ENCRYPTED]


def test_a_certificate_that_is_revoked_is_asked_for_again_with_another_key(deployed, juju, machine):
    relate(juju, deployed, "cert-provider", {"self-signed-certificates/0": {}})
    before, asked = sign(juju, deployed), csr(juju)
    sign(juju, deployed, revoked=True)
    assert csr(juju) != asked
    assert machine.store.current().certificate == before
    again = csr(juju)
    deployed.hook("update-status")
    assert csr(juju) == again, "once"
    after = sign(juju, deployed)
    assert machine.store.current().certificate == after
    assert juju.model["status"] == ["active", ENCRYPTED]


def test_a_ca_whose_unit_is_gone_takes_nothing_away(deployed, juju, machine):
    relate(juju, deployed, "cert-provider", {"easyrsa/0": ANSWER})
    departed = {"JUJU_RELATION_ID": "cert-provider:1", "JUJU_REMOTE_UNIT": "easyrsa/0"}
    deployed.hook("cert-provider-relation-departed", **departed)
    assert machine.store.current().scheme == "https"
    assert "The previous one stays in use." in juju.model["status"][1]


@pytest.mark.parametrize("flagged", [True, False])
def test_files_of_the_predecessor_are_the_relations_and_go_once_it_is_in_force(deployed, juju, machine, flagged):
    paths = DEFAULT_PATHS
    stale, stale_key = certificate("stale"), key("stale")
    machine.files.texts = {paths["cert"]: stale if flagged else LEAF, paths["key"]: stale_key if flagged else KEY}
    if flagged:
        deployed.set_flag("charm.docker-registry.tls-enabled")
    relate(juju, deployed, "cert-provider", {"easyrsa/0": ANSWER})
    assert machine.store.current().certificate == LEAF + BETWEEN
    assert machine.files.texts == {}
    say(juju, deployed, {**ANSWER, "ca": ROOT + ALONE})
    assert machine.store.current().ca == ROOT + ALONE


def test_options_go_before_the_relation(deployed, juju, machine):
    relate(juju, deployed, "cert-provider", {"easyrsa/0": ANSWER})
    juju.change(config={"tls-cert-blob": ALONE, "tls-key-blob": ALONE_KEY})
    deployed.hook("config-changed")
    assert machine.store.current().certificate == ALONE
    assert juju.model["status"] == [
        "active",
        f"{ENCRYPTED} cert-provider: the options tls-... take precedence over its certificate. "
        "Reset them or remove the relation. (1 more warning: see juju debug-log.)",
    ]
    juju.change(config={"tls-cert-blob": "", "tls-key-blob": ""})
    deployed.hook("config-changed")
    assert machine.store.current().certificate == LEAF + BETWEEN


def test_the_request_is_for_root_alone_and_goes_with_the_unit(deployed, juju, machine):
    relate(juju, deployed, "cert-provider", {"easyrsa/0": {}})
    file = machine.store.root / "request.json"
    assert file.stat().st_mode & 0o777 == 0o600
    deployed.hook("stop")
    assert not file.exists()


def test_a_full_disk_while_a_certificate_is_asked_for_does_not_turn_tls_off(deployed, juju, machine, monkeypatch):
    relate(juju, deployed, "cert-provider", {"easyrsa/0": ANSWER})
    before = machine.store.current()

    def full(names):
        raise OSError(28, "No space left on device", "/etc/docker/registry/request.json")

    monkeypatch.setattr(machine, "make_request", full)
    juju.change(address="10.0.0.11")
    deployed.hook("config-changed")
    assert juju.model["status"] == [
        "blocked",
        "The configuration cannot be written: No space left on device (/etc/docker/registry/request.json). "
        "Fix the machine. Retrying automatically.",
    ]
    assert machine.store.current() == before
    assert before.scheme == "https"


def test_a_request_that_a_killed_hook_took_back_is_published_again(deployed, juju, machine):
    relate(juju, deployed, "cert-provider", {"easyrsa/0": {}})
    for number in range(6):  # in each order of the handlers: one of them saves unitdata in the middle of the hook
        blobs = {"tls-cert-blob": ALONE, "tls-key-blob": ALONE_KEY, "tls-cert-path": f"/{number}.crt"}
        juju.change(config={"http-host": f"https://{number}.example.com", "drain-timeout": number + 1, **blobs})
        before = juju.model["relations"]
        machine.engine.calls.clear()
        machine.engine.dies_at = 0
        with pytest.raises(fakes.Killed):
            deployed.hook("config-changed")
        machine.engine.dies_at = None
        juju._write({**juju.model, "relations": before})  # as Juju does
        deployed.hook("config-changed")
        assert f"{number}.example.com" in bag(juju, "cert-provider:1")["sans"]
