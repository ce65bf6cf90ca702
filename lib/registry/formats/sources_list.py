"""Package repositories as apt reads them: https://manpages.debian.org/sources.list."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Sequence

from registry.message import Message, Text

NOT_A_LINE = Message("the value is not a line of sources.list", "Use `deb https://HOST SUITE main`")
"""apt cannot read the line: it begins with deb or deb-src, a URL, a suite, and usually components."""
NOT_A_KEY = Message("an entry is not a key", "Use an ASCII-armored OpenPGP key, the ID of a key, or null")
"""The key of a package repository is neither an OpenPGP public key as text, nor a key ID, nor null."""

# No other blanks than apt's, and no second URL: YAML makes one line of several without hyphens.
_LINE = re.compile(
    r"(deb(?:-src)?)[ \t]+(?:\[([^\]\n]*)\][ \t]+)?(\S+:\S+(?:[ \t]+(?!#|\S*://)\S+)+[ \t]*(?:#[^\n]*)?)"
)
_ARMOUR = "-----BEGIN PGP PUBLIC KEY BLOCK-----"
# https://www.rfc-editor.org/rfc/rfc9580#section-4.2: the first packet of a public key, in the old and the new format.
_BINARY = (b"\x98", b"\x99", b"\xc6")
_KEY_SERVER = "https://keyserver.ubuntu.com/pks/lookup?op=get&options=mr&exact=on&search=0x"


@dataclasses.dataclass(frozen=True)
class Source:
    """One repository. Its `repr` shows no password."""

    line: str = dataclasses.field(repr=False)
    """As in sources.list, ``deb https://... suite component``."""
    key: str | None = None
    """The key that signs it: its ASCII-armored text, its URL, or its ID; None: one that apt has already."""

    def problem(self) -> Text | None:
        """Return what is wrong with the line, or None."""
        return None if _LINE.fullmatch(self.line) else NOT_A_LINE()

    @property
    def key_text(self) -> bytes | None:
        """The key, where it is given as text."""
        return f"{self.key}\n".encode() if self.key and self.key.startswith(_ARMOUR) else None

    @property
    def key_url(self) -> str | None:
        """URL of the key, where it must be fetched; of a key ID, at Ubuntu's key server."""
        if self.key is None or self.key_text:
            return None
        return self.key if "://" in self.key else _KEY_SERVER + self.key.removeprefix("0x")

    def signed_by(self, keyring: str | None) -> str:
        """Return the line with `signed-by` the file *keyring*, unless it has one itself."""
        match = _LINE.fullmatch(self.line)
        if match is None or keyring is None or "signed-by" in (match[2] or ""):
            return self.line
        return f"{match[1]} [{' '.join([*(match[2] or '').split(), f'signed-by={keyring}'])}] {match[3]}"


def key_problem(key: str) -> Text | None:
    """Return what is wrong with a key that is a text or an ID, or None."""
    if key.startswith(_ARMOUR) or re.fullmatch(r"(?:0x)?(?:[0-9a-fA-F]{8}){1,5}", key):
        return None
    return NOT_A_KEY()


def key_suffix(data: bytes) -> str | None:
    """Return the suffix by which apt recognizes this form of a key, or None if it is no key."""
    if data.lstrip().startswith(_ARMOUR.encode()):
        return ".asc"
    return ".gpg" if data.startswith(_BINARY) else None


def mark(sources: Sequence[Source]) -> str:
    """Return a comment line that identifies *sources*: it differs when any of them does."""
    text = json.dumps([dataclasses.astuple(source) for source in sources])
    return f"# Written by the charm docker-registry; {hashlib.sha256(text.encode()).hexdigest()[:16]}"


def has_user(text: str) -> bool:
    """Tell whether *text* has a URL with a user, whose name alone can be a secret: a token."""
    return re.search(r"://[^\s@]*@", text) is not None


def without_passwords(text: str) -> str:
    """Return *text* with the passwords of its URLs replaced by dots."""
    return re.sub(r"(://[^\s/:@]*):[^\s/]*@", r"\1:...@", text)
