"""Two units and a CA: the leader is lost in the middle, the network between them is cut, the CA takes back its own."""

import subprocess
import time

import pytest
from test_authority import root
from test_encryption import presented
from unit import Unit

SERVING = 3


@pytest.fixture(scope="module")
def pair(model, deploy, stand_in):
    """The leader, the other unit, and their CA."""
    first = deploy("pair")
    model.add_unit("pair")
    model.deploy(stand_in("authority"), "authority", config={"dialect": "requests"})
    model.integrate("pair:cert-provider", "authority:certificates")
    first.settle()
    authority = Unit(model, "authority/0")
    model.config("authority", {"root": 2})
    first.settle()
    yield first, Unit(model, "pair/1"), authority
    model.remove_application("pair", "authority", force=True)


@pytest.fixture
def row(pair, fault):
    """Makes a row for one of them, for clients that trust both CAs."""
    trusted = root(pair[2]) + root(pair[2], 2)
    return lambda name, of: fault.row(name, longest=SERVING, of=of, ca=trusted)


def test_another_ca(pair, model, row):
    first, _, _ = pair
    before = presented(first)
    with row("CA replaced", first):
        model.config("authority", {"root": 1})
        first.settle()
    assert presented(first) != before


def test_a_revoked_certificate(pair, model, row):
    first, _, _ = pair
    before = presented(first)
    with row("certificate revoked", first):
        model.config("authority", {"revoke": True})
        first.settle()
    assert presented(first) != before


def test_a_cut_between_units(pair, row):
    first, second, _ = pair
    with row("network cut between the units", first):
        for one, other in ((first, second), (second, first)):
            one.exec(f"iptables -t raw -I PREROUTING -s {other.address} -j DROP")
        assert first.config(log_level="debug")[0] == "active"
        assert second.update_status()[0] == "active"
        for one in (first, second):
            one.exec("iptables -t raw -D PREROUTING 1")
        assert first.config(log_level=None)[0] == "active"


def test_a_leader_that_is_lost_in_the_middle(pair, model, row):
    first, second, _ = pair
    assert model.status().apps["pair"].units[first.name].leader
    with row("leader lost in the middle of a change", second):
        change = subprocess.Popen([model.cli_binary, "config", "-m", model.model, "pair", "log-level=debug"])
        time.sleep(1.5)
        model.cli("machine", "kill", first.machine)
        change.wait(timeout=120)
        assert second.update_status()[0] == "active"
        model.cli("machine", "start", first.machine)
        first.settle()
        assert first.update_status()[0] == "active"
        first.config(log_level=None)
    assert first.status()[0] == "active"
