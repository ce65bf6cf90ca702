"""`make faults`: what is done to a unit, what follows, how long nobody was served, and what was lost, as a table.

The tests use the deployed unit of the integration tests. Each fills one row or several with the fixture `fault`.
"""

from __future__ import annotations

import contextlib
import json
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "integration"))

import unit as machines
from deployment import archives, charm, deployed, model, small_image, stand_in, unit  # noqa: F401
from failure import pytest_runtest_makereport  # noqa: F401
from uploads import Uploads, digest_of

KEY = "fault"
HEADS = ("fault", "status", "out of service", "lost")


class Fault:
    """One row: an image is pushed before, requests go on meanwhile, and the image is read back afterwards."""

    def __init__(self, of: machines.Unit, rows: list[list[str]]) -> None:
        self._unit, self._rows = of, rows

    @contextlib.contextmanager
    def row(self, name: str, *, longest: float):
        """Do in the body what the row is called; the registry may be out of service for *longest* seconds."""
        uploads, layer = Uploads(f"http://{self._unit.address}:5000"), name.encode() * 1000
        uploads.image("acknowledged", "1", layer)
        with machines.Watch(self._unit.address, patience=1) as watch:
            yield
        digest = digest_of(layer)
        is_there = uploads.read("acknowledged", digest) == layer
        state, message = self._unit.status()
        self._rows.append(
            [name, f"{state}: {message.partition('. ')[0]}", f"{watch.gap:.1f} s", str(int(not is_there))]
        )
        assert is_there
        assert state == "active" and message.startswith(f"Ready at {self._unit.address}:5000 (http).")
        assert self._unit.containers() == ["registry"]
        assert watch.gap <= longest, f"no answer for {watch.gap:.1f} s"


@pytest.fixture
def fault(request):
    """Adds rows to the table."""
    rows: list[list[str]] = []
    one = request.getfixturevalue("unit")
    yield Fault(one, rows)
    one.update_status()  # a status that says what was mended says so once
    request.node.user_properties.append((KEY, rows))


class Table:
    """The plugin that prints the rows of all workers at the end, and keeps them as JSON in pytest's cache."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._rows: list[list[str]] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "teardown":
            self._rows.extend(row for key, rows in report.user_properties if key == KEY for row in rows)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._rows:
            widths = [max(len(row[column]) for row in [list(HEADS), *self._rows]) for column in range(len(HEADS))]
            terminalreporter.section("faults")
            for row in [list(HEADS), *self._rows]:
                terminalreporter.line("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)))
            path = self._config.rootpath / ".cache/faults.json"
            path.parent.mkdir(exist_ok=True)
            path.write_text(json.dumps([dict(zip(HEADS, row, strict=True)) for row in self._rows], indent=1))


def pytest_configure(config):
    config.pluginmanager.register(Table(config))
