"""The verbs about machines and their images."""

from __future__ import annotations

from localjuju import JujuError, imagename, operations
from localjuju.session import Session, verb

POWER = {"reboot": ["stop", "start"], "stop": ["stop"], "kill": ["crash"], "start": ["start"]}


@verb("machine", "what number other?")
def machine(session: Session) -> None:
    """Beside Juju: reboot, stop, kill (cut the power) or start a machine, also while a hook runs on it; cut or
    join the network between two.
    """
    args, model = session.args, session.read()
    one = model.machine(args.number)
    host = session.provider(session.store, model, one)
    if args.what in ("cut", "join") and args.other:
        other = model.machine(args.other)
        host.listen(other.address, args.what == "join")
        session.provider(session.store, model, other).listen(one.address, args.what == "join")
        return
    if args.what not in POWER or args.other:
        raise JujuError(f"one of {', '.join(POWER)} and a machine, or cut or join and two machines", 2)
    for step in POWER[args.what]:
        getattr(host, step)()
    with session.changing(wait=args.what in ("reboot", "start")):
        pass


@verb("upgrade-machine", "number step base? --force! -y/--yes! --no-prompt!")
def upgrade_machine(session: Session) -> None:
    """Tell the charms of an upgrade: prepare BASE, then complete; no hook runs in between."""
    args = session.args
    if args.step not in ("prepare", "complete") or (args.step == "prepare" and not args.base):
        raise JujuError("usage: upgrade-machine N prepare BASE, upgrade-machine N complete", 2)
    with session.changing() as agent:
        agent.drain()
        found = agent.model.machine(args.number)
        operations.upgrade_machine(agent.model, found, args.step, args.base or "")
        agent.drain()
        if args.step == "prepare":
            found.upgrading = args.base


@verb("remove-machine", "machines* --no-prompt! --force! --keep-instance!")
def remove_machine(session: Session) -> None:
    """Remove machines that have no units (left)."""
    with session.changing() as agent:
        for name in session.args.machines:
            item = agent.model.machine(name)
            if units := agent.model.units_on(name):
                raise JujuError(f'machine {name} has unit "{units[0].name}" assigned')
            agent.remove_machine(item)


@verb("image", "--suite=")
def make_image(session: Session) -> None:
    """Beside Juju: make the images of machines, if they are missing; print their names."""
    suite = session.args.suite or imagename.host_suite()
    from localjuju import image

    for name in (f"localjuju:{suite}", f"localjuju:{suite}-docker"):
        image.ensure(name)
        print(name)
