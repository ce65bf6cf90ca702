"""How fast images go in and out, beside a bare `docker run registry:2` and its program without Docker.

All three serve the same on the same machine, each from a folder of its own on the same disk, and take turns. The client
is this process, on the host of that machine: it needs as much of the processors as the registry.
"""

import base64
import contextlib
import hashlib
import http.client
import secrets
import ssl
import time
import urllib.parse

import pytest
from test_encryption import Authority
from uploads import OCI

SECTION = "Data path"
MB = 1_000_000
LARGE, MANY = [200 * MB], [10 * MB] * 20
ROUNDS = 3
PULLS = 200
PORTS = {"charm": 5000, "bare container": 5999, "no Docker": 5998}
USER, PASSWORD = "bench", "secret"
FILES = "/srv/bench"
"""Folder of what the two other registries serve with: the charm's own certificate and users."""
HTTPS = {"REGISTRY_HTTP_TLS_CERTIFICATE": f"{FILES}/registry.crt", "REGISTRY_HTTP_TLS_KEY": f"{FILES}/registry.key"}
BASIC = {
    "REGISTRY_AUTH": "htpasswd",
    "REGISTRY_AUTH_HTPASSWD_REALM": "bench",
    "REGISTRY_AUTH_HTPASSWD_PATH": f"{FILES}/htpasswd",
}
ALONE = {"REGISTRY_HTTP_ADDR": ":5998", "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY": f"{FILES}/alone"}


class Client:
    """Speaks with a registry over one connection, as clients do."""

    def __init__(self, address, port, context):
        kind = http.client.HTTPSConnection if context else http.client.HTTPConnection
        self._connection = kind(address, port, timeout=120, **({"context": context} if context else {}))
        self._user = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()

    def ask(self, method, path, body=None):
        self._connection.request(method, path, body, {"Authorization": self._user, "Accept": OCI})
        answer = self._connection.getresponse()
        size = 0
        while data := answer.read(MB):
            size += len(data)
        assert answer.status < 300, (answer.status, path)
        return answer, size

    def push(self, blobs):
        for digest, data in blobs.items():
            answer, _ = self.ask("POST", "/v2/bench/blobs/uploads/", b"")
            place = urllib.parse.urlsplit(answer.headers["Location"])  # with a host or without
            self.ask("PUT", f"{place.path}?{place.query}&digest={digest}", data)

    def pull(self, blobs):
        for digest, data in blobs.items():
            assert self.ask("GET", f"/v2/bench/blobs/{digest}")[1] == len(data)

    def small(self, number):
        for _ in range(number):
            self.ask("GET", "/v2/")

    def begin(self, path):
        """Begin a pull, and let it wait."""
        self._connection.request("GET", path, headers={"Authorization": self._user})
        self._answer = self._connection.getresponse()
        self._answer.read(1)

    def close(self):
        self._connection.close()


def blobs(sizes):
    return {f"sha256:{hashlib.sha256(data).hexdigest()}": data for data in map(secrets.token_bytes, sizes)}


@contextlib.contextmanager
def yardsticks(unit, environment):
    """Run the two other registries with this *environment* too."""
    inside = " ".join(f"-e {name}={value}" for name, value in environment.items())
    alone = " ".join(f"--setenv={name}={value}" for name, value in {**environment, **ALONE}.items())
    unit.exec(
        f"mkdir -p {FILES}; cd /etc/docker/registry; cp registry.crt registry.key auth/htpasswd {FILES} 2>/dev/null;"
        f" docker run -d --name bare -p 5999:5000 -v {FILES}/bare:/var/lib/registry -v {FILES}:{FILES}:ro {inside}"
        f" registry:2 && docker cp bare:/bin/registry {FILES}/registry"
        f" && docker cp bare:/etc/docker/registry/config.yml {FILES}/config.yml"
        f" && systemd-run --unit alone {alone} {FILES}/registry serve {FILES}/config.yml && sleep 1"
    )
    try:
        yield
    finally:
        unit.exec(f"systemctl stop alone; docker rm -fv bare; rm -rf {FILES}")


PROCESSES = {
    "charm": "docker inspect -f {{.State.Pid}} registry",
    "bare container": "docker inspect -f {{.State.Pid}} bare",
    "no Docker": "systemctl show -p MainPID --value alone",
}
"""Commands that tell the process of each registry."""


def processor(unit, process):
    """Return the seconds of processor time that a process has used."""
    return sum(map(int, unit.exec(f"cat /proc/{process}/stat").rpartition(") ")[2].split()[11:13])) / 100


