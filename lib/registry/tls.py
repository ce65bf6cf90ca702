"""The options tls-*: the certificate that the registry presents."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from registry import certificates
from registry.certificates import BadCertificates

KINDS = ("ca", "cert", "key")
DEFAULT_PATHS = {
    "ca": "/etc/docker/registry/ca.crt",
    "cert": "/etc/docker/registry/registry.crt",
    "key": "/etc/docker/registry/registry.key",
}
VERSIONS = ("tls1.2", "tls1.3")
"""The older ones are refused by registry 3 and by most clients: https://www.rfc-editor.org/rfc/rfc8996"""
FILES = {"ca": "tls-ca.crt", "cert": "tls.crt", "key": "tls.key"}
"""Names of the copies beside config.yml."""
CLIENT_CA = "client-ca.crt"
"""Name of the file beside config.yml with those who may give out certificates of clients."""
SOURCES = "tls.json"
"""Name of the file beside config.yml that says where the copies are from."""
BLOB = "blob"
"""Source of what stood in an option."""
EXPIRY_DAYS = 14
"""So many days before its end a certificate is a warning."""

_READ: Mapping[str, Callable[[str], str]] = {
    "ca": certificates.bundle,
    "cert": certificates.bundle,
    "key": certificates.key,
}


@dataclasses.dataclass(frozen=True)
class File:
    """What is at a path of the machine; both are None where nothing is."""

    text: str | None = dataclasses.field(default=None, repr=False)
    error: str | None = None
    """A clause for what cannot be read."""


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
            found[f"tls-{kind}-blob"] = _blob_problem(kind, self.blobs[kind])
        found["tls-client-ca-blob"] = _blob_problem("ca", self.client_ca)
        if self.client_ca and not self.paths["cert"]:
            found["tls-client-ca-blob"] = "without TLS nobody can be asked for a certificate; set tls-cert-path"
        if self.minimum_version not in VERSIONS:
            found["tls-minimum-version"] = f"{self.minimum_version!r} is not one of {', '.join(VERSIONS)}"
        return found

    def texts(self) -> dict[str, str]:
        """Return what is to be written from blobs, path to PEM. Wrong blobs are left out, and all if TLS is off."""
        right = {kind: self.blobs[kind] for kind in KINDS if self.blobs[kind] and self.paths[kind]}
        return {
            self.paths[kind]: _READ[kind](text)
            for kind, text in right.items()
            if self.paths["cert"] and not _blob_problem(kind, text)
        }

    def source(self, kind: str) -> str:
        """Return where *kind* comes from: its path, or `BLOB`."""
        return BLOB if self.blobs[kind] else self.paths[kind]

    def option(self, kind: str) -> str:
        """Return the name of the option that *kind* comes from."""
        return f"tls-{kind}-{'blob' if self.blobs[kind] else 'path'}"


def _blob_problem(kind: str, text: str) -> str | None:
    try:
        if text:
            _READ[kind](text)
    except BadCertificates as error:
        return str(error)
    return None


@dataclasses.dataclass(frozen=True)
class Chosen:
    """What came of options and files."""

    copies: Mapping[str, str] = dataclasses.field(default_factory=dict, repr=False)
    """Texts of the files beside config.yml, by name; empty: plain HTTP."""
    problems: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Option to a clause."""
    warnings: tuple[str, ...] = ()


def choose(asked: Tls, files: Mapping[str, File], before: Mapping[str, str], now: float, identity: str = "") -> Chosen:
    """Return what to present for the options and the *files* at their paths.

    *before* are the files of the release in force: where the file of an operator has vanished, its copy stays.
    *identity* is the charm's own certificate, which is let in wherever clients have to show one.
    """
    if not asked.paths["cert"]:
        return Chosen()
    texts, warnings = _texts(asked, files, before)
    if not _is_begun(asked, files, texts):
        # Not left out: the registry would be open to whom it shall be closed.
        alone = "there is no TLS; set tls-cert-blob and tls-key-blob, or copy the files to their paths"
        return Chosen(problems={"tls-client-ca-blob": alone} if asked.client_ca else {})
    problems = _missing(asked, files, texts)
    pems: dict[str, str] = {}
    for kind, text in texts.items():
        try:
            if text is not None:
                pems[kind] = _READ[kind](text)
        except BadCertificates as error:
            problems[asked.option(kind)] = f"{asked.paths[kind]}: {error}"
    if problems or _blob_problem("ca", asked.client_ca):
        return Chosen(problems=problems, warnings=warnings)
    try:
        validity = certificates.examine(pems["cert"], pems["key"], pems.get("ca"))
    except BadCertificates as error:
        wrong = "key" if isinstance(error, certificates.BadKey) else "cert"
        return Chosen(problems={asked.option(wrong): str(error)}, warnings=warnings)
    origin = {kind: asked.source(kind) for kind in sorted(pems)}
    copies = {**{FILES[kind]: pem for kind, pem in pems.items()}, SOURCES: json.dumps(origin, sort_keys=True) + "\n"}
    if asked.client_ca:
        copies[CLIENT_CA] = certificates.bundle(asked.client_ca) + identity
    return Chosen(copies, {}, (*warnings, *_times(asked, validity, now)))


def _texts(
    asked: Tls, files: Mapping[str, File], before: Mapping[str, str]
) -> tuple[dict[str, str | None], tuple[str, ...]]:
    """Return what is there by kind, and a warning for each file of an operator that was there before."""
    sources = json.loads(before.get(SOURCES, "{}"))
    texts, warnings = {}, []
    for kind in KINDS:
        file, path = files.get(kind, File()), asked.paths[kind]
        texts[kind] = asked.blobs[kind] or file.text
        if texts[kind] is None and file.error is None and path and sources.get(kind) == path:
            texts[kind] = before[FILES[kind]]
            warnings.append(
                f"tls-{kind}-path: {path} is gone; the copy from before serves. Put it back, or turn TLS off by "
                "emptying tls-cert-path."
            )
    return texts, tuple(warnings)


def _is_begun(asked: Tls, files: Mapping[str, File], texts: Mapping[str, str | None]) -> bool:
    """Tell whether anybody asked for TLS: a default path without a file does not."""
    return any(
        texts[kind] is not None or asked.paths[kind] != DEFAULT_PATHS[kind] or files.get(kind, File()).error
        for kind in ("cert", "key")
    )


def _missing(asked: Tls, files: Mapping[str, File], texts: Mapping[str, str | None]) -> dict[str, str]:
    """Return a clause for each file that is needed and not there, or cannot be read."""
    found = {asked.option(kind): file.error for kind, file in files.items() if file.error and texts[kind] is None}
    for kind in ("cert", "key"):
        if texts[kind] is None and asked.option(kind) not in found:
            where = f"there is no file {asked.paths[kind]}" if asked.paths[kind] else "not set"
            found[asked.option(kind)] = f"{where}; TLS needs a certificate and its key"
    return {option: clause for option, clause in found.items() if clause}


def _times(asked: Tls, validity: certificates.Validity, now: float) -> tuple[str, ...]:
    option = asked.option("cert")
    if now < validity.begin:
        return (f"{option}: the certificate is not valid before {_date(validity.begin)}; look at the machine's clock.",)
    if now >= validity.end:
        return (
            f"{option}: the certificate is over since {_date(validity.end)}, clients refuse it; put a new one there.",
        )
    if now > validity.end - EXPIRY_DAYS * 86400:
        return (f"{option}: the certificate is over on {_date(validity.end)}; put a new one there.",)
    return ()


def _date(seconds: float) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(seconds))
