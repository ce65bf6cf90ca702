"""The unit's status."""

from __future__ import annotations

import dataclasses

from registry.plan.decision import Plan


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How carrying out a plan went."""

    serving: bool
    """The registry answers."""
    netloc: str
    """Where: ``host:port``."""
    scheme: str
    """How: http or https, by a proxy perhaps: ``https, proxied``."""
    errors: tuple[str, ...]
    """A sentence for each thing that went wrong."""


def status(plan: Plan, outcome: Outcome, unit: str) -> tuple[str, str]:
    """Return the unit's status, e.g. ``("active", "Ready at 10.0.0.1:5000 (http).")``.

    What serves although something is wrong is said too, so that nobody takes a blocked unit for a dead one.
    """
    problems = [*plan.problems, *outcome.errors]
    stopped = f"Stopped by the action stop; `juju run {unit} start` starts it again." if not plan.serve else ""
    if stopped or plan.unavailable:
        return "blocked", " ".join(filter(None, [stopped, plan.unavailable, *problems]))
    if not problems and plan.waiting:
        serves = f"The registry serves at {outcome.netloc} ({outcome.scheme}) meanwhile."
        return "waiting", " ".join([plan.waiting, *([serves] if outcome.serving else []), *plan.warnings])
    if not problems:
        return "active", " ".join([f"Ready at {outcome.netloc} ({outcome.scheme}).", *plan.warnings])
    if outcome.serving:
        problems.append(f"The last good configuration serves at {outcome.netloc}.")
    return "blocked", " ".join([*problems, *plan.warnings])