def rates(unit, context, work):
    """Do each piece of *work* ROUNDS times with each registry in turns.

    Return, by both names, amounts per second and seconds of processor time of the registry; the other work of the
    machine changes the first by more than a tenth, and the second little.
    """
    found, used = {}, {}
    names = list(PORTS)
    processes = {name: unit.exec(command) for name, command in PROCESSES.items()}
    for turn in range(ROUNDS):
        for name in names[turn:] + names[:turn]:  # nobody is always the first
            client = Client(unit.address, PORTS[name], context)
            for label, (amount, call) in work.items():
                before, begin = processor(unit, processes[name]), time.monotonic()
                call(client)
                found.setdefault((label, name), []).append(amount / (time.monotonic() - begin))
                used.setdefault((label, name), []).append(processor(unit, processes[name]) - before)
            client.close()
    return found, used


def transfers(large, many):
    """What is done with images: pieces of work, with their amount in MB."""
    kinds = {"1 x 200 MB": (200, large), "20 x 10 MB": (200, many)}
    return {
        f"{verb} {kind}": (amount, lambda client, verb=verb, data=data: getattr(client, verb)(data))
        for kind, (amount, data) in kinds.items()
        for verb in ("push", "pull")
    }


def show(figure, mode, measured):
    found, used = measured
    for label, name in found:
        if name != "bare container":
            of, to = "/s" if label.endswith("requests") else "MB/s", "bare container"
            who = "" if name == "charm" else f", {name}"
            figure(f"{mode}, {label}{who}", found[label, name], found[label, to], of=of, to=to)
            if name == "charm":
                figure(f"{mode}, {label}, processor of the registry", used[label, name], used[label, to], of="s", to=to)


def needs(unit, context, large, figure, mode):
    """Take what a pull needs: processor of the registry for each GB, and memory while it lasts."""
    process = unit.container()["State"]["Pid"]

    def memory():
        return int(unit.exec(f"grep VmRSS /proc/{process}/status").split()[1])

    client = Client(unit.address, PORTS["charm"], context)
    client.push(large)
    used = []
    for _ in range(ROUNDS):
        before = processor(unit, process)
        client.pull(large)
        used.append((processor(unit, process) - before) / sum(LARGE) * 1e9)
    figure(f"{mode}, processor of the registry for each GB pulled", used, of="s")
    client.close()
    before, (digest,) = memory(), large
    pulls = [Client(unit.address, PORTS["charm"], context) for _ in range(PULLS)]
    for one in pulls:
        one.begin(f"/v2/bench/blobs/{digest}")
    figure(f"{mode}, memory of the registry for each of {PULLS} pulls", [(memory() - before) / PULLS], of="KiB")
    for one in pulls:
        one.close()


@pytest.fixture(scope="module")
def content():
    return blobs(LARGE), blobs(MANY)


def small(number):
    return {f"{number} small requests": (number, lambda client: client.small(number))}


def test_http(unit, content, figure):
    with yardsticks(unit, {}):
        show(figure, "http", rates(unit, None, {**transfers(*content), **small(1000)}))
    needs(unit, None, content[0], figure, "http")


def test_https(unit, content, figure, tmp_path):
    authority = Authority(tmp_path, unit.address)
    certificate, key = authority.issue("bench")
    trusted = authority.read("ca.crt")
    unit.config(tls_ca_blob=trusted, tls_cert_blob=certificate, tls_key_blob=key)
    try:
        with yardsticks(unit, HTTPS):
            context = ssl.create_default_context(cadata=trusted)
            show(figure, "https", rates(unit, context, {**transfers(*content), **small(1000)}))
        needs(unit, context, content[0], figure, "https")
    finally:
        unit.config(tls_ca_blob=None, tls_cert_blob=None, tls_key_blob=None)


@pytest.mark.parametrize(("cost", "number"), [(5, 1000), (10, 20)])
def test_basic_auth(unit, content, figure, cost, number):
    unit.config(auth_basic_user=USER, auth_basic_password=PASSWORD, auth_basic_bcrypt_cost=cost)
    try:
        with yardsticks(unit, BASIC):
            work = {**transfers(*content), **small(number)}
            show(figure, f"basic auth of cost {cost}", rates(unit, None, work))
    finally:
        unit.config(auth_basic_user=None, auth_basic_password=None, auth_basic_bcrypt_cost=None)
