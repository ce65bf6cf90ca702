"""What each part of the way to an image costs, beside the charm's default in the same run, to find the dearest."""

import json
import socket
import ssl
import time

import pytest
from test_data import PASSWORD, USER, Client
from test_encryption import EC, Authority
from test_stores import used

SECTION = "Parts"
ROUNDS, SMALL, CONNECTIONS, FIRST = 3, 500, 200, 50
DOCKER = {"log-driver": "json-file", "log-opts": {"max-size": "10m", "max-file": "100"}, "userland-proxy": False}
PARTS = {
    "without access log": {"log_access": False},
    "log level error": {"log_level": "error"},
    "without userland proxy": {"daemon_opts": json.dumps(DOCKER)},
}
KEYS = {"RSA 2048": ("rsa:2048",), "RSA 4096": ("rsa:4096",), "ECDSA P-256": EC}
"""The first is what easyrsa makes."""


def rates(number, call):
    """Return how many calls a second there are in each round."""
    found = []
    for _ in range(ROUNDS):
        begin = time.monotonic()
        call(number)
        found.append(number / (time.monotonic() - begin))
    return found


def restart(unit):
    """Start the container again: the userland proxy of one that runs stays as it is."""
    unit.exec("docker restart registry")
    for _ in range(100):
        if unit.answers():
            return
        time.sleep(0.1)
    raise AssertionError("it does not answer")


@pytest.mark.parametrize("name", PARTS)
def test_small_requests(unit, figure, name):
    def measured():
        restart(unit)
        client = Client(unit.address, 5000, None)
        try:
            return rates(SMALL, client.small)
        finally:
            client.close()

    default, options = measured(), PARTS[name]
    assert unit.config(**options)[0] == "active"
    try:
        found = measured()
    finally:
        unit.config(**dict.fromkeys(options))
    default += measured()  # before and after: other work on the machine comes and goes
    figure(f"{SMALL} small requests, {name}", found, default, of="/s", to="default")


def test_keys(unit, figure, tmp_path):
    authority = Authority(tmp_path, unit.address)
    trusted = authority.read("ca.crt")
    context = ssl.create_default_context(cadata=trusted)

    def connect(number):
        for _ in range(number):
            with (
                socket.create_connection((unit.address, 5000), timeout=20) as plain,
                context.wrap_socket(plain, server_hostname=unit.address),
            ):
                pass

    first = {}
    try:
        for name, key in KEYS.items():
            certificate, secret = authority.issue(name.replace(" ", "-"), key=key)
            status = unit.config(tls_ca_blob=trusted, tls_cert_blob=certificate, tls_key_blob=secret)
            assert status[0] == "active"
            before = used(unit)[0]
            handshakes = rates(CONNECTIONS, connect)
            processor = [(used(unit)[0] - before) / ROUNDS / CONNECTIONS * 1e3]
            costs = [("handshakes", "/s", handshakes), ("processor of the registry for each", "ms", processor)]
            for kind, of, values in costs:
                figure(f"key {name}, {kind}", values, first.get(kind, ()), of=of, to=next(iter(KEYS)))
                first.setdefault(kind, values)
    finally:
        unit.config(tls_ca_blob=None, tls_cert_blob=None, tls_key_blob=None)


def test_passwords(unit, figure):
    def measured():
        found = []
        for _ in range(FIRST):
            client = Client(unit.address, 5000, None)
            begin = time.monotonic()
            client.small(1)
            found.append((time.monotonic() - begin) * 1e3)
            client.close()
        return found

    without = measured()
    figure("without authentication, first request of a connection", without, of="ms")
    try:
        for cost in (5, 10):
            unit.config(auth_basic_user=USER, auth_basic_password=PASSWORD, auth_basic_bcrypt_cost=cost)
            name = f"basic auth of cost {cost}, first request of a connection"
            figure(name, measured(), without, of="ms", to="without authentication")
    finally:
        unit.config(auth_basic_user=None, auth_basic_password=None, auth_basic_bcrypt_cost=None)
