"""What a server asks for with 401: https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1.

Tokens: https://distribution.github.io/distribution/spec/auth/token/.
"""

from __future__ import annotations

import dataclasses
import re

_PARAMETER = r'[\w-]+\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^\s,"]+)'
_CHALLENGE = re.compile(rf"(?:^|,)\s*(\w+)(?:\s+({_PARAMETER}(?:\s*,\s*{_PARAMETER})*))?\s*(?=,|$)")
_NAMED = re.compile(r'([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')


@dataclasses.dataclass(frozen=True)
class Challenge:
    """One way to authenticate."""

    scheme: str
    """In lower case: ``bearer``, ``basic``."""
    realm: str = ""
    """For ``bearer``, the URL of the token server."""
    service: str = ""
    scope: str = ""


def parse(header: str) -> tuple[Challenge, ...]:
    """Return the challenges in a header WWW-Authenticate.

    >>> parse('Bearer realm="https://auth.example.com/token",service="registry", Basic realm="x"')[1].scheme
    'basic'
    """
    return tuple(_challenge(match[1], match[2] or "") for match in _CHALLENGE.finditer(header[:8192]))


def _challenge(scheme: str, text: str) -> Challenge:
    values = {match[1].lower(): _unquoted(match[2]) or match[3] or "" for match in _NAMED.finditer(text)}
    return Challenge(
        scheme.lower(), **{name: value for name, value in values.items() if name in ("realm", "service", "scope")}
    )


def _unquoted(text: str | None) -> str:
    return re.sub(r"\\(.)", r"\1", text or "")
