"""After any operations the unit is like one that was deployed with the same configuration at once."""

import base64
import contextlib
import hashlib
import json
import pathlib
import re

import jubilant
import operations
import points
import pytest
import snapshot
import tracing
from unit import Unit

SECONDS = 610
"""For how long operations go on; the comparison follows."""
SHORTENING = 300
"""For how long shorter lists are tried after a failure, each on a unit of its own."""
FOLDERS = (
    *("/etc/docker", "/var/lib/docker-registry", "/etc/systemd/system/docker.service.d", "/etc/nagios"),
    "/usr/local/lib/nagios",
)
OF_CHANCE = (
    *("/etc/docker/registry/auth/htpasswd", "/etc/docker/registry/password", "/etc/docker/registry/verdicts.json"),
    *("/etc/docker/registry/request.json", "/etc/docker/registry/identity.pem", "/etc/docker/key.json"),
    *("/var/lib/docker-registry/owner.json", "/var/lib/docker-registry/disk.json"),
    *("/var/lib/docker-registry/dockerd-start.json", "/etc/docker/registry/config.yml"),
)
"""Files with random bytes or times, and a link to a folder named by such: owner and mode are compared."""
RECORDS = {
    "/var/lib/docker-registry/daemon.json": ("before", "ours_before"),
    "/var/lib/docker-registry/ownership.json": ("ended", "served_by", "is_copied"),
}
"""Files of JSON that are compared by key, and the keys that tell of the past: settings before, who served when."""
OF_A_PAST = (
    *("/var/lib/docker-registry/output", "/var/lib/docker-registry/scheduled-", "/var/lib/docker-registry/last-"),
    "/etc/docker/registry/applied",
)
"""Beginnings of the paths of what tells of the past, not of the configuration."""


@pytest.fixture(scope="module")
def ca(model, stand_in):
    """A CA."""
    model.deploy(stand_in("authority"), "authority")
    yield "authority"
    model.remove_application("authority", force=True)


class Flapping:
    """An application that operations are carried out on."""

    def __init__(self, model, deploy, app):
        self._model, self.app = model, app
        self.unit = deploy(app)
        self.is_related = False

    def do(self, kind, what):
        """Carry out an operation. What Juju refuses in the present state is no operation."""
        print(f"{self.unit.name}: {kind} {what}", flush=True)
        with contextlib.suppress(jubilant.CLIError, jubilant.TaskError):
            getattr(self, f"_{kind}")(what)
        if points.is_in_error(self.unit):
            self._model.cli("resolved", self.unit.name)
        self.unit.settle()

    def _config(self, values):
        self._model.config(self.app, values)

    def _reset(self, names):
        self._model.config(self.app, {}, reset=names)

    def _relate(self, _):
        self._model.integrate(f"{self.app}:cert-provider", "authority:certificates")
        self.is_related = True

    def _part(self, _):
        self._model.remove_relation(f"{self.app}:cert-provider", "authority:certificates")
        self.is_related = False

    def _action(self, name):
        parameters = {"garbage-collect": {"dry-run": False}}.get(name, {})
        self.unit.run(name, **parameters)

    def _damage(self, command):
        self.unit.exec(f"{command} || true")

    def _kill(self, what):
        call, number = what["point"]
        tracing.arm(self.unit, "config-changed", tracing.killed((call, number), threads=False))
        self._model.config(self.app, what["config"])
        self.unit.settle()
        tracing.disarm(self.unit, "config-changed")

    def _leader(self, _):
        """Another unit becomes the leader, and is the one that goes on."""
        self._model.add_unit(self.app)
        self.unit.settle()
        old, (name,) = self.unit, self._model.status().apps[self.app].units.keys() - {self.unit.name}
        self.unit = Unit(self._model, name)
        self._model.remove_unit(old.name)

    def finish(self):
        """Leave no option at a value that is refused, and let the unit do what it does by itself."""
        config = self._model.config(self.app)
        refused = [name for name, values in operations.WRONG.items() if config[name] in values]
        self.do("reset", refused or ["log-level"])
        for action in ("start", "resume"):
            self.do("action", action)
        points.recover(self.unit)

    def remove(self):
        """Remove the application."""
        self._model.remove_application(self.app, force=True)


