"""The registry's certificate, and the CA of client certificates: the options tls-*."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from registry.formats import certificates
from registry.formats.certificates import BadCertificates
from registry.message import Message, Text
from registry.options.checks import choice_problem, no_effect

NOT_A_PATH = Message("{path!r} is not the absolute path of a file", "Use a path such as {default}")
"""The path does not begin with /, ends with /, or contains characters that cannot be printed."""
NO_PATH = Message("not set, but {blob} is written to this path", "Set a path such as {default}, or reset {blob}")
"""The charm writes the content of the blob to a file, as it always did, and there is no path for it."""

KINDS = ("ca", "cert", "key")
DEFAULT_PATHS = {
    "ca": "/etc/docker/registry/ca.crt",
    "cert": "/etc/docker/registry/registry.crt",
    "key": "/etc/docker/registry/registry.key",
}
VERSIONS = ("tls1.2", "tls1.3")
"""Registry 3 and most clients reject older versions: https://www.rfc-editor.org/rfc/rfc8996"""
BLOB = "blob"
"""Source of a text that is the value of an option."""

READ: Mapping[str, Callable[[str], str]] = {
    "ca": certificates.bundle,
    "cert": certificates.bundle,
    "key": certificates.key,
}


@dataclasses.dataclass(frozen=True)
class Tls:
    """The options tls-*, by kind: ca, cert and key."""

    paths: Mapping[str, str]
    """Path, empty where the option is."""
    blobs: Mapping[str, str] = dataclasses.field(repr=False)
    """PEM or base64 of it; empty where the option is."""
    minimum_version: str
    client_ca: str = ""
    """CA of the certificates that clients must present, PEM or base64 of it; empty: they need none."""

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Tls:
        """Read the values of config.yaml's options."""
        return cls(
            {kind: config[f"tls-{kind}-path"] or "" for kind in KINDS},
            {kind: config[f"tls-{kind}-blob"] or "" for kind in KINDS},
            config["tls-minimum-version"] or VERSIONS[0],
            config["tls-client-ca-blob"] or "",
        )

    def problems(self) -> dict[str, Text | None]:
        """Return what is wrong with each option, or None, without reading files."""
        problems: dict[str, Text | None] = {}
        for kind in KINDS:
            path = self.paths[kind]
            if path and (not path.startswith("/") or not path.isprintable() or path.endswith("/")):
                problems[f"tls-{kind}-path"] = NOT_A_PATH(path=path, default=DEFAULT_PATHS[kind])
            if self.blobs[kind] and not path and self.paths["cert"]:
                problems[f"tls-{kind}-path"] = NO_PATH(blob=f"tls-{kind}-blob", default=DEFAULT_PATHS[kind])
            problems[f"tls-{kind}-blob"] = blob_problem(kind, self.blobs[kind])
        problems["tls-client-ca-blob"] = blob_problem("ca", self.client_ca)
        problems["tls-minimum-version"] = choice_problem(self.minimum_version, VERSIONS)
        return problems

    def unused(self) -> dict[str, Text]:
        """Return what is set without effect while the registry speaks plain HTTP, by options."""
        version = ["tls-minimum-version"] if self.minimum_version != VERSIONS[0] else []
        if self.paths["cert"]:
            return no_effect(version, "tls-cert-blob")
        blobs = [f"tls-{kind}-blob" for kind in ("cert", "key") if self.blobs[kind]]
        return no_effect([*blobs, *version], "tls-cert-path")

    def texts(self) -> dict[str, str]:
        """Return the files to write from blobs, path to PEM: those of valid blobs, and none if TLS is off."""
        blobs = {kind: self.blobs[kind] for kind in KINDS if self.blobs[kind] and self.paths[kind]}
        return {
            self.paths[kind]: READ[kind](text)
            for kind, text in blobs.items()
            if self.paths["cert"] and not blob_problem(kind, text)
        }

    def source(self, kind: str) -> str:
        """Return the source of *kind*: its path, or `BLOB`."""
        return BLOB if self.blobs[kind] else self.paths[kind]

    def option(self, kind: str) -> str:
        """Return the name of the option that *kind* is set by."""
        return f"tls-{kind}-{'blob' if self.blobs[kind] else 'path'}"


def blob_problem(kind: str, text: str) -> Text | None:
    """Return what is wrong with the *text* of a blob of this *kind*, or None."""
    try:
        if text:
            READ[kind](text)
    except BadCertificates as error:
        return error.text
    return None
