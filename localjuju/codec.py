"""The model's dataclasses as JSON and back."""

from __future__ import annotations

import dataclasses
import functools
import json
import typing
from typing import Any, TypeVar

T = TypeVar("T")


def dumps(record: Any) -> str:
    """A dataclass of `records`, with all that is in it, as JSON."""
    return json.dumps(record, default=vars)


def loads(kind: type[T], text: str) -> T:
    """The dataclass of which `dumps` made this text; fields that only one of the two knows are ignored."""
    return _record(kind, json.loads(text))


@functools.cache
def _fields(kind: Any) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _record(kind: type[T], value: dict[str, Any]) -> T:
    fields = _fields(typing.cast(typing.Hashable, kind))
    return kind(**{name: _decode(fields[name], item) for name, item in value.items() if name in fields})


def _decode(hint: Any, value: Any) -> Any:
    if value is None or hint in (str, int, bool, float, Any):
        return value
    inner = [kind for kind in typing.get_args(hint) if kind is not type(None)]
    if dataclasses.is_dataclass(hint):
        return _record(typing.cast(type, hint), value)
    if isinstance(value, list):
        return [_decode(inner[0], item) for item in value]
    if isinstance(value, dict) and typing.get_origin(hint) is dict:
        return {key: _decode(inner[1], item) for key, item in value.items()}
    return _decode(inner[0], value) if len(inner) == 1 else value
