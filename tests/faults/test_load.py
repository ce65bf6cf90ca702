"""Load with a password and TLS: many transfers at once, many connections, slow clients, and changes meanwhile."""

import base64
import concurrent.futures
import contextlib
import re
import secrets
import socket
import ssl
import threading
import time

import pytest
from loading import Load
from test_encryption import Authority

USER = "Basic " + base64.b64encode(b"admin:s3cret").decode()
SLOW = 20
"""Seconds that an answer may take while 550 clients and the registry share the machine."""
MEMORY = 3_000_000
"""Memory in kB that 550 transfers may take: one of a layer takes 4 MiB, and Go collects garbage late."""


@pytest.fixture(scope="module")
def loaded(deploy, tmp_path_factory):
    """A unit with a password and TLS, and its CA."""
    unit = deploy("busy")
    authority = Authority(tmp_path_factory.mktemp("ca"), unit.address)
    certificate, key = authority.issue("first")
    tls = {"tls_cert_blob": certificate, "tls_key_blob": key, "tls_ca_blob": authority.read("ca.crt")}
    unit.config(auth_basic_password="s3cret", **tls)
    yield unit, authority
    unit.juju.remove_application(unit.app, force=True)


@pytest.fixture
def load(loaded):
    """Clients, with an image to pull."""
    unit, authority = loaded
    found = Load(unit.address, authority.read("ca.crt"), USER)
    found.prepare(secrets.token_bytes(1_000_000))
    return found


@pytest.fixture
def row(loaded, fault):
    """Makes a row for the unit."""
    unit, authority = loaded

    def make(name, longest=SLOW):
        return fault.row(name, longest=longest, of=unit, ca=authority.read("ca.crt"), authorization=USER)

    return make


def peak(unit):
    """Return the most memory that the registry's process has had, in kB."""
    status = unit.exec("cat /proc/$(docker inspect -f {{.State.Pid}} registry)/status")
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1])


def nothing(unit, authority):
    pass


def change(unit, authority):
    assert unit.config(log_level="warn")[0] == "active"


def renew(unit, authority):
    certificate, key = authority.issue("renewed")
    assert unit.config(tls_cert_blob=certificate, tls_key_blob=key)[0] == "active"


def collect(unit, authority):
    unit.juju.run(unit.name, "garbage-collect", {"dry-run": False}, wait=1200)  # four minutes on an idle machine


TURNED_AWAY = {nothing: 0, change: 100, renew: 100, collect: 200}
"""How many new connections may be refused or reset; to collect garbage, the registry is replaced twice."""


@pytest.mark.parametrize(
    ("name", "action"),
    [
        ("", nothing),
        (" and garbage collection (pushes get 405 meanwhile)", collect),  # which reads all that was pushed so far
        (" and a change", change),
        (" and a new certificate", renew),
    ],
    ids=["alone", "garbage", "change", "certificate"],
)
def test_many_transfers_at_once(loaded, load, row, name, action):
    unit, authority = loaded
    with row(f"500 pulls and 50 pushes at once{name}", longest=SLOW * (1 + (action is collect))):
        with load:
            time.sleep(5)
            begun = time.monotonic()
            action(unit, authority)
            print(f"{action.__name__} took {time.monotonic() - begun:.1f} s")
        print(f"peak of the registry's memory: {peak(unit) // 1000} MB")
        assert not load.failures
        # A connection that reuses the port of one that was cut goes where that one went, until Docker forgets it: for
        # a second after `drain-timeout`. From one address, 550 clients reuse ports all the time.
        assert load.turned_away <= TURNED_AWAY[action]
        assert load.pulls >= 500 and len(load.acknowledged) >= 50
        assert action is collect or not load.refused
        assert not load.lost()
        assert peak(unit) < MEMORY


def test_no_file_is_half_written(loaded, row):
    """Registry 2.8 takes part of a file for the whole: the repeated push is acknowledged, and the image unreadable."""
    unit, authority = loaded
    unit.config(drain_timeout=0)
    with row("60 pushes at once, and four changes without drain-timeout"):
        for level in ("warn", "info") * 2:
            load = Load(unit.address, authority.read("ca.crt"), USER, pulls=0, pushes=60)
            with load:
                time.sleep(2)
                assert unit.config(log_level=level)[0] == "active"
            assert not load.failures and not load.lost()
        assert not unit.exec("find /srv/registry/docker -name link -size 0 -o -path */blobs/*/data -size 0")
    unit.config(drain_timeout=None)


def test_many_connections(loaded, row):
    unit, authority = loaded
    load = Load(unit.address, authority.read("ca.crt"), USER, pulls=0, pushes=0)

    def connect(when):
        time.sleep(max(0, when - time.monotonic()))
        client = load.client()
        with client.ask("GET", "/v2/") as answer:
            status = answer.status
        client.close()
        return status, time.monotonic() - when

    with row("100 new connections a second for 10 minutes"):
        begun = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(100) as pool:
            found = list(pool.map(connect, [begun + number / 100 for number in range(60_000)]))
        print(f"{time.monotonic() - begun:.1f} s, slowest {max(seconds for _, seconds in found):.1f} s")
        assert {status for status, _ in found} == {200}


def request(method, path, address, length=0):
    head = f"{method} {path} HTTP/1.1", f"Host: {address}", f"Authorization: {USER}", f"Content-Length: {length}"
    return "\r\n".join([*head, "", ""]).encode()


@contextlib.contextmanager
def connected(address, context):
    """A connection with a small buffer."""
    with socket.socket() as plain:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        plain.settimeout(10)
        plain.connect((address, 5000))
        with context.wrap_socket(plain, server_hostname=address) as connection:
            yield connection


def slow_pull(address, context, path, end):
    with connected(address, context) as connection:
        connection.sendall(request("GET", path, address))
        while not end.wait(1) and connection.recv(1000):
            pass


def slow_push(address, context, path, end):
    with connected(address, context) as connection:
        connection.sendall(request("PATCH", path, address, 9_999_999))
        while not end.wait(1):
            connection.sendall(b"x" * 1000)


def test_slow_clients_hold_a_change_no_longer_than_the_option_says(loaded, load, row):
    unit, authority = loaded
    context, end = ssl.create_default_context(cadata=authority.read("ca.crt")), threading.Event()
    load.prepare(secrets.token_bytes(20_000_000))
    layer = load.acknowledged["pulled"]
    with row("40 clients of 1 kB/s while something changes", longest=3):
        unit.config(drain_timeout=0)
        begun = time.monotonic()
        assert unit.config(log_level="debug")[0] == "active"
        alone = time.monotonic() - begun
        unit.config(drain_timeout=10)
        with concurrent.futures.ThreadPoolExecutor(40) as pool:
            client, transfers = load.client(), []
            for _ in range(20):
                with client.ask("POST", "/v2/load/blobs/uploads/") as answer:
                    place = answer.headers["Location"]
                place = place[place.index("/v2/") :]
                transfers.append(pool.submit(slow_push, unit.address, context, place, end))
                transfers.append(pool.submit(slow_pull, unit.address, context, f"/v2/load/blobs/{layer}", end))
            client.close()
            time.sleep(3)
            assert not any(transfer.done() for transfer in transfers)
            begun = time.monotonic()
            assert unit.config(log_level=None)[0] == "active"
            took = time.monotonic() - begun
            end.set()
        print(f"the change took {took:.1f} s; {alone:.1f} s without clients")
        unit.config(drain_timeout=None)
    assert took < alone + 10 + 8
