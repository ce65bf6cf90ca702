"""Values of options as they were meant: what `$(cat FILE)`, `--file` and a copied line leave around them is dropped."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

from registry.message import Message, Text
from registry.options.secrets import SECRET

ONLY_BLANKS = Message("the value consists of blanks only", "Set one, or reset the option")
"""The value was probably read from an empty file or variable: nobody turns off by a blank what keeps people out."""

PASSWORDS = ("auth-basic-password", "auth-basic-users", "cache-password", "storage-swift-password")
"""Options whose blanks can be part of a password; a line break at the end never is."""

INVISIBLE = "\ufeff\u200b\u2060"
"""The mark at the beginning of files of Windows, and what pages have between words: nobody means them."""

SECURING = ("auth-", "tls-", "trusted-ca-")
"""Beginnings of the names of options that keep people out, or tell whom to trust: without some, anybody gets in."""
_BLANKS = ("Cc", "Cf", "Zl", "Zp", "Zs")
"""Unicode's categories of characters that nobody sees."""


def is_blank(text: str) -> bool:
    """Tell whether there is nothing to be seen in *text*, whatever its length."""
    return all(unicodedata.category(character) in _BLANKS for character in text)


class Values(Mapping[str, Any]):
    """The values of *config*, without blanks and line breaks at their ends."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._config = config

    def __getitem__(self, name: str) -> Any:
        value = self._config[name]
        if not isinstance(value, str):
            return value
        if is_blank(value):
            return ""
        value = value.strip(INVISIBLE)
        bare = value.strip().strip(INVISIBLE).strip()
        return value.strip("\r\n") if name in PASSWORDS and not bare.startswith(SECRET) else bare

    def __iter__(self) -> Iterator[str]:
        return iter(self._config)

    def __len__(self) -> int:
        return len(self._config)

    def problems(self) -> dict[str, Text]:
        """Return what is wrong with each option that secures the registry, and has nothing but blanks as its value."""
        texts = {name: value for name, value in self._config.items() if name.startswith(SECURING)}
        blank = (name for name, value in texts.items() if value and isinstance(value, str) and is_blank(value))
        return {name: ONLY_BLANKS() for name in blank}
