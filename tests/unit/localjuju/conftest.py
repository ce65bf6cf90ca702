"""What every test of localjuju begins with: an empty model, whose machines are folders."""

from __future__ import annotations

import functools
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sample


@pytest.fixture
def juju(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[sample.Juju]:
    """An empty model `m`. The folder has a short path: a socket's may have 107 bytes."""
    usual = tempfile.gettempdir()
    is_suitable = len(usual) < 20 and not os.statvfs(usual).f_flag & os.ST_NOEXEC
    folder = Path(tempfile.mkdtemp(prefix="lj", dir=usual if is_suitable else "/tmp"))
    monkeypatch.setenv("LOCALJUJU_DATA", str(folder))
    monkeypatch.delenv("JUJU_MODEL", raising=False)
    command = sample.Juju(folder, capsys)
    command.ok("add-model", "m")
    yield command
    shutil.rmtree(folder)


@pytest.fixture
def recorder(tmp_path: Path) -> Callable[..., str]:
    """Build a charm that tells its story below the test's folder."""
    return functools.partial(sample.recorder, tmp_path)


@pytest.fixture
def make_charm(tmp_path: Path) -> sample.MakeCharm:
    """Build a charm below the test's folder."""
    return functools.partial(sample.charm, tmp_path)
