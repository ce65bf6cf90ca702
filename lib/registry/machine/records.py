"""Records that the charm keeps on the machine, readable by root only. They outlive the unit."""

from __future__ import annotations

import contextlib
import json
import pathlib
import time
from collections.abc import Iterator, Mapping
from typing import Any, TextIO

from registry.machine.files import DRAFT, make_folder, open_draft, write_file

FOLDER = pathlib.Path("/var/lib/docker-registry")
OUTPUTS = 20
"""Number of action outputs that are kept."""


class Records:
    """Small named JSON files, and outputs of actions that exceed Juju's limit."""

    def __init__(self, folder: pathlib.Path = FOLDER) -> None:
        self._folder = folder
        self._outputs = folder / "output"

    @property
    def folder(self) -> str:
        """Where they are."""
        return str(self._folder)

    def load(self, name: str) -> dict[str, Any]:
        """Return the record of this name, empty if there is none. Raises OSError."""
        try:
            return dict(json.loads((self._folder / f"{name}.json").read_text()))
        except (FileNotFoundError, ValueError, TypeError):
            return {}

    def save(self, name: str, record: Mapping[str, Any]) -> None:
        """Save a record under this name. Raises OSError."""
        make_folder(self._folder, 0o700)
        write_file(self._folder / f"{name}.json", json.dumps(record) + "\n")

    def remove(self, name: str) -> None:
        """Remove the record of this name, if there is one. Raises OSError."""
        (self._folder / f"{name}.json").unlink(missing_ok=True)

    def remove_drafts(self) -> None:
        """Remove what a process that was killed has left of records that it wrote. Raises OSError.

        That of an output stays until it is one of the oldest: an action runs handlers while it writes its own.
        """
        for draft in self._folder.glob(DRAFT.format("*")):
            draft.unlink()

    def save_output(self, name: str, text: str) -> pathlib.Path:
        """Save the output of an action to a file called *name*, and remove the oldest ones. Raises OSError."""
        with self.open_output(name) as file:
            file.write(text)
        return self.output(name)

    def output(self, name: str) -> pathlib.Path:
        """Return the path of the output called *name*."""
        return self._outputs / name

    @contextlib.contextmanager
    def open_output(self, name: str) -> Iterator[TextIO]:
        """Open the output called *name* to be written, which appears when it is whole. Raises OSError."""
        make_folder(self._outputs, 0o700)
        with open_draft(self._outputs / name) as file:
            yield file
        times, now = {path: path.stat().st_mtime for path in self._outputs.iterdir()}, time.time() + 1
        # One of the future is of a clock that was ahead: it must not outlive what is being written.
        for old in sorted(times, key=lambda path: times[path] if times[path] <= now else 0)[:-OUTPUTS]:
            old.unlink()
