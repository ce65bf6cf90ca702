"""Storage instances: file systems that outlive the units to which they are attached.

https://documentation.ubuntu.com/juju/3.6/reference/storage/. Each is a folder of the model, `Store.storage`, mounted at
its location in the machine, also after a reboot. There is one pool, called lxd as where Juju's machines are containers;
sizes are reported, not enforced.
"""

from __future__ import annotations

from typing import Any

from localjuju import JujuError
from localjuju.charm import Charm
from localjuju.directive import POOL, Directive, declared, directive
from localjuju.host import Host
from localjuju.model import Model
from localjuju.records.application import Application
from localjuju.records.status import Status
from localjuju.records.storage import Storage
from localjuju.records.unit import Hook, Unit
from localjuju.store import Store, kept_charm

FOLDER = "/var/lib/juju/storage"


def check_count(model: Model, charm: Charm, unit: str, name: str, change: int) -> None:
    """JujuError if a unit may not have so many more, or fewer, of a storage."""
    spec = declared(charm, name)
    verb = "attach" if change > 0 else "detach"
    if (spec.least, spec.most, abs(change)) == (1, 1, 1):
        raise JujuError(f"cannot {verb}, storage is singular")
    total = len([item for item in model.storage_of(unit) if item.name == name]) + change
    brings = f"{verb}ing {abs(change)} storage instance{'s'[: abs(change) != 1]} brings the total to {total}"
    if change > 0 and spec.most is not None and total > spec.most:
        raise JujuError(f"{brings}, exceeding the maximum of {spec.most}")
    if change < 0 and total < spec.least:
        raise JujuError(f"{brings}, which is less than the minimum of {spec.least}")


def for_new_unit(model: Model, app: Application, unit: Unit, attach: list[str]) -> None:
    """Attach what is there and was named, and make what is still missing of what the charm and the operator want."""
    charm = kept_charm(app.charm)
    for text in attach:
        _attach(model, unit, charm, named(model, text))
    for name in charm.metadata.get("storage") or {}:
        asked = directive(app.storage.get(name, ""))
        wanted = declared(charm, name).least if asked.count is None else asked.count
        missing = wanted - len([item for item in model.storage_of(unit.name) if item.name == name])
        _make(model, unit, charm, name, Directive(max(missing, 0), asked.size))


def add(model: Model, unit: Unit, name: str, asked: Directive) -> list[Storage]:
    """Give a unit that runs more storage."""
    charm = kept_charm(model.applications[unit.app].charm)
    check_count(model, charm, unit.name, name, asked.count or 1)
    return _make(model, unit, charm, name, Directive(asked.count or 1, asked.size))


def _make(model: Model, unit: Unit, charm: Charm, name: str, asked: Directive) -> list[Storage]:
    spec, made = declared(charm, name), []
    size = max(spec.size, 1024) if asked.size is None else asked.size
    if size < spec.size:
        raise JujuError(f'storage "{name}": minimum storage size is {spec.size}M, {size}M specified')
    for _ in range(asked.count or 0):
        item = Storage(f"{name}/{model.next_storage}", "", "", POOL, size)
        model.next_storage += 1
        model.storage[item.id] = item
        made.append(_attach(model, unit, charm, item))
    return made


def named(model: Model, text: str) -> Storage:
    """A storage by its ID."""
    if text not in model.storage:
        raise JujuError(f'storage "{text}" not found')
    return model.storage[text]


def attach(model: Model, unit: Unit, item: Storage) -> None:
    """Attach detached storage to a unit that runs."""
    charm = kept_charm(model.applications[unit.app].charm)
    check_count(model, charm, unit.name, item.name, 1)
    _attach(model, unit, charm, item)


