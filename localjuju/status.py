"""What `status --format json` prints, which is what jubilant parses; see `tables` for people's."""

from __future__ import annotations

from typing import Any

from localjuju import VERSION, storage, store
from localjuju.model import Model
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
    shown = [workload_status(model, unit) for unit in model.units_of(app.name)]
    return min(shown, key=lambda status: SEVERITY.index(status.current), default=Status("unknown"))


def _status(status: Status, **more: str) -> dict[str, str]:
    shown = {"current": status.current, "message": status.message, "since": status.since, **more}
    return {key: value for key, value in shown.items() if value}


def _base(base: str) -> dict[str, str]:
    name, _, channel = (base or "ubuntu@22.04").partition("@")
    return {"name": name, "channel": channel}


def agent_status(model: Model, unit: Unit) -> Status:
    """The agent's status; `lost` while its machine does not run."""
    down = model.machine(unit.machine).status.current == "down"
    return Status("lost", "agent is not communicating with the server") if down else unit.agent


def workload_status(model: Model, unit: Unit) -> Status:
    """What the unit says, as far as it can still say anything."""
    if agent_status(model, unit).current != "lost":
        return unit.shown
    return Status("unknown", "agent lost, see 'localjuju debug-log'")


def _unit(model: Model, unit: Unit) -> dict[str, Any]:
    address = model.machine(unit.machine).address
    shown: dict[str, Any] = {
        "workload-status": _status(workload_status(model, unit)),
        "juju-status": _status(agent_status(model, unit), version=VERSION),
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
        "endpoint-bindings": dict.fromkeys(["", *store.kept_charm(app.charm).endpoints], "alpha"),
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
