"""As whom the registry runs: a user of its own, where the files of the images can be that user's, else root.

What keeps it root is a line in the log, and no problem: it is safe enough as before.
"""

from __future__ import annotations

import contextlib
import dataclasses
import time

from charmhelpers.core import hookenv
from charms.layer import context
from charms.layer.context import Now
from registry.deployment.health import NotServing
from registry.machine.ownership import Unsuitable, Walk
from registry.plan.disk import LOCAL
from registry.plan.facts import Facts
from registry.plan.ownership import STORE, Ownership, served_by
from registry.release.release import Release

RECORD = "ownership"
"""Name of the record of the files' owner."""
SECONDS = 10
"""How long one hook goes through the files: some hundred thousand of them; then Juju's lock is free again."""


def settled(now: Now, known: Facts, *, shared: bool | None = None) -> Facts:
    """Return *known* with the user as which the registry can run; its files become that user's, as far as needed.

    *shared*: the images are to be in an object store; without it, where the options request them. Raises OSError.
    """
    shared = now.options.storage.is_shared if shared is None else shared
    user = context.machine.ownership.read_user()
    place = STORE if shared else known.data_folder
    facts = dataclasses.replace(known, user=user if user and _is_allowed(known, place) else "")
    share_users(facts)
    return facts


def share_users(facts: Facts) -> None:
    """Let the group of the running container, else that of the next one, read the file of users. Raises OSError."""
    groups = [facts.current.container.group] if facts.current else []
    if facts.user:
        groups.append(int(facts.user.partition(":")[2]))
    context.machine.credentials.share_users(next((one for one in groups if one is not None), None))


def _is_allowed(facts: Facts, place: str) -> bool:
    """Tell whether the user can serve the images of the *place*, after a part of the pass if one is due."""
    machine, now = context.machine, time.time()
    before = Ownership.from_json(machine.records.load(RECORD))
    present = Ownership(place, served_by(facts, place))
    retry = hookenv.hook_name() in ("start", "upgrade-charm")
    if place == STORE:
        # A user that could not serve it is tried again when files would be looked through again.
        due = before.next(present, now, is_owner=True, retry=retry)
        return present.served_by == "user" or not before.problem or due is not None
    if place == LOCAL and not facts.disk.lost:
        machine.folders.ensure(LOCAL)
    if facts.disk.lost or facts.disk.is_hidden or not machine.folders.is_there(place):
        return present.served_by == "user"
    try:
        is_owner = machine.ownership.is_owner(place)
        due = before.next(present, now, is_owner=is_owner, retry=retry)
        if due is not None:
            before = _continue(due)
            is_owner = machine.ownership.is_owner(place)
    except OSError as error:  # of the disk, which says nothing about the owner: who serves goes on
        hookenv.log(f"The owner of {place} is unknown: {error.strerror or error}.", level=hookenv.WARNING)
        return present.served_by == "user"
    return before.allows_user(is_owner=is_owner)


def _continue(due: Ownership) -> Ownership:
    """Continue a pass; save how far it came, and return it. Raises OSError."""
    machine, walk = context.machine, Walk(due.cursor, has_rules=due.has_rules)
    try:
        with machine.deadline.suspended():
            walk = machine.ownership.advance(due.place, walk, SECONDS)
        problem = ""
        if due.served_by == "root" and not walk.has_rules:
            problem = "the file system has no access rules (ACL)"
    except Unsuitable as error:
        problem = str(error)
    except OSError as error:
        problem = error.strerror or str(error)
    known = dataclasses.replace(
        due,
        cursor=walk.cursor,
        is_complete=walk.is_complete,
        has_rules=walk.has_rules,
        problem=problem,
        ended=time.time(),
    )
    _save(known)
    return known


def _save(known: Ownership) -> None:
    records = context.machine.records
    if known.problem and records.load(RECORD).get("problem") != known.problem:
        hookenv.log(f"The registry runs as root: {known.place}: {known.problem}.")
    with contextlib.suppress(OSError):  # a full disk: the next hook does it again, and all else is done in this one
        records.save(RECORD, known.to_json())


def may_need_root(release: Release, current: Release | None, error: NotServing) -> bool:
    """Tell whether the user may be why a *release* did not serve as that: no other cause is known.

    What is *current* does not serve the same folder with the same image as the user.
    """
    if not release.container.user or error.option or error.is_chance:
        return False
    if current is None or not current.container.user:
        return True
    return (current.data_folder, current.container.image_id) != (release.data_folder, release.container.image_id)


def needs_root(release: Release, error: NotServing) -> None:
    """Record that a *release* did not serve as the user, and did as root right afterwards. Raises OSError."""
    place, words = release.data_folder or STORE, str(error.sentence).rstrip(".")
    _save(Ownership(place, "root", problem=words, ended=time.time(), interrupted=error.interrupted))


def as_root(release: Release) -> Release:
    """Return *release* as root runs it."""
    return dataclasses.replace(release, container=dataclasses.replace(release.container, user=""))


def forget() -> None:
    """Forget whose the files are, so that they are looked through again. Raises OSError."""
    context.machine.records.remove(RECORD)
