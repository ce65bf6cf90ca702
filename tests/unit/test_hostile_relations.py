"""Whatever the other end of a relation says, a hook ends well, and what it said stays a value."""

import pytest
import yaml
from fake_juju import ROOT
from hostile import VALUES, WATCH, WORD, naming, refuse_paths, refuse_programs, require_unharmed, some
from test_cert_provider import ANSWER
from test_endpoints import relate

PEER = {"address": "10.0.0.9", "port": "5000", "scheme": "http"}
BUCKET = {"bucket": "images", "access-key": "ak", "secret-key": "sk", "endpoint": "http://s3:8080", "region": "here"}
ENDPOINTS = {
    "website": ("haproxy/0", {"ingress-address": "10.0.8.8"}, ("ingress-address", "private-address", "ssl_cert")),
    "nrpe-external-master": ("nrpe/0", {"nagios_hostname": "x"}, ("nagios_hostname", "nagios_host_context")),
    "peer": (
        "docker-registry/1",
        PEER,
        (*PEER, "ingress-address", "private-address", "ingress", "read-only-until", "refuses-pushes"),
    ),
    "cert-provider": ("easyrsa/0", ANSWER, (*ANSWER, "unknown")),
    "cert-provider of an application": ("self-signed-certificates", {}, ("certificates", "request_errors")),
    "s3-credentials": (
        "s3-integrator",
        BUCKET,
        (*BUCKET, "path", "storage-class", "s3-api-version", "tls-ca-chain", "secret-extra", "attributes"),
    ),
    "docker-registry": ("node/0", {}, ("registry_netloc", "egress-subnets")),
    "dockerhost": ("node/0", {}, ("unknown",)),
    "cos-agent": ("opentelemetry-collector/0", {}, ("config", "unknown")),
    "send-ca-cert": ("trusts/0", {}, ("unknown", "version")),
    "receive-ca-certs": ("ca/0", {}, ("ca", "certificate", "chain", "version")),
    "receive-ca-certs of an application": ("ca", {"version": "1"}, ("certificates", "version")),
    "haproxy-route": ("haproxy", {}, ("endpoints", "unknown")),
    "haproxy-route-tcp": ("haproxy", {}, ("endpoints", "unknown")),
    "sdn-plugin": ("flannel/0", {}, ("unknown",)),
}
TYPES = {
    "null": "null",
    "number": "5",
    "text": '"x"',
    "list": '[1, null, [], "x", {}, true]',
    "object": '{"a": null, "b": {"c": []}, "": 1e999}',
    "not JSON": "{",
    "not a number": "NaN",
    "long number": "9" * 5000,
    "negative": "-1",
    "keys of a prototype": '{"__proto__": 1, "__class__": 2}',
    "surrogates in JSON": '{"\\ud800": "\\udfff"}',
    "null bytes in JSON": '["\\u0000"]',
    "empty": "",
    "blank": " \n\t ",
}


@pytest.fixture
def run(deployed, juju, machine, home, tmp_path, monkeypatch):
    refuse_programs(monkeypatch, juju.folder)
    refuse_paths(monkeypatch, home, tmp_path)
    relate(juju, deployed, "docker-registry", {"node/0": {}}, 90)

    def say(endpoint, relation, writer, data):
        juju.change(relations={relation: {**juju.model["relations"][relation], writer: data}})
        about = {"JUJU_REMOTE_UNIT": writer} if "/" in writer else {"JUJU_REMOTE_APP": writer, "JUJU_REMOTE_UNIT": ""}
        with WATCH.watching(home, tmp_path):
            deployed.hook(f"{endpoint}-relation-changed", JUJU_RELATION_ID=relation, **about)
        require_unharmed(juju, machine)

    return say


CASES = [(name, key, label) for name, (_, _, keys) in ENDPOINTS.items() for key in keys for label in TYPES | VALUES]


def test_each_endpoint_has_cases():
    declared = yaml.safe_load((ROOT / "metadata.yaml").read_text())
    names = {name for role in ("provides", "requires", "peers") for name in declared[role]}
    assert {name.partition(" ")[0] for name in ENDPOINTS} == names


@some(CASES, 6)
def test_hostile_data_stay_data_and_go_with_the_relation(run, deployed, juju, cases):
    number = 0
    for name, (writer, good, _) in ENDPOINTS.items():
        endpoint, number = name.partition(" ")[0], number + 1
        before, unit = juju.model["status"], writer if "/" in writer else f"{writer}/0"
        relation = relate(juju, deployed, endpoint, {unit: {}}, number)
        for key, label in [(key, label) for other, key, label in cases if other == name]:
            with naming(name, key, label):
                run(endpoint, relation, writer, {**good, key: {**TYPES, **VALUES}[label]})
        # A relation that is made anew begins with nothing: what was said in the last one is forgotten.
        deployed.hook(f"{endpoint}-relation-broken", JUJU_RELATION_ID=relation)
        model = juju.model
        del model["relations"][relation]
        juju._write(model)
        again = relate(juju, deployed, endpoint, {unit: {}}, number + 50)
        assert WORD not in str([juju.model["status"], juju.model["relations"][again].get("docker-registry/0")]), name
        deployed.hook(f"{endpoint}-relation-broken", JUJU_RELATION_ID=again)
        model = juju.model
        del model["relations"][again]
        juju._write(model)
        deployed.hook("start" if endpoint == "s3-credentials" else "update-status")
        assert juju.model["status"][0] in (before[0], "blocked"), name
