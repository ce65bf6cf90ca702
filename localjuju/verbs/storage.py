"""The verbs about storage."""

from __future__ import annotations

from localjuju import storage, tables
from localjuju.directive import directive
from localjuju.session import Session, verb


@verb("add-storage", "unit directives*")
def add_storage(session: Session) -> None:
    """Give a unit more storage: UNIT NAME[=[POOL,][COUNT,][SIZE]]..."""
    with session.changing() as agent:
        unit = agent.model.unit(session.args.unit)
        for text in session.args.directives:
            name, _, amount = text.partition("=")
            for item in storage.add(agent.model, unit, name, directive(amount)):
                session.report(f"added storage {item.id} to {unit.name}")


@verb("attach-storage", "unit ids*")
def attach_storage(session: Session) -> None:
    """Attach detached storage to a unit: UNIT STORAGE..."""
    with session.changing() as agent:
        unit = agent.model.unit(session.args.unit)
        for text in session.args.ids:
            storage.attach(agent.model, unit, storage.named(agent.model, text))
            session.report(f"attaching {text} to {unit.name}")


@verb("detach-storage", "ids* --force! --no-wait!")
def detach_storage(session: Session) -> None:
    """Detach storage from its unit; it stays in the model."""
    with session.changing() as agent:
        for text in session.args.ids:
            storage.detach(agent.model, storage.named(agent.model, text))
            session.report(f"detaching {text}")


@verb("remove-storage", "ids* --force! --no-wait!")
def remove_storage(session: Session) -> None:
    """Destroy detached storage, with --force attached storage as well."""
    with session.changing() as agent:
        for text in session.args.ids:
            storage.remove(agent.model, storage.named(agent.model, text), session.args.force)
            session.report(f"removing {text}")


@verb("storage")
def list_storage(session: Session) -> None:
    """List the storage."""
    model = session.read()
    if session.args.format not in (None, "tabular"):
        session.show(storage.shown(model))
        return
    rows = [["Unit", "Storage ID", "Type", "Pool", "Size", "Status", "Message"]]
    rows += [
        [item.unit, item.id, "filesystem", item.pool, f"{item.size} MiB", item.status.current, item.status.message]
        for item in model.storage.values()
    ]
    print(tables.table(rows), end="")
