"""Which certificate the registry presents, and whose certificates clients have to show: the options tls-*."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from registry.formats import certificates
from registry.formats.certificates import BadCertificates

KINDS = ("ca", "cert", "key")
DEFAULT_PATHS = {
    "ca": "/etc/docker/registry/ca.crt",
    "cert": "/etc/docker/registry/registry.crt",
    "key": "/etc/docker/registry/registry.key",
}
VERSIONS = ("tls1.2", "tls1.3")
"""The older ones are refused by registry 3 and by most clients: https://www.rfc-editor.org/rfc/rfc8996"""
BLOB = "blob"
"""Source of what stood in an option."""

READ: Mapping[str, Callable[[str], str]] = {
    "ca": certificates.bundle,
    "cert": certificates.bundle,
    "key": certificates.key,
}


@dataclasses.dataclass(frozen=True)
class Tls:
    """What the operator asks for, by kind: ca, cert and key."""

    paths: Mapping[str, str]
    """Empty where the option is."""
    blobs: Mapping[str, str] = dataclasses.field(repr=False)
    """PEM or base64 of it; empty where the option is."""
    minimum_version: str
    client_ca: str = ""
    """Whose certificates clients have to show, PEM or base64 of it; empty: they need none."""

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Tls:
        """Read the values of config.yaml's options."""
        return cls(
            {kind: config[f"tls-{kind}-path"] or "" for kind in KINDS},
            {kind: config[f"tls-{kind}-blob"] or "" for kind in KINDS},
            config["tls-minimum-version"] or VERSIONS[0],
            config["tls-client-ca-blob"] or "",
        )

    def problems(self) -> dict[str, str | None]:
        """Return what is wrong with the options by themselves: the option to a clause, or to None."""
        found: dict[str, str | None] = {}
        for kind in KINDS:
            path = self.paths[kind]
            if path and (not path.startswith("/") or not path.isprintable() or path.endswith("/")):
                found[f"tls-{kind}-path"] = f"{path!r} is not the full path of a file"
            if self.blobs[kind] and not path and self.paths["cert"]:
                found[f"tls-{kind}-path"] = f"empty, while tls-{kind}-blob is to be written there"
            found[f"tls-{kind}-blob"] = blob_problem(kind, self.blobs[kind])
        found["tls-client-ca-blob"] = blob_problem("ca", self.client_ca)
        if self.minimum_version not in VERSIONS:
            found["tls-minimum-version"] = f"{self.minimum_version!r} is not one of {', '.join(VERSIONS)}"
        return found

    def texts(self) -> dict[str, str]:
        """Return what is to be written from blobs, path to PEM. Wrong blobs are left out, and all if TLS is off."""
        right = {kind: self.blobs[kind] for kind in KINDS if self.blobs[kind] and self.paths[kind]}
        return {
            self.paths[kind]: READ[kind](text)
            for kind, text in right.items()
            if self.paths["cert"] and not blob_problem(kind, text)
        }

    def source(self, kind: str) -> str:
        """Return where *kind* comes from: its path, or `BLOB`."""
        return BLOB if self.blobs[kind] else self.paths[kind]

    def option(self, kind: str) -> str:
        """Return the name of the option that *kind* comes from."""
        return f"tls-{kind}-{'blob' if self.blobs[kind] else 'path'}"


def blob_problem(kind: str, text: str) -> str | None:
    """Return what is wrong with the text of a blob of this *kind*, or None."""
    try:
        if text:
            READ[kind](text)
    except BadCertificates as error:
        return str(error)
    return None
