"""Where the images are on the machine: on its own disk, or on storage that Juju attaches to the unit."""

from __future__ import annotations

import dataclasses

NAME = "registry-data"
"""The storage in metadata.yaml."""
LOCAL = "/srv/registry"
"""Folder of the machine's own disk; the predecessor's, so that a refresh finds the images again."""


@dataclasses.dataclass(frozen=True)
class Storage:
    """Storage that Juju has attached, or had."""

    id: str
    """Juju's name for it, e.g. ``registry-data/0``."""
    location: str
    """Where it is mounted."""
    attached: bool = True

    @property
    def folder(self) -> str:
        """Folder for the images, made when it is attached: where it is not, nothing is mounted."""
        return f"{self.location}/registry"


@dataclasses.dataclass(frozen=True)
class Disk:
    """What there is on the machine."""

    storage: Storage | None = None
    """The last one; None where there never was any."""
    is_mounted: bool = False
    """There is the storage's folder."""
    has_images: bool = False
    """There are images in it."""
    local_has_images: bool = False
    """There are images on the machine's own disk."""

    @property
    def attached(self) -> Storage | None:
        """The storage that is attached now."""
        return self.storage if self.storage and self.storage.attached else None

    def folder(self, before: str | None, *, on_disk: bool) -> str:
        """Return where images shall be. *before*: where those of the registry in force are, if they are on the machine.

        No images are left behind unless they are copied or the operator says so: *on_disk*, after the storage has gone.
        """
        if self.attached is None:
            return LOCAL if on_disk else before or LOCAL
        if not self.is_mounted:
            return before or self.attached.folder  # what is on it cannot be told yet
        stays = before != self.attached.folder and self.local_has_images and not self.has_images
        return LOCAL if stays else self.attached.folder

    def away(self, folder: str | None, unit: str) -> str:
        """Return a sentence if *folder* is on storage that is not there, "" if it is or if there is no such folder."""
        if folder in (None, LOCAL):
            return ""
        if self.attached is None:
            storage = self.storage.id if self.storage else NAME
            return (
                f"{storage} is detached, and the registry stopped: `juju attach-storage {unit} {storage}` brings it "
                f"back, `juju run {unit} start` serves from this unit's disk ({LOCAL})."
            )
        if folder == self.attached.folder and not self.is_mounted:
            return f"{self.attached.id} is not mounted: there is no folder {folder}. The registry starts once there is."
        return ""

    def unused(self, folder: str, unit: str) -> str:
        """Return a sentence if storage is attached and *folder* is not on it: how to move the images there."""
        if self.attached is None or folder == self.attached.folder:
            return ""
        if not self.is_mounted:  # a copy would go to the machine's own disk
            return f"{self.attached.id} is not used: it is not mounted."
        app, draft = unit.partition("/")[0], f"{self.attached.location}/.new"
        # By a name of its own, so that no hook finds half a copy; what an empty registry left there steps aside.
        move = f"sudo cp -aT {folder} {draft} && sync && sudo mv -T --backup=t {draft} {self.attached.folder}"
        return (
            f"{self.attached.id} is not used: it has no images, and {folder} has. To move them: "
            f"`juju config {app} storage-read-only=true`, `juju ssh {unit} '{move}'`, "
            f"`juju config {app} --reset storage-read-only`."
        )


def whereabouts(folder: str | None, storage: Storage | None) -> str:
    """Return the words for what keeps the images of *folder*, None being none of the machine's."""
    if folder is None:
        return "the object store"
    return folder if folder == LOCAL else f"the storage {storage.id if storage else NAME}"
