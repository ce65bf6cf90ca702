"""An engine and a registry in memory: the one seam of the tests of `registry.deployment`."""

from __future__ import annotations

import calendar
import contextlib
import itertools
import json
import pathlib
import time

import yaml
from registry import deadline
from registry.client.http import ApiError, NoStorage, Refusal
from registry.deployment import bridge
from registry.formats.daemon_effects import Observed
from registry.formats.inspection import DIGEST_LABEL, Container
from registry.images.reference import Reference
from registry.machine import engine, engine_images
from registry.release import container


def mounts(one):
    """Return source and target of each of a container's mounts, in either of the ways to ask Docker for one."""
    host = one["body"]["HostConfig"]
    binds = [bind.split(":")[:2] for bind in host.get("Binds") or ()]
    return [*binds, *([mount["Source"], mount["Target"]] for mount in host.get("Mounts") or ())]


class Killed(BaseException):
    """The process was killed at this point."""


class FakeEngine:
    """Docker in memory, with the verbs of `engine.Engine` and the rules that a switch relies on.

    A published port serves one container at a time; a container of an image in *broken* ends as soon as it starts;
    one of an image in *deaf* runs and never answers, one of an image in *open* asks nobody for a
    user. With *dies_at*, the process is killed before that call. A container that mounts a folder in `missing` is
    neither made nor started.
    """

    def __init__(self, broken=(), deaf=(), open=(), dies_at=None):
        self.containers = {}
        self.volumes = {}
        self.broken, self.deaf, self.open = set(broken), set(deaf), set(open)
        self.exit_code = 0  # of one that has ended
        self.unstoppable = set()
        self.of_root = set()  # images whose registries end if they run as another user
        self.missing = set()
        self.altered = {}  # what Docker makes of a container's settings, where they are requested
        self.full = set()  # images whose registries cannot write
        self.forgetful = set()  # images whose registries read other than they have written
        self.error = 'level=error msg="storage is not there"\n'  # what a registry that is broken or full logs
        self.patience = {}  # seconds that a container had to stop
        self.upstreams = set()  # hosts beyond this machine that answer
        self.away = ""  # what the store of all registries fails with: an answer, until they answer 503 at / too
        self.hanging = False  # it does not even refuse: they answer 200 at /
        self.sick = {}  # images whose registries find something wrong with themselves, and what
        self.led = set()  # addresses to which connections were led
        self.killed = []  # containers that were removed while clients may have been in them
        self.calls = []
        self.version = "v2.8.3"
        self.garbage = ["0 blobs marked, 0 blobs and 0 manifests eligible for deletion"]  # of garbage-collect
        self.images = {"registry:2": "sha256:one"}
        self.pullable = {}
        self.live_restoring = False
        self.force = Observed()
        self.default_network = {}
        self.dies_at = dies_at
        self._addresses, self._ids = itertools.count(2), itertools.count(0xA1)
        self.clock = 0.0
        self.latency = 0.0  # seconds that a request to a registry takes
        self.docker_latency = 0.0  # and one to Docker
        self._end = self.deadline()
        self.bridge = FakeBridge(self)
        self.watched, self.outages = None, []  # a port, and the calls before which it served nobody

    def _call(self, *call):
        if self.dies_at is not None and len(self.writes()) == self.dies_at and call[0] != "inspect":
            raise Killed
        self.calls.append(call)
        limit = self._end.limit(engine_images.REQUEST_SECONDS, engine_images.LEAST_SECONDS)
        self.clock += min(self.docker_latency, limit)
        if self.watched is not None and self.serving(self.watched) is None:
            self.outages.append(call)

    def writes(self):
        """Return the calls that may change something."""
        return [call for call in self.calls if call[0] not in ("inspect", "logs")]

    def _get(self, name):
        if name not in self.containers:
            raise engine.NoSuchObject(f"No such container: {name}")
        return self.containers[name]

    def inspect(self, name):
        self._call("inspect", name)
        name = self._name(name)
        if name not in self.containers:
            return None
        return Container.from_inspection(self._inspection(name))

    def _name(self, name):
        """The name of the container that is meant: by its name, its ID, or the beginning of that."""
        by_id = (real for real, one in self.containers.items() if one["id"].startswith(name))
        return name if name in self.containers else next(by_id, name)

    def _inspection(self, name):
        """What the API of Docker answers."""
        one = self.containers[name]
        status = one["status"]
        return {
            "Id": one["id"],
            "Name": f"/{name}",
            "Image": one["body"]["Image"],
            "Config": {
                "Cmd": one["body"]["Cmd"],
                "User": one["body"].get("User", ""),
                "Labels": one["body"]["Labels"],
                "Env": one["body"].get("Env"),
                "Image": "x",
            },
            "HostConfig": json.loads(json.dumps(one["body"]["HostConfig"])),
            "State": {
                "Status": status,
                "Running": status in ("running", "paused", "restarting"),
                "Paused": status == "paused",
                "Restarting": status == "restarting",
                "Pid": 4242,
                "StartedAt": time.strftime("%Y-%m-%dT%H:%M:%S.123456789Z", one.get("started", time.gmtime(0))),
                "ExitCode": self.exit_code if status == "exited" else 0,
            },
            "NetworkSettings": {
                "Networks": {"bridge": {"IPAddress": one["address"], "MacAddress": "02:42:ac:11:00:02"}},
                "Ports": self._published(one) if status == "running" else {},
            },
            "Mounts": [{"Source": source, "Destination": target} for source, target in mounts(one)],
        }

    def create(self, name, body):
        self._call("create", name)
        assert name not in self.containers, f"{name} exists"
        self._require_sources({"body": body})
        chosen = str(32768 + len(self.containers))
        made = json.loads(json.dumps(body))
        made["HostConfig"] |= {key: value for key, value in self.altered.items() if body["HostConfig"].get(key)}
        parts = {"body": made, "status": "created", "address": "", "chosen": chosen}
        self.containers[name] = {"id": f"{next(self._ids):064x}"[::-1], **parts}

    def start(self, name):
        self._call("start", name)
        one = self._get(name)
        one["started"] = time.gmtime(time.time())
        if one["status"] == "running":
            return
        self._require_sources(one)
        ports = self._ports(one)
        for other in self.containers.values():
            if other is not one and other["status"] in ("running", "paused") and ports & self._ports(other):
                raise engine.EngineError(f"container {name} cannot be started: port is already allocated")
        one["address"] = f"172.17.0.{next(self._addresses)}"
        verb = (one["body"]["Cmd"] or [""])[0]
        needs_root = one["body"]["Image"] in self.of_root and "User" in one["body"]
        ends = one["body"]["Image"] in self.broken or needs_root or verb in ("--version", "garbage-collect")
        one["status"] = "exited" if ends else "running"

    def _require_sources(self, one):
        for mount in one["body"]["HostConfig"].get("Mounts") or ():
            if mount["Source"] in self.missing:
                raise engine.Refused(f"bind source path does not exist: {mount['Source']}")

    @staticmethod
    def _published(one):
        bindings = one["body"]["HostConfig"].get("PortBindings") or {}
        return {
            port: [{**binding, "HostPort": binding["HostPort"] or one["chosen"]}]
            for port, (binding,) in bindings.items()
        }

    def _ports(self, one):
        return {binding[0]["HostPort"] for binding in self._published(one).values()}

    def stop(self, name, seconds=10):
        self._call("stop", name)
        self.patience[name] = seconds
        if name in self.unstoppable:
            raise engine.EngineError(f"container {name} cannot be stopped: it did not end")
        self._get(name)["status"] = "exited"

    def unpause(self, name):
        self._call("unpause", name)
        self._get(name)["status"] = "running"

    def rename(self, name, new_name):
        self._call("rename", name, new_name)
        assert new_name not in self.containers, f"{new_name} exists"
        if self._get(self._name(name))["status"] == "restarting":
            raise engine.EngineError(f"container {name} cannot be renamed: sandbox 5588 not found")
        self.containers[new_name] = self.containers.pop(self._name(name))

    def remove(self, name):
        self._call("remove", name)
        if name in self.containers and Container.from_inspection(self._inspection(name)).may_be_removed:
            one = self.containers.pop(name)
            bindings = (one["body"]["HostConfig"].get("PortBindings") or {}).values()
            is_public = any(binding["HostPort"] for (binding,) in bindings) or one["address"] in self.led
            if is_public and one["status"] == "running":
                self.killed.append(name)
            self.volumes.pop(name, None)

    def remove_ended(self, name):
        self._call("remove", name)
        if name in self.containers and self.containers[name]["status"] == "running":
            raise engine.EngineError(f"container {name} cannot be removed: it runs")
        self.containers.pop(name, None)

    def logs(self, name):
        self._call("logs", name)
        if self._get(name)["body"]["Cmd"] == ["--version"]:
            is_registry = "nginx" not in self._get(name)["body"]["Image"]
            return (
                f"registry github.com/docker/distribution {self.version}\n"
                if is_registry
                else "nginx version: nginx/1.25\n"
            )
        return self.error if self._get(name)["body"]["Image"] in self.broken | self.full | self.of_root else ""

    def log_lines(self, name):
        self._call("logs", name)
        return iter(self.garbage)

    def labelled(self, label):
        self._call("inspect", "all")
        return [name for name, one in self.containers.items() if label in (one["body"]["Labels"] or {})]

    def exited(self):
        self._call("inspect", "all")
        return [name for name, one in self.containers.items() if one["status"] == "exited"]

    def live_restore(self, within=0):
        self._call("inspect", "info")
        return self.live_restoring

    def observed(self):
        self._call("inspect", "info")
        return self.force

    def unmovable(self):
        self._call("inspect", "all")
        return sorted(
            name
            for name, one in self.containers.items()
            if one["status"] == "running" or DIGEST_LABEL not in (one["body"]["Labels"] or {})
        )

    def network(self):
        self._call("inspect", "bridge")
        return self.default_network

    def bridges(self):
        self._call("inspect", "networks")
        return ["docker0"]

    def published_ports(self):
        return {
            int(port) for one in self.containers.values() if one["status"] == "running" for port in self._ports(one)
        }

    def image_id(self, reference):
        self._call("inspect", reference)
        known = {**self.images, **{value: value for value in self.images.values()}}
        return known.get(reference)

    def pull(self, reference):
        self._call("pull", reference)
        if reference not in self.pullable:
            raise engine.EngineError(f"{reference} cannot be pulled: no route")
        self.images[reference] = self.pullable[reference]

    def tag(self, source, reference):
        Reference.parse(reference)
        self._call("tag", source, reference)
        self.images[reference] = self.images[source]

    def untag(self, reference):
        self._call("untag", reference)
        del self.images[reference]

    def push(self, reference, user=None):
        self._call("push", reference, *([user.name] if user else []))
        assert reference in self.images

    def address_at(self, port):
        """Return the address of the container that serves a port of the machine."""
        for one in self.containers.values():
            if one["status"] == "running" and str(port) in self._ports(one):
                return one["address"]
        return ""

    def serving(self, port):
        """Return the digest of the release that answers at a port of the machine ("": a stranger does), or None."""
        led_to = self.bridge.rules.get(port)
        for one in self.containers.values():
            hears = one["address"] == led_to if led_to else str(port) in self._ports(one)
            if one["status"] == "running" and hears:
                return one["body"]["Labels"].get(DIGEST_LABEL, "")
        return None

    def deadline(self, seconds=deadline.HOOK_SECONDS):
        """Return a deadline on the clock of this engine."""
        return deadline.Deadline(seconds, self._now, self.sleep)

    def _now(self):
        return self.clock

    def client(self, url, certificate=None, deadline=None):
        """Return what `api.Api` would be for the container at *url*."""
        scheme, _, netloc = url.partition("://")
        host, _, port = netloc.partition(":")
        on_machine = host in ("127.0.0.1", "10.0.0.10")
        ours = on_machine or host in {one["address"] for one in self.containers.values()}
        assert not ours or scheme == ("http" if certificate is None else "https")
        return FakeRegistry(self, self.address_at(port) if on_machine else host, certificate, deadline)

    def sleep(self, seconds):
        """Let no time pass."""
        self.clock += seconds


