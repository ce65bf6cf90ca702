"""Package repositories as apt reads them: https://manpages.debian.org/sources.list."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Sequence

_LINE = re.compile(r"(deb(?:-src)?)\s+(?:\[([^\]]*)\]\s+)?(\S+:\S+\s+\S.*)")
_ARMOUR = "-----BEGIN PGP PUBLIC KEY BLOCK-----"
# https://www.rfc-editor.org/rfc/rfc9580#section-4.2: the first packet of a public key, in the old and the new format.
_BINARY = (b"\x98", b"\x99", b"\xc6")
_KEY_SERVER = "https://keyserver.ubuntu.com/pks/lookup?op=get&options=mr&exact=on&search=0x"


@dataclasses.dataclass(frozen=True)
class Source:
    """One repository. Its text shows no password."""

    line: str = dataclasses.field(repr=False)
    """As in sources.list, ``deb https://... suite component``."""
    key: str | None = None
    """The key that it is signed with: its text in ASCII armour, its URL, or its ID; None: one that apt knows."""

    def problem(self) -> str | None:
        """Return a clause on what is wrong with the line."""
        return (
            None if _LINE.fullmatch(self.line) else "is not a line of sources.list, such as deb https://HOST SUITE main"
        )

    @property
    def key_text(self) -> bytes | None:
        """The key, where it was given as such."""
        return f"{self.key}\n".encode() if self.key and self.key.startswith(_ARMOUR) else None

    @property
    def key_url(self) -> str | None:
        """Where the key is, where it is to be fetched. A key's ID leads to Ubuntu's key server."""
        if self.key is None or self.key_text:
            return None
        return self.key if "://" in self.key else _KEY_SERVER + self.key.removeprefix("0x")

    def signed_by(self, keyring: str | None) -> str:
        """Return the line with the file of its key, unless it names one itself."""
        found = _LINE.fullmatch(self.line)
        if found is None or keyring is None or "signed-by" in (found[2] or ""):
            return self.line
        return f"{found[1]} [{' '.join([*(found[2] or '').split(), f'signed-by={keyring}'])}] {found[3]}"


def key_problem(key: str) -> str | None:
    """Return a clause on what is wrong with a key that is a text or an ID."""
    if key.startswith(_ARMOUR) or re.fullmatch(r"(?:0x)?(?:[0-9a-fA-F]{8}){1,5}", key):
        return None
    return "holds what is neither the text of a key in ASCII armour, nor the ID of one, nor null"


def key_suffix(data: bytes) -> str | None:
    """Return the suffix by which apt knows this form of a key, or None if it is no key."""
    if data.lstrip().startswith(_ARMOUR.encode()):
        return ".asc"
    return ".gpg" if data.startswith(_BINARY) else None


def mark(sources: Sequence[Source]) -> str:
    """Return a comment's line that differs as soon as anything in *sources* does."""
    text = json.dumps([dataclasses.astuple(source) for source in sources])
    return f"# Written by the charm docker-registry; {hashlib.sha256(text.encode()).hexdigest()[:16]}"


def without_passwords(text: str) -> str:
    """Return *text* with the passwords of its URLs left out."""
    return re.sub(r"(://[^\s/:@]*):[^\s/]*@", r"\1:...@", text)
