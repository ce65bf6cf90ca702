"""The command line: `localjuju <verb> ...`, with the verbs, arguments and exit codes of juju 3.6.

The verbs are in `verbs`, and what they share is in `session`; here a verb is found, its arguments are read, and its
errors are printed.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from typing import Any

from localjuju import JujuError
from localjuju.host import Provider
from localjuju.machine import DockerHost
from localjuju.session import COMMON, VERBS, Session

MODULES = {
    "applications": "deploy config refresh attach-resource remove-application expose unexpose",
    "files": "ssh scp",
    "hooks": "hooks hook",
    "log": "debug-log",
    "machines": "machine remove-machine upgrade-machine image",
    "models": "version add-model destroy-model models show-model switch model-config",
    "relations": "integrate ingress remove-relation",
    "secrets": "add-secret update-secret grant-secret revoke-secret remove-secret secrets show-secret",
    "status": "status",
    "storage": "add-storage attach-storage detach-storage remove-storage storage",
    "tasks": "run exec show-task",
    "units": "add-unit show-unit resolved remove-unit",
}
"""Module of `verbs` -> its verbs: a command loads no module but the one of its verb."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> Any:
        raise JujuError(message, 2)


def _formatter(prog: str) -> argparse.HelpFormatter:
    """A width that is given, because argparse loads shutil to ask the terminal for it, also when it prints no help."""
    return argparse.HelpFormatter(prog, width=100)


def _parser(name: str) -> _Parser:
    arguments, summary, _ = VERBS[name]
    parser = _Parser(prog=f"localjuju {name}", description=summary, allow_abbrev=False, formatter_class=_formatter)
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


def load(name: str) -> bool:
    """Load the module of a verb; False when there is no such verb."""
    for module, verbs in MODULES.items():
        if name in verbs.split():
            importlib.import_module(f"localjuju.verbs.{module}")
            return True
    return False


def _help() -> str:
    for module in MODULES:
        importlib.import_module(f"localjuju.verbs.{module}")
    listed = "\n".join(f"  {name:20}{text.splitlines()[0]}" for name, (_, text, _) in sorted(VERBS.items()))
    return f"A juju command for one machine.\n\n{listed}"


def main(argv: list[str] | None = None, provider: Provider = DockerHost) -> int:
    """Run one command; its exit code. Errors are `ERROR <sentence>` on standard error."""
    argv = sys.argv[1:] if argv is None else argv
    if not argv or argv[0] in ("help", "--help", "-h"):
        print(_help())
        return 0
    try:
        if not load(argv[0]):
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
