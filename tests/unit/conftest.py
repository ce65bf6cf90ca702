"""Fixtures for all unit tests.

`juju`   the model that the fake hook tools read and change, and the list of their calls.
`charm`  a charm's folder whose hooks and actions run through the real charms.reactive.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_juju import Charm, Juju


@pytest.fixture
def juju(tmp_path: Path) -> Juju:
    """The fake hook tools and their model; on PATH only while `charm` runs something."""
    return Juju(tmp_path / "juju")


@pytest.fixture
def charm(tmp_path: Path, juju: Juju) -> Iterator[Charm]:
    """A charm that can run hooks and actions; the environment is put back after the test."""
    before = dict(os.environ), list(sys.path)

    yield Charm(tmp_path / "charm", juju)
    os.environ.clear()
    os.environ.update(before[0])
    sys.path[:] = before[1]
