"""The verbs about tasks: actions and commands on units."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from localjuju import JujuError, background, parameters, store, yamltext
from localjuju.background import Results
from localjuju.session import Session, verb
from localjuju.task import run_task


@verb("run", "words* --wait= --params= --string-args! --background! --utc! --color! --max-parallel=")
def run(session: Session) -> int:
    """Run an action: UNIT... ACTION [key=value...]."""
    args = session.args
    names = [word for word in args.words if "/" in word and "=" not in word]
    words = args.words[len(names) :]
    if not names or not words:
        raise JujuError("no unit or no action specified", 2)
    model = session.read()
    text = Path(args.params).read_text() if args.params else ""
    given = parameters.parse(words[1:], text, args.string_args)
    units = [model.unit(name) for name in names]
    for unit in units:
        charm = store.kept_charm(model.applications[unit.app].charm)
        if words[0] not in charm.actions:
            raise JujuError(f'action "{words[0]}" not defined for unit "{unit.name}" (not found)')
        params = parameters.checked(charm.actions[words[0]], given)

    def work() -> Results:
        with session.changing() as agent:
            agent.drain()
            return {unit.name: run_task(agent, agent.model.unit(unit.name), words[0], params).shown() for unit in units}

    what = ", ".join(unit.name for unit in units)
    return _report(session, background.run(work, args.wait or "60s", what, session.store.folder / "task.err"))


@verb("exec", "-u/--unit= --machine= -a/--application= --wait= --operator! --utc! --parallel= command...")
def execute(session: Session) -> int:
    """Run a shell command on a unit, where hook tools work, or on a machine: --unit U -- COMMAND."""
    args = session.args
    command = " ".join(args.command[1:] if args.command[:1] == ["--"] else args.command)
    if not command or not (args.unit or args.machine or args.application):
        raise JujuError("name a --unit, --application or --machine, and a command", 2)
    model = session.read()
    names = args.unit.split(",") if args.unit else []
    units = [model.unit(name) for name in names] + (model.units_of(args.application) if args.application else [])

    def on_units() -> Results:
        with session.changing() as agent:
            agent.drain()
            return {
                unit.name: run_task(agent, agent.model.unit(unit.name), "juju-exec", {}, command).shown()
                for unit in units
            }

    def on_machine() -> Results:
        host = session.provider(session.store, model, model.machine(args.machine))
        done = host.popen(
            ["bash", "-c", command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        out, err = done.communicate()
        results = {"return-code": done.returncode, "stdout": out.decode(), "stderr": err.decode()}
        return {args.machine: {"id": "0", "status": "completed", "results": results}}

    work = on_machine if args.machine else on_units
    return _report(session, background.run(work, args.wait or "5m", command, session.store.folder / "task.err"))


def _report(session: Session, results: Results) -> int:
    """Print tasks as `juju run` does; 1, and a word on standard error, when one has failed."""
    if session.args.format in (None, "plain"):
        _print_plain(results)
    else:
        session.show(results)
    failed = [task for task in results.values() if task["status"] != "completed" or task["results"]["return-code"]]
    if failed:
        lines = "".join(f' - id "{task["id"]}" with return code {task["results"]["return-code"]}\n' for task in failed)
        sys.stdout.flush()
        print(
            f"ERROR the following task failed:\n{lines}\nuse 'localjuju show-task' to inspect the failure",
            file=sys.stderr,
        )
    return 1 if failed else 0


def _print_plain(results: Results) -> None:
    """As printPlainOutput of Juju's cmd/juju/action: the results of one task, or an overview of several.

    Unlike there, what a task wrote to its standard error goes to standard error.
    """
    for line in [line for task in results.values() for line in task.get("log", [])]:
        print(line, file=sys.stderr)
    if len(results) > 1:
        print(yamltext.dump({name: _overview(task) for name, task in results.items()}, sort_keys=True), end="")
    for task in results.values() if len(results) == 1 else []:
        if task.get("message"):
            print(f"Action id {task['id']} failed: {task['message']}")
        if output := _output(task):
            print(output)
        for name, stream in (("stdout", sys.stdout), ("stderr", sys.stderr)):
            print(task["results"].get(name, ""), end="", file=stream)


def _output(task: dict[str, Any]) -> str:
    """What the action has set, as YAML; empty when it has set nothing."""
    results = {key: value for key, value in task["results"].items() if key not in ("return-code", "stdout", "stderr")}
    return yamltext.dump(results, sort_keys=True) if results else ""


def _overview(task: dict[str, Any]) -> dict[str, Any]:
    shown = {"id": task["id"], "output": _output(task), "status": task["status"]}
    return {**shown, "message": task["message"]} if "message" in task else shown


@verb("show-task", "task --wait=")
def show_task(session: Session) -> None:
    """Show the result of an action that was run."""
    tasks = session.read().tasks
    if session.args.task not in tasks:
        raise JujuError(f'task "{session.args.task}" not found')
    session.show(tasks[session.args.task].shown())
