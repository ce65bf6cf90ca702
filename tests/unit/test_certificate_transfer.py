"""CAs over certificate_transfer, both ways, through the real dispatch: versions 1 and 0 of the interface."""

import json

from authority import BETWEEN, KEY, LEAF, ROOT
from charmlibs.interfaces.certificate_transfer import _certificate_transfer as published
from fake_machine import READY
from test_endpoints import OURS, relate

APP = OURS.partition("/")[0]
TLS = {"tls-cert-blob": LEAF + BETWEEN, "tls-key-blob": KEY, "tls-ca-blob": ROOT}
S3 = {"storage-s3-bucket": "images", "storage-s3-region": "here"}


def say(juju, charm, relation, **bags):
    """The other end writes databags, by unit or application; its application is the one that has no slash."""
    for name, bag in bags.items():
        owner = name.replace("_", "/")
        juju.change(relations={relation: {**juju.model["relations"][relation], owner: bag}})
        about = {"JUJU_REMOTE_UNIT": owner} if "/" in owner else {"JUJU_REMOTE_APP": owner, "JUJU_REMOTE_UNIT": ""}
        charm.hook(f"{relation.split(':')[0]}-relation-changed", JUJU_RELATION_ID=relation, **about)


def ours(juju, relation, owner=APP):
    return juju.model["relations"][relation].get(owner, {})


def test_our_ca_is_handed_out_by_either_version(deployed, juju):
    juju.change(config=TLS)
    name = relate(juju, deployed, "send-ca-cert", {"haproxy/0": {}})
    sent = published.ProviderApplicationData.load(ours(juju, name))
    assert (sent.certificates, sent.version) == ({ROOT}, 1)
    old = published.ProviderUnitDataV0.load(ours(juju, name, OURS))
    assert (old.ca, old.certificate, old.chain, old.version) == (ROOT, ROOT, [ROOT], 0)
    say(juju, deployed, name, haproxy=published.RequirerApplicationData().dump())
    assert published.ProviderApplicationData.load(ours(juju, name)).certificates == {ROOT}
    assert ours(juju, name, OURS) == {}, "one place is enough"
    assert "relation-set" not in [call[0] for call in deployed.hook("update-status")]
    juju.change(config={"auth-basic-users": "junk"})
    deployed.hook("config-changed")
    assert published.ProviderApplicationData.load(ours(juju, name)).certificates == {ROOT}


def test_without_tls_there_is_nothing_to_trust(deployed, juju):
    name = relate(juju, deployed, "send-ca-cert", {"haproxy/0": {}})
    assert ours(juju, name) == {"certificates": "[]", "version": "1"}
    assert ours(juju, name, OURS) == {}


def test_another_unit_writes_for_itself_alone(deployed, juju):
    juju.change(config=TLS, is_leader=False)
    name = relate(juju, deployed, "send-ca-cert", {"haproxy/0": {}})
    assert ours(juju, name) == {}
    assert json.loads(ours(juju, name, OURS)["ca"]) == ROOT


def trusted(machine):
    return machine.store.current().trusted_ca


def test_cas_of_others_are_trusted_by_either_version(deployed, juju, machine):
    juju.change(config=S3)
    name = relate(juju, deployed, "receive-ca-certs", {"ca/0": {}})
    assert published.RequirerApplicationData.load(ours(juju, name)).version == 1
    assert trusted(machine) == ""
    for bags in (
        {"ca": published.ProviderApplicationData(certificates={ROOT, BETWEEN}).dump()},
        {"ca": {}, "ca_0": published.ProviderUnitDataV0(ca=ROOT, certificate=LEAF, chain=[BETWEEN]).dump()},
        {"ca_0": {"ca": ROOT, "certificate": LEAF, "chain": json.dumps([BETWEEN])}},
        {"ca_0": {"ca": ROOT + BETWEEN, "certificate": LEAF}},
    ):
        say(juju, deployed, name, **bags)
        assert juju.model["status"] == READY
        assert {*trusted(machine).split("-----BEGIN")} == {*(ROOT + BETWEEN).split("-----BEGIN")}, bags
    assert machine.store.current().container.environment["SSL_CERT_FILE"].endswith("/store-ca.pem")
    deployed.hook("receive-ca-certs-relation-broken", JUJU_RELATION_ID=name)
    assert trusted(machine) == ""


def test_they_come_on_top_of_the_options_and_only_where_the_registry_is_a_client(deployed, juju, machine):
    name = relate(juju, deployed, "receive-ca-certs", {"ca/0": {}})
    say(juju, deployed, name, ca={"certificates": json.dumps([ROOT]), "version": "1"})
    assert trusted(machine) == ""
    juju.change(config={**S3, "trusted-ca-blob": BETWEEN})
    deployed.hook("config-changed")
    assert trusted(machine) == BETWEEN + ROOT


def test_junk_is_a_sentence_and_what_was_trusted_stays(deployed, juju, machine):
    juju.change(config=S3)
    name = relate(juju, deployed, "receive-ca-certs", {"ca/0": {}})
    for empty in ("[]", "null", "", "{}", "[1, {}, []]"):
        say(juju, deployed, name, ca={"certificates": empty, "version": "1"})
        assert (juju.model["status"], trusted(machine)) == (READY, ""), empty
    say(juju, deployed, name, ca={"certificates": json.dumps([ROOT])})
    before = machine.store.current()
    for junk in ("junk", '["junk"]', KEY, json.dumps([ROOT, "junk"]), "[" * 100_000):
        say(juju, deployed, name, ca={"certificates": junk})
        assert juju.model["status"][0] == "blocked"
        assert juju.model["status"][1].startswith("receive-ca-certs: the text "), junk
        assert machine.store.current() == before
