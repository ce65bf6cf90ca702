"""Rules and counters as text, and what is done with them on a machine that is a table of answers."""

import dataclasses
import ipaddress
import subprocess
import threading

import pytest
from registry.deadline import Deadline
from registry.deployment import bridge
from registry.formats.inspection import Container, Network
from registry.machine import engine
from test_inspection import inspection

NETWORK = ipaddress.IPv4Network("203.0.113.4/30")
RULES = """-P PREROUTING ACCEPT
-N DOCKER
-N DOCKER-REGISTRY
-A PREROUTING -p tcp -m addrtype --dst-type LOCAL -m tcp --dport 5000 -j DOCKER-REGISTRY
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A OUTPUT -p tcp -m addrtype --dst-type LOCAL -m tcp --dport 5000 -j DOCKER-REGISTRY
-A DOCKER-REGISTRY -o lo -p tcp -j REDIRECT --to-ports 32768
"""
USED = """-N DOCKER-REGISTRY
-A DOCKER-REGISTRY -o lo -p tcp -c 1 60 -j REDIRECT --to-ports 32768
-A DOCKER-REGISTRY -i docker0 -c 0 0 -j RETURN
-A DOCKER-REGISTRY -p tcp -c 1 60 -j DNAT --to-destination 172.17.0.3:5000
"""


class Netfilter:
    """Answers like the programs: *fails* has words of commands that do not work, *counted* what the rules counted."""

    def __init__(self, fails=(), counted=USED):
        self.fails, self.counted = fails, counted
        self.there = False
        self.restored = []

    def __call__(self, command, text):
        line = " ".join(command)
        if any(words in line for words in self.fails):
            return subprocess.CompletedProcess(command, 1, "", "no\nway")
        if command[0] == "iptables-restore":
            self.restored.append(text)
            self.there = "-X DOCKER-REGISTRY" not in text
        answer = self.counted if "-v" in command else RULES if self.there else "-P PREROUTING ACCEPT\n"
        return subprocess.CompletedProcess(command, 0, answer if command[0] == "iptables" else "", "")


@pytest.fixture
def machine(monkeypatch, tmp_path):
    monkeypatch.setattr(bridge.shutil, "which", lambda name, path: f"/usr/bin/{name}")
    monkeypatch.setattr(bridge, "NETWORK_NAMESPACES", tmp_path)


def opened(netfilter, network=NETWORK):
    found = bridge.Bridge(netfilter, find_network=lambda version: network)
    found.open(5000, "172.17.0.3", 32768, ["docker0", "br-1"])


def test_the_rules_apply_to_clients_only_after_they_have_redirected_a_connection(machine):
    netfilter = Netfilter()
    opened(netfilter)
    tried, gone, real = netfilter.restored
    assert "-d 203.0.113.5/32" in tried and "LOCAL" not in tried
    assert "-X DOCKER-REGISTRY" in gone
    assert real.splitlines() == [
        "*nat",
        ":DOCKER-REGISTRY - [0:0]",
        "-A DOCKER-REGISTRY -o lo -p tcp -j REDIRECT --to-ports 32768",
        "-A DOCKER-REGISTRY -i br-1 -j RETURN",
        "-A DOCKER-REGISTRY -i docker0 -j RETURN",
        "-A DOCKER-REGISTRY -p tcp -j DNAT --to-destination 172.17.0.3:5000",
        "-I PREROUTING 1 -p tcp -m addrtype --dst-type LOCAL -m tcp --dport 5000 -j DOCKER-REGISTRY",
        "-I OUTPUT 1 -p tcp -m addrtype --dst-type LOCAL -m tcp --dport 5000 -j DOCKER-REGISTRY",
        "COMMIT",
    ]


@pytest.mark.parametrize(
    ("process", "seconds", "cuts"),
    [(42, 0, 1), (42, 60, 0), (0, 0, 0)],
    ids=["in progress", "ended before", "no process"],
)
def test_connections_are_cut_while_a_container_does_not_end(process, seconds, cuts):
    commands, cut, listening = [], threading.Event(), ["LISTEN", "LISTEN", ""]

    def run(command, text):
        commands.append(" ".join(command))
        if "-K" in command:
            cut.set()
        return subprocess.CompletedProcess(command, 0, "" if cut.is_set() else listening.pop(0), "")

    with bridge.Bridge(run).cut_after(seconds, process):
        assert not cuts or cut.wait(10)
    assert sum(" -K " in command for command in commands) == cuts
    assert not cuts or not listening  # a request that is repeated goes elsewhere
    assert all(command.startswith("nsenter -t 42 -n ss ") for command in commands)


