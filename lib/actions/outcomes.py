"""What became of each image that an action copies: in the reports for people and for programs, and counted."""

from __future__ import annotations

import json

from charms.layer import basic
from registry.client.transfer import Damaged, Missing, Tally
from registry.images.listing import human
from registry.images.manifest import BadManifest
from registry.message import Message, alone

from actions.results import Report, Results

INCOMPLETE = Message(
    "{failed} of {images} images could not be copied, the first because of: {reason}",
    "See {report} on the unit, fix it and run the action again",
)
"""Some of the images failed; the others were copied. The report has the reason for each."""

ROW = 5
"""Images in a row that fail by a registry's errors, after which none is tried any more."""


class Outcomes:
    """The outcomes of the images so far."""

    def __init__(self, text: Report, data: Report) -> None:
        self._text = text
        self._data = data
        self._first = ""
        self.images = self.failed = self._row = 0
        data.write("[")

    def add(self, image: str, digest: str, outcome: str, note: str = "") -> None:
        """Report an image; *note* says more about the outcome."""
        self._text.write(f"{image} {digest} {outcome}{': ' if note else ''}{note}\n")
        record = {"image": image, "digest": digest, "outcome": outcome, "note": note}
        self._data.write(",\n" * bool(self.images) + json.dumps(record))
        self.images += 1
        self._row = 0

    def fail(self, image: str, digest: str, error: Exception) -> None:
        """Report an image that could not be copied. Raises *error* where so many fail that it is not the images."""
        row = 0 if isinstance(error, Damaged | Missing | BadManifest) else self._row + 1
        if row == ROW:
            raise error
        self._first = self._first or f"{image or digest}: {error}"
        self.add(image, digest, "failed", str(error))
        self.failed += 1
        self._row = row

    def results(self, tally: Tally) -> Results:
        """End the reports, and return the results."""
        self._data.write("]\n")
        return {
            "copied": str(tally.images),
            "skipped": str(tally.skipped),
            "failed": str(self.failed),
            "size": human(tally.bytes),
            "report": str(self._text.path),
            "report-json": str(self._data.path),
            "output": self._text.beginning,
        }

    def require_all(self) -> None:
        """Raise ActionFailed if an image failed, after the reports have been kept."""
        if self.failed:
            values = {"failed": self.failed, "images": self.images, "reason": self._first, "report": self._text.path}
            raise basic.ActionFailed(alone(INCOMPLETE(**values)))
