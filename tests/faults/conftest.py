"""`make faults`: what is done to a unit, what follows, how long nobody was served, and what was lost, as a table.

The tests use the deployed unit of the integration tests. Each fills one row or several with the fixture `fault`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import pathlib
import secrets
import sys
import textwrap
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "integration"))

import unit as machines
from deployment import archives, model, small_image, stand_in, unit  # noqa: F401
from deployment import charm as built  # noqa: F401
from doors import charm, deploy, deployed  # noqa: F401
from failure import pytest_runtest_makereport  # noqa: F401
from uploads import Uploads, digest_of

KEY = "fault"
HEADS = ("fault", "status", "out of service", "lost")


class Fault:
    """Rows of the table: an image is pushed before, requests go on meanwhile, and the image is read back afterwards.

    What is done again and again is one row, with the longest time and all that was lost.
    """

    def __init__(self, of: machines.Unit | None = None) -> None:
        self._unit = of
        self._rows: dict[str, Row] = {}

    @contextlib.contextmanager
    def row(
        self,
        name: str,
        *,
        longest: float,
        of: machines.Unit | None = None,
        ca: str | None = None,
        authorization: str = "",
    ):
        """Do in the body what the row is called; the registry may be out of service for *longest* seconds.

        The body gets a function, to which it gives a status from meanwhile, the state, and words of the message.
        """
        one = of or self._unit
        uploads, layer = (
            Uploads(f"{'https' if ca else 'http'}://{one.address}:5000", authorization, ca=ca),
            secrets.token_bytes(10_000),
        )
        uploads.image("acknowledged", "1", layer)

        def said(status: tuple[str, str], state: str, words: str) -> None:
            assert (status[0], words in status[1]) == (state, True), status
            sentence = next(part for part in status[1].split(". ") if words in part)
            shown = textwrap.shorten(sentence.replace(one.address, "ADDRESS"), 100, placeholder=" ...")
            self._rows.setdefault(name, Row()).statuses[f"{state}: {shown}"] = None

        with machines.Watch(one.address, patience=1, ca=ca) as watch:
            yield said
        digest = digest_of(layer)
        is_there = uploads.read("acknowledged", digest) == layer
        state, message = one.status()
        self.add(name, f"{state}: {message.replace(one.address, 'ADDRESS')}", watch.gap, lost=not is_there)
        assert is_there
        ready = f"Ready at {one.address}:5000 ({'https' if ca else 'http'})."
        assert state == "active" and message.startswith(ready)
        assert one.containers() == ["registry"]
        assert watch.gap <= longest, f"no answer for {watch.gap:.1f} s"

    def add(self, name: str, status: str, gap: float, *, lost: bool) -> None:
        """Add what was seen to the row of this name."""
        row = self._rows.setdefault(name, Row())
        row.times += 1
        row.statuses[status.partition(". ")[0]] = None
        row.gap, row.lost = max(row.gap, gap), row.lost + lost

    def rows(self) -> list[list[str]]:
        """Return the cells of all rows."""
        return [
            [
                name + f" ({row.times} times)" * (row.times > 1),
                "; ".join(row.statuses),
                f"{row.gap:.1f} s",
                str(row.lost),
            ]
            for name, row in self._rows.items()
        ]


@dataclasses.dataclass
class Row:
    """What was seen each time."""

    times: int = 0
    statuses: dict[str, None] = dataclasses.field(default_factory=dict)
    gap: float = 0
    lost: int = 0


@pytest.fixture
def fault(request):
    """Adds rows to the table."""
    one = request.getfixturevalue("unit") if "unit" in request.fixturenames else None
    found = Fault(one)
    yield found
    request.node.user_properties.append((KEY, found.rows()))
    if one:
        one.update_status()  # a status that says what was mended says so once


@pytest.fixture
def clock(request):
    """Makes what tells whether there is time left, of so many seconds; `--share` takes a part of them."""

    def start(seconds: float):
        end = time.monotonic() + seconds * request.config.getoption("share")
        return lambda: time.monotonic() < end

    return start


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of this folder."""
    parser.addoption("--share", type=float, default=1, help="part of the time that tests of many points take")
    parser.addoption("--seed", type=int, default=None, help="of random operations, as a run before has printed it")
    parser.addoption("--replay", type=pathlib.Path, help="a file that `test_flapping` kept: the same operations")
    parser.addoption("--operations", type=int, default=300, help="how many random operations at most")


@pytest.fixture
def seed(request) -> int:
    """A seed, printed."""
    given = request.config.getoption("seed")
    found = secrets.randbelow(1 << 32) if given is None else given
    print(f"--seed {found}")
    return found


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