def _attach(model: Model, unit: Unit, charm: Charm, item: Storage) -> Storage:
    spec = declared(charm, item.name)
    if item.unit:
        raise JujuError(f"storage {item.id} is attached to {item.unit}")
    # As Juju has it: the charm's own path is for a storage of which there can be only one.
    item.location = spec.location if spec.location and spec.most == 1 else f"{spec.location or FOLDER}/{item.id}"
    item.unit, item.status = unit.name, Status("pending")
    return item


def detach(model: Model, item: Storage) -> None:
    """Detach storage from a unit that stays."""
    if not item.unit:
        raise JujuError(f"storage {item.id} is not attached")
    unit = model.unit(item.unit)
    check_count(model, kept_charm(model.applications[unit.app].charm), unit.name, item.name, -1)
    if item.status.current == "pending":
        _release(item)
    else:
        item.status = Status("detaching")


def remove(model: Model, item: Storage, force: bool) -> None:
    """Destroy storage; what is attached only by `force`, after it was detached."""
    if item.unit and not force:
        raise JujuError(
            f"failed to remove {item.id}: storage is attached\n\nUse the --force option to remove attached storage, "
            "or use detach-storage to explicitly detach the storage before removing."
        )
    if item.unit:
        detach(model, item)
    item.life = "dying"


def destroy_with(model: Model, name: str) -> None:
    """Let the storage of a unit, or of all units of an application, go when it is detached: --destroy-storage."""
    for item in model.storage.values():
        if name in (item.unit, item.unit.split("/")[0]):
            item.life = "dying"


def next_hook(model: Model, unit: Unit) -> Hook | None:
    """The hook by which a unit hears of storage that comes or goes; all goes with the unit."""
    for item in model.storage_of(unit.name):
        if item.status.current == "pending" and unit.life == "alive":
            return Hook(f"{item.name}-storage-attached", storage=item.id)
        if item.status.current == "detaching" or (item.status.current == "attached" and unit.life == "dying"):
            return Hook(f"{item.name}-storage-detaching", storage=item.id)
    return None


def before(host: Host, model: Model, hook: Hook) -> None:
    """Mount storage, before its unit hears of it."""
    item = model.storage[hook.storage]
    if hook.name.endswith("-storage-attached"):
        host.mount(item.number, item.location)
        item.status = Status("attached") if item.status.current == "pending" else item.status


def after(host: Host, model: Model, hook: Hook) -> None:
    """Take storage away from a unit that has heard of it."""
    item = model.storage[hook.storage]
    if hook.name.endswith("-storage-detaching"):
        host.unmount(item.location)
        _release(item)


def _release(item: Storage) -> None:
    item.unit, item.status = "", Status("detached")


def unit_gone(model: Model, unit: Unit) -> None:
    """Keep what a unit still had when it went without its hooks."""
    for item in model.storage_of(unit.name):
        _release(item)


def sweep(store: Store, model: Model) -> None:
    """Destroy what is to go and is attached no more."""
    for item in list(model.storage.values()):
        if item.life == "dying" and not item.unit:
            del model.storage[item.id]
            store.remove_storage(item.number)


def shown(model: Model) -> dict[str, Any]:
    """The storage part of `juju status`, and `juju storage`."""
    instances: dict[str, Any] = {}
    filesystems: dict[str, Any] = {}
    for item in model.storage.values():
        status = {"current": item.status.current, "message": item.status.message, "since": item.status.since}
        instance: dict[str, Any] = {"kind": "filesystem", "life": item.life, "status": status, "persistent": True}
        filesystem = {"storage": item.id, "pool": item.pool, "size": item.size, "life": item.life, "status": status}
        if item.unit:
            machine = model.units[item.unit].machine
            units = {item.unit: {"machine": machine, "location": item.location, "life": "alive"}}
            mounted = {machine: {"mount-point": item.location, "read-only": False, "life": "alive"}}
            instance["attachments"] = {"units": units}
            filesystem["attachments"] = {"machines": mounted, "units": units}
        instances[item.id] = instance
        filesystems[item.number] = filesystem
    return {"storage": instances, "filesystems": filesystems} if instances else {}
