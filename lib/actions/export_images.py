"""The action export: images of the registry, with all that belongs to them, in one archive."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator, Sequence
from typing import Any

from charms.layer import basic, content
from registry.client.content import Content
from registry.client.http import ApiError
from registry.client.layout_writer import LayoutWriter, read_list, written
from registry.client.transfer import Copier
from registry.images.inventory import subject_of
from registry.images.listing import human
from registry.images.manifest import BadManifest
from registry.images.selection import Selection, selections
from registry.message import Message, about

from actions import arguments, progress
from actions.delete_image import NOTHING
from actions.outcomes import COPIED, SKIPPED, Outcomes
from actions.results import Results, report

BAD_NAME = Message("{file!r} is not the path of an archive", "Use one such as /srv/images.tar, .tar.gz or .tar.zst")
"""The path is not absolute, its folder does not exist, or it ends in something else."""
EXISTS = Message("{file} exists", "Use another name, or remove the file first")
"""There is a file with this name; an archive is never overwritten."""

ENDINGS = (".tar", ".tar.gz", ".tgz", ".tar.zst")


def export_images(params: dict[str, Any]) -> Results:
    """Write images to an archive on the unit."""
    with arguments.of("images"):
        chosen = selections(params["images"])
    with arguments.of("since"):
        known = read_list(pathlib.Path(params["since"])) if params["since"] else frozenset[str]()
    path = _path(params["file"])
    with (
        content.opened() as registry,
        report(".txt") as text,
        report(".json") as data,
        written(path, known) as writer,
    ):
        outcomes, copier = Outcomes(text, data), Copier(registry, writer)
        with progress.reported(lambda: f"{outcomes.images} images, {human(copier.tally.bytes)} so far"):
            for name, reference in _selected(registry, chosen):
                export(registry, writer, copier, name, reference, outcomes)
        if not outcomes.images:
            raise basic.ActionFailed(about("images", NOTHING()))
        results = outcomes.results()
    about_file = {"file": str(path), "list": f"{path}.list", "file-size": human(path.stat().st_size)}
    return outcomes.require_all({**about_file, **results})


def _path(text: str) -> pathlib.Path:
    """Return the path of the archive. Raises ActionFailed."""
    path = pathlib.Path(text)
    if not path.is_absolute() or not path.name.endswith(ENDINGS) or not path.parent.is_dir():
        raise basic.ActionFailed(about("file", BAD_NAME(file=text)))
    if path.exists() or path.is_symlink():
        raise basic.ActionFailed(about("file", EXISTS(file=path)))
    return path


def _selected(registry: Content, chosen: Sequence[Selection]) -> Iterator[tuple[str, str]]:
    """Yield repository and tag, or digest, of each selected image. Raises ApiError."""
    for name in registry.repositories():
        if any(one.matches(name) for one in chosen):
            tags = [tag for tag in registry.tags(name) if subject_of(tag) is None]
            digests = [digest for one in chosen for digest in one.digests(name)]
            yield from ((name, tag) for tag in dict.fromkeys(_tags(registry, chosen, name, tags)))
            yield from ((name, one) for one in digests if registry.has_manifest(name, one, one))


def _tags(registry: Content, chosen: Sequence[Selection], name: str, tags: Sequence[str]) -> Iterator[str]:
    """Yield the selected *tags*; where a digest is given too, only those that have it. Raises ApiError."""
    for one in chosen:
        for tag in one.tags(name, dict.fromkeys(tags, one.digest)):
            if not one.digest or registry.has_manifest(name, tag, one.digest):
                yield tag


def export(
    registry: Content, writer: LayoutWriter, copier: Copier, name: str, reference: str, outcomes: Outcomes
) -> None:
    """Write one image, and its outcome. Raises ApiError where the registry itself has failed."""
    is_tag, before, size = ":" not in reference, copier.tally.images, copier.tally.bytes
    image = f"{name}{':' if is_tag else '@'}{reference}"
    try:
        digest = copier.copy(name, reference, name, [reference] if is_tag else ())
        is_new = copier.tally.images > before
        document = registry.document(name, digest) if is_new and not is_tag else None
        if document is not None:
            writer.name(name, digest, document)
        outcomes.add(image, COPIED if is_new else SKIPPED, digest, size=copier.tally.bytes - size)
    except (ApiError, BadManifest) as error:
        outcomes.fail(image, "", error, copier.tally.bytes - size)
