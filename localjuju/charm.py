"""A charm archive (.charm, a zip file), and the types of its options."""

from __future__ import annotations

import functools
import io
import stat
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from localjuju import JujuError, yamltext
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
    """Reads what is asked for from the archive, when it is asked for."""

    def __init__(self, path: Path):
        self.path = path
        if not zipfile.is_zipfile(path):
            raise JujuError(f'"{path}" is not a charm archive')
        if "metadata.yaml" not in self.names:
            raise JujuError(f'"{path}" has no metadata.yaml')

    def _yaml(self, name: str) -> dict[str, Any]:
        with zipfile.ZipFile(self.path) as archive:
            return (yamltext.load(archive.read(name)) or {}) if name in self.names else {}

    @functools.cached_property
    def names(self) -> set[str]:
        """The paths in the archive, without the slash at a folder's end."""
        with zipfile.ZipFile(self.path) as archive:
            return {str(PurePosixPath(name)) for name in archive.namelist()}

    @functools.cached_property
    def metadata(self) -> dict[str, Any]:
        return self._yaml("metadata.yaml")

    @functools.cached_property
    def options(self) -> dict[str, dict[str, Any]]:
        """config.yaml's options."""
        return self._yaml("config.yaml").get("options") or {}

    @functools.cached_property
    def actions(self) -> dict[str, dict[str, Any]]:
        return {name: spec or {} for name, spec in self._yaml("actions.yaml").items()}

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

    def tar(self) -> bytes:
        """The archive as a tar stream, modes and symbolic links kept, owned by root."""
        packed = io.BytesIO()
        with zipfile.ZipFile(self.path) as archive, tarfile.open(fileobj=packed, mode="w") as tar:
            for item in archive.infolist():
                info = tarfile.TarInfo(str(PurePosixPath(item.filename)))
                mode = item.external_attr >> 16
                info.mode = stat.S_IMODE(mode) or (0o755 if item.is_dir() else 0o644)
                data = archive.read(item)
                if item.is_dir():
                    info.type, data = tarfile.DIRTYPE, b""
                elif stat.S_ISLNK(mode):
                    info.type, info.linkname, data = tarfile.SYMTYPE, data.decode(), b""
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
        return packed.getvalue()
