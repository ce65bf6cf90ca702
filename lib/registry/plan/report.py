"""The unit's status."""

from __future__ import annotations

import dataclasses

from registry.message import Message, Sentence, alone, joined, shortened
from registry.plan.decision import Plan

READY = Message("Ready at {netloc} ({scheme})")
"""The registry serves the requested configuration."""

STILL_SERVING = Message("Still serving at {netloc} ({scheme})")
"""The last working configuration serves, although the requested one is not applied."""

UNKNOWN = Message(
    "The registry's configuration cannot be read back from /etc/docker/registry",
    "Check the disk and its permissions. Retrying automatically",
)
"""The files of the release in use were altered or lost after they were written, so it is unknown what serves."""

STOPPED = Message("Stopped by the action stop", "Run `juju run {unit} start` to start it")
"""The operator stopped the registry, and it stays stopped through hooks, reboots and refreshes."""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How carrying out a plan went."""

    serving: bool
    """The registry answers."""
    netloc: str
    """Where: ``host:port``."""
    scheme: str
    """How: http or https, through a proxy or not: ``https, proxied``."""
    errors: tuple[Sentence, ...]
    """What went wrong."""
    is_passing: bool = False
    """It went wrong by chance only, and is tried again in the next hook."""


@dataclasses.dataclass(frozen=True)
class Report:
    """What there is to say about a unit; empty where nothing was said."""

    state: str = ""
    """Juju's word: blocked, waiting or active."""
    problems: tuple[Sentence, ...] = ()
    """Everything that blocks the unit or that it waits for; of an active unit, where it serves."""
    serving: Sentence | None = None
    """What still serves in the states blocked and waiting."""
    warnings: tuple[Sentence, ...] = ()
    """What an operator should know although all options are applied."""

    @property
    def summary(self) -> Sentence:
        """What `juju status` shows: the first problem, how many more there are, and what still serves."""
        first, *others = self.problems
        if self.state != "active":
            short = shortened(first, len(others), len(self.warnings))
            return joined(short, self.serving) if self.serving else short
        if not self.warnings:
            return joined(*self.problems)
        return joined(*self.problems, shortened(self.warnings[0], warnings=len(self.warnings) - 1))

    @property
    def sentences(self) -> tuple[Sentence, ...]:
        """All of it, with nothing counted only."""
        serving = (self.serving,) if self.serving and self.state != "active" else ()
        return (*self.problems, *serving, *self.warnings)

    @property
    def faults(self) -> tuple[Sentence, ...]:
        """All problems and warnings, for the log; not where the registry serves."""
        return (*(self.problems if self.state != "active" else ()), *self.warnings)


def status(plan: Plan, outcome: Outcome, unit: str, more: tuple[Sentence, ...] = ()) -> Report:
    """Return what to say of a *plan* that was carried out. What still serves is never left out; *more* are warnings."""
    warnings = plan.warnings + more
    problems = (*plan.problems, *outcome.errors)
    place = {"netloc": outcome.netloc, "scheme": outcome.scheme}
    serving = alone(STILL_SERVING(**place)) if outcome.serving else None
    if plan.is_paused:
        reasons = (*([] if plan.serve else [alone(STOPPED(unit=unit))]), *filter(None, [plan.unavailable]))
        return Report("blocked", (*reasons, *problems))
    if problems and not plan.problems and outcome.is_passing:
        return Report("waiting", (*plan.waiting, *problems), serving, warnings)
    if problems:
        return Report("blocked", problems, serving, warnings)
    if plan.waiting:
        return Report("waiting", plan.waiting, serving, warnings)
    if not outcome.serving:
        return Report("blocked", (alone(UNKNOWN()),), warnings=warnings)
    return Report("active", (alone(READY(**place)),), serving, warnings)
