"""A program is killed at one point after the other, and what is left is compared with what was before."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from contextlib import AbstractContextManager

import tracing
from unit import Unit


def leftovers(unit: Unit) -> str:
    """Return what a switch or an action may leave behind: containers, rules, namespaces, volumes, notes."""
    return unit.exec(
        "docker ps -a --format {{.Names}}; iptables -t nat -S | grep -i docker-registry; ip netns list; "
        "ip -o link show docker-registry 2>/dev/null; docker volume ls -q; ls -A /etc/docker/registry"
    )


def require_same(before: str, after: str) -> None:
    """Fail, and say what differs, unless the `leftovers` are those from *before*."""
    assert after == before, "\n".join(["", *difflib.ndiff(before.splitlines(), after.splitlines())])


def is_in_error(unit: Unit) -> bool:
    """Tell whether a hook has failed."""
    return unit.juju.status().apps[unit.app].units[unit.name].workload_status.current == "error"


def recover(unit: Unit) -> None:
    """Do what Juju does by itself: run the failed hook again, and update-status a few times."""
    if is_in_error(unit):
        unit.juju.cli("resolved", unit.name)
        unit.settle()
    for _ in range(3):
        if unit.update_status()[0] == "active":
            break


def kill_at_each(
    unit: Unit,
    program: str,
    act: Callable[[], None],
    row: Callable[[], AbstractContextManager[None]],
    clock: Callable[[], bool],
    *,
    threads: bool = False,
) -> None:
    """Call *act*, which has *program* run: once whole, then killed at one point after the other, within *row*."""
    tracing.arm(unit, program, tracing.traced(threads=threads))
    act()
    points, before = tracing.points(tracing.read(unit, program)), leftovers(unit)
    assert len(points) >= 20, "this is the trace of something else"
    tried = 0
    for point in tracing.spread(points):
        if tried and not clock():
            break
        print(program, *point)
        with row():
            tracing.arm(unit, program, tracing.killed(point, threads=threads))
            act()
            tracing.disarm(unit, program)
            recover(unit)
        require_same(before, leftovers(unit))
        tried += 1
    print(f"{program}: killed at {tried} of {len(points)} points")
