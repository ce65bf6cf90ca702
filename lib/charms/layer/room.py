"""Room on the disks: what stays free of that with the images, and reserves that make room for what a full one needs.

One is on the disk with the images, one on that with the charm's own files where it is another.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from charmhelpers.core import hookenv
from charms.layer import context
from registry.message import Fault
from registry.options.floor import Space
from registry.plan.decision import Plan
from registry.plan.disk import Disk
from registry.plan.facts import Facts
from registry.plan.problems import DISK_LOW
from registry.release.release import Release

RECORD = "room"
"""Name of the record of the folder of the images, and whether their disk was low when it was seen last."""


class NoRoom(Fault):
    """The disk with the images is low."""


def read(current: Release | None, disk: Disk) -> Space | None:
    """Return the room on the disk with the images of the *current* release; None where that is not there."""
    folder = current.data_folder if current else None
    return None if folder is None or folder == disk.lost else context.machine.folders.read_space(folder)


def read_low(current: Release | None) -> bool | None:
    """Tell whether the disk with the images of the *current* release was low when it was seen last. Raises OSError."""
    record = context.machine.records.load(RECORD)
    return record.get("low") if current and record.get("folder") == current.data_folder else None


def record(current: Release | None, plan: Plan) -> None:
    """Record whether the disk with the images is low. On a full disk that is seen again in the next hook."""
    known, before = {"folder": current and current.data_folder, "low": plan.low}, context.machine.records.load(RECORD)
    if plan.low is None or known == before:
        return
    if before.get("folder") not in (None, known["folder"]):  # a hook was killed: `ensure_reserve` has to know it
        return
    with contextlib.suppress(OSError):
        context.machine.records.save(RECORD, known)


def ensure_reserve(current: Release, facts: Facts) -> None:
    """Create the reserve on the disk of a registry that serves, where there is room for it; remove any other."""
    folder, machine = current.data_folder, context.machine
    before = machine.records.load(RECORD).get("folder")
    if before and before != folder:
        machine.folders.remove_reserve(before)
        machine.records.remove(RECORD)
    if own := _own_folder():
        _ensure_own(own)
    else:
        machine.folders.remove_reserve(machine.records.folder)
    space = read(current, facts.disk)
    if folder is None or space is None or folder != facts.data_folder or facts.disk.lost or facts.disk.is_hidden:
        return
    folders, floor = machine.folders, context.now.options.storage.floor
    if not folders.has_reserve(folder, space.reserve) and floor.has_room_for_reserve(space):
        _create(folder, space.reserve)


def _ensure_own(folder: str) -> None:
    """Create the reserve for the charm's own files, where there is room for it twice."""
    folders = context.machine.folders
    space = folders.read_space(folder)
    if space and space.has_room_for_reserve and not folders.has_reserve(folder, space.reserve):
        _create(folder, space.reserve)


@contextlib.contextmanager
def made(*, always: bool = True) -> Iterator[None]:
    """Do without the reserves in the body: that of the images *always* or where the disk is nearly full.

    What the body writes may be on the same disk. A crash leaves it to the next hook that finds room for it.
    """
    with contextlib.ExitStack() as stack:
        if own := _own_folder():
            stack.enter_context(_made(own, _own_folder, always=False))
        if images := _folder():
            stack.enter_context(_made(images, _folder, always=always))
        yield


@contextlib.contextmanager
def _made(folder: str, current: Callable[[], str | None], *, always: bool) -> Iterator[None]:
    """Do without the reserve in the *folder*; afterwards it comes back if the folder is the *current* one."""
    folders = context.machine.folders
    space = folders.read_space(folder)
    size = folders.remove_reserve(folder) if space and (always or space.is_full) else 0
    try:
        yield
    finally:
        rest = folders.read_space(folder) if size and folder == current() else None
        if rest and not folders.has_reserve(folder, size):
            _create(folder, min(size, rest.left))  # the body may have written to the disk


def _own_folder() -> str | None:
    """Return the folder of the charm's own files while a release is current; None if it shares the images' disk."""
    own, current = context.machine.records.folder, context.machine.store.current()
    images = current.data_folder if current else None
    is_apart = images is None or not context.machine.folders.share_disk(own, images)
    return own if current and is_apart else None


def _folder() -> str | None:
    current = context.machine.store.current()
    return current.data_folder if current else None


def require() -> None:
    """Raise NoRoom where a push would go to a disk that is low."""
    current, folder = context.machine.store.current(), _folder()
    space = context.machine.folders.read_space(folder) if folder else None
    if space and context.now.options.low(space, read_low(current)):
        raise NoRoom(DISK_LOW(free=space.words()))


def remove() -> None:
    """Remove the reserves. Raises OSError."""
    records = context.machine.records
    for folder in (_folder(), records.load(RECORD).get("folder"), records.folder):
        if folder:
            context.machine.folders.remove_reserve(folder)


def _create(folder: str, size: int) -> None:
    try:
        context.machine.folders.create_reserve(folder, size)
    except OSError as error:
        hookenv.log(f"The reserve in {folder} cannot be created: {error.strerror}.", level=hookenv.WARNING)
