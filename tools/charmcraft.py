"""Write charmcraft.yaml from metadata.yaml, config.yaml and actions.yaml: `make format` runs it.

Charmhub and reviewers read charmcraft.yaml only; Juju and charm-build read the other three. So it repeats them, and
is never edited. `charmcraft pack` accepts each of them in one place only: `make build` packs the charm.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import build
import yaml

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "charmcraft.yaml"

HEADER = "# Written by tools/charmcraft.py from metadata.yaml, config.yaml and actions.yaml: change those.\n"

SAID_BY_METADATA = ("resources", "provides", "requires", "peers", "storage", "extra-bindings", "assumes")

PARTS = {
    "charm": {
        "plugin": "nil",
        "source": ".",
        "build-packages": ["git", "make", "python3-venv", "unzip"],
        "override-build": 'make build\nunzip -q docker-registry.charm -d "$CRAFT_PART_INSTALL"\n',
    }
}


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as such, without aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def project() -> dict[str, Any]:
    """The content of charmcraft.yaml."""
    metadata = _read("metadata.yaml")
    said = {name: metadata[name] for name in SAID_BY_METADATA if name in metadata}
    platforms = [f"ubuntu@{base}:{machine}" for base in build.BASES for machine in build.ARCHITECTURES]
    return {
        "name": metadata["name"],
        "title": metadata["display-name"],
        "type": "charm",
        "summary": metadata["summary"],
        "description": metadata["description"],
        "platforms": dict.fromkeys(platforms),
        "parts": PARTS,
        **said,
        "config": _read("config.yaml"),
        "actions": _read("actions.yaml"),
    }


def text() -> str:
    """The file's whole text."""
    return HEADER + yaml.dump(project(), Dumper=_Dumper, sort_keys=False, width=110)


def _read(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / name).read_text())
    return loaded


if __name__ == "__main__":
    TARGET.write_text(text())