@pytest.mark.parametrize(
    ("netfilter", "words"),
    [
        (Netfilter(fails=["ip netns exec docker-registry timeout"]), "the rules do not redirect"),
        (Netfilter(fails=["ip link add"]), "ip: no way"),
        (Netfilter(counted=USED.replace("-c 1 60 -j DNAT", "-c 0 0 -j DNAT")), "other rules take precedence"),
        (Netfilter(counted=USED.replace("-c 1 60 -j REDIRECT", "-c 0 0 -j REDIRECT")), "other rules take precedence"),
    ],
)
def test_what_does_not_carry_leaves_nothing(machine, netfilter, words):
    with pytest.raises(bridge.Impassable, match=words):
        opened(netfilter)
    assert not netfilter.there
    assert not any("LOCAL" in text for text in netfilter.restored if "-I " in text)


def test_where_no_network_is_free_nothing_is_tried(machine):
    netfilter = Netfilter()
    with pytest.raises(bridge.Impassable, match="no network is free"):
        opened(netfilter, None)
    assert netfilter.restored == []


def test_a_program_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setattr(bridge.shutil, "which", lambda name, path: None if name == "iptables" else name)
    with pytest.raises(bridge.Impassable, match=r"^iptables is not installed$"):
        opened(Netfilter())
    assert bridge.Bridge(Netfilter()).close() is False


def test_the_chain_and_the_jumps_to_it_are_removed(machine):
    netfilter = Netfilter()
    netfilter.there = True
    assert bridge.Bridge(netfilter).close() is True
    assert netfilter.restored[-1].splitlines() == [
        "*nat",
        "-D PREROUTING -p tcp -m addrtype --dst-type LOCAL -m tcp --dport 5000 -j DOCKER-REGISTRY",
        "-D OUTPUT -p tcp -m addrtype --dst-type LOCAL -m tcp --dport 5000 -j DOCKER-REGISTRY",
        "-F DOCKER-REGISTRY",
        "-X DOCKER-REGISTRY",
        "COMMIT",
    ]
    assert bridge.Bridge(netfilter).close() is False


def test_rules_that_stay_are_an_error(machine):
    netfilter = Netfilter(fails=["iptables-restore"])
    netfilter.there = True
    with pytest.raises(engine.EngineError, match="cannot be removed: iptables-restore: no way"):
        bridge.Bridge(netfilter).close()


class Sockets:
    """Shows one listing after the other, and the last one for ever, while no time but that of sleep passes."""

    def __init__(self, *listings):
        self.listings, self.clock = list(listings), 0.0

    def deadline(self, seconds):
        return Deadline(seconds, lambda: self.clock, self.sleep)

    def sleep(self, seconds):
        self.clock = round(self.clock + seconds, 2)
        if len(self.listings) > 1:
            self.listings.pop(0)

    def __call__(self, command, text):
        inside = command[0] == "nsenter"
        return subprocess.CompletedProcess(command, 0, self.listings[0] if inside else "", "")

    def wait(self, seconds):
        left = bridge.Bridge(self, self.deadline).wait_until_quiet(1, 5000, seconds)
        return round(self.clock, 2), round(left, 2)


def line(waits=0, acked=0):
    return f"ESTAB 0 {waits} 172.17.0.2:5000 10.0.0.1:999 cubic bytes_acked:{acked} bytes_received:1\n"


def test_quiet_is_what_does_not_move_for_a_second():
    assert Sockets(line()).wait(30) == (1.0, 29.0)
    assert Sockets(*(line(acked=n) for n in range(21))).wait(30) == (3.0, 27.0)


def test_what_waits_to_be_delivered_is_not_quiet():
    assert Sockets(*[line(waits=9)] * 50, line()).wait(30) == (6.0, 24.0)


def test_where_nobody_is_connected_it_is_soon_quiet():
    assert Sockets("").wait(30) == (0.2, 29.8)
    assert Sockets("", line(), line(), "").wait(30) == (0.45, 29.55)


def test_no_wait_is_longer_than_allowed():
    assert Sockets(line(waits=9)).wait(5) == (5.0, 0.0)


def test_a_new_container_is_introduced_by_its_hardware_address():
    asked = []

    def run(command, text):
        asked.append(" ".join(command))
        return subprocess.CompletedProcess(command, 0, "172.17.0.2 dev docker0 src 172.17.0.1\n", "")

    networks = [Network("bridge", "172.17.0.2", "02:42:ac:11:00:02"), Network("other", "10.1.0.2", "")]
    current = dataclasses.replace(Container.from_inspection(inspection("running")), networks=tuple(networks))
    bridge.Bridge(run).introduce(current)
    assert [line for line in asked if "neigh" in line] == [
        "ip neigh replace 172.17.0.2 lladdr 02:42:ac:11:00:02 dev docker0 nud reachable"
    ]


def test_without_the_command_ip_no_neighbour_is_added():
    def run(command, text):
        raise FileNotFoundError(command[0])

    bridge.Bridge(run).introduce(Container.from_inspection(inspection("running")))
