"""Reading a lock file: its entries, each a package with its version and hashes."""

from __future__ import annotations

import re
from pathlib import Path


def entries(lock: Path) -> list[tuple[str, str]]:
    """Name and text (requirement and hashes) of each entry. A name comes twice if Pythons need other versions."""
    texts = re.findall(r"^[a-z0-9].*?(?=^\S|\Z)", lock.read_text(), re.MULTILINE | re.DOTALL)
    return [(text.split("==")[0], text) for text in texts]
