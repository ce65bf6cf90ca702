"""The verb `status`."""

from __future__ import annotations

from localjuju import status, tables
from localjuju.session import Session, verb


@verb("status", "patterns* --color! --relations! --storage! --utc! --watch=")
def show_status(session: Session) -> None:
    """Print the model's status; hooks that are due run first, unless another command is at work."""
    session.args.quiet = True
    with session.changing(wait=False, drain=False) as agent:
        if agent:
            agent.drain(create=False)
    model = session.read()
    if session.args.format in (None, "tabular", "short"):
        print(tables.tabular(model, session.args.relations), end="")
    else:
        session.show(status.full(model))
