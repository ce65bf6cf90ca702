"""How long a hook may wait: every wait and every request of it has the same end.

Juju runs nothing else on the machine meanwhile.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator

HOOK_SECONDS = 180
"""How long all waits of one hook may take together, without downloads and the drain-timeout of the operator."""


class Deadline:
    """A point in time after which nothing is waited for any more, on a clock that nobody sets.

    *clock* and *sleep* are the machine's, except in tests.
    """

    def __init__(
        self,
        seconds: float = HOOK_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._end = clock() + seconds

    @property
    def left(self) -> float:
        """Seconds until then, 0 from then on."""
        return max(0.0, self._end - self._clock())

    def within(self, seconds: float, least: float = 0) -> Deadline:
        """Return the deadline in some *seconds*, or this one if it is earlier, but not in less than *least*."""
        return Deadline(max(least, min(seconds, self.left)), self._clock, self._sleep)

    def limit(self, seconds: float, least: float = 1) -> float:
        """Return the timeout of a request that may take *seconds*: what is left, but enough to be answered at all."""
        return max(least, min(seconds, self.left))

    def pause(self, seconds: float) -> bool:
        """Sleep, but not beyond the deadline; tell whether anything is left then."""
        self._sleep(min(seconds, self.left))
        return self.left > 0

    @contextlib.contextmanager
    def suspended(self) -> Iterator[None]:
        """Do not count the time of a download, or of another wait that has an end of its own."""
        left = self.left
        try:
            yield
        finally:
            self._end = self._clock() + left
