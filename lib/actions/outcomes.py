"""What became of each image that an action copies: in the reports for people and for programs, and counted."""

from __future__ import annotations

import collections
import json
import threading

from charms.layer import basic
from registry.client.answers import Rejected
from registry.client.http import ApiError
from registry.client.transfer import Damaged, Missing
from registry.images.manifest import BadManifest
from registry.message import Message, alone

from actions.results import Report, Results

INCOMPLETE = Message(
    "{failed} of {total} images cannot be copied. The first is {first}", "See {report} and run the action again"
)
"""The other images were copied. Images that are there already are not copied again."""

COPIED, SKIPPED, FAILED, MISSING = "copied", "skipped", "failed", "to-copy"
"""States of an image; in a dry run the last one in place of the first."""
ROW = 5
"""Images in a row that fail by a registry's errors, after which none is tried any more."""


class Outcomes:
    """The outcomes of the images so far. Threads may share it."""

    def __init__(self, text: Report, data: Report) -> None:
        self._text = text
        self._data = data
        self._lock = threading.Lock()
        self._counts = collections.Counter[str]()
        self._first = ""
        self._row = 0
        self.bytes = 0
        """Those that were copied, as far as `add` was told."""
        data.write("[")

    @property
    def images(self) -> int:
        """How many images there are so far."""
        return self._counts.total()

    @property
    def failed(self) -> int:
        """How many of them failed."""
        return self._counts[FAILED]

    def add(
        self, image: str, state: str, digest: str = "", *, target: str = "", size: int = 0, reason: str = ""
    ) -> None:
        """Report an image, and where it went if that has another name; *reason* says more about its state."""
        record = {"image": image, "target": target or image, "state": state, "digest": digest}
        where = f" -> {target}" if target else ""
        with self._lock:
            self._text.write(f"{state}  {image or digest}{where}{': ' if reason else ''}{reason}\n")
            self._data.write(",\n" * bool(self.images) + json.dumps({**record, "bytes": size, "reason": reason}))
            self._counts[state] += 1
            self.bytes += size
            if state == FAILED:
                self._first = self._first or f"{image or digest}: {reason}"
            else:
                self._row = 0

    def fail(self, image: str, digest: str, error: ApiError | BadManifest, size: int = 0) -> None:
        """Report an image that cannot be copied. Raises *error* where so many fail that it is not the images."""
        self._row = 0 if isinstance(error, Damaged | Missing | BadManifest | Rejected) else self._row + 1
        if self._row == ROW:
            raise error
        self.add(image, FAILED, digest, size=size, reason=str(error))

    def results(self, *, dry_run: bool = False) -> Results:
        """End the reports, and return the results."""
        self._data.write("]\n")
        return {
            **{state: str(self._counts[state]) for state in (MISSING if dry_run else COPIED, SKIPPED, FAILED)},
            "bytes": str(self.bytes),
            "report": str(self._text.path),
            "report-json": str(self._data.path),
            "output": self._text.beginning,
        }

    def require_all(self, results: Results) -> Results:
        """Return *results*. Raises ActionFailed with them if an image failed, after the reports have been kept."""
        if self.failed:
            values = {"failed": self.failed, "total": self.images, "first": self._first, "report": self._text.path}
            raise basic.ActionFailed(alone(INCOMPLETE(**values)), results)
        return results
