"""What more units and more repositories change: three units of one object store beside one, and actions on many images.

All units, the object store, the proxy and the clients share the processors of this machine. With machines of their own
three units serve more; what is seen here is that nothing else is in their way.
"""

import concurrent.futures
import json
import pathlib
import secrets
import time

import pytest
import traffic
from test_data import MB, Client
from test_stores import by_s3
from test_switch import Background
from unit import Unit
from uploads import Uploads, digest_of

SECTION = "Scale"
ROUNDS, PARALLEL, PULLS, SIZE = 3, 8, 10, 50 * MB
"""PARALLEL clients at once, each of which pulls a small image PULLS times, then a blob of SIZE bytes."""
FEW = 10
STORAGE = "/srv/registry/docker/registry/v2"
HERE = pathlib.Path(__file__).parent
SOCKET = (
    'python3 -c "import socket; s = socket.socket(socket.AF_UNIX); s.connect(\\"/run/haproxy/admin.sock\\");'
    ' s.send(b\\"{}\\\\n\\"); print(s.makefile().read())"'
)
"""Gives a command to haproxy."""


@pytest.fixture(scope="module")
def proxy(model, charm, archives, stand_in, store):
    """The proxy in front of three units with one object store."""
    store.swift("PUT", "scale")
    config = {name.replace("_", "-"): value for name, value in by_s3(store, "scale").items()}
    resources = {"registry-image": str(archives.registry)}
    model.deploy(charm, "three", num_units=3, config=config, resources=resources)
    model.deploy(stand_in("haproxy"), "front")
    model.integrate("three:website", "front:reverseproxy")
    Unit(model, "three/0").settle()
    for number in range(3):
        assert Unit(model, f"three/{number}").status()[0] == "active"
    yield Unit(model, "front/0")
    model.remove_application("three", "front", force=True)


@pytest.fixture
def use(proxy):
    """Has the proxy use the first so many units."""
    lines = [line.split() for line in proxy.exec("cat /etc/haproxy/haproxy.cfg").splitlines()]
    (backend,) = (words[1] for words in lines if words[:1] == ["backend"])
    servers = [words[1] for words in lines if words[:1] == ["server"]]

    def use(number):
        states = ["ready" if place < number else "maint" for place in range(len(servers))]
        commands = (f"set server {backend}/{name} state {state}" for name, state in zip(servers, states, strict=True))
        assert not proxy.exec(SOCKET.format("; ".join(commands)))

    yield use
    use(len(servers))


def seconds(address, call):
    """Return how long PARALLEL clients take, each with a connection of its own."""
    clients = [Client(address, 5000, None) for _ in range(PARALLEL)]
    begin = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(PARALLEL) as pool:
        list(pool.map(call, clients))
    taken = time.monotonic() - begin
    for client in clients:
        client.close()
    return taken


def test_three_units_beside_one(proxy, use, figure):
    uploads = Uploads(f"http://{proxy.address}:5000")
    small, large = secrets.token_bytes(1000), secrets.token_bytes(SIZE)
    uploads.image("bench", "small", small)
    uploads.blob("bench", large)

    def pull(client):
        for _ in range(PULLS):
            client.ask("GET", "/v2/bench/manifests/small")
            client.ask("GET", f"/v2/bench/blobs/{digest_of(small)}")

    def pull_large(client):
        client.pull({digest_of(large): large})

    work = {
        ("pulls of a small image", "/s"): (PARALLEL * PULLS, pull),
        ("pulls of a 50 MB blob", "MB/s"): (PARALLEL * SIZE / MB, pull_large),
    }
    found = {}
    for turn in range(ROUNDS):
        for number in (1, 3) if turn % 2 else (3, 1):  # nobody is always the first
            use(number)
            for label, (amount, call) in work.items():
                found.setdefault((label, number), []).append(amount / seconds(proxy.address, call))
    for name, of in work:
        one, three = (found[(name, of), number] for number in (1, 3))
        figure(f"one unit, {PARALLEL} clients, {name}", one, of=of)
        figure(f"three units, {PARALLEL} clients, {name}", three, one, of=of, to="one unit")


def test_a_unit_of_three_is_killed(model, proxy, figure):
    client, victim = traffic.Client(proxy.address, 5000), Unit(model, "three/1")
    with traffic.Requests(client) as calm:
        time.sleep(3)
    with traffic.Requests(client) as requests:
        time.sleep(1)
        model.cli("machine", "kill", victim.machine)
        time.sleep(6)
    model.cli("machine", "start", victim.machine)
    victim.settle()
    name = "machine of one of three units killed"
    figure(f"{name}, failed of {traffic.RATE} requests/s", [requests.failed], of=f"of {requests.asked}")
    figure(f"{name}, longest gap", [requests.gap], [calm.gap], of="s", to="nothing killed")


def measured(unit, action, **parameters):
    """Run an action; return its results, its seconds with Juju's, and the MiB that its process had at most."""
    script = "/var/tmp/on_unit.py"
    unit.juju.scp(HERE / "on_unit.py", f"{unit.name}:{script}")
    watch = Background(unit.exec, f"python3 {script} memory {action}")
    time.sleep(1)
    begin = time.monotonic()
    results = unit.run(action, **parameters).results
    return results, time.monotonic() - begin, json.loads(watch.result()) / 1024


@pytest.mark.parametrize("many", [1_000, pytest.param(10_000, marks=pytest.mark.soak)])
def test_actions_on_many_repositories(unit, figure, many):
    script = "/var/tmp/repositories.py"
    unit.juju.scp(HERE / "repositories.py", f"{unit.name}:{script}")
    collect = {"dry-run": False}
    unit.run("garbage-collect", **collect)  # of what other tests have left
    unit.exec(f"touch {script}")  # what is newer than it is of this test
    try:
        before = {}
        for number in (FEW, many):
            unit.exec(f"python3 {script} {STORAGE} {number}; chown -R --reference=/srv/registry {STORAGE}")
            listed = measured(unit, "catalog", match="scale/*")
            read = measured(unit, "verify", match="scale/*")
            collected = measured(unit, "garbage-collect", **collect)
            assert int(listed[0]["repositories"]) == int(read[0]["manifests"]) == number
            assert (read[0]["damaged"], collected[0]["blobs"]) == ("0", str(number))
            for action, (_, *cost) in {"catalog": listed, "verify": read, "garbage-collect": collected}.items():
                for kind, of, one in zip(("seconds", "memory at most"), ("s", "MiB"), cost, strict=True):
                    name = f"{action}, {number} repositories, {kind}"
                    figure(name, [one], before.get((action, kind), ()), of=of, to=f"{FEW} repositories")
                    before.setdefault((action, kind), [one])
    finally:
        blobs = f"find {STORAGE}/blobs/sha256 -mindepth 2 -maxdepth 2 -newer {script} -exec rm -r {{}} +"
        unit.exec(f"{blobs}; rm -rf {STORAGE}/repositories/scale {script} /var/tmp/on_unit.py")
