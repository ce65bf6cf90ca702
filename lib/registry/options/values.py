"""Values of options as they were meant: what `$(cat FILE)`, `--file` and a copied line leave around them is dropped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from registry.options.secrets import SECRET

PASSWORDS = ("auth-basic-password", "auth-basic-users", "cache-password", "storage-swift-password")
"""Options whose blanks can be part of a password; a line break at the end never is."""

INVISIBLE = "\ufeff\u200b\u2060"
"""The mark at the beginning of files of Windows, and what pages have between words: nobody means them."""


class Values(Mapping[str, Any]):
    """The values of *config*, without blanks and line breaks at their ends."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._config = config

    def __getitem__(self, name: str) -> Any:
        value = self._config[name]
        if not isinstance(value, str):
            return value
        value = value.strip(INVISIBLE)
        bare = value.strip().strip(INVISIBLE).strip()
        return value.strip("\r\n") if name in PASSWORDS and not bare.startswith(SECRET) else bare

    def __iter__(self) -> Iterator[str]:
        return iter(self._config)

    def __len__(self) -> int:
        return len(self._config)
