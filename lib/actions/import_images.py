"""The action import: images of an archive into the registry."""

from __future__ import annotations

import contextlib
import pathlib
from collections.abc import Iterator, Sequence
from typing import Any

from charmhelpers.core import hookenv
from charms.layer import basic, content, room
from registry.client.archive import BadArchive
from registry.client.content import Content
from registry.client.http import ApiError
from registry.client.layout_reader import LayoutReader
from registry.client.space import plain
from registry.client.transfer import Damaged
from registry.client.unloading import Unloading
from registry.images.archived import Image, parsed
from registry.images.inventory import subject_of
from registry.images.listing import human
from registry.images.manifest import BadManifest
from registry.images.selection import selections
from registry.message import Message, about, alone

from actions import arguments, progress
from actions.outcomes import COPIED, MISSING, SKIPPED, Outcomes
from actions.push import IS_CACHE
from actions.results import Results, report

NO_ARCHIVE = Message("No archive is named, and the resource images is empty", "Set file=PATH, or attach the resource")
"""There is nothing to import from."""
BAD_ARCHIVE = Message(
    "{file} is not an archive of images ({error})", "Use an OCI layout or the output of `docker save`"
)
"""The file is something else, is damaged or ends early."""
BAD_PREFIX = Message("{prefix!r} cannot be the beginning of a repository", "Use lower case, for example mirror/team")
"""The repository would have a name that registries refuse."""
EMPTY = Message("{file} contains no image", "Check how it was made")
"""The archive's index is empty."""
NOTHING = Message("no image in the archive matches", "Use dry-run=true to list its images")
"""None of the selected images is in the archive."""

RESOURCE = "images"
NO_NAME = "it has no name in the archive. Save it as REPOSITORY:TAG, not by its ID or by a tag alone"
SAME_NAME = "another image of the archive is {name} here too"


def import_images(params: dict[str, Any]) -> Results:
    """Copy images from an archive on the unit to the registry."""
    with arguments.of("images"):
        chosen = selections(params["images"]) if params["images"] else ()
    with arguments.of("file"):
        path = _path(params["file"])
    prefix, release = _prefix(params["prefix"]), content.current()
    if release.upstream is not None:
        raise basic.ActionFailed(alone(IS_CACHE(upstream=release.upstream)))
    with _reading(path) as reader:
        images = [image for image in reader.images if image.is_selected(chosen)]
        if not reader.images:
            raise basic.ActionFailed(alone(EMPTY(file=path)))
        if not images:
            raise basic.ActionFailed(about("images", NOTHING()))
        pushes = not params["dry-run"]
        with content.opened(pushes=pushes) as registry, report(".txt") as text, report(".json") as data:
            done = Imports(reader, registry, prefix, Outcomes(text, data))
            with progress.reported(done.progress):
                results = done.carry_out(images, dry_run=params["dry-run"])
    return done.outcomes.require_all({"dry-run": str(params["dry-run"]).lower(), **results})


class Imports:
    """The images that are copied from an archive."""

    def __init__(self, reader: LayoutReader, registry: Content, prefix: str, outcomes: Outcomes) -> None:
        self.outcomes = outcomes
        self._prefix = prefix
        self._unloading = Unloading(reader, registry)
        self._digests: set[str] = set()
        self._names: dict[tuple[str, str], str] = {}
        """Repository and tag here to the digest in the archive."""

    def progress(self) -> str:
        """Return a line about how far `carry_out` is."""
        return f"{self.outcomes.images} images, {human(self._unloading.tally.bytes)} so far"

    def carry_out(self, images: Sequence[Image], *, dry_run: bool) -> Results:
        """Copy *images*, or show what would be copied, and return the results. Raises ApiError."""
        # Dependents are copied with their images: what is left are those whose images came with an earlier archive.
        self._digests = {image.digest for image in images}
        for image in sorted(images, key=lambda image: image.is_dependent):
            if not image.repository:
                self.outcomes.fail("", image.digest, Damaged(NO_NAME))
            else:
                self._copy(image, f"{self._prefix}{image.repository}", dry_run=dry_run)
        return self.outcomes.results(dry_run=dry_run)

    def _copy(self, image: Image, repository: str, *, dry_run: bool) -> None:
        name = f"{repository}:{image.tag}" if image.tag else f"{repository}@{image.digest}"
        if self._names.setdefault((repository, image.tag or image.digest), image.digest) != image.digest:
            self.outcomes.fail(image.name, image.digest, Damaged(SAME_NAME.format(name=name)))
            return
        size = self._unloading.tally.bytes
        try:
            is_here = self._unloading.has(image, repository)
            if image.is_dependent and (is_here or (dry_run and subject_of(image.tag) in self._digests)):
                return
            if dry_run:
                self.outcomes.add(name, SKIPPED if is_here else MISSING, image.digest)
                return
            room.require()  # no hook looks at the disk meanwhile
            before = self._unloading.tally.images
            digest, absent = self._unloading.copy(image, repository)
            state = COPIED if self._unloading.tally.images > before else SKIPPED
            reason = f"without {', '.join(absent)}" if absent else ""
            self.outcomes.add(name, state, digest, size=self._unloading.tally.bytes - size, reason=reason)
        except (ApiError, BadManifest) as error:
            self.outcomes.fail(name, image.digest, error, self._unloading.tally.bytes - size)


@contextlib.contextmanager
def _reading(path: pathlib.Path) -> Iterator[LayoutReader]:
    """Open an archive, compressed or not. Raises ActionFailed where it is none."""
    try:
        with contextlib.ExitStack() as stack:
            with progress.reported(lambda: f"Reading {path}"):
                reader = LayoutReader(stack.enter_context(plain(path)))
            yield reader
    except BadArchive as error:
        raise basic.ActionFailed(alone(BAD_ARCHIVE(file=path, error=error))) from error


def _path(text: str) -> pathlib.Path:
    """Return the path of the archive: that of the resource if *text* is empty. Raises ActionFailed, NoFile."""
    if not text:
        attached = pathlib.Path((hookenv.resource_get(RESOURCE) or "").strip())
        if not attached.is_file() or attached.stat().st_size == 0:
            raise basic.ActionFailed(alone(NO_ARCHIVE()))
        return attached
    return arguments.path(text)


def _prefix(text: str) -> str:
    """Return what is put in front of the names of repositories. Raises ActionFailed."""
    text = text.strip("/")
    name = parsed(f"example.com/{text}/x")
    if text and (name is None or name.path != f"{text}/x"):
        raise basic.ActionFailed(about("prefix", BAD_PREFIX(prefix=text)))
    return f"{text}/" if text else ""