def kept(unit):
    """Return what the unit keeps, with words in place of what is another one's by nature."""
    secret = json.loads(unit.juju.exec("leader-get --format=json", unit=unit.name).stdout)["http-secret"]
    instead = {unit.address: "ADDRESS", secret: "SECRET", unit.name: "UNIT", unit.name.replace("/", "-"): "UNIT"}
    script = base64.b64encode(pathlib.Path(snapshot.__file__).read_bytes()).decode()
    folder = f"/var/lib/juju/agents/unit-{unit.name.replace('/', '-')}/charm"
    words = " ".join([*FOLDERS, *(f"{word}={other}" for word, other in instead.items())])
    found = json.loads(unit.exec(f"echo {script} | base64 -d | python3 - {folder} {words}"))
    files = {
        path: look.rpartition(" ")[0] if path in OF_CHANCE or path in RECORDS else look
        for path, look in found["files"].items()
        if not path.startswith(OF_A_PAST)
    }
    records = {
        f"record {path} {key}": value
        for path in files.keys() & RECORDS.keys()
        for key, value in json.loads(snapshot.replaced(unit.exec(f"cat {path}"), instead)).items()
        if key not in RECORDS[path]
    }
    configuration = snapshot.replaced(unit.exec("cat /etc/docker/registry/config.yml"), instead)
    (name,) = unit.containers()
    container = unit.container(name)
    text = json.dumps({part: container[part] for part in ("Config", "HostConfig", "Mounts")} | {"Name": name})
    text = re.sub(r"applied/[0-9a-f]+", "applied/RELEASE", snapshot.replaced(text, instead))
    body = json.loads(re.sub(r'"[0-9a-f]{12,64}"', '"ID"', text))
    application = unit.juju.status().apps[unit.app]
    return {
        **{f"file {path}": look for path, look in files.items()},
        **records,
        **{f"container {key}": value for key, value in body.items()},
        "configuration": hashlib.sha256(configuration.encode()).hexdigest(),
        "peer": {key: snapshot.replaced(value, instead) for key, value in unit.databag("peer", unit.name).items()},
        "flags": sorted(flag for flag in found["flags"] if flag.startswith("charm.docker-registry.")),
        "rules": snapshot.replaced(points.leftovers(unit), instead),
        "ports": unit.open_ports,
        "status": [snapshot.replaced(word, instead) for word in unit.status()],
        "version": application.version,
    }


@pytest.fixture
def found_so_far(request, seed):
    """Says what differs as soon as it is known, also to who stops the run: on the console with -s, and in a file."""
    path = request.config.rootpath / f".cache/flapping-{seed}.json"

    def say(done, differing):
        text = json.dumps({"seed": seed, "operations": done, "differences": differing}, indent=1)
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        print(f"{len(done)} operations; {path}: {text}", flush=True)
        return text

    return say


def test_the_unit_is_like_a_new_one_after_any_operations(model, deploy, ca, fault, clock, seed, found_so_far, request):
    number = 0

    def differences(done, more):
        """Carry out operations while there are *more*; return what differs from a new unit, and what was done."""
        nonlocal number
        number += 1
        flapping, carried = Flapping(model, deploy, f"flap{chr(96 + number)}"), []
        for operation in done:
            if not more():
                break
            flapping.do(*operation)
            carried.append(operation)
        flapping.finish()
        fresh = Flapping(model, deploy, f"fresh{chr(96 + number)}")
        fresh.do("config", model.config(flapping.app))
        if flapping.is_related:
            fresh.do("relate", None)
        one, other = kept(flapping.unit), kept(fresh.unit)
        flapping.remove()
        fresh.remove()
        differing = {key: [one.get(key), other.get(key)] for key in one | other if one.get(key) != other.get(key)}
        return differing, carried

    again = request.config.getoption("replay")
    some = json.loads(again.read_text())["operations"] if again else None
    some = some or operations.generate(seed, request.config.getoption("operations"))
    found, done = differences(some, clock(SECONDS))
    words = f"differs: {', '.join(found)} (--seed {seed} --operations {len(done)})" if found else "like a new unit"
    fault.add(f"{len(done)} random operations", words, 0, lost=False)
    print(f"{len(done)} operations", flush=True)
    if not found:
        return
    text, left = found_so_far(done, found), clock(SHORTENING)

    def fails(part):
        """Tell whether they fail too. Of those that time was too short for, the beginning may."""
        nonlocal text
        differing, carried = differences(part, left)
        if differing:
            text = found_so_far(carried, differing)
        return bool(differing) and carried == part

    operations.shorten(done, fails, left)
    pytest.fail(f"after {len(done)} operations, shortened: {text}")
