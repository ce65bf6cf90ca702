"""Sources of packages that add-apt-repository resolves, for example ``ppa:owner/name``."""

from __future__ import annotations

import hashlib
import pathlib
from collections.abc import Iterable
from typing import Any

from registry.machine.apt import Apt, PackageError
from registry.machine.apt_sources import FOLDER, PREFIX
from registry.machine.records import Records

RECORD = "sources"
"""Name of the record of the sources that were added: those of the option, and which of them apt did not have before."""
ADD = ("add-apt-repository", "--yes", "--no-update")


class ShortSources:
    """The sources that the charm had add-apt-repository add. What apt had before is never removed."""

    def __init__(self, apt: Apt, records: Records, folder: pathlib.Path = FOLDER) -> None:
        self._apt = apt
        self._records = records
        self._folder = folder

    def ensure(self, names: Iterable[str]) -> None:
        """Have apt use these, and remove what was added for others. Nothing is run if that is so already.

        Raises PackageError, OSError.
        """
        requested = list(dict.fromkeys(names))
        record = {"short": [], "ours": [], "begun": {}, **self._records.load(RECORD)}
        for name in [name for name in record["ours"] if name not in requested]:
            self._apt.run(*ADD, "--remove", name)
            record = self._save(record, ours=[one for one in record["ours"] if one != name])
        for name in [name for name in requested if name not in record["short"]]:
            record = self._add(record, name)
        if record["short"] != requested:
            self._save(record, short=requested)

    def _add(self, record: dict[str, Any], name: str) -> dict[str, Any]:
        """Add a source; it is the charm's if apt's files differ afterwards, also after a crash in between."""
        before = record["begun"].get(name) or self._digest()
        record = self._save(record, begun={name: before})
        try:
            self._apt.run(*ADD, name)
        except PackageError:
            if self._digest() == before:
                self._save(record, begun={})
            raise
        added = [name] if self._digest() != before else []
        return self._save(record, short=[*record["short"], name], ours=[*record["ours"], *added], begun={})

    def _save(self, record: dict[str, Any], **changes: object) -> dict[str, Any]:
        changed = {**record, **changes}
        self._records.save(RECORD, changed)
        return changed

    def _digest(self) -> str:
        """Return a digest of the sources that apt has, without those that the charm writes itself."""
        others = (path for path in self._folder.glob("sources.list.d/*") if not path.name.startswith(PREFIX))
        files = [self._folder / "sources.list", *sorted(others)]
        texts = {path.name: path.read_bytes() for path in files if path.is_file()}
        return hashlib.sha256(repr(texts).encode()).hexdigest()
