"""Where the images are on the machine: on its own disk, or on storage that Juju attaches to the unit."""

from __future__ import annotations

import dataclasses
import hashlib

from registry.message import Message, Sentence, alone

NAME = "registry-data"
"""The storage in metadata.yaml."""
LOCAL = "/srv/registry"
"""Folder of the machine's own disk; the predecessor's, so that a refresh finds the images again."""

MARKER = "docker-registry-disk-"
"""Beginning of the name of a folder, beside the images, that exists on their disk only."""

DETACHED = Message(
    "Storage {storage} is detached, so the registry is stopped",
    "Run `juju attach-storage {unit} {storage}`, or `juju run {unit} start` to serve from the unit's disk ({folder})",
)
"""The images are on Juju storage that was detached. Nothing else is served without the operator's consent."""

UNMOUNTED = Message(
    "Storage {storage} is not mounted: there is no folder {folder}",
    "Mount it on the machine; the registry then starts automatically",
)
"""The machine has not mounted the storage with the images, for example after a reboot."""

MISSING = Message(
    "The disk with the images is not mounted at {folder}, so the registry is stopped",
    "Mount it; the registry then starts automatically. Or run `juju run {unit} start` to serve without those images",
)
"""The folder of the images is there, but it is not on the disk on which they were, for example after a reboot."""

HIDDEN = Message(
    "The disk with the images is no longer mounted at {folder}; the registry uses it until it is stopped",
    "Mount it again, or copy the images to what is there now",
)
"""Another disk was mounted over the folder of the images, or theirs was unmounted, while the registry ran."""

UNUSED_UNMOUNTED = Message("Storage {storage} is not used, because it is not mounted", "Mount it on the machine")
"""Storage is attached, the images are on the unit's own disk, and the storage has no folder yet."""

UNUSED = Message(
    "Storage {storage} is not used: it has no images, and {folder} has",
    "To move them: `juju config {app} storage-read-only=true`, `juju ssh {unit} '{command}'`, "
    "`juju config {app} --reset storage-read-only`",
)
"""Storage was attached to a unit that already has images on its own disk. They are not hidden by an empty folder."""


@dataclasses.dataclass(frozen=True)
class Storage:
    """Storage that Juju has attached, or had."""

    id: str
    """Juju's name for it, e.g. ``registry-data/0``."""
    location: str
    """Its mount point."""
    attached: bool = True

    @property
    def folder(self) -> str:
        """Folder for the images, created when it is attached: where it does not exist, nothing is mounted."""
        return f"{self.location}/registry"


@dataclasses.dataclass(frozen=True)
class Disk:
    """The disks of the machine."""

    storage: Storage | None = None
    """The last one; None where there was never any."""
    is_mounted: bool = False
    """The storage's folder exists."""
    has_images: bool = False
    """There are images in it."""
    local_has_images: bool = False
    """There are images on the machine's own disk."""
    marker: str = ""
    """Name of a folder, in that of the images, which exists on their disk only; "" where that is of no interest."""
    lost: str = ""
    """The folder of the images, while it is not on the disk on which they were: the marker is not there."""
    is_hidden: bool = False
    """The running container has another disk than the one that is mounted at the folder of the images now."""

    @property
    def attached(self) -> Storage | None:
        """The storage that is attached now."""
        return self.storage if self.storage and self.storage.attached else None

    def folder(self, before: str | None, *, on_disk: bool) -> str:
        """Return the folder for the images. *before*: that of the current release, if they are on the machine.

        No images are left behind unless they are copied or the operator requests it: *on_disk*, after the storage was
        detached.
        """
        if self.attached is None:
            return LOCAL if on_disk else before or LOCAL
        if not self.is_mounted:
            return before or self.attached.folder  # its content is unknown
        stays = before != self.attached.folder and self.local_has_images and not self.has_images
        return LOCAL if stays else self.attached.folder

    def unavailable(self, folder: str | None, unit: str) -> Sentence | None:
        """Say so if *folder* is on storage that is unavailable."""
        if folder is None:
            return None
        if folder == LOCAL:
            return self._missing(folder, unit)
        if self.attached is None:
            storage = self.storage.id if self.storage else NAME
            return alone(DETACHED(storage=storage, unit=unit, folder=LOCAL))
        if folder == self.attached.folder and not self.is_mounted:
            return alone(UNMOUNTED(storage=self.attached.id, folder=folder))
        return self._missing(folder, unit)

    def _missing(self, folder: str, unit: str) -> Sentence | None:
        return alone(MISSING(folder=folder, unit=unit)) if folder == self.lost else None

    def unused(self, folder: str, unit: str) -> Sentence | None:
        """Say so if storage is attached and *folder* is not on it, with the commands that move the images there."""
        if self.attached is None or folder == self.attached.folder:
            return None
        if not self.is_mounted:  # a copy would go to the machine's own disk
            return alone(UNUSED_UNMOUNTED(storage=self.attached.id))
        app, draft = unit.partition("/")[0], f"{self.attached.location}/.new"
        # Under a temporary name, so that no hook sees half a copy; mv keeps a backup of an empty registry's folder.
        # Modes include the access rules that the folders have, and with those cp fails where there are none, as on NFS.
        copy = f"sudo cp -aT --no-preserve=mode {folder} {draft}"
        move = f"{copy} && sync && sudo mv -T --backup=t {draft} {self.attached.folder}"
        return alone(UNUSED(storage=self.attached.id, folder=folder, app=app, unit=unit, command=move))


def marker(folder: str, mount_point: str) -> str:
    """Return the marker for a disk that is mounted at *mount_point* and has the images in *folder*.

    A folder that was copied to a disk of its own, below which the original stayed, gets a marker that the original
    does not have. The name has no dot in front: `rm -rf folder/*` and `cp folder/*` take the marker along.
    """
    return f"{MARKER}{hashlib.sha256(f'{folder} {mount_point}'.encode()).hexdigest()[:8]}"


def whereabouts(folder: str | None, storage: Storage | None) -> str:
    """Return words for the place of the images in *folder*; None is none of the machine."""
    if folder is None:
        return "the object store"
    return folder if folder == LOCAL else f"the storage {storage.id if storage else NAME}"
