"""The reference of all status messages: docs/reference/status-messages.md, of which tools/reference.py is the writer.

A message is a constant of a module in lib/, `NAME = Message(problem, remedy)`; the text after it says the cause.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

LIB = Path(__file__).resolve().parent.parent / "lib"

PARTS = {
    "registry/options": "Options",
    "registry/formats": "Certificates, users and files",
    "registry/images": "Images and their names",
    "registry/release": "The release",
    "registry/plan": "The registry, its clients and its disk",
    "registry/deployment": "A change of the registry",
    "registry/client": "Registries and object stores",
    "registry/machine": "Docker and packages",
    "charms/layer": "The unit",
    "actions": "Actions",
}
"""Folder of lib/ to the heading of its messages."""

CARRIED = ("{problem}", "{reason}", "{rest}")
"""Places for a text that has its own remedy."""


class Entry(NamedTuple):
    """One message in the code."""

    module: Path
    name: str
    problem: str
    remedy: str
    cause: str
    """Empty where the code does not say it."""


@functools.cache
def entries() -> tuple[Entry, ...]:
    """Return all messages, by module and in the order of the code."""
    return tuple(entry for path in sorted(LIB.rglob("*.py")) for entry in _of(path))


def _of(path: Path) -> Iterator[Entry]:
    body = ast.parse(path.read_text()).body
    for node, after in zip(body, [*body[1:], None], strict=True):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call(func=ast.Name(id="Message"), args=arguments)):
                texts = [str(ast.literal_eval(argument)) for argument in arguments]
                yield Entry(path, name, texts[0], (texts[1:] or [""])[0], _docstring(after))


def _docstring(node: ast.stmt | None) -> str:
    match node:
        case ast.Expr(value=ast.Constant(value=str(text))):
            return " ".join(text.split())
    return ""


def uses(path: Path) -> int:
    """Return how often the module makes a message, wherever it does."""
    calls = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))
    return sum(isinstance(call.func, ast.Name) and call.func.id == "Message" for call in calls)


def rows() -> Iterator[str]:
    """The tables of the page, a heading each."""
    for folder, heading in PARTS.items():
        found = [entry for entry in entries() if entry.module.is_relative_to(LIB / folder)]
        if not found:
            continue
        yield from (f"## {heading}", "", "| message | cause | what to do |", "|---|---|---|")
        yield from (
            f"| {_cell(one.problem)} | {_cell(one.cause)} | {_cell(one.remedy or _default(one.problem))} |"
            for one in found
        )
        yield ""


def _default(problem: str) -> str:
    """Return what to do about a message without a remedy: what it carries says it, or nothing is to be done."""
    return "What the message says" if any(place in problem for place in CARRIED) else "Nothing"


def _cell(text: str) -> str:
    """Return a text for a cell: places for values as *names*, nothing in it read as Markdown."""
    apart = re.sub(r"(?<=[a-zA-Z}])\{(?=\w)", " {", " ".join(text.split()))  # not `YAML*line*`
    parts = re.split(r"(`[^`]*`)", apart)
    for place, part in enumerate(parts):
        if place % 2:
            parts[place] = re.sub(r"(?<!\{)\{(\w+)[^}]*\}", r"<\1>", part).replace("|", r"\|")
        else:
            escaped = re.sub(r"([|<>*_])", r"\\\1", part)
            parts[place] = re.sub(r"(?<!\{)\{((?:\w|\\_)+)[^}]*\}", r"*\1*", escaped)
    return "".join(parts).replace("{{", "{").replace("}}", "}")
