"""What others write wrongly, and hook tools that fail, end in no hook error and change nothing that serves."""

import json

import pytest
from test_cert_provider import ANSWER, csr, say
from test_endpoints import relate
from test_s3_credentials import say as integrate

DEEP = "[" * 100_000
ODD = ["", "null", "5", '"x"', '[1, null, [], "x", {}]', "{}", DEEP, "x" * 100_000]
ENTRIES = [None, 5, "x", [], {}, {"a": {"b": []}}, [[["x"]]], True]


@pytest.mark.parametrize("key", ["certificates", "request_errors", "ca", "chain"])
def test_odd_texts_of_a_ca(deployed, juju, machine, key):
    relate(juju, deployed, "cert-provider", {"easyrsa/0": ANSWER})
    before = machine.store.current()
    for text in ODD:
        say(juju, deployed, {**ANSWER, key: text})
        say(juju, deployed, {key: text}, "easyrsa")
        assert juju.model["status"][0] in ("active", "waiting", "blocked"), text[:99]
        assert len(juju.model["status"][1]) < 2000
        assert machine.store.current().scheme == before.scheme == "https"


@pytest.mark.parametrize("key", ["ca", "certificate", "chain", "revoked", "error", "certificate_signing_request"])
def test_odd_entries_of_a_ca(deployed, juju, key):
    relate(juju, deployed, "cert-provider", {"self-signed-certificates/0": {}})
    for value in ENTRIES:
        entry = {"certificate_signing_request": csr(juju), "ca": "x", "certificate": "x", "chain": [], key: value}
        entries = dict.fromkeys(("certificates", "request_errors"), json.dumps([entry]))
        say(juju, deployed, entries, "self-signed-certificates")
        assert juju.model["status"][0] == "waiting", value


@pytest.mark.parametrize("key", ["secret-extra", "tls-ca-chain", "endpoint", "bucket", "s3-api-version"])
def test_odd_texts_of_an_integrator(deployed, juju, key):
    relate(juju, deployed, "s3-credentials", {"s3-integrator/0": {}})
    given = {"bucket": "images", "access-key": "ak", "secret-key": "sk", "endpoint": "http://s3:8080", "region": "here"}
    for text in ODD:
        integrate(juju, deployed, {**given, key: text})
        assert juju.model["status"][0] in ("active", "waiting", "blocked"), text[:99]


@pytest.mark.parametrize("host", ["../../x", "a b", "", "x" * 300])
def test_odd_names_of_nagios(deployed, juju, host):
    relate(juju, deployed, "nrpe-external-master", {"nrpe/0": {"nagios_hostname": host}})
    assert juju.model["status"][0] == "active"


@pytest.mark.parametrize("key", ["ingress", "refuses-pushes"])
def test_odd_texts_of_a_peer(deployed, juju, key):
    peer = {"address": "10.0.0.9", "port": "5000", "scheme": "http", key: DEEP}
    relate(juju, deployed, "peer", {"docker-registry/1": peer})
    assert juju.model["status"][0] == "active"


@pytest.mark.parametrize("port", ["\u00b2", "\u0663", "-1", "5e3", "9" * 5000])
def test_odd_ports_of_a_peer(deployed, juju, port):
    relate(juju, deployed, "peer", {"docker-registry/1": {"address": "10.0.0.9", "port": port, "scheme": "http"}})
    assert juju.model["status"][0] == "active"


TOOLS = [
    "network-get",
    "unit-get",
    "resource-get",
    "leader-get",
    "is-leader",
    "relation-get",
    "relation-list",
    "open-port",
]


@pytest.mark.parametrize("hook", ["update-status", "config-changed", "upgrade-charm"])
def test_a_tool_that_fails_is_no_hook_error_and_is_retried(deployed, juju, machine, hook):
    relate(juju, deployed, "cert-provider", {"easyrsa/0": ANSWER})
    before, status = machine.store.current(), juju.model["status"]
    for tool in TOOLS:
        juju.failing = {tool}
        deployed.hook(hook)
        assert machine.store.current() == before, tool
        juju.failing = set()
        deployed.hook("update-status")
        assert (machine.store.current(), juju.model["status"]) == (before, status), tool
