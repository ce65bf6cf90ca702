"""The workload status, collected from all that have something to say: the worst state wins.

It is written once, at the end of a successful hook or action: the first problem and how many more there are. The log
has all of them, once, until they change. Only progress is shown at once.
"""

from __future__ import annotations

import hashlib

from charmhelpers.core import hookenv, unitdata
from charms.layer import journal
from registry.message import STATUS, Sentence, cut, joined
from registry.plan.report import Report

WORST_FIRST = ("blocked", "waiting", "active")

LOGGED = "status.logged"
"""Key in unitdata: digest of the problems and warnings that were logged last."""

_reports: list[Report] = []


def blocked(problem: Sentence) -> None:
    """Nothing is applied until the operator does what the sentence says."""
    add(Report("blocked", (problem,)))


def waiting(reason: Sentence) -> None:
    """Nothing is applied until something else has happened, which the sentence names."""
    add(Report("waiting", (reason,)))


def active(ready: Sentence) -> None:
    """The application serves."""
    add(Report("active", (ready,)))


def add(report: Report) -> None:
    """Report all of this."""
    _reports.append(report)


def maintenance(progress: Sentence) -> None:
    """Show progress now. It stays only if nothing else is said until the end."""
    journal.write()
    hookenv.status_set("maintenance", cut(progress, STATUS))


def worst() -> Report:
    """Return the worst state so far with its problems, and all warnings; an empty one if nobody said anything."""
    states = [one.state for one in _reports]
    state = next((state for state in WORST_FIRST if state in states), "")
    problems = dict.fromkeys(problem for one in _reports if one.state == state for problem in one.problems)
    warnings = dict.fromkeys(warning for one in _reports for warning in one.warnings)
    serving = next((one.serving for one in _reports if one.serving), None)
    return Report(state, tuple(problems), serving, tuple(warnings))


def sentences() -> Sentence:
    """Return all that `worst` says, for the result of an action."""
    return joined(*worst().sentences)


def write() -> None:
    """Write the worst state with one status-set; nothing if nobody said anything."""
    report = worst()
    if report.state:
        _log(report)
        hookenv.status_set(report.state, cut(report.summary, STATUS))
    _reports.clear()


def _log(report: Report) -> None:
    """Log all problems and warnings, if they are not those logged last."""
    text = "\n".join(report.faults)
    digest = hashlib.sha256(text.encode()).hexdigest() if text else None
    if digest == unitdata.kv().get(LOGGED):
        return
    unitdata.kv().set(LOGGED, digest)
    if text:
        hookenv.log(text, level=hookenv.WARNING)
