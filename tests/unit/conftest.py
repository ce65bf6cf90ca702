"""Fixtures for all unit tests.

`juju`   the model that the fake hook tools read and change, and the list of their calls.
`charm`  a charm's folder whose hooks and actions run through the real charms.reactive.
`machine`  the machine in memory that they find.
`deployed`  such a charm whose unit is ready, on that machine.
`actions`  the charm's table of actions.
"""

from __future__ import annotations

import os
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


@pytest.fixture
def juju(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Juju:
    """The fake hook tools and their model; on PATH only while `charm` runs something."""
    fake = Juju(tmp_path / "juju")
    monkeypatch.setattr(subprocess, "Popen", tool_process.popen(fake.folder, fake.answer))
    return fake


@pytest.fixture
def charm(
    tmp_path: Path, juju: Juju, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[Charm]:
    """A charm that can run hooks and actions; the environment is put back after the test.

    Its handlers run in an order of chance, the same one whenever the test is run: it goes by the test's name.
    """
    before = dict(os.environ), list(sys.path)
    # Half of a hook's time is PyYAML in Python; the tests of `registry` are those that go by how it parses.
    monkeypatch.setattr(yaml, "SafeLoader", yaml.CSafeLoader)
    monkeypatch.setattr(yaml, "SafeDumper", yaml.CSafeDumper)
    yield Charm(tmp_path / "charm", juju, request.node.nodeid)
    os.environ.clear()
    os.environ.update(before[0])
    sys.path[:] = before[1]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeMachine:
    """The machine in memory; a candidate proves itself there at once."""
    fake = FakeMachine(tmp_path)
    monkeypatch.setattr("charms.layer.context.machine", fake)
    monkeypatch.setattr("registry.deployment.candidate.HOLD_SECONDS", 0)
    return fake


@pytest.fixture(scope="session")
def actions() -> dict[str, basic.Action]:
    """The table of actions, as actions.py hands it to Juju's edge."""
    from actions.table import ACTIONS  # after fake_juju has put the stand-ins of charms.reactive on the path

    return ACTIONS


@pytest.fixture
def deployed(charm: Charm, juju: Juju, machine: FakeMachine) -> Charm:
    """A charm after the hooks of a deployment."""
    for hook in ("install", "config-changed", "start"):
        charm.hook(hook)
    assert juju.model["status"] == READY
    return charm


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "registry")
