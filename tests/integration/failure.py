"""What a failed test's report shows of the model: its status, the logs of the test's units, and their databags."""

from __future__ import annotations

import jubilant
import pytest
from unit import Unit

LINES = 60
"""How many lines of each are shown: the first of the status, the last of the log."""
WIDTH = 300
"""How much of a line."""
UNITS = 4
"""Of how many units, where the test has none of its own."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo):
    report = yield
    fixtures = getattr(item, "funcargs", {})
    if report.failed and "model" in fixtures:
        try:
            report.sections += sections(fixtures["model"], fixtures.values())
        except (jubilant.CLIError, OSError, KeyError) as trouble:
            report.sections.append(("model", f"cannot be shown: {trouble}"))
    return report


def sections(juju: jubilant.Juju, fixtures) -> list[tuple[str, str]]:
    """Return title and text of each section."""
    found = list(dict.fromkeys(value.name for value in fixtures if isinstance(value, Unit)))
    present = [name for app in juju.status().apps.values() for name in app.units]
    shown = [name for name in found if name in present] or present[:UNITS]
    status = juju.cli("status", "--relations").splitlines()
    log = juju.cli("debug-log", "--replay", "--no-tail").splitlines()
    texts = [("juju status", status[:LINES])]
    for name in shown:
        tag = f"unit-{name.replace('/', '-')}:"
        texts.append((f"juju debug-log of {name}", [line for line in log if line.startswith(tag)][-LINES:]))
        texts.append((f"juju show-unit {name}", juju.cli("show-unit", name).splitlines()[:LINES]))
    return [(title, "\n".join(line[:WIDTH] for line in lines)) for title, lines in texts]
