"""The registry's own garbage collection, in a container beside the one that serves.

https://distribution.github.io/distribution/about/garbage-collection/. Never with ``--delete-untagged``: 2.8 then
deletes children of indexes that have tags, and signatures (https://github.com/distribution/distribution/issues/3178).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from registry.deployment.store import Store
from registry.formats import names
from registry.images import garbage
from registry.machine import engine
from registry.message import Fault, Message
from registry.release import container
from registry.release.release import Release

FAILED = Message(
    "garbage-collect failed: {error}", "If it names a manifest, find what is damaged with the action verify"
)
"""The registry's own garbage collection ended with an error, in its own words, or before it had read everything."""


TOO_LONG = Message("garbage-collect does not end in time and was stopped", "Run the action again")
"""The other units accept pushes again twelve hours after they were requested not to. What was deleted was garbage."""


class CollectionFailed(Fault):
    """The registry's own garbage collection failed."""


class Maintenance:
    """Runs `garbage-collect` on the data of a release."""

    def __init__(
        self,
        docker: engine.Engine,
        store: Store,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._docker = docker
        self._store = store
        self._sleep = sleep
        self._clock = clock

    def collect(self, release: Release, *, dry_run: bool, until: float = math.inf) -> garbage.Garbage:
        """Delete the blobs that no manifest refers to, or (*dry_run*) only find them.

        It takes as long as the store needs to list everything, and is stopped at the time *until*, of a clock that
        nobody sets. That loses nothing: it deletes one blob after the other. Raises CollectionFailed, EngineError.
        """
        body = container.maintenance_body(self._store.body(release), dry_run=dry_run)
        self._docker.remove(names.MAINTENANCE)  # a crash may have left it
        try:
            self._docker.create(names.MAINTENANCE, body)
            self._docker.start(names.MAINTENANCE)
            while (current := self._docker.inspect(names.MAINTENANCE)) and current.is_started:
                if self._clock() >= until:
                    raise CollectionFailed(TOO_LONG())
                self._sleep(0.2)
            found = garbage.parse(self._docker.log_lines(names.MAINTENANCE))
            if current is None or current.exit_code or not found.is_complete:
                error = self._last_line()
                if garbage.is_never_pushed(error, on_disk=release.data_folder is not None):
                    return garbage.NOTHING
                raise CollectionFailed(FAILED(error=error))
            return found
        finally:
            self._docker.remove(names.MAINTENANCE)

    def _last_line(self) -> str:
        try:
            lines = [line.strip() for line in self._docker.logs(names.MAINTENANCE).splitlines() if line.strip()]
        except engine.NoSuchObject:
            return "its container was removed"
        return lines[-1][:300] if lines else "it printed nothing"
