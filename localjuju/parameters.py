"""The parameters of an action: as typed on the command line, checked against the charm's schema."""

from __future__ import annotations

import json
from typing import Any

from localjuju import JujuError, yamltext

KINDS: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "object": dict,
    "array": list,
}


def parse(pairs: list[str], text: str, strings: bool) -> dict[str, Any]:
    """Parameters from the YAML of --params, with key.key=value over it; values are YAML unless `strings`."""
    params = _value(text) or {}
    if not isinstance(params, dict):
        raise JujuError("params must contain a YAML map")
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise JujuError(f'argument "{pair}" must be of the form key.key.key...=value')
        *parents, last = name.split(".")
        inner = params
        for parent in parents:
            inner = inner.setdefault(parent, {})
        inner[last] = value if strings else _value(value)
        if inner[last] is None:
            inner[last] = ""
    return params


def _value(text: str) -> Any:
    try:
        return yamltext.load(text)
    except ValueError as error:
        raise JujuError(f"yaml: {error}") from None


def checked(spec: dict[str, Any], params: dict[str, Any]) -> dict[str, Any]:
    """The parameters with the schema's defaults; JujuError for what the schema does not allow."""
    properties = spec.get("params") or {}
    problems = [
        f'(root) : "{name}" property is missing and required, given {json.dumps(params)}'
        for name in spec.get("required", [])
        if name not in params
    ]
    if not spec.get("additionalProperties", True):
        problems += [
            f'(root) : additional property "{name}" is not allowed, given {json.dumps(params)}'
            for name in params
            if name not in properties
        ]
    for name, value in params.items():
        problems += _problems(f"(root).{name}", properties.get(name) or {}, value)
    if problems:
        raise JujuError("validation failed: " + "; ".join(problems))
    defaults = {name: schema["default"] for name, schema in properties.items() if "default" in (schema or {})}
    return {**defaults, **params}


def _problems(where: str, schema: dict[str, Any], value: Any) -> list[str]:
    given = json.dumps(value)
    kind = schema.get("type")
    if kind in KINDS and (not isinstance(value, KINDS[kind]) or (isinstance(value, bool) and kind != "boolean")):
        return [f"{where} : must be of type {kind}, given {given}"]
    problems = []
    if "enum" in schema and value not in schema["enum"]:
        problems.append(f"{where} : must match one of the enum values {json.dumps(schema['enum'])}, given {given}")
    if isinstance(value, (int, float)):
        if value < schema.get("minimum", value):
            problems.append(f"{where} : must be greater than or equal to {schema['minimum']}, given {given}")
        if value > schema.get("maximum", value):
            problems.append(f"{where} : must be less than or equal to {schema['maximum']}, given {given}")
    return problems
