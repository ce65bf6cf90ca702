"""Hook tools of storage."""

from __future__ import annotations

from typing import Any

from localjuju import JujuError, storage
from localjuju.hooktools.tool import Call, pick, tool


@tool("storage-list", "", (0, 1))
def storage_list(call: Call) -> list[str]:
    """The storage that the unit has, all or that of one name."""
    mine = call.context.model.storage_of(call.context.unit.name)
    ready = [item for item in mine if item.status.current != "pending"]
    return [item.id for item in ready if call.args in ([], [item.name])]


@tool("storage-get", "storage=", (0, 1))
def storage_get(call: Call) -> Any:
    """Where the storage of -s, or else of the hook, is, and of what kind."""
    wanted = call.flags.get("storage") or call.context.hook.storage
    if not wanted:
        raise JujuError("no storage instance specified", 2)
    found = call.context.model.storage.get(wanted)
    if found is None or found.unit != call.context.unit.name or found.status.current == "pending":
        raise JujuError(f'invalid value "{wanted}" for option -s: storage not found', 2)
    facts = {"kind": "filesystem", "location": call.context.host.path(found.location)}
    if call.args and call.args[0] not in facts:
        raise JujuError(f'invalid storage attribute "{call.args[0]}"')
    return pick(facts, call.args)


@tool("storage-add", "", (1, 9999), prints="")
def storage_add(call: Call) -> None:
    """Ask for more storage, NAME[=COUNT]."""
    context = call.context
    for arg in call.args:
        name, equals, count = arg.partition("=")
        if equals and not (count.isdigit() and int(count)):
            raise JujuError(f'only count can be specified for "{name}"', 2)
        asked = context.storage.get(name, 0) + int(count or 1)
        storage.check_count(context.model, context.charm, context.unit.name, name, asked)
        context.storage[name] = asked
