"""The one seam of the unit tests towards the machine: the fixture `machine` in conftest.py hands out what is here."""

import contextlib
import dataclasses
import hashlib
import io
import json
import os
import pathlib
import re
import shlex

import fakes
from registry.client import openstack
from registry.client.content import Content
from registry.client.http import Connection
from registry.client.trial import Trial
from registry.client.upstream import Upstream
from registry.deployment import credentials, store
from registry.machine import apt, docker_packages, engine, exporter, folders, openssl, ownership, timers
from registry.options import packages
from registry.options.floor import Space

READY = ["active", "Ready at 10.0.0.10:5000 (http)."]
"""The status of a unit with default options on it."""


class FakeMachine:
    """A machine in memory, with the parts of `charms.layer.edges.Machine`."""

    def __init__(self, folder):
        self.store = store.Store(folder / "registry")
        self.credentials = credentials.Credentials(folder / "registry")
        self.engine = fakes.FakeEngine()
        self.docker_answers = True
        self.begin()
        self.files = FakeFiles()
        self.folders = FakeFolders()
        self.ownership = FakeOwnership()
        self.ports = FakePorts(self.engine)
        self.outside = FakeOutside()
        self.records = FakeRecords()
        self.apt = FakeApt()
        self.apt_sources = FakeAptSources(self.apt)
        self.short_sources = FakeShortSources(self.apt)
        self.docker_packages = FakeDockerPackages(self.apt)
        self.dockerd = FakeDockerd(self.engine, self.ports)
        self.processes = FakeProcesses()
        self.checks = FakeChecks()
        self.metrics = FakeMetrics()
        self.timers = FakeTimers()
        self.predecessor = FakePredecessor(self.apt)
        self.swift_calls = []
        self.accesses, self.pauses = [], []  # to registries elsewhere, and between requests to them
        self.registry_url = ""  # of a registry_server, for the actions on images
        self.target_url = ""  # of another one, to which images are moved
        self.stored = None  # the registry_server itself, as files
        self.swift_absent = {"away"}

    def connect(self):
        if not self.docker_answers or self.dockerd.failed:
            raise engine.EngineError("Docker does not answer: no such file")
        return self.engine

    def bridge(self):
        return self.engine.bridge

    def begin(self):
        self.deadline = self.engine.deadline()

    def client(self, url, user, certificate, deadline=None):
        return self.engine.client(url, certificate, deadline or self.deadline)

    def content(self, url, user, certificate, page=1000):
        moving = self.engine.containers.get("registry-move-loopback")
        is_target = moving is not None and url.endswith(moving["chosen"])
        return Content(Connection(self.target_url if is_target else self.registry_url), min(page, 1000))

    def trial(self, url, user):
        return Trial(Connection(self.registry_url))

    def content_files(self, folder):
        return FakeContentFiles(self.stored)

    def upstream(self, host, access):
        self.accesses.append(access)
        # No test asks anybody but this machine; at port 1 nothing answers.
        reached = host if host.startswith("127.0.0.1:") else "127.0.0.1:1"
        return Content(Upstream(reached, access, self.pauses.append))

    def ensure_identity(self, name):
        return f"certificate of {name}\n"

    def make_request(self, names):
        made = openssl.request(names)
        self.credentials.save_request(made)
        return made

    def ensure_swift_ready(self, options, environment, ca):
        self.swift_calls.append(options.container)
        if options.container in self.swift_absent:
            raise openstack.SwiftError("storage-swift-container", openstack.NO_CONTAINER(name="away"))


class FakeFiles:
    def __init__(self):
        self.texts = {}
        self.modes = {}

    def read(self, path):
        return self.texts.get(path)

    def ensure(self, path, text, mode):
        self.texts[path] = text
        self.modes[path] = mode

    def remove(self, path):
        self.texts.pop(path, None)


class FakeFolders:
    def __init__(self):
        self.existing = set()
        self.with_images = set()
        self.sizes = []  # what they take, one after the other
        self.mounts = {"/"}
        self.hidden = False
        self.space = Space(100 << 30, 90 << 30, 95 << 30, 1000, 900)
        self.reserves = {}  # folder to size
        self.is_apart = False  # the images are on a disk of their own

    def mount_point(self, folder):
        return folders.mount_point(folder, "".join(f"1 0 0:1 / {point} rw - ext4 x rw\n" for point in self.mounts))

    def is_hidden(self, folder, process, inside):
        return self.hidden

    def read_space(self, folder):
        taken = self.reserves.get(folder, 0)
        free, left = (max(0, one - taken) for one in (self.space.free, self.space.left)) if self.space else (0, 0)
        return self.space and dataclasses.replace(self.space, free=free, left=left)

    def share_disk(self, one, other):
        return not self.is_apart

    def has_reserve(self, folder, size):
        return folder in self.reserves

    def create_reserve(self, folder, size):
        if self.read_space(folder).free < size:
            raise OSError(28, "No space left on device")
        self.reserves[folder] = size

    def remove_reserve(self, folder):
        return self.reserves.pop(folder, 0)

    def is_there(self, folder):
        return folder in self.existing

    def has_images(self, folder, but):
        return folder in self.with_images

    def used(self, folder):
        return self.sizes.pop(0) if self.sizes else 0

    def ensure(self, folder):
        self.existing.add(folder)

    def remove_repository(self, folder, repository):
        pass

    def remove(self, folder):
        pass


