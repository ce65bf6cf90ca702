"""The one seam of the unit tests towards the machine: the fixture `machine` in conftest.py hands out what is here."""

import json
import pathlib

import fakes
from registry.client import openstack
from registry.deployment import store
from registry.machine import apt, engine, openssl
from registry.options import packages
from registry.plan import certificate as tls
from registry.plan import disk

READY = ["active", "Ready at 10.0.0.10:5000 (http)."]
"""The status of a unit with default options on it."""


class FakeMachine:
    """A machine in memory, with the verbs of `charms.layer.edges.Machine`."""

    def __init__(self, folder):
        self.store = store.Applied(folder / "registry")
        self.engine = fakes.FakeEngine()
        self.docker_installed = True
        self.apt_works = True
        self.docker_answers = True
        self.settings = None
        self.settings_error = None
        self.takes_settings = True
        self.reloads = 0
        self.kept = {}
        self.files = {}
        self.modes = {}
        self.busy = set()
        self.restarts = 0
        self.extension = None
        self.unit_command = "/usr/sbin/dockerd -H fd:// $DOCKER_OPTS"
        self.rejected = set()
        self.failed = False
        self.validates = True
        self.memory = {}
        self.dies_at = None
        self.sources = []
        self.installed = {"docker.io": "20.10"}
        self.held = set()
        self.apt_calls = []
        self.checks = {}
        self.swift_calls = []
        self.folders = set()
        self.with_images = set()

    def has_docker(self):
        return self.docker_installed

    def _apt(self, *call):
        self.apt_calls.append(call)
        if not self.apt_works:
            raise apt.PackageError("Unable to fetch some archives")

    def install_docker(self, wanted):
        self._apt("install_docker", wanted.docker_runtime)
        self.docker_installed = True
        self.installed = dict.fromkeys(wanted.wanted_packages() or self.installed, "1")

    def check_docker(self, wanted):
        self._apt("check_docker")

    def upgrade_docker(self, wanted):
        self._apt("upgrade_docker")
        self.installed = dict.fromkeys(wanted.wanted_packages() or self.installed, "1")
        return "docker.io 20.10"

    def docker_packages(self):
        return ["docker.io"]

    def put_sources(self, sources):
        if list(sources) != self.sources:
            self._apt("put_sources")
            self.sources = list(sources)

    def put_short_sources(self, names):
        self._apt("put_short_sources", *names)

    def package_states(self, names):
        bare = {packages.bare(name) for name in names}
        return {n: packages.State(v, held=n in self.held) for n, v in self.installed.items() if n in bare}

    def install(self, names):
        self._apt("install", *names)
        self.installed |= {packages.bare(name): name.partition("=")[2] or "1" for name in names}

    def hold(self, names):
        self._apt("hold", *names)
        self.held |= set(names)

    def release(self, names):
        self._apt("release", *names)
        self.held -= set(names)

    def recall(self, name):
        return json.loads(self.memory.get(name, "{}"))

    def remember(self, name, found):
        self.memory[name] = json.dumps(found)

    def docker_has_failed(self):
        return self.failed

    def docker(self):
        if not self.docker_answers or self.failed:
            raise engine.EngineError("Docker does not answer: no such file")
        return self.engine

    def bridge(self):
        return self.engine.bridge

    def client(self, url, user, certificate):
        return self.engine.client(url, certificate)

    def identity(self, name):
        return f"certificate of {name}\n"

    def request(self, names):
        made = openssl.request(names)
        self.store.keep_request(made)
        return made

    def read(self, path):
        return tls.File(self.files.get(path))

    def write(self, path, text, mode):
        self.files[path] = text
        self.modes[path] = mode

    def unlink(self, path):
        self.files.pop(path, None)

    def leave_predecessor(self, arguments):
        self._apt("leave_predecessor", *arguments)
        return "/lib/systemd/system/docker.service"

    def put_checks(self, files):
        self.checks = dict(files)

    def daemon_json(self):
        if self.settings_error:
            raise self.settings_error
        return self.settings

    def write_daemon_json(self, text):
        self.settings = text

    def drop_in(self):
        return self.extension

    def write_drop_in(self, text):
        self.extension = text

    def docker_command(self):
        return self.unit_command

    def takes_daemon_json(self):
        return self.validates and not self._rejects()

    def _rejects(self):
        return {word for word in self.rejected if word in f"{self.settings} {self.extension}"}

    def reload_docker(self):
        self.reloads += 1
        if self.takes_settings and json.loads(self.settings).get("live-restore"):
            self.engine.live_restoring = True
        return self.takes_settings

    def restart_docker(self):
        self.restarts += 1
        if self.dies_at == self.restarts:
            raise fakes.Killed
        self.failed = bool(self._rejects())
        if rejected := self._rejects():
            raise engine.EngineError(f"Docker does not start: unknown {rejected.pop()}")
        self.busy.clear()

    def keep_output(self, name, text):
        if self.kept is None:
            raise OSError("No space left")
        self.kept[name] = text
        return pathlib.Path("/kept") / name

    def is_free(self, port):
        return port not in self.busy and self.engine.serving(port) is None

    def make_swift_ready(self, asked, environment):
        self.swift_calls.append(asked.container)
        if asked.container == "away":
            raise openstack.SwiftError("storage-swift-container: there is no container away")

    def forget_probes(self, folder):
        pass

    def ensure_folder(self, folder):
        self.folders.add(folder)

    def disk(self, storage):
        if storage is None:
            return disk.Disk()
        return disk.Disk(
            storage, storage.folder in self.folders, storage.folder in self.with_images, disk.LOCAL in self.with_images
        )
