"""Call a hook tool by its name: read its arguments, format its answer."""

from __future__ import annotations

import json
from typing import Any

from localjuju import JujuError, yamltext
from localjuju.context import Context
from localjuju.hooktools import (  # noqa: F401
    actions,
    configuration,
    leadership,
    machine,
    network,
    relations,
    secrets,
    state,
    status,
    storage,
)
from localjuju.hooktools.tool import TOOLS, Call, Tool

NAMES = sorted(TOOLS)
"""The hook tools that a unit finds on its PATH."""
LONG = {"r": "relation", "o": "output", "a": "all", "l": "log-level", "s": "storage", "h": "help"}


def call(context: Context, argv: list[str], stdin: str) -> tuple[int, str, str]:
    """Run a hook tool; its exit code, standard output and standard error."""
    with context.lock:
        context.tools.append(argv)
        found = TOOLS.get(argv[0])
        try:
            if found is None:
                raise JujuError(f'unknown command "{argv[0]}"', 2)
            flags, args = _parse(found, argv[1:])
            if "help" in flags:
                listed = "".join(f"--{flag}\n" for flag in sorted(found.flags))
                return 0, f"Usage: {argv[0]} [options]\n\nOptions:\n{listed}", ""
            if len(args) < found.least:
                raise JujuError("missing arguments", 2)
            if len(args) > found.most:
                raise JujuError(f"unrecognized args: {json.dumps(args[found.most :])}", 2)
            value = found.run(Call(context, flags, args, stdin))
            formatted = format_value(value, flags.get("format", "smart"))
            return 0, {"value": formatted, "raw": value, "": ""}[found.prints], ""
        except JujuError as error:
            return error.code, "", f"ERROR {error}\n"


def _parse(found: Tool, argv: list[str]) -> tuple[dict[str, Any], list[str]]:
    flags: dict[str, Any] = {}
    args: list[str] = []
    rest = iter(argv)
    for arg in rest:
        if arg == "--":
            args.extend(rest)
        elif arg == "-" or not arg.startswith("-"):
            args.append(arg)
        else:
            name, equals, value = arg.lstrip("-").partition("=")
            name = LONG.get(name, name)
            if name not in found.flags:
                raise JujuError(f"option provided but not defined: {arg.partition('=')[0]}", 2)
            if found.flags[name] and not equals:
                value = next(rest, "")
            flags[name] = value if found.flags[name] else value not in ("false", "0")
    return flags, args


def format_value(value: Any, form: str) -> str:
    """json, yaml, or smart: text as it is, lists as lines, booleans as True and False, the rest as YAML."""
    if form == "json":
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False, sort_keys=True) + "\n"
    if form not in ("yaml", "smart"):
        raise JujuError(f'invalid value "{form}" for option --format: unknown format "{form}"', 2)
    if value is None:
        return ""
    if form == "smart" and isinstance(value, (str, bool)):
        return f"{value}\n" if value != "" else ""
    if form == "smart" and isinstance(value, list):
        return "".join(f"{item}\n" for item in value)
    if not isinstance(value, (dict, list, str)):
        return json.dumps(value) + "\n"
    return yamltext.dump(value, sort_keys=True)
