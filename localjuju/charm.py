"""A charm: what it declares, and the types of its options."""

from __future__ import annotations

import functools
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localjuju import JujuError, archive
from localjuju.records.secret import SECRET

TRUE = ("1", "t", "T", "true", "TRUE", "True")
JUJU_INFO = "juju-info"
"""The endpoint that each application provides and no charm declares; its side runs no hooks."""
FALSE = ("0", "f", "F", "false", "FALSE", "False")


@dataclass(frozen=True)
class Endpoint:
    """An end of relations that the charm declares."""

    name: str
    role: str
    """provides, requires or peers, as metadata.yaml says."""
    interface: str
    scope: str


class Charm:
    """What a charm declares.

    `facts` is where this is kept as JSON, because reading an archive takes longer than most commands: read if it is
    there, else written.
    """

    def __init__(self, path: Path, facts: Path | None = None):
        self.path = path
        if facts is not None and facts.exists():
            self._facts: dict[str, Any] = json.loads(facts.read_text())
            return
        self._facts = archive.read(path)
        if facts is not None:
            self._save(facts)

    def _save(self, file: Path) -> None:
        try:
            text = json.dumps(self._facts)
        except TypeError:  # a date in YAML is not text
            return
        if json.loads(text) == self._facts:
            fresh = file.with_name(f"{file.name}.{os.getpid()}")
            fresh.write_text(text)
            fresh.replace(file)

    @functools.cached_property
    def names(self) -> set[str]:
        """The paths in the archive, without the slash at a folder's end."""
        return set(self._facts["names"])

    @property
    def metadata(self) -> dict[str, Any]:
        metadata: dict[str, Any] = self._facts["metadata.yaml"]
        return metadata

    @functools.cached_property
    def options(self) -> dict[str, dict[str, Any]]:
        """config.yaml's options."""
        return self._facts["config.yaml"].get("options") or {}

    @functools.cached_property
    def actions(self) -> dict[str, dict[str, Any]]:
        return {name: spec or {} for name, spec in self._facts["actions.yaml"].items()}

    @functools.cached_property
    def endpoints(self) -> dict[str, Endpoint]:
        """The declared ones, and juju-info, which every charm provides."""
        found = {JUJU_INFO: Endpoint(JUJU_INFO, "provides", JUJU_INFO, "global")}
        for role in ("provides", "requires", "peers"):
            for name, spec in (self.metadata.get(role) or {}).items():
                spec = spec if isinstance(spec, dict) else {"interface": spec}
                found[name] = Endpoint(name, role, spec["interface"], spec.get("scope", "global"))
        return found

    def bindings(self) -> set[str]:
        """The names that network-get knows."""
        return {*self.endpoints, *(self.metadata.get("extra-bindings") or {})}

    def defaults(self) -> dict[str, Any]:
        """Every option with its default; None where it has none."""
        return {name: option.get("default") for name, option in self.options.items()}

    def value(self, name: str, text: str) -> Any:
        """What `juju config name=text` sets; JujuError for an unknown option and a wrong type."""
        if name not in self.options:
            raise JujuError(f'unknown option "{name}"')
        kind = self.options[name].get("type", "string")
        try:
            if kind == "boolean":
                return {**dict.fromkeys(TRUE, True), **dict.fromkeys(FALSE, False)}[text]
            if kind == "secret" and text and not (text.startswith("secret:") and SECRET.fullmatch(text)):
                raise ValueError
            return {"int": int, "float": float}.get(kind, str)(text)
        except (KeyError, ValueError):
            raise JujuError(f'option "{name}" expected {kind}, got "{text}"') from None

    def resource(self, name: str) -> dict[str, Any]:
        """The declaration of a resource; JujuError when there is none."""
        declared = self.metadata.get("resources") or {}
        if name not in declared:
            raise JujuError(f'resource "{name}" not found')
        return dict(declared[name])
