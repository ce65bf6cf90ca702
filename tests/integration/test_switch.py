"""A change under load: what is under way ends, what is new is answered, and a kill leaves no trace."""

import contextlib
import hashlib
import http.client
import subprocess
import threading
import time

import pytest
from unit import MOMENTS, Watch

SIZE = 60_000_000
PIECE = 500_000
PAUSE = 0.06
"""Between two pieces: a transfer takes more than seven seconds."""


class Client:
    """Speaks with the registry over connections of its own."""

    def __init__(self, address):
        self._address = address

    def connection(self):
        return http.client.HTTPConnection(self._address, 5000, timeout=20)

    def ask(self, method, path, body=None, headers=None):
        with contextlib.closing(self.connection()) as connection:
            connection.request(method, path, body, headers or {"Content-Type": "application/octet-stream"})
            answer = connection.getresponse()
            return answer.status, dict(answer.headers), answer.read()

    def begin(self):
        status, headers, _ = self.ask("POST", "/v2/load/blobs/uploads/")
        assert status == 202
        return headers["Location"]

    def finish(self, location, digest, body=None):
        status, _, words = self.ask("PUT", f"{location}&digest={digest}", body)
        assert status == 201, words

    def pull_slowly(self, digest):
        found = hashlib.sha256()
        with contextlib.closing(self.connection()) as connection:
            connection.request("GET", f"/v2/load/blobs/{digest}")
            answer = connection.getresponse()
            while piece := answer.read(PIECE):
                found.update(piece)
                time.sleep(PAUSE)
        return f"sha256:{found.hexdigest()}"

    def push_slowly(self, data):
        def pieces():
            for start in range(0, len(data), PIECE):
                yield data[start : start + PIECE]
                time.sleep(PAUSE)

        headers = {"Content-Length": str(len(data)), "Content-Type": "application/octet-stream"}
        status, answered, words = self.ask("PATCH", self.begin(), pieces(), headers)
        assert status == 202, words
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        self.finish(answered["Location"], digest)
        return digest


class Background(threading.Thread):
    """Calls a function beside the test; `result` waits for what it returned or raises what it raised."""

    def __init__(self, function, *arguments):
        super().__init__(daemon=True)
        self._call = (function, arguments)
        self._result = self._error = None
        self.start()

    def run(self):
        function, arguments = self._call
        try:
            self._result = function(*arguments)
        except Exception as error:
            self._error = error

    def result(self):
        self.join(60)
        if self._error:
            raise self._error
        return self._result


@pytest.fixture
def client(unit):
    return Client(unit.address)


def data(letter):
    return letter * SIZE


def traces(unit):
    """What a switch may leave: containers, rules, network namespaces, a note, folders of configuration."""
    return {
        "containers": unit.containers(),
        "rules": unit.exec("iptables -t nat -S | grep -i docker-registry || true"),
        "namespaces": unit.exec("ip netns list; ip -o link show docker-registry 2>/dev/null || true"),
        "note": unit.exec("ls /etc/docker/registry"),
        "volumes": unit.exec("docker volume ls -q"),
    }


def test_transfers_and_requests_go_through_a_change(unit, client):
    before = traces(unit)
    pulled, pushed = data(b"a"), data(b"b")
    digest = f"sha256:{hashlib.sha256(pulled).hexdigest()}"
    client.finish(client.begin(), digest, pulled)
    with Watch(unit.address, pause=0.005) as watch:
        push, pull = Background(client.push_slowly, pushed), Background(client.pull_slowly, digest)
        time.sleep(1)
        local = Background(
            unit.exec,
            "n=0; while [ $n -lt 300 ]; do curl -s -o /dev/null -m 5 http://127.0.0.1:5000/v2/"
            " && curl -s -o /dev/null -m 5 http://" + unit.address + ":5000/v2/ || echo failed; n=$((n+1)); done",
        )
        assert unit.config(log_level="debug")[0] == "active"
        assert pull.result() == digest
        assert push.result() == f"sha256:{hashlib.sha256(pushed).hexdigest()}"
        assert local.result() == ""
    print(f"asked {watch.asked} times, {watch.failed} failed, longest gap {watch.gap:.3f} s")
    assert watch.failed == 0
    assert watch.gap < 0.9, "a connection that is tried again takes a second"
    assert watch.asked > 100
    assert traces(unit) == before
    assert unit.config(log_level=None)[0] == "active"


def test_a_connection_that_is_kept_open_is_closed_at_the_bound(unit, client):
    unit.config(drain_timeout=3)
    connection = client.connection()
    connection.request("GET", "/v2/")
    connection.getresponse().read()
    kept = connection.sock
    change = Background(lambda: unit.config(log_level="debug"))
    answered = 0
    try:
        while change.is_alive() and connection.sock is kept:
            connection.request("GET", "/v2/")
            connection.getresponse().read()
            answered += 1
            time.sleep(0.1)
    except (http.client.HTTPException, ConnectionError):
        pass  # the request crossed the end of the connection
    connection.close()
    assert change.is_alive() and answered > 30
    assert change.result()[0] == "active"
    assert unit.config(log_level=None, drain_timeout=None)[0] == "active"


@pytest.mark.parametrize("seconds", [1.5, *MOMENTS])
def test_a_hook_killed_in_the_middle_of_a_switch_leaves_a_registry_that_serves(unit, seconds):
    before = traces(unit)
    change = subprocess.Popen([unit.juju.cli_binary, "config", "-m", unit.juju.model, unit.app, "log-level=debug"])
    time.sleep(seconds)
    unit.exec("pkill -KILL -f hooks/[c]onfig-changed || true")
    assert unit.answers()
    change.wait(timeout=120)
    if unit.juju.status().apps[unit.app].units[unit.name].workload_status.current == "error":
        unit.juju.cli("resolved", unit.name)
        unit.settle()
    assert unit.update_status() == ("active", f"Ready at {unit.address}:5000 (http).")
    assert traces(unit) == before
    assert 'level: "debug"' in unit.exec("cat /etc/docker/registry/config.yml")
    assert unit.config(log_level=None)[0] == "active"
