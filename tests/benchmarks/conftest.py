"""`make bench`: what the charm costs, in figures, each beside a yardstick from the same run on the same machine.

The tests use the deployed unit of the integration tests. Each gives figures with the fixture `figure`; nothing is
asserted of time. `--keep` keeps them as those that the next runs are compared with.
"""

from __future__ import annotations

import pathlib
import sys
from collections.abc import Sequence

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "integration"))

import jubilant
import kept
from deployment import archives, charm, deployed, model, small_image, stand_in, unit  # noqa: F401
from object_store import Store

KEY = "figure"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--keep", action="store_true", help="keep the figures of this run in docs/benchmarks")


@pytest.fixture
def figure(request):
    """Take a figure: *values* in the unit *of*, and those of a *yardstick*, which *to* names, if there is one."""

    def take(name: str, values: Sequence[float], yardstick: Sequence[float] = (), *, of: str = "", to: str = ""):
        found = kept.figure(values, yardstick, of, to)
        request.node.user_properties.append((KEY, (request.module.SECTION, name, found)))

    return take


@pytest.fixture(scope="session")
def store(model, stand_in):  # noqa: F811
    """The object store of all tests that need one."""
    model.deploy(stand_in("store"), "store")
    model.wait(lambda status: jubilant.all_active(status, "store"), delay=0.1, successes=1)
    return Store(model, "store/0")


class Table:
    """The plugin that prints the figures at the end, beside the kept ones, and keeps them if asked."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._where = kept.machine()
        self._sections: dict[str, dict[str, kept.Figure]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call":
            for key, value in report.user_properties:
                if key == KEY:
                    title, name, found = value
                    self._sections.setdefault(title, {})[name] = found

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        before = kept.load()
        for title, figures in self._sections.items():
            terminalreporter.section(title)
            old = before.get(title, {})
            table = list(kept.rows(figures, old.get("figures", {})))
            widths = [max(len(row[column]) for row in table) for column in range(len(kept.HEADS))]
            for row in table:
                cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
                terminalreporter.line("  ".join(cells).rstrip())
            if old:
                terminalreporter.line(f"kept: {old['commit']}, {old['date']}, {old['machine']['processor']}")
        if self._sections:
            terminalreporter.line(f"this run: {', '.join(f'{key} {value}' for key, value in self._where.items())}")
        if self._sections and self._config.getoption("--keep"):
            kept.keep({title: kept.section(figures, self._where) for title, figures in self._sections.items()})


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Table(config))
