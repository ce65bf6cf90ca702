"""The tables that people read: `status`, and the columns of all others."""

from __future__ import annotations

from localjuju import VERSION
from localjuju.model import Model
from localjuju.records.status import now
from localjuju.records.unit import Unit, unit_number
from localjuju.status import CONTROLLER, agent_status, application_status, workload_status


def table(rows: list[list[str]]) -> str:
    """Rows in columns two spaces apart, as Juju prints them."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return (
        "\n".join(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
        )
        + "\n"
    )


def tabular(model: Model, with_relations: bool = False) -> str:
    """`juju status` for people."""
    parts = [
        [
            ["Model", "Controller", "Cloud/Region", "Version", "Timestamp"],
            [model.name, CONTROLLER, "localhost/localhost", VERSION, now()[11:]],
        ]
    ]
    if model.applications:
        parts.append([["App", "Version", "Status", "Scale", "Charm", "Rev", "Exposed", "Message"]])
        for _, app in sorted(model.applications.items()):
            status = application_status(model, app)
            parts[-1].append(
                [
                    app.name,
                    app.version,
                    status.current,
                    str(len(model.units_of(app.name))),
                    app.charm_name,
                    str(app.revision),
                    "yes" if app.exposed else "no",
                    status.message,
                ]
            )
    if model.units:
        parts.append([["Unit", "Workload", "Agent", "Machine", "Public address", "Ports", "Message"]])
        principals = _ordered([unit for unit in model.units.values() if not unit.principal])
        for unit in [each for first in principals for each in (first, *_ordered(model.subordinates(first)))]:
            agent = agent_status(model, unit)
            message = (
                f"({unit.agent.message.removeprefix('running ').removesuffix(' hook')}) "
                if agent.current == "executing"
                else ""
            ) + workload_status(model, unit).message
            mark = "*" if model.applications[unit.app].leader == unit.name else ""
            parts[-1].append(
                [
                    ("  " if unit.principal else "") + unit.name + mark,
                    workload_status(model, unit).current,
                    agent.current,
                    unit.machine,
                    model.machine(unit.machine).address,
                    ",".join(unit.ports),
                    message,
                ]
            )
    if model.machines:
        parts.append([["Machine", "State", "Address", "Inst id", "Base", "Message"]])
        parts[-1] += [
            [
                machine.id,
                machine.status.current,
                machine.address,
                machine.instance,
                machine.base,
                machine.status.message,
            ]
            for machine in model.machines.values()
        ]
    if with_relations and model.relations:
        parts.append([["Integration provider", "Requirer", "Interface", "Type", "Message"]])
        for relation in model.relations.values():
            ends = [f"{app}:{name}" for app, name in relation.endpoints.items()]
            kind = "peer" if relation.is_peer else "subordinate" if relation.scope == "container" else "regular"
            parts[-1].append([ends[-1], ends[0], relation.interface, kind, ""])
    return "\n".join(table(rows) for rows in parts)


def _ordered(units: list[Unit]) -> list[Unit]:
    """By application, then by number."""
    return sorted(units, key=lambda unit: (unit.app, unit_number(unit.name)))
