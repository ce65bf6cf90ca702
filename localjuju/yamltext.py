"""YAML as Juju reads and writes it; PyYAML is loaded when the first text is there.

Juju prints with gopkg.in/yaml.v2: text of several lines as a block (`|-`, `|`), text that would be read as another
type between double quotes, lines of any length.
"""

from __future__ import annotations

import functools
from typing import Any


def load(text: str | bytes) -> Any:
    """The value of a document. ValueError if it is not YAML."""
    import yaml

    return _load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def load_strings(text: str | bytes) -> Any:
    """The value of a document in which every scalar is text: 0123 stays what it is. ValueError if it is not YAML."""
    import yaml

    return _load(text, yaml.BaseLoader)


def _load(text: str | bytes, loader: Any) -> Any:
    import yaml

    try:
        return yaml.load(text, Loader=loader)  # noqa: S506
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from None


def dump(value: Any, sort_keys: bool = False) -> str:
    """A value as Juju prints it; `sort_keys` for what is a map there, not a structure."""
    import yaml

    text: str = yaml.dump(
        value, Dumper=_dumper(), sort_keys=sort_keys, default_flow_style=False, allow_unicode=True, width=1 << 30
    )
    return text.removesuffix("...\n")


@functools.cache
def _dumper() -> Any:
    import yaml

    class Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
        def ignore_aliases(self, data: Any) -> bool:
            return True

    def text(dumper: Any, data: str) -> Any:
        kind = dumper.resolve(yaml.ScalarNode, data, (True, False))
        style = "|" if "\n" in data else None if kind == "tag:yaml.org,2002:str" else '"'
        return dumper.represent_scalar("tag:yaml.org,2002:str", data, style=style)

    Dumper.add_representer(str, text)
    return Dumper
