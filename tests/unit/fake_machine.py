"""The one seam of the unit tests towards the machine: the fixture `machine` in conftest.py hands out what is here."""

import json
import pathlib

import fakes
from registry import applied, engine, packages

READY = ["active", "Ready at 10.0.0.10:5000 (http)."]
"""The status of a unit with default options on it."""


class FakeMachine:
    """A machine in memory, with the verbs of `registry.machine.Machine`."""

    def __init__(self, folder):
        self.store = applied.Applied(folder / "registry")
        self.engine = fakes.FakeEngine()
        self.docker_installed = True
        self.apt_works = True
        self.docker_answers = True
        self.settings = None
        self.settings_error = None
        self.takes_settings = True
        self.reloads = 0
        self.kept = {}
        self.busy = set()
        self.restarts = 0

    def has_docker(self):
        return self.docker_installed

    def install_docker(self):
        if not self.apt_works:
            raise packages.PackageError("Unable to fetch some archives")
        self.docker_installed = True

    def upgrade_docker(self):
        return "docker.io 20.10"

    def docker(self):
        if not self.docker_answers:
            raise engine.EngineError("Docker does not answer: no such file")
        return self.engine

    def client(self, url, user):
        return self.engine.client(url)

    def daemon_json(self):
        if self.settings_error:
            raise self.settings_error
        return self.settings

    def write_daemon_json(self, text):
        self.settings = text

    def reload_docker(self):
        self.reloads += 1
        if self.takes_settings and json.loads(self.settings).get("live-restore"):
            self.engine.live_restoring = True
        return self.takes_settings

    def restart_docker(self):
        self.restarts += 1
        self.busy.clear()

    def keep_output(self, name, text):
        if self.kept is None:
            raise OSError("No space left")
        self.kept[name] = text
        return pathlib.Path("/kept") / name

    def is_free(self, port):
        return port not in self.busy and self.engine.serving(port) is None

    def ensure_data_folder(self):
        pass
