"""What the status says of clients that are kept from the registry, compared with a client on another machine."""

import contextlib
import json

import pytest

SAVED = "/var/tmp/rules"
KEPT_OUT = {
    "no forwarding": ("sysctl -qw net.ipv4.ip_forward=0", "sysctl -qw net.ipv4.ip_forward=1"),
    "dropped": ("iptables -I FORWARD 1 -j DROP", "iptables -D FORWARD 1"),
    "rejected": ("iptables -I FORWARD 1 -p tcp -j REJECT", "iptables -D FORWARD 1"),
    "docker-user": ("iptables -I DOCKER-USER 1 -j DROP", "iptables -D DOCKER-USER 1"),
    "flushed": (
        f"iptables-save > {SAVED}; iptables -F FORWARD; iptables -P FORWARD DROP",
        f"iptables-restore < {SAVED}",
    ),
    "raw": (
        "iptables -t raw -A PREROUTING -p tcp --dport 5000 ! -i lo -j DROP",
        "iptables -t raw -D PREROUTING 1",
    ),
}
HARMLESS = {
    "input": ("iptables -I INPUT 1 ! -i lo -p tcp --dport 5000 -j DROP", "iptables -D INPUT 1"),
    "proxied": (f"iptables-save > {SAVED}; iptables -t nat -F DOCKER", f"iptables-restore < {SAVED}"),
}


@contextlib.contextmanager
def rules(unit, do, undo):
    unit.exec(do)
    try:
        yield
    finally:
        unit.exec(undo)


@pytest.mark.parametrize("way", KEPT_OUT)
def test_clients_that_are_kept_out_are_said(unit, way):
    with rules(unit, *KEPT_OUT[way]):
        assert not unit.answers()
        state, message = unit.update_status()
        assert (state, message.partition(" from other machines")[0]) == (
            "blocked",
            f"The registry is not reachable at {unit.address}:5000",
        )
    assert unit.answers()
    assert unit.update_status()[0] == "active"


@pytest.mark.parametrize("way", HARMLESS)
def test_rules_that_keep_nobody_out_are_not_complained_of(unit, way):
    with rules(unit, *HARMLESS[way]):
        assert unit.answers()
        assert unit.update_status()[0] == "active"


def test_nothing_is_left_of_the_look_from_outside(unit):
    def links():
        return [link["ifname"] for link in json.loads(unit.exec("ip -j link")) if not link["ifname"].startswith("veth")]

    before, namespaces = links(), unit.exec("ip netns")
    unit.update_status()
    assert "vethregistry" not in unit.exec("sleep 1; ip link")
    assert (links(), unit.exec("ip netns")) == (before, namespaces)


def test_a_change_is_applied_although_clients_are_kept_out_before_and_after(unit):
    with rules(unit, *KEPT_OUT["docker-user"]):
        before = unit.container()["Id"]
        state, message = unit.config(storage_delete="true")
        assert (state, message.partition(" at ")[0]) == ("blocked", "The registry is not reachable")
        assert unit.container()["Id"] != before
    assert unit.config(storage_delete=None)[0] == "active"
