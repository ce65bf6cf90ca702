"""The images in a backup."""

from __future__ import annotations

from typing import IO

from charms.layer import basic, content
from registry.client.content import Content
from registry.client.layout_writer import LayoutWriter
from registry.client.transfer import Copier
from registry.deployment import backup
from registry.images.inventory import subject_of
from registry.images.listing import human
from registry.machine.encryption import Cipher
from registry.message import Message, alone

from actions import progress
from actions.export_images import export
from actions.import_images import Imports
from actions.outcomes import Outcomes
from actions.results import Results, report

IS_CACHE = Message("The registry is a cache of {upstream}", "Run it without images: a cache fetches them again")
"""A pull-through cache has no images of its own."""


def require_own() -> None:
    """Raise ActionFailed where the registry has no images of its own."""
    upstream = content.current().upstream
    if upstream is not None:
        raise basic.ActionFailed(alone(IS_CACHE(upstream=upstream)))


def write(stream: IO[bytes]) -> tuple[Outcomes, Results]:
    """Write all images, tagged or not, to the tar archive on *stream*; return the results. Raises as `content`."""
    with content.opened() as registry, report(".txt") as text, report(".json") as data:
        outcomes, writer = Outcomes(text, data), LayoutWriter(stream)
        copier = Copier(registry, writer)
        with progress.reported(lambda: f"{outcomes.images} images, {human(copier.tally.bytes)} so far"):
            untagged = content.manifests(wanted=True)
            for name in registry.repositories():
                _write(registry, writer, copier, name, untagged.manifests.get(name, ()), outcomes)
            writer.close()
        problem = {"untagged": untagged.problem} if untagged.problem else {}
        return outcomes, {**outcomes.results(), **problem}


def _write(
    registry: Content, writer: LayoutWriter, copier: Copier, name: str, digests: tuple[str, ...], outcomes: Outcomes
) -> None:
    """Write a repository: its tags, dependents that did not come with an image, and manifests that came with none."""
    for tag in sorted(registry.tags(name), key=lambda tag: subject_of(tag) is not None):
        if not writer.has_name(name, tag):
            export(registry, writer, copier, name, tag, outcomes)
    for digest in digests:
        if not writer.has_manifest(name, digest, digest):
            export(registry, writer, copier, name, digest, outcomes)


def read(path: str, cipher: Cipher | None) -> tuple[Outcomes, Results]:
    """Copy the images in the backup at *path* to the registry; return the results. Raises as `content`, BadBackup."""
    with (
        backup.images(path, cipher) as reader,
        content.opened(pushes=True) as registry,
        report(".txt") as text,
        report(".json") as data,
    ):
        done = Imports(reader, registry, "", Outcomes(text, data))
        with progress.reported(done.progress):
            return done.outcomes, done.carry_out(reader.images, dry_run=False)
