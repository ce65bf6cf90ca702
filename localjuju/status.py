"""What `status` and `show-unit` print: the JSON that jubilant parses, and the tables that people read."""

from __future__ import annotations

from typing import Any

from localjuju import VERSION, relations, storage, store
from localjuju.charm import Charm
from localjuju.model import Model
from localjuju.operations import ordered
from localjuju.records.application import Application
from localjuju.records.status import Status, now
from localjuju.records.unit import Unit

# Juju's core/status: of the units' statuses the application shows the most severe.
SEVERITY = ("error", "blocked", "maintenance", "waiting", "active", "terminated", "unknown")
CONTROLLER = "localjuju"


def application_status(model: Model, app: Application) -> Status:
    """What the leader said, or else the worst that a unit says."""
    if app.status:
        return app.status
    shown = [_workload(model, unit) for unit in model.units_of(app.name)]
    return min(shown, key=lambda status: SEVERITY.index(status.current), default=Status("unknown"))


def _status(status: Status, **more: str) -> dict[str, str]:
    shown = {"current": status.current, "message": status.message, "since": status.since, **more}
    return {key: value for key, value in shown.items() if value}


def _base(base: str) -> dict[str, str]:
    name, _, channel = (base or "ubuntu@22.04").partition("@")
    return {"name": name, "channel": channel}


def _agent(model: Model, unit: Unit) -> Status:
    down = model.machine(unit.machine).status.current == "down"
    return Status("lost", "agent is not communicating with the server") if down else unit.agent


def _workload(model: Model, unit: Unit) -> Status:
    """What the unit says, as far as it can still say anything."""
    if _agent(model, unit).current != "lost":
        return unit.shown
    return Status("unknown", "agent lost, see 'localjuju debug-log'")


def _unit(model: Model, unit: Unit) -> dict[str, Any]:
    address = model.machine(unit.machine).address
    shown: dict[str, Any] = {
        "workload-status": _status(_workload(model, unit)),
        "juju-status": _status(_agent(model, unit), version=VERSION),
        "leader": model.applications[unit.app].leader == unit.name,
        "machine": "" if unit.principal else unit.machine,
        "open-ports": unit.ports,
        "public-address": address,
        "address": address,
    }
    if unit.life != "alive":
        shown["juju-status"]["life"] = unit.life
    if subordinates := model.subordinates(unit):
        shown["subordinates"] = {other.name: _unit(model, other) for other in subordinates}
    return {key: value for key, value in shown.items() if value}


def _relations(model: Model, app: Application) -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = {}
    for relation in model.relations_of(app.name):
        other = {
            "related-application": relation.remote_app(app.name),
            "interface": relation.interface,
            "scope": relation.scope,
        }
        found.setdefault(relation.endpoints[app.name], []).append(other)
    return found


def _application(model: Model, app: Application) -> dict[str, Any]:
    units = model.units_of(app.name)
    base = app.base or next((model.machines[unit.machine].base for unit in units), "")
    shown: dict[str, Any] = {
        "charm": f"local:{app.charm_name}-{app.revision}",
        "base": _base(base),
        "charm-origin": "local",
        "charm-name": app.charm_name,
        "charm-rev": app.revision,
        "charm-channel": "",
        "exposed": app.exposed,
        "application-status": _status(application_status(model, app)),
        "relations": _relations(model, app),
        "version": app.version,
        "endpoint-bindings": dict.fromkeys(["", *Charm(store.blob(app.charm)).endpoints], "alpha"),
    }
    if app.life != "alive":
        shown["life"] = app.life
    if app.subordinate:
        inside = [relation for relation in model.relations_of(app.name) if relation.scope == "container"]
        shown["subordinate-to"] = sorted({relation.remote_app(app.name) for relation in inside})
    else:
        shown["units"] = {unit.name: _unit(model, unit) for unit in units}
    return shown


def full(model: Model) -> dict[str, Any]:
    """`juju status --format json`."""
    machines = {
        machine.id: {
            "juju-status": _status(machine.status, version=VERSION),
            "hostname": machine.instance,
            "dns-name": machine.address,
            "ip-addresses": [machine.address] if machine.address else [],
            "instance-id": machine.instance,
            "machine-status": _status(
                Status(
                    "running" if machine.status.current == "started" else machine.status.current,
                    "",
                    machine.status.since,
                )
            ),
            "modification-status": _status(Status("idle", "", machine.status.since)),
            "base": _base(machine.base),
            "network-interfaces": {},
            "constraints": f"image-id={machine.image}",
            "hardware": "",
        }
        for machine in model.machines.values()
    }
    return {
        "model": {
            "name": model.name,
            "type": "iaas",
            "controller": CONTROLLER,
            "cloud": "localhost",
            "region": "localhost",
            "version": VERSION,
            "sla": "unsupported",
            "model-status": _status(Status("available", "", model.created)),
        },
        "machines": machines,
        "applications": {app.name: _application(model, app) for app in model.applications.values()},
        "storage": storage.shown(model),
        "controller": {"timestamp": now()[11:]},
    }


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
        principals = ordered([unit for unit in model.units.values() if not unit.principal])
        for unit in [each for first in principals for each in (first, *ordered(model.subordinates(first)))]:
            agent = _agent(model, unit)
            message = (
                f"({unit.agent.message.removeprefix('running ').removesuffix(' hook')}) "
                if agent.current == "executing"
                else ""
            ) + _workload(model, unit).message
            mark = "*" if model.applications[unit.app].leader == unit.name else ""
            parts[-1].append(
                [
                    ("  " if unit.principal else "") + unit.name + mark,
                    _workload(model, unit).current,
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


def unit(model: Model, unit: Unit) -> dict[str, Any]:
    """`juju show-unit`."""
    app, address = model.applications[unit.app], model.machine(unit.machine).address
    info = [
        {
            "relation-id": int(relation.id),
            "endpoint": relation.endpoints[unit.app],
            "related-endpoint": relation.endpoints[relation.remote_app(unit.app)],
            "application-data": relation.settings(relation.remote_app(unit.app)),
            "local-unit": {"in-scope": unit.name in relation.members, "data": relation.settings(unit.name)},
            "related-units": {
                name: {"in-scope": True, "data": relation.settings(name)}
                for name in relations.present(model, relation, unit)
            },
        }
        for relation in model.relations_of(unit.app)
    ]
    return {
        unit.name: {
            "workload-version": app.version,
            "machine": unit.machine,
            "opened-ports": unit.ports,
            "public-address": address,
            "charm": f"local:{app.charm_name}-{app.revision}",
            "leader": app.leader == unit.name,
            "life": unit.life,
            "relation-info": info,
            "provider-id": model.machine(unit.machine).instance,
            "address": address,
        }
    }
