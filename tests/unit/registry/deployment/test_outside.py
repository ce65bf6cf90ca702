"""How the registry is looked at from outside: where nothing but the network is needed. The rest is in integration."""

import contextlib
import socket

import pytest
from registry.deployment import outside

HEAD = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"


def route(destination, mask):
    """A line of /proc/net/route."""
    end = "0\t0\t0\n"
    return f"eth0\t{destination}\t00000000\t0001\t0\t0\t100\t{mask}\t{end}"


@pytest.mark.parametrize(
    ("routes", "network"),
    [
        ("", "198.51.100.4/30"),
        (HEAD, "198.51.100.4/30"),
        (HEAD + route("00000000", "00000000"), "198.51.100.4/30"),
        (HEAD + route("0000000A", "000000FF"), "198.51.100.4/30"),
        (HEAD + route("006433C6", "00FFFFFF"), "203.0.113.4/30"),
        (HEAD + route("066433C6", "FFFFFFFF"), "203.0.113.4/30"),
        (HEAD + route("006433C6", "00FFFFFF") + route("007100CB", "00FFFFFF"), "192.0.2.4/30"),
        (HEAD + route("00000080", "00000080"), None),
    ],
)
def test_the_network_is_one_that_nobody_uses(routes, network):
    found = outside.free_network(4, routes)
    assert (str(found) if found else None) == network


@pytest.mark.parametrize(
    ("prefix", "network"),
    [
        (f"{'0' * 32} 00", "2001:db8:5000::4/126"),
        ("fd000000000000000000000000000000 40", "2001:db8:5000::4/126"),
        ("20010db8500000000000000000000000 30", "2001:db8:5001::4/126"),
        ("20010db8000000000000000000000000 20", None),
    ],
)
def test_so_is_that_of_ipv6(prefix, network):
    found = outside.free_network(6, f"{prefix} {'0' * 32} 00 {'0' * 32} 00000400 00000001 00000000 00000001 eth0\n")
    assert (str(found) if found else None) == network


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_an_address_of_the_machine_stays(address):
    assert outside._own_address(address) == address


@pytest.mark.parametrize("address", ["no-such-host.invalid", "", "999.1.1.1", "a" * 64 + ".example.com"])
def test_an_address_that_says_nothing_is_that_of_the_machine(address, monkeypatch):
    known = socket.getaddrinfo

    def look_up(host, *args, **kwargs):
        if host == address:
            raise socket.gaierror(-2, "Name or service not known")
        return known(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    assert outside.Outside().check(address, 1, pytest.fail) == "Connection refused", "the machine itself is asked"


def test_an_answer_is_followed_by_the_request_and_none_by_the_reason():
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as server:
        port, asked = server.getsockname()[1], []
        assert outside._connect("127.0.0.1", port, asked.append) == ""
        assert asked == ["127.0.0.1"]
    assert outside._connect("127.0.0.1", port, pytest.fail) == "Connection refused"


@pytest.mark.parametrize(("address", "host"), [("127.0.0.1", "127.0.0.1"), ("::1", "[::1]")])
def test_a_connection_sends_the_request_and_its_absence_is_said(address, host):
    asked = []
    with socket.create_server((address, 0), family=socket.AF_INET6 if ":" in address else socket.AF_INET) as server:
        port = server.getsockname()[1]
        assert outside._connect(address, port, asked.append) == ""
    assert asked == [host]
    assert outside._connect(address, port, asked.append) == "Connection refused"
    assert outside._connect(address, port, asked.append, "198.51.100.6") == "Connection refused from 198.51.100.6"
    assert asked == [host]


def test_a_machine_without_iproute2_makes_no_namespace(monkeypatch):
    monkeypatch.setattr(outside, "_PATH", "/nowhere")
    with pytest.raises(outside._NoNamespace, match="ip is not installed"):
        outside._ip(["link show"])


def test_a_program_that_fails_or_hangs_is_a_failure(monkeypatch, tmp_path):
    (tmp_path / "ip").write_text('#!/bin/sh\nread line; [ "$line" != slow ] || sleep 5\n[ "$line" = good ]\n')
    (tmp_path / "ip").chmod(0o755)
    monkeypatch.setattr(outside, "_PATH", f"{tmp_path}:/bin:/usr/bin")
    monkeypatch.setattr(outside, "PROGRAM_SECONDS", 0.3)
    assert [outside._ip([line]) for line in ("good", "bad", "slow")] == [True, False, False]
    with pytest.raises(outside._NoNamespace, match="ip failed"):
        outside._require(False)


@pytest.fixture
def namespace(monkeypatch, tmp_path):
    """A machine that gives a namespace, and an `ip` that fails as often as said; calls it and returns what it read."""

    class Libc:
        result = 0

        def unshare(self, flags):
            assert flags == outside._CLONE_NEWNET
            return self.result

    libc, program, routes = Libc(), tmp_path / "ip", tmp_path / "routes"
    routes.write_text(HEAD)
    monkeypatch.setattr(outside.ctypes, "CDLL", lambda *_, **__: libc)
    monkeypatch.setattr(outside, "_PATH", f"{tmp_path}:/bin:/usr/bin")
    monkeypatch.setattr(outside, "ROUTES", {4: routes, 6: routes})

    def check(*failing):
        """Those numbers of the calls fail."""
        numbers = "|".join(map(str, failing)) or "none"
        program.write_text(
            f"#!/bin/sh\ncd {tmp_path}\necho >> calls\ncat >> read\ncase $(wc -l < calls) in {numbers}) exit 1; esac\n"
        )
        program.chmod(0o755)
        with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as server:
            port = server.getsockname()[1]
        found = outside.Outside().check("127.0.0.1", port, pytest.fail)
        read = (tmp_path / "read").read_text() if (tmp_path / "read").exists() else ""
        for name in ("calls", "read"):
            (tmp_path / name).unlink(missing_ok=True)
        return found, read

    check.libc, check.routes = libc, routes
    return check


def test_a_client_of_its_own_connects_from_its_own_address(namespace):
    reason, read = namespace()
    assert reason == "Connection refused from 198.51.100.6"
    assert "link add vethregistry type veth peer name eth0" in read
    assert "route add default via 198.51.100.5" in read
    assert "delete" not in read


def test_an_interface_that_is_left_is_replaced(namespace):
    reason, read = namespace(1)
    assert reason == "Connection refused from 198.51.100.6"
    assert (read.count("link add"), read.count("link delete vethregistry")) == (2, 1)


def test_where_no_namespace_can_be_made_the_machine_itself_connects(namespace):
    assert namespace(1, 3)[0] == "Connection refused"  # the interface cannot be replaced
    assert namespace(2)[0] == "Connection refused"  # nor set up inside
    namespace.libc.result = -1  # not permitted
    assert namespace() == ("Connection refused", "")
    namespace.libc.result = 0
    namespace.routes.write_text(HEAD + route("00000080", "00000080"))  # every network is in use
    assert namespace() == ("Connection refused", "")
