"""The action verify: read all images in the registry, and repair those that are damaged."""

from __future__ import annotations

import json
from typing import Any

from charms.layer import basic, content, context
from registry.deployment.repair import Repair
from registry.deployment.verification import Verifier
from registry.images.damage import REPLACED, Damage
from registry.images.listing import human
from registry.images.selection import Pattern
from registry.message import Message, alone

from actions import arguments, origin, progress
from actions.results import Report, Results, report

PASSES = 10
"""How often a repository is read again after a repair: an index of indexes takes one for each level."""

IS_CACHE = Message("The registry is a cache of {upstream}", "Verify the images there")
"""A pull-through cache fetches images again, and stores what others are responsible for."""


def verify(params: dict[str, Any]) -> Results:
    """Read every manifest and blob, and say which images are damaged."""
    release = content.current()
    if release.upstream is not None:
        raise basic.ActionFailed(alone(IS_CACHE(upstream=release.upstream)))
    with arguments.of("match"):
        pattern = Pattern.parse(params["match"])
    source = origin.source(params) if params["repair-from"] else None
    folder = release.data_folder
    files = context.machine.content_files(folder) if folder else None
    with (
        content.opened(deletes=source is not None, apart=True) as registry,
        report(".txt") as text,
        report(".json") as data,
    ):
        verifier = Verifier(registry, files)
        run = _Run(verifier, Repair(source, registry, files) if source else None, text, data)
        with progress.reported(run.progress):
            untagged = content.manifests(wanted=params["untagged"])
            data.write("[")
            for name in registry.repositories():
                if pattern.matches(name):
                    run.repository(name, untagged.manifests.get(name, ()))
            data.write("]\n")
    if run.replaced and release.has_cache:
        content.restart()  # it would go by the sizes that it remembers
    return {
        "manifests": str(verifier.tally.manifests),
        "blobs": str(verifier.tally.blobs),
        "bytes": str(verifier.tally.bytes),
        "damaged": str(run.damaged),
        **({"repaired": str(run.repaired)} if source else {}),
        **({"untagged": untagged.problem} if untagged.problem else {}),
        "report": str(text.path),
        "report-json": str(data.path),
        "output": text.beginning,
    }


class _Run:
    """What was found, and repaired."""

    def __init__(self, verifier: Verifier, repair: Repair | None, text: Report, data: Report) -> None:
        self.damaged = 0
        self.repaired = 0
        self.replaced = False
        """Content was replaced in a file, which the registry does not know."""
        self._verifier = verifier
        self._repair = repair
        self._text = text
        self._data = data
        self._name = ""

    def progress(self) -> str:
        """Return a line about how far it is."""
        tally = self._verifier.tally
        read = f"{tally.manifests} manifests and {human(tally.bytes)} read, {self.damaged} damaged"
        return f"reading {self._name}: {read}" if self._name else "looking for images without a tag"

    def repository(self, name: str, extra: tuple[str, ...]) -> None:
        """Read a repository, repair it, and write what was damaged. Raises ApiError, OSError."""
        self._name = name
        damages = self._verifier.check(name, extra)
        fixed: dict[str, Damage] = {}
        failed: dict[str, str] = {}
        for _ in range(PASSES if self._repair else 0):
            failed = {one.name: self._repaired(one, fixed) for one in damages}
            if all(failed.values()):
                break
            damages = self._verifier.check(name, extra)
        left = {one.name: one for one in damages}
        for one in {**fixed, **left}.values():
            self._write(one, is_repaired=one.name not in left, reason=failed.get(one.name, ""))

    def _repaired(self, one: Damage, fixed: dict[str, Damage]) -> str:
        """Repair *one*, and add it to *fixed*; return why it cannot be repaired, or ""."""
        reason = self._repair.repair(one) if self._repair else ""
        if not reason:
            fixed.setdefault(one.name, one)
            self.replaced |= one.state in REPLACED
        return reason

    def _write(self, one: Damage, *, is_repaired: bool, reason: str) -> None:
        note = ": repaired" if is_repaired else f": not repaired: {reason}" if reason else ""
        self._data.write(",\n" * bool(self.damaged))
        self._data.write(json.dumps({**one.to_json(), "repaired": is_repaired, "reason": reason}))
        self._text.write(f"{one.line()}{note}\n")
        self.damaged += 1
        self.repaired += is_repaired
