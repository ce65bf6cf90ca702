"""Verbs that Juju does not have: what ran on a unit, and running a hook now."""

from __future__ import annotations

from localjuju import JujuError, tables
from localjuju.records.unit import Hook
from localjuju.session import Session, verb


@verb("hooks", "unit")
def hooks(session: Session) -> None:
    """Beside Juju: what ran on a unit, with exit code, seconds and every hook tool called."""
    runs = session.store.hook_runs(session.read().unit(session.args.unit).name)
    if session.args.format:
        session.show(runs)
    else:
        rows = [["Ended", "Hook", "Exit", "Seconds", "Hook tools"]]
        rows += [
            [
                run["ended"],
                f"{run['hook']} {run.get('remote', '')}",
                str(run["exit"]),
                str(run["seconds"]),
                str(len(run["tools"])),
            ]
            for run in runs
        ]
        print(tables.table(rows), end="")


@verb("hook", "unit hook --drop!")
def hook(session: Session) -> None:
    """Beside Juju: run a hook, update-status for one, now; with --drop, what it asks to write is lost."""
    with session.changing() as agent:
        agent.drain(update_status=False)
        unit = agent.model.unit(session.args.unit)
        if unit.error or agent.model.machine(unit.machine).status.current != "started":
            raise JujuError(f"unit {unit.name} can run no hook: it is in error, or its machine does not run")
        unit.hook = unit.hook or Hook(session.args.hook)
        agent.run_next(unit, drop=session.args.drop)
