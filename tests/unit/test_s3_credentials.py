"""The relation to an S3 integrator through the real dispatch: both versions, and its end."""

import base64
import json

import pytest
from authority import BETWEEN, ROOT
from fake_machine import READY
from test_endpoints import relate

RELATION = "s3-credentials:1"
BUCKET = {"bucket": "images", "endpoint": "http://s3:8080", "region": "here", "path": "/one"}
KEYS = {"access-key": "ak", "secret-key": "hush-secret"}


def say(juju, charm, databag, application="s3-integrator"):
    juju.change(relations={RELATION: {**juju.model["relations"][RELATION], application: databag}})
    environment = {"JUJU_RELATION_ID": RELATION, "JUJU_REMOTE_APP": application, "JUJU_REMOTE_UNIT": ""}
    charm.hook("s3-credentials-relation-changed", **environment)


def part(juju, charm):
    charm.hook("s3-credentials-relation-broken", JUJU_RELATION_ID=RELATION)
    juju._write({**juju.model, "relations": {}})


@pytest.fixture
def related(deployed, juju):
    relate(juju, deployed, "s3-credentials", {"s3-integrator/0": {}})
    return deployed


def driver(machine):
    return machine.store.current()._config["storage"].get("s3")


def test_the_leader_asks_for_a_bucket_of_this_application_and_names_what_is_a_secret(related, juju):
    assert juju.model["relations"][RELATION]["docker-registry"] == {
        "bucket": "docker-registry",
        "requested-secrets": '["access-key", "secret-key"]',
        "lib-version": "1.0",
    }
    related.hook("update-status")
    assert not juju.called("relation-set"), "said once"


def test_another_unit_writes_nothing_for_the_application(deployed, juju):
    juju.change(is_leader=False)
    relate(juju, deployed, "s3-credentials", {"s3-integrator/0": {}})
    assert "docker-registry" not in juju.model["relations"][RELATION]


def test_keys_in_the_databag_or_in_a_secret_are_the_same(related, juju, machine):
    meanwhile = "Still serving at 10.0.0.10:5000 (http)."
    assert juju.model["status"] == [
        "waiting",
        "Waiting for s3-credentials to send a bucket and its keys. "
        f"Check the integrator if this takes minutes. {meanwhile}",
    ]
    say(juju, related, {**BUCKET, **KEYS})
    assert juju.model["status"] == READY
    plain = machine.store.current()
    assert driver(machine) == {
        "accesskey": "ak",
        "bucket": "images",
        "region": "here",
        "regionendpoint": "http://s3:8080",
        "rootdirectory": "/one",
        "secretkey": "hush-secret",
    }
    say(juju, related, {**BUCKET, "secret-extra": "secret:cq1"})
    (sentence,) = [juju.model["status"][1]]
    assert sentence.startswith(
        "s3-credentials: secret:cq1 cannot be read (permission denied). Check s3-integrator, or relate it again."
    )
    assert machine.store.current() == plain, "what serves goes on"
    juju.change(secrets={"cq1": KEYS})
    related.hook("secret-changed")
    assert juju.model["status"] == READY
    assert machine.store.current() == plain
    juju.change(secrets={"cq1": {**KEYS, "secret-key": "another"}})
    related.hook("secret-changed")
    assert driver(machine)["secretkey"] == "another"


def test_values_are_read_as_those_of_the_options(related, juju, machine):
    plain = {**BUCKET, **KEYS, "storage-class": "REDUCED_REDUNDANCY", "s3-api-version": "2"}
    say(juju, related, plain)
    before = driver(machine)
    assert (before["storageclass"], before["v4auth"]) == ("REDUCED_REDUNDANCY", False)
    say(juju, related, {key: f" {text}\n" for key, text in plain.items()} | {"storage-class": "reduced_Redundancy"})
    assert (juju.model["status"], driver(machine)) == (READY, before)
    say(juju, related, {**plain, "region": " "})
    assert driver(machine)["region"] == "us-east-1"


@pytest.mark.parametrize("form", [str, lambda pem: base64.b64encode(pem.encode()).decode()])
def test_a_chain_is_a_list_of_certificates(related, juju, machine, form):
    say(juju, related, {**BUCKET, **KEYS, "tls-ca-chain": json.dumps([form(BETWEEN), form(ROOT)])})
    assert machine.store.current().others["store-ca.pem"] == BETWEEN + ROOT
    say(juju, related, {**BUCKET, **KEYS, "tls-ca-chain": "junk"})
    assert juju.model["status"][1].startswith(
        "s3-credentials (tls-ca-chain): the text is neither PEM nor base64 of PEM. Use the content of a PEM file. "
    )


def test_the_images_stay_where_they_are_when_the_relation_goes(related, juju, machine, actions):
    say(juju, related, {**BUCKET, **KEYS, "tls-ca-chain": json.dumps([])})
    before = machine.store.current()
    part(juju, related)
    assert juju.model["status"][0] == "blocked"
    assert juju.model["status"][1].startswith(
        "s3-credentials: the relation provides no bucket any more. Relate the integrator again"
    )
    assert machine.store.current() == before
    related.hook("update-status")
    assert machine.store.current() == before
    relate(juju, related, "s3-credentials", {"s3-integrator/0": {}})
    say(juju, related, {**BUCKET, **KEYS})
    assert (juju.model["status"], machine.store.current()) == (READY, before)
    part(juju, related)
    assert related.action("start", actions, name="") == {"message": READY[1]}
    assert not machine.store.current().is_shared
    relate(juju, related, "s3-credentials", {"s3-integrator/0": {}})
    say(juju, related, {**BUCKET, **KEYS})
    part(juju, related)
    assert machine.store.current() == before, "the action start counts once"
