"""One command: its arguments, the model it is about, and the table of verbs.

The verbs themselves are in `verbs`; `cli` finds them.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from localjuju import JujuError, store, yamltext
from localjuju.host import Provider
from localjuju.model import Model
from localjuju.store import Store

if TYPE_CHECKING:
    from localjuju.agent import Agent

COMMON = "-m/--model= --format= -q/--quiet! --debug! --verbose!"
"""The arguments of every verb."""


@dataclass
class Session:
    """One command: its arguments, and the model it is about."""

    args: argparse.Namespace
    provider: Provider

    @property
    def store(self) -> Store:
        """-m, $JUJU_MODEL or the current model; `controller:` and `user/` before the name are ignored."""
        name = self.args.model or os.environ.get("JUJU_MODEL") or store.current()
        if not name:
            raise JujuError(
                "No selected model. Make one with `localjuju add-model NAME`, or choose one with "
                "`localjuju switch NAME`"
            )
        return Store(short_name(name))

    def read(self) -> Model:
        """The model as last saved, also while another command is at work on it."""
        return self.store.load()

    @contextlib.contextmanager
    def changing(self, wait: bool = True, drain: bool = True) -> Iterator[Agent]:
        """The model to change: kept, and its hooks run, when the body ends well.

        Without `wait`, only as long as no other command is at work: None then.
        """
        kept = self.store
        kept.load()
        with kept.lock(wait) as alone:
            if not alone:
                yield None  # type: ignore[misc]
                return
            model = kept.load()
            from localjuju.agent import Agent  # reading a model needs none of it

            with Agent(kept, model, self.provider, self.report) as agent:
                yield agent
                try:
                    kept.save(model)
                    if drain:
                        agent.drain()
                finally:
                    kept.save(model)

    def report(self, text: str) -> None:
        """Print progress on standard error."""
        if not self.args.quiet:
            print(text, file=sys.stderr, flush=True)

    def show(self, value: Any, default: str = "yaml") -> None:
        """Print in the format that was asked for: json, or YAML."""
        if (self.args.format or default) == "json":
            print(json.dumps(value))
        else:
            print(yamltext.dump(value), end="")

    def confirm(self, question: str) -> None:
        """Ask, unless --no-prompt; JujuError unless the answer is yes."""
        if getattr(self.args, "no_prompt", False):
            return
        print(f"{question}\n\nContinue [y/N]? ", end="", file=sys.stderr, flush=True)
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            raise JujuError("aborted")


Run = Callable[[Session], "int | None"]
VERBS: dict[str, tuple[str, str, Run]] = {}
"""Verb -> its arguments, its help, its function; see `verb`."""


def verb(name: str, arguments: str = "") -> Callable[[Run], Run]:
    """Register a verb; its docstring is its help. In `arguments`: NAME, NAME? and NAME* are positional,
    --flag= takes a value, --flag=* takes one each time, --flag! takes none, NAME... is the rest as it is.
    """

    def register(run: Run) -> Run:
        VERBS[name] = (arguments, (run.__doc__ or "").strip(), run)
        return run

    return register


def short_name(model: str) -> str:
    """The name of a model from controller:user/name."""
    return model.rpartition(":")[2].rpartition("/")[2]
