"""What a hook tool is, and what it gets when it is called."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from localjuju import JujuError, yamltext
from localjuju.context import Context
from localjuju.records.relation import Relation
from localjuju.records.task import Task


@dataclass(frozen=True)
class Call:
    """A hook tool called: `context`, its flags by their long names, its other arguments, what it read."""

    context: Context
    flags: dict[str, Any]
    args: list[str]
    stdin: str

    def relation(self) -> Relation:
        """The relation of -r, or else of the hook."""
        given = self.flags.get("relation") or self.context.hook.relation
        if not given:
            raise JujuError("no relation id specified", 2)
        found = self.context.model.relations.get(given.rpartition(":")[2])
        if found is None or self.context.unit.name not in found.members:
            raise JujuError(f'invalid value "{given}" for option -r: relation not found', 2)
        return found

    def relation_name(self, relation: Relation) -> str:
        """name:id, with the endpoint's name on this side."""
        return f"{relation.endpoints[self.context.unit.app]}:{relation.id}"

    def settings(self) -> dict[str, str]:
        """key=value arguments, over the YAML of --file."""
        settings = yamltext.load(self.stdin) or {} if self.flags.get("file") else {}
        for arg in self.args:
            key, equals, value = arg.partition("=")
            if not equals or not key:
                raise JujuError(f'expected "key=value", got "{arg}"', 2)
            settings[key] = value
        return {str(key): "" if value is None else str(value) for key, value in settings.items()}

    def task(self) -> Task:
        if self.context.task is None or self.context.task.action == "juju-exec":
            raise JujuError("not running an action")
        return self.context.task


Run = Callable[[Call], Any]


@dataclass(frozen=True)
class Tool:
    """What there is to know of a hook tool before it is called."""

    run: Run
    flags: dict[str, bool]
    """Flag -> whether it takes a value."""
    least: int
    most: int
    prints: str
    """value: in the wanted format; raw: as it is; empty: nothing."""


TOOLS: dict[str, Tool] = {}


def tool(name: str, flags: str = "", args: tuple[int, int] = (0, 0), prints: str = "value") -> Callable[[Run], Run]:
    """Register a hook tool; `flags` by their long names, one that takes a value with `=` at its end."""

    def register(run: Run) -> Run:
        known = {flag.rstrip("="): flag.endswith("=") for flag in [*flags.split(), "format=", "output=", "help"]}
        TOOLS[name] = Tool(run, known, *args, prints)
        return run

    return register


def pick(mapping: dict[str, Any], args: list[str]) -> Any:
    """One value, or all of them when no key or `-` is asked for."""
    return mapping.get(args[0]) if args and args[0] != "-" else mapping
