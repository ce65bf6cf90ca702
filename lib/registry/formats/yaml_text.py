"""YAML as people write it into options: read without surprises, and without costing more than its length.

Aliases are refused, because a few hundred bytes of them stand for gigabytes; so are keys that are there twice.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import yaml

_NULL = ("", "~", "null", "Null", "NULL")


class BadYaml(Exception):
    """The text is not YAML, or not unambiguous; *line* is the number of the wrong one, 0 where that is unknown.

    There are no other words: those of the parser quote the text.
    """

    def __init__(self, line: int = 0) -> None:
        super().__init__(f"line {line}")
        self.line = line


@dataclasses.dataclass(frozen=True)
class Pair:
    """One of a flat mapping, as texts: ``0123`` is not a number, ``no`` is not a boolean."""

    name: str
    value: str | None = dataclasses.field(repr=False)
    """None: missing, null, or not a text."""
    is_lossy: bool
    """YAML reads less than was written: a comment follows without quotes around the text, or lines are joined."""


class _Loader(yaml.SafeLoader):
    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise BadYaml
        return super().compose_node(parent, index)

    def _next(self) -> Any:
        return self.peek_event()  # type: ignore[no-untyped-call]

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        names = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        if len(set(names)) != len(names):
            raise BadYaml(node.start_mark.line + 1)
        return super().construct_mapping(node, deep)


class _Plain(_Loader):
    """Refuses what YAML takes away from the beginning of a text: ``&anchor``, ``!tag``."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self._next()
        if getattr(event, "anchor", None) or getattr(event, "tag", None):
            raise BadYaml(event.start_mark.line + 1)
        return super().compose_node(parent, index)


def load(text: str) -> Any:
    """Return the value of *text*. Raises BadYaml."""
    return _careful(lambda: yaml.load(text, Loader=_Loader))  # noqa: S506 - a SafeLoader


def pairs(text: str) -> list[Pair] | None:
    """Return the pairs of the flat mapping in *text*; None if it is something else. Raises BadYaml."""
    node = _careful(lambda: yaml.compose(text, Loader=_Plain))
    return [_pair(key, value, text) for key, value in node.value] if isinstance(node, yaml.MappingNode) else None


def _careful(read: Callable[[], Any]) -> Any:
    try:
        return read()
    except BadYaml:
        raise
    # PyYAML raises half a dozen kinds where an explicit tag does not fit its value.
    except Exception as error:
        mark = getattr(error, "problem_mark", None)
        raise BadYaml(mark.line + 1 if mark else 0) from None


def _pair(key: yaml.Node, value: yaml.Node, text: str) -> Pair:
    if not isinstance(key, yaml.ScalarNode):
        raise BadYaml(key.start_mark.line + 1)
    if not isinstance(value, yaml.ScalarNode) or (value.style is None and value.value in _NULL):
        return Pair(_whole(key.value), None, is_lossy=False)
    return Pair(_whole(key.value), _whole(value.value), _is_lossy(key, text) or _is_lossy(value, text))


def _is_lossy(node: yaml.ScalarNode, text: str) -> bool:
    begin, end = node.start_mark, node.end_mark
    is_commented = node.style is None and text[end.index :].partition("\n")[0].lstrip().startswith("#")
    return is_commented or (node.style not in ("|", ">") and begin.line != end.line)


def _whole(text: str) -> str:
    """Join the surrogates of characters that JSON escapes in two halves."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
