"""What operators read in `juju status` and from actions: messages that say what is wrong and what to do.

A message is a constant of the module that knows of the fault, and its docstring says the cause. So the reference of all
messages (docs/reference/status-messages.md) is generated from the code, and mypy refuses a status that is no message.

Values come from operators, servers and programs, who quote URLs with passwords and paste keys into the wrong option.
`redacted` takes secrets out of each value, and of each line of the log.
"""

from __future__ import annotations

import dataclasses
import re
import string
from typing import Any, NewType

Text = NewType("Text", str)
"""One or more sentences made of messages, without the last full stop and without an option's name in front."""


Sentence = NewType("Sentence", str)
"""What the status shows: a text with its subject in front, if it has one, and the last full stop."""


QUOTED = 40
"""Characters of a value that is quoted in a message."""
SENTENCE = 600
"""Characters of a sentence in a status."""
STATUS = 1000
"""Characters of a status and of a line of the log. Juju's tools take a hundred times that; people do not."""

_PEM = re.compile(r"-----BEGIN ([A-Z0-9 ]*)-----.*?(?:-----END [A-Z0-9 ]*-----|\Z)", re.DOTALL)
_QUERY = re.compile(r"[?#][^\s\"'?#=]*=[^\s\"']*")
_NAMED = re.compile(
    r"((?:password|passwd|secret_?key|access_?key|api_?key|credential|token|signature)s?[\"']?[=:][\"']?)"
    r"(?!\.\.\.)[^\s\"',;)\]}]+",
    re.IGNORECASE,
)
_BEARER = re.compile(r"\b(bearer|authorization: basic) [A-Za-z0-9+/=_.~-]{8,}", re.IGNORECASE)
_RUN = re.compile(r"(?<![A-Za-z0-9+/=_-])[A-Za-z0-9+/=_-]{32,}")
_HALF = re.compile(r"//[^\s/@:\[\]\"']*:(?!\d{0,5}(?:[^\w]|\Z))[^\s\"']*")
"""A user and the beginning of a password, from a URL that ends at a blank in it: what follows is not a port."""
_USERS = re.compile(r"((?:\A|[\n{,]|//)[ \t]*[^\s:{,]{1,255}:)[ \t]+[^\n]*")
"""A user and the password, as lines of auth-basic-users have them."""
_PAIR = re.compile(r"(?<![^\s'\"{,=(])(?P<head>[^\s:/'\"{,=(]+):(?P<tail>[^\s:][^\s]*)")
"""Two words with a colon between them: a host and a port, an image and a tag, or a user and a password."""
_PLAIN_TAIL = re.compile(r"\d{1,5}(?:/\S*)?|v?\d+(?:\.\d+)+(?:[-.+][\w.-]{1,12})?|//.*|\.\.\.|latest|stable", re.ASCII)
"""What follows a colon and is no password: a port, a version, the rest of a URL, what is cut."""
_PLAIN_HEADS = frozenset({"secret", "sha256", "sha512", "ppa", "http", "https"})
_IDENTIFIER = re.compile(r"sha(?:256:[0-9a-f]*|512:[0-9a-f]*)|secret:(?:[0-9a-z-]+/)?[0-9a-z]{20}\b")
"""Digests of images and URIs of Juju secrets are no secrets."""
_KEY = re.compile(r"(?i:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})|\$[0-9a-z]{1,9}\$")
"""A UUID, which many tokens are, or the beginning of a hash of a password."""
_TOKEN = re.compile(r"[A-Za-z0-9+]{16,}")
_CHANGE = re.compile(r"(?<=[a-z])(?=[A-Z0-9])|(?<=[A-Z])(?=[0-9])|(?<=[0-9])(?=[A-Za-z])|(?<=[A-Z]{2})(?=[a-z])")
_UNSPEAKABLE = re.compile(r"[A-Z]{8}|[bcdfghjklmnpqrstvwxz]{6}")
_AT = re.compile(r"@(?!sha(?:256|512):)")  # the digest of an image is not a host


def redacted(text: str) -> str:
    """Return *text* without what may be secret: users and queries of URLs, PEM, base64, named passwords.

    >>> redacted("Get https://me:password@example.com/path?token=x: refused")
    'Get https://...@example.com/path?...: refused'
    """
    text = _PEM.sub(r"(\1)", text)
    text = "\n".join(map(_without_user, text.split("\n")))
    text = _HALF.sub("//...", text)
    text = _BEARER.sub(r"\1 ...", _NAMED.sub(r"\1...", _QUERY.sub(lambda match: f"{match[0][0]}...", text)))
    return _RUN.sub(lambda match: _without_key(match[0]), text)


def _without_user(text: str, *, whole: bool = False) -> str:
    """Remove users from URLs. A password may contain any character, so all from the first // to the last @ goes.

    A user without // in front is one word, or the *whole* text.
    """
    *head, tail = _AT.split(text)
    before, slashes, _ = "@".join(head).partition("//")
    if head and slashes:
        return f"{before}//...@{tail}"
    start, blank, word = ("", "", "@".join(head)) if whole else "@".join(head).rpartition(" ")
    return f"{start}{blank}...@{tail}" if ":" in word else text


