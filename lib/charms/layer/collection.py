"""Garbage collection over all units: while one unit collects in a store that all share, no unit accepts pushes.

An action cannot wait for the hooks of other units to answer: what it publishes is seen once it has ended. So the first
run of the action requests it of the peers and ends, each peer becomes read-only in its next hook and says so, and the
next run finds their answers. The request is the lock as well: of two units, the one that requested it first collects.

Nobody has to end a request. The unit withdraws it after the collection, after a crash, and if no second run begins
within `PATIENCE`. If the unit is lost, its peers ignore the request after `LONGEST`. They measure that by a clock that
nobody sets: a unit whose time of day jumps must not accept what the other one deletes.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterator

from charmhelpers.core import hookenv
from charms.layer import basic, context
from registry.formats import names
from registry.formats.relations import LONGEST, MARGIN, Peer, is_in_force, unit_number
from registry.machine.engine import Engine
from registry.message import Message, alone
from registry.release.release import Release

FOLLOWED = "followed"
"""Name of the record on the machine: unit to the request that this one follows, and since when by its uptime."""
RECORD = "collection"
"""Name of the record on the machine: when it was requested, until when, and whether it was begun."""
PATIENCE = 1800
"""Seconds for which a request waits for the next run of the action."""

BUSY = Message("{unit} collects garbage in the same object store", "Run the action again when it has ended")
"""One unit collects at a time. If that unit was lost, remove it, or wait half a day."""
AWAITED = Message("Units that share the object store still accept pushes: {units}", "Run the action again in a minute")
"""They become read-only, and confirm it. Remove a unit that is lost. The clocks of all machines have to agree."""


def read_request() -> int:
    """Return until when this unit requests its peers to refuse pushes, in seconds since 1970; 0: it does not."""
    record = context.machine.records.load(RECORD)
    waits = not record.get("begun") and 0 <= time.time() - record.get("made", 0) < PATIENCE
    return int(record.get("until", 0)) if waits else 0


def follow(peers: tuple[Peer, ...]) -> dict[str, int]:
    """Return the *peers* that request this unit to refuse pushes, with the time until which they do.

    A request that was in force once stays so until it is withdrawn, or for as long as a collection takes by the
    machine's uptime: after a reboot for longer. Raises OSError.
    """
    records, uptime = context.machine.records, time.clock_gettime(time.CLOCK_BOOTTIME)
    known = records.load(FOLLOWED)
    followed = {}
    for peer in peers:
        until, since = known.get(peer.unit, (0, uptime))
        if not until or until != peer.read_only_until:
            counts, since = is_in_force(peer.read_only_until, time.time()), uptime
        else:
            since = min(since, uptime)  # less than before after a reboot
            counts = uptime - since < LONGEST + MARGIN
        if counts:
            followed[peer.unit] = [peer.read_only_until, since]
    if followed != known:
        with contextlib.suppress(OSError):  # of a full disk: then the time of day decides
            records.save(FOLLOWED, followed)
    return {unit: until for unit, (until, _) in followed.items()}


@contextlib.contextmanager
def alone_in(release: Release) -> Iterator[float]:
    """Have no other unit write to the store of *release* in the body, and give the time by which it has to end.

    That is one of `time.monotonic`. Raises ActionFailed while another unit does, or may.
    """
    peers = context.endpoint("peer").peers() if release.is_shared else ()
    until = _require_read_only(peers) if peers else 0
    records = context.machine.records
    records.save(RECORD, {"begun": True})  # a hook that finds this knows that the action was killed
    try:
        yield time.monotonic() + until - time.time() - MARGIN if until else math.inf
        records.remove(RECORD)
    finally:
        if peers:
            basic.run_handlers()  # which withdraw the request, once nothing is deleted any more


def require_writable() -> None:
    """Raise ActionFailed while another unit collects garbage in the store that all share."""
    if context.machine.records.load(RECORD).get("begun"):
        return  # it is this unit that does
    for unit in follow(context.endpoint("peer").peers()):
        raise basic.ActionFailed(alone(BUSY(unit=unit)))


def _require_read_only(peers: tuple[Peer, ...]) -> int:
    """Return until when all *peers* refuse pushes. Raises ActionFailed while one does not."""
    now, unit, until = time.time(), hookenv.local_unit(), read_request()
    for other, end in follow(peers).items():
        if not until or (end, unit_number(other)) < (until, unit_number(unit)):
            raise basic.ActionFailed(alone(BUSY(unit=other)))
    if not until:
        until = int(now + LONGEST)
        context.machine.records.save(RECORD, {"made": now, "until": until})
    missing = [peer.unit for peer in peers if peer.refuses_pushes.get(unit) != until]
    if missing:
        basic.run_handlers()  # which publish the request
        raise basic.ActionFailed(alone(AWAITED(units=", ".join(missing))))
    return until


def end_interrupted(docker: Engine) -> None:
    """End a collection whose action was killed: its container would delete what is pushed from now on."""
    records = context.machine.records
    if records.load(RECORD).get("begun"):
        docker.remove(names.MAINTENANCE)
        records.remove(RECORD)
