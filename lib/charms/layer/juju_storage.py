"""Juju's storage for the images: attaching and detaching."""

from __future__ import annotations

import dataclasses
import os

from charmhelpers.core import unitdata
from charms.layer import context
from registry.deployment.candidate import PROBE_REPOSITORY
from registry.formats.inspection import DIGEST_LABEL
from registry.plan.disk import LOCAL, Disk, Storage

STORAGE = "docker-registry.storage"
"""Key in unitdata: the Storage that Juju attached last."""


def read() -> Storage | None:
    """Return the storage that Juju attached last."""
    known = unitdata.kv().get(STORAGE)
    return Storage(**known) if known else None


def read_disk() -> Disk:
    """Return the disks for images: that storage, and the machine's own. Raises OSError."""
    storage, folders = read(), context.machine.folders
    if storage is None:
        return Disk()
    has_images = (folders.has_images(one, PROBE_REPOSITORY) for one in (storage.folder, LOCAL))
    return Disk(storage, folders.is_there(storage.folder), *has_images)


def attach() -> None:
    """Create a folder for images on the storage that Juju attached before this hook. Raises OSError."""
    storage = Storage(os.environ["JUJU_STORAGE_ID"], os.environ["JUJU_STORAGE_LOCATION"])
    context.machine.folders.ensure(storage.folder)
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
