"""Images that an action copies from registries elsewhere to this one."""

from __future__ import annotations

import concurrent.futures
import threading
from collections.abc import Sequence

from charms.layer import context, room
from registry.client.concurrency import REQUESTS
from registry.client.content import Content
from registry.client.http import ApiError
from registry.client.transfer import Copier
from registry.client.upstream import Access
from registry.images.listing import human
from registry.images.manifest import BadManifest
from registry.images.mirroring import Copy

from actions.outcomes import COPIED, FAILED, MISSING, SKIPPED, Outcomes
from actions.results import Results


class Copies:
    """Copies images to *target*; an image that fails keeps no other from being copied."""

    def __init__(self, groups: Sequence[Sequence[Copy]], target: Content, access: Access, outcomes: Outcomes) -> None:
        self._groups = groups
        self._target = target
        self._outcomes = outcomes
        hosts = {copy.host for group in groups for copy in group}
        self._sources = {host: context.machine.upstream(host, access) for host in hosts}
        self._slots = threading.Semaphore(REQUESTS)
        self._working: dict[Copy, Copier] = {}
        self._total = sum(map(len, groups))

    def progress(self) -> str:
        """Return a line about how far it is."""
        size = self._outcomes.bytes + sum(copier.tally.bytes for copier in tuple(self._working.values()))
        failed = f", {self._outcomes.failed} failed" if self._outcomes.failed else ""
        return f"{self._outcomes.images} of {self._total} images, {human(size)} copied{failed}"

    def carry_out(self, *, dry_run: bool) -> Results:
        """Copy the images, or only look, and return the results.

        Those of one repository follow one another: they have layers in common, which are then copied once. Raises
        ApiError if the target does not answer any more.
        """

        def carry_out(group: Sequence[Copy]) -> None:
            for copy in group:
                self._carry_out(copy, dry_run=dry_run)

        with concurrent.futures.ThreadPoolExecutor(REQUESTS) as pool:
            try:
                for future in concurrent.futures.as_completed([pool.submit(carry_out, one) for one in self._groups]):
                    future.result()
            finally:
                pool.shutdown(cancel_futures=True)
        return self._outcomes.results(dry_run=dry_run)

    def _carry_out(self, copy: Copy, *, dry_run: bool) -> None:
        copier = Copier(self._sources[copy.host], self._target, slots=self._slots)
        self._working[copy] = copier
        image, digest, reason = (copy.origin, copy.image.version, copy.repository, copy.tags), "", ""
        try:
            if dry_run:
                state = SKIPPED if copier.is_copied(*image) else MISSING
            else:
                room.require()  # no hook looks at the disk meanwhile
                digest = copier.copy(*image)
                state = COPIED if copier.tally.images else SKIPPED
        except (ApiError, BadManifest) as error:
            self._target.require_answer()  # one that is gone ends the action
            state, reason = FAILED, str(error)
        finally:
            self._working.pop(copy)
        self._outcomes.add(str(copy.image), state, digest, target=copy.target, size=copier.tally.bytes, reason=reason)
