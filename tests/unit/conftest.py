"""Fixtures for all unit tests.

`juju`   the model that the fake hook tools read and change, and the list of their calls.
`charm`  a charm's folder whose hooks and actions run through the real charms.reactive.
`machine`  the machine in memory that they find.
`deployed`  such a charm whose unit is ready, on that machine.
`registry`  the content of that unit's registry.
`actions`  the charm's table of actions.
"""

from __future__ import annotations

import gc
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import tool_process
import yaml
from charms.layer import basic
from fake_juju import Charm, Juju
from fake_machine import READY, FakeMachine
from registry.deployment.store import Store
from registry_server import MemoryRegistry, serve


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests last that have this process audited from then on: see `hostile.Watch`."""
    items.sort(key=lambda item: item.path.name.startswith("test_hostile_"))


def pytest_collection_finish() -> None:
    """Spare the garbage collector what was imported and collected, which a tenth of the time goes into otherwise."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


class Deployment:
    """The files, the model and the machine of a unit that was deployed, for the tests that begin there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def keep(self, home: Path, juju: Juju, machine: FakeMachine) -> None:
        """Keep what is there now."""
        shutil.copytree(home, self.folder, symlinks=True)
        self.model, self.machine = juju.model, pickle.dumps(vars(machine))

    def bring_back(self, home: Path, juju: Juju, machine: FakeMachine) -> None:
        """Put it in place again."""
        shutil.rmtree(home)
        shutil.copytree(self.folder, home, symlinks=True)
        juju.change(**self.model)
        vars(machine).update(pickle.loads(self.machine))


@pytest.fixture
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of what is below, empty; the same one for all tests, so that a deployment can be put there again."""
    folder = tmp_path_factory.getbasetemp() / "home"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


@pytest.fixture
def juju(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Juju:
    """The fake hook tools and their model; on PATH only while `charm` runs something."""
    fake = Juju(tmp_path / "juju")
    monkeypatch.setattr(subprocess, "Popen", tool_process.popen(fake.folder, fake.answer))
    return fake


@pytest.fixture
def charm(home: Path, juju: Juju, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Charm]:
    """A charm that can run hooks and actions; the environment is put back after the test.

    Its handlers run in an order of chance, the same one whenever the test is run: it goes by the test's name.
    """
    before = dict(os.environ), list(sys.path)
    # Half of a hook's time is PyYAML in Python; the tests of `registry` are those that go by how it parses.
    monkeypatch.setattr(yaml, "SafeLoader", yaml.CSafeLoader)
    monkeypatch.setattr(yaml, "SafeDumper", yaml.CSafeDumper)
    yield Charm(home / "charm", juju, request.node.nodeid)
    os.environ.clear()
    os.environ.update(before[0])
    sys.path[:] = before[1]


@pytest.fixture
def machine(home: Path, monkeypatch: pytest.MonkeyPatch) -> FakeMachine:
    """The machine in memory; a candidate proves itself there at once."""
    fake = FakeMachine(home)
    monkeypatch.setattr("charms.layer.context.machine", fake)
    monkeypatch.setattr("registry.deployment.candidate.HOLD_SECONDS", 0)
    return fake


@pytest.fixture(scope="session")
def actions() -> dict[str, basic.Action]:
    """The table of actions, as actions.py hands it to Juju's edge."""
    from actions.table import ACTIONS  # after fake_juju has put the stand-ins of charms.reactive on the path

    return ACTIONS


@pytest.fixture(scope="session")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """What the hooks of a deployment leave, once they have run."""
    return Deployment(tmp_path_factory.mktemp("deployment") / "home")


@pytest.fixture
def deployed(charm: Charm, juju: Juju, machine: FakeMachine, home: Path, deployment: Deployment) -> Charm:
    """A charm after the hooks of a deployment; what a test does to the machine comes after it."""
    if not deployment.folder.exists():
        for hook in ("install", "config-changed", "start"):
            charm.hook(hook)
        assert juju.model["status"] == READY
        deployment.keep(home, juju, machine)
    deployment.bring_back(home, juju, machine)
    return charm


@pytest.fixture
def registry(deployed: Charm, machine: FakeMachine, request: pytest.FixtureRequest) -> Iterator[MemoryRegistry]:
    """The content of that unit's registry, served over HTTP; its class is the parameter, if there is one."""
    memory = getattr(request, "param", MemoryRegistry)()
    server, machine.registry_url = serve(memory)
    yield memory
    server.shutdown()
    server.server_close()


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "registry")
