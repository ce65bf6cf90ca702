"""The command line: `localjuju <verb> ...`, with the verbs, arguments and exit codes of juju 3.6.

The verbs themselves are in `commands`, `remote`, `secretverbs` and `storageverbs`; here is what they share.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from localjuju import JujuError, store
from localjuju.agent import Agent
from localjuju.machine import DockerHost, Provider
from localjuju.model import Model
from localjuju.store import Store

COMMON = "-m/--model= --format= -q/--quiet! --debug! --verbose!"


@dataclass
class Session:
    """One command: its arguments, and the model it is about."""

    args: argparse.Namespace
    provider: Provider

    @property
    def store(self) -> Store:
        """-m, $JUJU_MODEL or the current model; `controller:` and `user/` before the name are passed over."""
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
            with Agent(kept, model, self.provider, self.tell) as agent:
                yield agent
                try:
                    kept.save(model)
                    if drain:
                        agent.drain()
                finally:
                    kept.save(model)

    def tell(self, text: str) -> None:
        """Say what goes on, on standard error."""
        if not self.args.quiet:
            print(text, file=sys.stderr, flush=True)

    def show(self, value: Any, default: str = "yaml") -> None:
        """Print in the format that was asked for: json, or YAML."""
        if (self.args.format or default) == "json":
            print(json.dumps(value))
        else:
            print(yaml.safe_dump(value, sort_keys=False, allow_unicode=True), end="")

    def confirm(self, question: str) -> None:
        """Ask, unless --no-prompt; JujuError unless the answer is yes."""
        if getattr(self.args, "no_prompt", False):
            return
        print(f"{question}\n\nContinue [y/N]? ", end="", file=sys.stderr, flush=True)
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            raise JujuError("aborted")


VERBS: dict[str, tuple[str, str, Callable[[Session], int | None]]] = {}
Run = Callable[[Session], "int | None"]


def verb(name: str, arguments: str = "") -> Callable[[Run], Run]:
    """Register a verb; its docstring is its help. In `arguments`: NAME, NAME? and NAME* are positional,
    --flag= takes a value, --flag=* takes one each time, --flag! takes none, NAME... is the rest as it is.
    """

    def register(run: Run) -> Run:
        VERBS[name] = (arguments, (run.__doc__ or "").strip(), run)
        return run

    return register


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> Any:
        raise JujuError(message, 2)


def _parser(name: str) -> _Parser:
    arguments, summary, _ = VERBS[name]
    parser = _Parser(prog=f"localjuju {name}", description=summary, allow_abbrev=False)
    for token in f"{arguments} {COMMON}".split():
        if not token.startswith("-"):
            count: Any = {"?": "?", "*": "*", ".": argparse.REMAINDER}.get(token[-1])
            parser.add_argument(token.rstrip("?*."), nargs=count)
            continue
        flags = token.rstrip("!=*").split("/")
        if token.endswith("!"):
            parser.add_argument(*flags, action="store_true")
        elif token.endswith("=*"):
            parser.add_argument(*flags, action="append", default=[])
        else:
            parser.add_argument(*flags)
    return parser


def short_name(model: str) -> str:
    """The name of a model from controller:user/name."""
    return model.rpartition(":")[2].rpartition("/")[2]


def main(argv: list[str] | None = None, provider: Provider = DockerHost) -> int:
    """Run one command; its exit code. Errors are `ERROR <sentence>` on standard error."""
    from localjuju import commands, remote, secretverbs, storageverbs  # noqa: F401

    argv = sys.argv[1:] if argv is None else argv
    if not argv or argv[0] in ("help", "--help", "-h"):
        listed = "\n".join(f"  {name:20}{text.splitlines()[0]}" for name, (_, text, _) in sorted(VERBS.items()))
        print(f"A juju command for one machine.\n\n{listed}")
        return 0
    try:
        if argv[0] not in VERBS:
            raise JujuError(f"unrecognized command: localjuju {argv[0]}", 2)
        parser, run = _parser(argv[0]), VERBS[argv[0]][2]
        rest = "..." in VERBS[argv[0]][0]
        args = parser.parse_args(argv[1:]) if rest else parser.parse_intermixed_args(argv[1:])
        return run(Session(args, provider)) or 0
    except JujuError as error:
        sys.stdout.flush()
        print(f"ERROR {error}", file=sys.stderr)
        return error.code
    except KeyboardInterrupt:
        print("ERROR interrupted; a hook that was running runs again with the next command", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 141