def _without_key(word: str) -> str:
    """Remove a long *word* with letters of both cases and digits, which keys and base64 have, and names rarely."""
    parts = word.split("/") if word.startswith("/") else [word]  # a path has short parts
    long = [part for part in parts if len(part) >= 32]
    is_key = any(all(re.search(kind, part) for kind in ("[a-z]", "[A-Z]", "[0-9]")) for part in long)
    return "..." if is_key else word


def quoted(value: str) -> str:
    """Return *value* in quotes, cut, and without what may be secret: it may be the value of quite another option.

    A user stays, and what follows the colon does not; where a part looks like a key or a token, nothing stays.

    >>> quoted("alice:pass"), quoted("registry.internal:5000"), quoted("9f86d081884c7d659a2feaa0c55ad015")
    ("'alice:...'", "'registry.internal:5000'", "'...'")
    """
    if _is_opaque(value):
        return "'...'"
    half = _HALF.search(value)
    if half and not _AT.search(value, half.start()):
        value = f"{value[: half.start()]}//..."  # a password may have blanks
    shown = _USERS.sub(r"\1 ...", redacted(_without_user(value, whole=True)))
    pair = next((one for one in _PAIR.finditer(shown) if not _is_plain(one)), None)
    shown = repr(f"{shown[: pair.end('head')]}:..." if pair else shown)
    return shown if len(shown) <= QUOTED + 2 else f"{shown[: QUOTED + 1]}...{shown[0]}"


def _is_plain(pair: re.Match[str]) -> bool:
    return pair["head"].rpartition("@")[2] in _PLAIN_HEADS or _PLAIN_TAIL.fullmatch(pair["tail"]) is not None


def _is_opaque(value: str) -> bool:
    """Tell whether a part of *value* looks made by chance: in names, letters and digits change less often."""
    text = _IDENTIFIER.sub("", value)
    tokens = (token for token in _TOKEN.findall(text) if len(set(token)) >= 8)
    return bool(_KEY.search(text)) or any(
        5 * len(_CHANGE.findall(token)) >= len(token) or _UNSPEAKABLE.search(token) for token in tokens
    )


def one_line(text: str) -> str:
    """Return *text* with blanks for line breaks and other characters that cannot be printed."""
    if text.isprintable():
        return text
    return re.sub("\0+", " ", "".join(character if character.isprintable() else "\0" for character in text)).strip()


def cut(text: str, most: int) -> str:
    """Return *text*, or the beginning of it where it has more than *most* characters."""
    return text if len(text) <= most else f"{text[: most - 3]}..."


class _Values(string.Formatter):
    """Formats the values of a message: on one line, without secrets, and cut where they are quoted."""

    def convert_field(self, value: Any, conversion: Any) -> str:
        text = str(value)
        if conversion is None:
            return one_line(redacted(text))
        return quoted(text)


@dataclasses.dataclass(frozen=True)
class Message:
    """A problem and its remedy, both without a full stop, with places for values as `str.format` has them.

    >>> Message("{port} is in use by another program", "Stop it or choose another port")(port=80)
    '80 is in use by another program. Stop it or choose another port'
    """

    problem: str
    remedy: str = ""
    """Empty where the registry recovers automatically, and in messages that only show progress."""

    def __call__(self, **values: object) -> Text:
        """Return the message with these values in it."""
        texts = filter(None, (self.problem, self.remedy))
        return Text(_Values().format(". ".join(texts), **values))


class Fault(Exception):
    """Something that an operator can fix; ``text`` says what and how."""

    def __init__(self, text: Text) -> None:
        super().__init__(text)
        self.text = text


def about(subject: str, text: Text) -> Sentence:
    """Return *text* about an option, a relation or another *subject*.

    >>> about("registry-port", Text("0 is not a port. Set 1 to 65535"))
    'registry-port: 0 is not a port. Set 1 to 65535.'
    """
    return Sentence(f"{subject}: {text}.")


def alone(text: Text) -> Sentence:
    """Return *text* as it stands, which names its subject itself."""
    return Sentence(f"{text}.")


def joined(*sentences: Sentence) -> Sentence:
    """Return all *sentences* as one, for what may be long: the failure of an action, the log."""
    return Sentence(" ".join(sentences))


def shortened(first: Sentence, problems: int = 0, warnings: int = 0) -> Sentence:
    """Return the *first* sentence, and how many more *problems* and *warnings* there are.

    >>> shortened(Sentence("registry-port: 0 is not a port."), problems=2, warnings=1)
    'registry-port: 0 is not a port. (2 more problems and 1 more warning: see juju debug-log.)'
    """
    counts = ((problems, "problem"), (warnings, "warning"))
    first = Sentence(cut(first, SENTENCE))
    rest = " and ".join(f"{count} more {noun}{'s' if count > 1 else ''}" for count, noun in counts if count)
    return Sentence(f"{first} ({rest}: see juju debug-log.)") if rest else first