class FakeContentFiles:
    """The files of the content of a registry_server."""

    def __init__(self, registry):
        self._registry = registry

    def read_link(self, repository, tag):
        return self._registry.tags[repository].get(tag, "")

    def read_state(self, part):
        stored = [manifests[part.digest] for manifests in self._registry.manifests.values() if part.digest in manifests]
        digests = {f"sha256:{hashlib.sha256(data).hexdigest()}" for _, data in stored}
        return "" if part.digest in digests else "missing"

    def replace(self, digest, chunks):
        data = b"".join(chunks)
        assert hashlib.sha256(data).hexdigest() == digest.partition(":")[2]
        if digest in self._registry.blobs:
            self._registry.blobs[digest] = data
        for manifests in self._registry.manifests.values():
            if digest in manifests:
                manifests[digest] = manifests[digest][0], data


class FakePorts:
    def __init__(self, engine):
        self.busy = set()
        self.missing = set()  # addresses
        self._engine = engine

    def has_address(self, address):
        return address not in self.missing

    def is_free(self, port):
        return port not in self.busy and self._engine.serving(port) is None


class FakeOutside:
    """Where clients are; `problem` is what keeps them from connecting."""

    def __init__(self):
        self.problem = ""

    def check(self, address, port, request):
        if not self.problem:
            request(address)
        return self.problem


class FakeRecords:
    folder = "/var/lib/docker-registry"

    def __init__(self):
        self.texts = {}
        self.outputs = {}

    def load(self, name):
        return json.loads(self.texts.get(name, "{}"))

    def save(self, name, record):
        self.texts[name] = json.dumps(record)

    def remove(self, name):
        self.texts.pop(name, None)

    def remove_drafts(self):
        pass

    def save_output(self, name, text):
        if self.outputs is None:
            raise OSError("No space left")
        self.outputs[name] = text
        return self.output(name)

    def output(self, name):
        return pathlib.Path("/kept") / name

    @contextlib.contextmanager
    def open_output(self, name):
        file = io.StringIO()
        yield file
        self.save_output(name, file.getvalue())


class FakeApt:
    """Packages in memory; what was asked of apt, by any part, is in `calls`."""

    def __init__(self):
        self.works = True
        self.calls = []
        self.installed = {"docker.io": "20.10"}
        self.held = set()

    def call(self, *words):
        self.calls.append(words)
        if not self.works:
            raise apt.PackageError("Unable to fetch some archives")

    def read_states(self, names):
        bare = {packages.bare(name) for name in names}
        return {n: packages.State(v, held=n in self.held) for n, v in self.installed.items() if n in bare}

    def install(self, names):
        self.call("install", *names)
        self.installed |= {packages.bare(name): name.partition("=")[2] or "1" for name in names}

    def hold(self, names):
        self.call("hold", *names)
        self.held |= set(names)

    def release(self, names):
        self.call("release", *names)
        self.held -= set(names)


class FakeAptSources:
    def __init__(self, apt):
        self.sources = []
        self._apt = apt

    def ensure(self, name, sources):
        if list(sources) != self.sources:
            self._apt.call("sources", name)
            self.sources = list(sources)


class FakeShortSources:
    def __init__(self, apt):
        self.names = ()
        self._apt = apt

    def ensure(self, names):
        if self.names != names:
            self._apt.call("short_sources", *names)
            self.names = names


class FakeDockerPackages:
    def __init__(self, apt):
        self.is_installed = True
        self.podman = self.rootless = False
        self._apt = apt

    def find_unusable(self):
        return docker_packages.PODMAN() if self.podman else None

    def find_rootless(self):
        return docker_packages.ROOTLESS() if self.rootless else None

    def has_docker(self):
        return self.is_installed

    def install(self, options):
        self._apt.call("install_docker", options.docker_runtime)
        self.is_installed = True
        self._apt.installed = dict.fromkeys(options.requested_packages() or self._apt.installed, "1")

    def simulate(self, options):
        self._apt.call("simulate_docker")

    def upgrade(self, options):
        self._apt.call("upgrade_docker")
        self._apt.installed = dict.fromkeys(options.requested_packages() or self._apt.installed, "1")
        return "docker.io 20.10"

    def find(self):
        return ["docker.io"]


