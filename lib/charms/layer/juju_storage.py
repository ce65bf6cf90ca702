"""Juju's storage for the images: attaching and detaching."""

from __future__ import annotations

import dataclasses
import os

from charmhelpers.core import unitdata
from charms.layer import context, database
from registry.deployment.candidate import PROBE_REPOSITORY
from registry.formats.inspection import DIGEST_LABEL, Container
from registry.plan.disk import LOCAL, Disk, Storage, marker
from registry.release.configuration import DATA_FOLDER
from registry.release.release import Release

STORAGE = "docker-registry.storage"
"""Key in unitdata: the Storage that Juju attached last."""


RECORD = "disk"
"""Name of the record of the folder of the images, and of the marker of the disk on which they are."""


def read() -> Storage | None:
    """Return the storage that Juju attached last."""
    known = unitdata.kv().get(STORAGE)
    return Storage(**known) if known else None


def read_disk(current: Release | None, container: Container | None, *, on_disk: bool) -> Disk:
    """Return the disks for images: that storage, and the machine's own. Raises OSError.

    *container* is that of the *current* release. With *on_disk*, the operator accepts what is there now.
    """
    storage, folders = read(), context.machine.folders
    disk = Disk()
    if storage is not None:
        there, local = (folders.has_images(one, PROBE_REPOSITORY) for one in (storage.folder, LOCAL))
        disk = Disk(storage, folders.is_there(storage.folder), there, local)
    before = current.data_folder if current else None
    folder = disk.folder(before, on_disk=on_disk)
    running = container is not None and container.is_running and before
    return dataclasses.replace(
        disk,
        marker=marker(folder, folders.mount_point(folder)),
        lost="" if on_disk else find_lost(current),
        is_hidden=bool(running and container and folders.is_hidden(before or "", container.pid, DATA_FOLDER)),
    )


def find_lost(current: Release | None) -> str:
    """Return the folder of the images of the *current* release if it is not on their disk, else "". Raises OSError."""
    machine, folder = context.machine, current.data_folder if current else None
    known = machine.records.load(RECORD)
    if folder is None or known.get("folder") != folder or machine.folders.is_there(f"{folder}/{known['marker']}"):
        return ""
    return folder


def ensure_marker(folder: str, disk: Disk) -> None:
    """Create the marker on the disk with the images in *folder*. Raises OSError."""
    context.machine.folders.ensure(f"{folder}/{disk.marker}")


def record_disk(folder: str, disk: Disk) -> None:
    """Record the disk of a registry that serves the images in *folder*. Raises OSError."""
    known = {"folder": folder, "marker": disk.marker}
    if not disk.lost and not disk.is_hidden and context.machine.records.load(RECORD) != known:
        ensure_marker(folder, disk)
        context.machine.records.save(RECORD, known)


def attach() -> None:
    """Create a folder for images on the storage that Juju attached before this hook.

    Raises RuntimeError where that is not possible, or cannot be recorded: Juju has to repeat the hook.
    """
    storage = Storage(os.environ["JUJU_STORAGE_ID"], os.environ["JUJU_STORAGE_LOCATION"])
    before, machine = read(), context.machine
    try:
        machine.folders.ensure(storage.folder)
    except OSError as error:  # that of a full or read-only disk would be a status only
        raise RuntimeError(f"the folder {storage.folder} cannot be created: {error}") from error
    if before is not None and before.id != storage.id and machine.records.load(RECORD).get("folder") == storage.folder:
        machine.records.remove(RECORD)  # the operator attached another one in its place
    _save(storage)


def detach() -> None:
    """Stop the registry if its images are on the storage that Juju detaches after this hook.

    Raises EngineError where it cannot be stopped: the hook must fail then, so that Juju does not detach it from a
    running container.
    """
    storage, machine = read(), context.machine
    if storage is None:
        return
    _save(dataclasses.replace(storage, attached=False))
    current = machine.store.current()
    is_used = current is None or current.data_folder == storage.folder or machine.store.unfinished_switch()
    if not is_used or not machine.docker_packages.has_docker():
        return
    docker = machine.connect()
    for name in docker.labelled(DIGEST_LABEL):
        container = docker.inspect(name)
        if container is not None and container.is_ours and storage.folder in container.sources:
            docker.stop(name)


def _save(storage: Storage) -> None:
    """Record the storage, even if this hook fails later: a release may use it by then."""
    unitdata.kv().set(STORAGE, dataclasses.asdict(storage))
    unitdata.kv().flush()
    if error := unitdata.kv().error:
        # No other hook says it again: Juju has to repeat this one.
        raise RuntimeError(database.not_saved(error))
