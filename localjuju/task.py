"""Tasks: an action of the charm, or a shell command where an action could run."""

from __future__ import annotations

from typing import Any

from localjuju import JujuError
from localjuju.agent import Agent
from localjuju.context import Context
from localjuju.deployer import charm_folder
from localjuju.records.status import now
from localjuju.records.task import Task
from localjuju.records.unit import Unit


def run_task(agent: Agent, unit: Unit, action: str, params: dict[str, Any], command: str = "") -> Task:
    """Run an action of the charm, or a shell command where an action could run, and keep its result."""
    task = Task(str(agent.model.next_task), unit.name, action)
    agent.model.next_task += 1
    agent.model.tasks[task.id] = task
    if not unit.charm or agent.model.machine(unit.machine).status.current != "started":
        raise JujuError(f"unit {unit.name} is not up: its machine or its charm is not there yet, or has gone")
    context = Context(agent.store, agent.model, unit, agent.host(unit.machine), None, task, params)
    output: dict[str, list[str]] = {"stdout": [], "stderr": []}

    def heard(name: str, line: str) -> None:
        output[name].append(line)

    dispatch = "dispatch" in context.charm.names
    program = f"{charm_folder(unit, context.host)}/{'dispatch' if dispatch else f'actions/{action}'}"
    argv = ["bash", "-c", command] if command else [program]
    code = agent.processes.execute(context, argv, {} if command else {"JUJU_DISPATCH_PATH": f"actions/{action}"}, heard)
    task.results.update({name: "".join(lines) for name, lines in output.items() if lines})
    task.results["return-code"] = code
    task.status, task.completed = "completed", now()
    if context.failed is not None or (code and not command):
        task.status, task.message = "failed", context.failed or f"exit status {code}"
    if not code:
        context.flush()
    agent.store.save(agent.model)
    return task
