"""Images that an action copies from registries elsewhere to this one: what came of each."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import json
import threading
from collections.abc import Mapping, Sequence

from charms.layer import context, room
from registry.client.concurrency import REQUESTS
from registry.client.content import Content
from registry.client.http import ApiError
from registry.client.transfer import Copier
from registry.client.upstream import Access
from registry.images.listing import human
from registry.images.manifest import BadManifest
from registry.images.mirroring import Copy

from actions.results import Report, Results

COPIED, SKIPPED, FAILED, MISSING = "copied", "skipped", "failed", "to-copy"


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What came of one image."""

    copy: Copy
    state: str
    """COPIED, SKIPPED or FAILED; in a dry run MISSING in place of the first."""
    digest: str = ""
    bytes: int = 0
    reason: str = ""

    def line(self) -> str:
        """Return it for people."""
        reason = f": {self.reason}" if self.reason else ""
        return f"{self.state}  {self.copy.image} -> {self.copy.target}{reason}\n"

    def to_json(self) -> Mapping[str, object]:
        """Return it for programs."""
        return {
            "image": str(self.copy.image),
            "target": self.copy.target,
            "state": self.state,
            "digest": self.digest,
            "bytes": self.bytes,
            "reason": self.reason,
        }


class Copies:
    """Copies images to *target*; an image that fails keeps no other from being copied."""

    def __init__(self, groups: Sequence[Sequence[Copy]], target: Content, access: Access) -> None:
        self._groups = groups
        self._target = target
        hosts = {copy.host for group in groups for copy in group}
        self._sources = {host: context.machine.upstream(host, access) for host in hosts}
        self._slots = threading.Semaphore(REQUESTS)
        self._lock = threading.Lock()
        self._working: dict[Copy, Copier] = {}
        self._counts = dict.fromkeys((COPIED, SKIPPED, FAILED, MISSING), 0)
        self._bytes = 0
        self.total = sum(map(len, groups))
        self.first_failure = ""

    @property
    def done(self) -> int:
        """How many images are copied, skipped or failed."""
        return sum(self._counts.values())

    @property
    def failed(self) -> int:
        """How many images failed."""
        return self._counts[FAILED]

    def progress(self) -> str:
        """Return a line about how far it is."""
        size = self._bytes + sum(copier.tally.bytes for copier in tuple(self._working.values()))
        failed = f", {self.failed} failed" if self.failed else ""
        return f"{self.done} of {self.total} images, {human(size)} copied{failed}"

    def carry_out(self, text: Report, data: Report, *, dry_run: bool) -> Results:
        """Copy the images, or only look, and return the results.

        Those of one repository follow one another: they have layers in common, which are then copied once.
        """

        def carry_out(group: Sequence[Copy]) -> None:
            for copy in group:
                outcome = self._outcome(copy, dry_run=dry_run)
                with self._lock:
                    data.write(("," if self.done else "[") + json.dumps(outcome.to_json()) + "\n")
                    text.write(outcome.line())
                    self._add(outcome)

        with concurrent.futures.ThreadPoolExecutor(REQUESTS) as pool:
            try:
                for future in concurrent.futures.as_completed([pool.submit(carry_out, one) for one in self._groups]):
                    future.result()
            finally:
                pool.shutdown(cancel_futures=True)
        data.write("]\n")
        states = (MISSING if dry_run else COPIED, SKIPPED, FAILED)
        return {
            **{state: str(self._counts[state]) for state in states},
            "bytes": str(self._bytes),
            "report": str(text.path),
            "report-json": str(data.path),
            "output": text.beginning,
        }

    def _add(self, outcome: Outcome) -> None:
        self._counts[outcome.state] += 1
        self._bytes += outcome.bytes
        if outcome.state == FAILED and not self.first_failure:
            self.first_failure = f"{outcome.copy.image}: {outcome.reason}"

    def _outcome(self, copy: Copy, *, dry_run: bool) -> Outcome:
        copier = Copier(self._sources[copy.host], self._target, slots=self._slots)
        image = (copy.origin, copy.image.version, copy.repository, copy.tags)
        try:
            if dry_run:
                return Outcome(copy, SKIPPED if copier.is_copied(*image) else MISSING)
            room.require()  # no hook looks at the disk meanwhile
            self._working[copy] = copier
            digest = copier.copy(*image)
        except (ApiError, BadManifest) as error:
            return Outcome(copy, FAILED, bytes=copier.tally.bytes, reason=str(error))
        finally:
            self._working.pop(copy, None)
        return Outcome(copy, COPIED if copier.tally.images else SKIPPED, digest, copier.tally.bytes)