class FakeBridge:
    """Leads a port's new connections to a container; *impassable* has the reason if that cannot be."""

    def __init__(self, fake):
        self._fake, self.rules, self.impassable = fake, {}, None
        self.waits, self.cuts = [], []

    def open(self, port, address, local_port, bridges):
        self._fake._call("open", port)
        if self.impassable:
            raise bridge.Impassable(self.impassable)
        assert local_port >= 32768
        self.rules[port] = address
        self._fake.led.add(address)

    def close(self):
        there = bool(self.rules)
        if there:
            self._fake._call("close")
            self.rules.clear()
        return there

    def introduce(self, container):
        """Nobody waits here."""

    @contextlib.contextmanager
    def cut_after(self, seconds, process):
        self.cuts.append((seconds, process))
        yield

    def wait_until_quiet(self, process, port, seconds):
        self.waits.append((port, seconds))
        return seconds / 2


class FakeRegistry:
    def __init__(self, fake, address, certificate, deadline=None):
        self._fake, self._address, self._certificate = fake, address, certificate
        self._deadline = deadline or fake.deadline()

    def check_alive(self):
        self._fake.clock += min(self._fake.latency, self._deadline.limit(5))
        for one in self._fake.containers.values():
            hears = one["status"] == "running" and one["body"]["Image"] not in self._fake.deaf
            if hears and one["address"] == self._address:
                if self._certificate != self._presented(one):
                    raise ApiError("the server presents another certificate than the configured one")
                if self._fake.away and not self._fake.hanging and calendar.timegm(one["started"]) + 30 < time.time():
                    raise NoStorage("GET / returned 503")
                return
        raise ApiError("connection failed")

    @staticmethod
    def _presented(one):
        """The certificate beside the configuration that the container has mounted; None where there is none."""
        for source, target in mounts(one):
            file = pathlib.Path(source, "tls.crt")
            if target == "/etc/docker/registry" and file.exists():
                return file.read_text()
        return None

    def check_authentication(self):
        self.check_alive()
        for one in self._fake.containers.values():
            if one["address"] == self._address and one["body"]["Image"] in self._fake.open:
                raise ApiError("GET /v2/ returned 200 instead of 401")

    def _release(self):
        one = next(one for one in self._fake.containers.values() if one["address"] == self._address)
        folder = next(source for source, target in mounts(one) if target == container.CONFIG_FOLDER)
        return yaml.load((pathlib.Path(folder) / "config.yml").read_text(), yaml.CSafeLoader)

    def _is_read_only(self):
        self.check_alive()
        if self._image() in self._fake.sick:
            raise ApiError("GET /v2/ returned 503 instead of 200")
        return self._release()["storage"]["maintenance"]["readonly"]["enabled"]

    def _image(self):
        one = next(one for one in self._fake.containers.values() if one["address"] == self._address.partition(":")[0])
        return one["body"]["Image"]

    def check_is_registry(self, environment, ca=""):
        if self._address not in self._fake.upstreams:
            raise ApiError("connection failed")

    def read_health_errors(self):
        return self._fake.sick.get(self._image(), "")

    def check_readable(self, repository):
        if self._fake.away:
            raise ApiError(f"the registry answers {self._fake.away}")

    def check_writable(self, repository):
        if self._fake.away:
            raise NoStorage("POST returned 503")
        if self._is_read_only():
            raise Refusal("POST returned 405 instead of 202")
        if self._image() in self._fake.full:
            raise ApiError("POST returned 500 instead of 202")

    def uploading(self):
        return contextlib.nullcontext()

    def try_storage(self):
        return "read back (other bytes are read than were written)" if self._image() in self._fake.forgetful else ""

    def check_read_only(self, repository):
        if self._fake.away:
            raise NoStorage("GET returned 503")
        if not self._is_read_only():
            raise Refusal("POST returned 202 instead of 405")