class FakeDockerd:
    def __init__(self, engine, ports):
        self.daemon_json = None
        self.error = None
        self.drop_in = None
        self.command = "/usr/sbin/dockerd -H fd:// $DOCKER_OPTS"
        self.saved = None
        self.overrides = ""  # a command of somebody else's drop-in that sorts after the charm's
        self.takes_settings = True
        self.validates = True
        self.rejected = set()
        self.failed = False
        self.dies_at = None
        self.reloads = 0
        self.restarts = 0
        self._engine = engine
        self._ports = ports

    def read_daemon_json(self):
        if self.error:
            raise self.error
        return self.daemon_json

    def write_daemon_json(self, text):
        self.daemon_json = text

    def read_drop_in(self):
        return self.drop_in

    def write_drop_in(self, text):
        self.drop_in = text

    def read_command(self):
        return self.command

    def save_daemon_json(self):
        self.saved = self.daemon_json
        return pathlib.Path("/etc/docker/daemon.json.saved")

    def read_start(self):
        return f"4711 {self.restarts}"

    def read_running(self):
        ours = re.search("^ExecStart=(/.*)", self.drop_in or "", re.MULTILINE)
        return [word for word in shlex.split(self.overrides or (ours or [""] * 2)[1] or self.command) if word[0] != "$"]

    def find_file(self, word):
        return "/etc/systemd/system/docker.service.d/logging.conf" if word in f"ExecStart={self.command}" else ""

    def is_daemon_json_valid(self):
        return self.validates and not self._rejects()

    def has_failed(self):
        return self.failed

    def reload(self):
        self.reloads += 1
        if self.takes_settings and json.loads(self.daemon_json).get("live-restore"):
            self._engine.live_restoring = True
        return self.takes_settings

    def restart(self):
        self.restarts += 1
        if self.dies_at == self.restarts:
            raise fakes.Killed
        self.failed = bool(self._rejects())
        if rejected := self._rejects():
            raise engine.EngineError(f"Docker does not start: unknown {rejected.pop()}")
        self._ports.busy.clear()

    def _rejects(self):
        return {word for word in self.rejected if word in f"{self.daemon_json} {self.drop_in}"}


class FakeProcesses:
    def __init__(self):
        self.registries = set()

    def find(self, folders):
        return set(self.registries) if list(folders) else set()

    def outside(self, pids, containers):
        return set(pids) - set(containers)

    def end(self, pid):
        self.registries.remove(pid)


class FakeChecks:
    def __init__(self):
        self.files = {}

    def ensure(self, files):
        self.files = dict(files)


class FakeTimers:
    def __init__(self):
        self.files = {}

    def has(self, files):
        return all(self.files.get(path) == text for path, text in files.items())

    def check(self, calendar, files):
        if calendar == "soon":
            raise timers.BadSchedule(timers.NOT_A_CALENDAR(value=calendar, error="Invalid argument"))
        return 86400

    def ensure(self, files, kept=frozenset()):
        self.files = {**{path: text for path, text in self.files.items() if path in kept}, **files}


class FakeMetrics:
    def __init__(self):
        self.served = None
        self.text = ""
        self.error = ""

    def ensure(self, served, text):
        self.served, self.text = served, text
        if self.error:
            raise exporter.NotServed(exporter.NOT_SERVED(port=served.port, error=self.error))

    def remove(self):
        self.served = None


class FakePredecessor:
    def __init__(self, apt):
        self._apt = apt

    def remove(self, arguments):
        self._apt.call("remove_predecessor", *arguments)
        return "/lib/systemd/system/docker.service"


class FakeOwnership:
    """Files whose owner is known by their folder: all are those of the user of the tests, who needs no root."""

    def __init__(self):
        self.user = f"{os.getuid()}:{os.getgid()}"
        self.problem = ""
        self.steps = 1  # that a pass takes
        self.foreign = set()  # folders that belong to somebody else
        self.error = None  # of the disk
        self.passes = []

    def read_user(self):
        return self.user

    def is_owner(self, folder):
        if self.error:
            raise self.error
        return folder not in self.foreign

    def advance(self, folder, walk, seconds):
        self.passes.append((folder, walk.cursor))
        if self.problem:
            raise ownership.Unsuitable(self.problem)
        self.foreign.discard(folder)
        step = int(walk.cursor[0]) + 1 if walk.cursor else 1
        return ownership.Walk((str(step),)) if step < self.steps else ownership.Walk(is_complete=True)
