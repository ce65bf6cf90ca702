"""What is killed on machines of its own: first hooks, the renewal of a certificate, the move of images, the machine."""

import contextlib
import random
import secrets
import threading
import time

import jubilant
import points
import pytest
import tracing
from object_store import PASSWORD, Store
from test_authority import root
from unit import Unit
from uploads import Uploads, digest_of

GAP = 3
HOOKS = ("install", "leader-elected", "config-changed", "start")
"""The hooks of a deployment."""


def test_a_killed_installation(model, deploy, built, fault, clock, tmp_path):
    """Each point needs a machine of its own."""
    clock, name, number = clock(150), "installation killed", 0

    def run(orders):
        nonlocal number
        number += 1
        charm = tracing.with_doors(built, tmp_path / f"{number}.charm", orders)
        return deploy(f"installed{chr(96 + number)}", charm)

    def check(unit):
        points.recover(unit)
        state, message = unit.status()
        fault.add(name, f"{state}: {message.replace(unit.address, 'ADDRESS')}", 0, lost=False)
        assert (state, message) == ("active", f"Ready at {unit.address}:5000 (http).")
        assert unit.containers() == ["registry"]
        Uploads(f"http://{unit.address}:5000").image("by/test", "1", b"writable")
        found = points.leftovers(unit)
        model.remove_application(unit.app, force=True)
        return found

    unit = run({hook: tracing.traced(threads=False) for hook in HOOKS})
    every = [(hook, point) for hook in HOOKS for point in tracing.points(tracing.read(unit, hook))]
    before = check(unit)
    assert len(every) > 50
    tried = 0
    for hook, point in tracing.spread(every):
        if tried and not clock():
            break
        print(hook, *point)
        points.require_same(before, check(run({hook: tracing.killed(point, threads=False)})))
        tried += 1
    print(f"installation: killed at {tried} of {len(every)} points")


@pytest.fixture(scope="module")
def secured(model, deploy, stand_in):
    """A unit with a certificate of a CA, and that CA."""
    unit = deploy("secured")
    model.deploy(stand_in("authority"), "ca")
    model.integrate("secured:cert-provider", "ca:certificates")
    unit.settle()
    yield unit, Unit(model, "ca/0")
    model.remove_application("secured", "ca", force=True)


def test_a_killed_renewal(model, secured, fault, clock):
    (unit, ca), issue = secured, 1
    trusted = root(ca)

    def renew():
        nonlocal issue
        issue += 1
        model.config("ca", {"issue": issue})
        unit.settle()

    def row():
        return fault.row("certificate renewal killed", longest=GAP, of=unit, ca=trusted)

    points.kill_at_each(unit, "cert-provider-relation-changed", renew, row, clock(150))


@pytest.fixture(scope="module")
def store(model, stand_in):
    """An object store."""
    model.deploy(stand_in("store"), "store")
    model.wait(lambda status: jubilant.all_active(status, "store"), delay=0.1, successes=1)
    yield Store(model, "store/0")
    model.remove_application("store", force=True)


def test_a_killed_move(model, deploy, store, fault, clock):
    unit = deploy("moved")
    uri = model.add_secret("key-of-the-store", {"password": PASSWORD})
    model.grant_secret(uri, "moved")
    uploads = Uploads(f"http://{unit.address}:5000")
    for number in range(3):
        uploads.image("moved/app", str(number), secrets.token_bytes(300_000))

    def move():
        place = f"moved-{secrets.token_hex(4)}"
        store.swift("PUT", place)
        options = (
            f"storage-swift-authurl=http://{store.address}:8080/auth/v1.0 storage-swift-username=test:tester "
            f"storage-swift-password={uri} storage-swift-container={place}"
        )
        with contextlib.suppress(jubilant.TaskError):  # as it is killed
            unit.run("move", to="swift", options=options)

    def row():
        return fault.row("move killed", longest=GAP, of=unit)

    try:
        points.kill_at_each(unit, "move", move, row, clock(150), threads=True)
    finally:
        model.remove_application("moved", force=True)
        model.remove_secret(uri)


class Load(threading.Thread):
    """Pushes small images one after the other; `acknowledged` has the layers that the registry has taken."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self._uploads, self._end = Uploads(f"http://{address}:5000"), threading.Event()
        self.acknowledged = []

    def run(self):
        while not self._end.wait(0.02):
            layer = secrets.token_bytes(10_000)
            with contextlib.suppress(OSError):  # while nobody answers
                self._uploads.image("loaded/app", str(len(self.acknowledged)), layer)
                self.acknowledged.append(layer)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *args):
        self._end.set()
        self.join()


def test_parts_killed_under_load(deploy, model, fault, clock, seed):
    """The candidate of a change, the registry's container, dockerd and the machine, at random times of changes."""
    unit, chance, clock, levels = deploy("loaded"), random.Random(seed), clock(150), ["info", "debug"]
    before, left = points.leftovers(unit), []
    kills = {
        "candidate": "docker kill registry-candidate",
        "container": "docker kill registry",
        "dockerd": "systemctl kill -s KILL docker",
        "machine": None,
    }
    while clock():
        for name, command in kills.items():
            levels.reverse()
            seconds = chance.uniform(0, 4)
            print(name, seconds)
            with fault.row(f"{name} killed under load", longest=60, of=unit), Load(unit.address) as load:
                change = threading.Thread(target=lambda: unit.config(log_level=levels[0]))
                change.start()
                if command:
                    waited = f"until {command}; do n=$((n+1)); [ $n -lt 100 ] || exit 0; sleep 0.05; done"
                    unit.exec(f"sleep {seconds if name != 'candidate' else 0}; n=0; {waited} >/dev/null 2>&1")
                    change.join()
                else:
                    time.sleep(seconds)
                    model.cli("machine", "kill", unit.machine)
                    model.cli("machine", "start", unit.machine)
                    change.join()  # it waits until the unit is idle again
                    unit.settle()
                points.recover(unit)
            left.extend(load.acknowledged)
            reading = Uploads(f"http://{unit.address}:5000")
            for layer in load.acknowledged:
                assert reading.read("loaded/app", digest_of(layer)) == layer
            assert load.acknowledged
            points.require_same(before, points.leftovers(unit))
    print(f"{len(left)} images acknowledged, all there")
    model.remove_application("loaded", force=True)
