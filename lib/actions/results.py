"""What an action returns: results that Juju accepts, or one sentence why it failed."""

from __future__ import annotations

import contextlib
import os
import pathlib
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TextIO

from charms.layer import basic, context, owner
from registry.machine.apt import PackageError
from registry.machine.engine import EngineError
from registry.message import Fault, Message, Sentence, about, alone

from actions.arguments import BadArguments

Results = dict[str, str]
Action = Callable[[dict[str, Any]], Results]
"""Takes the action's parameters as actions.yaml declares them."""

LIMIT = 64 * 1024
"""Bytes of a result, or of a failure, that an action returns; Juju's tools accept no more than 128 KiB."""

_NO_TEXT = re.compile("[\0\ud800-\udfff]")

PREVIEW = 8 * 1024
"""Characters of a report that a result shows."""

DOCKER_FAILED = Message("Docker failed: {error}", "Fix it and run the action again")
"""Docker refused a request of the action, in its own words."""

APT_FAILED = Message("APT failed: {error}", "Fix it and run the action again")
"""APT cannot install the packages of the action, in its own words."""

MACHINE_FAILED = Message("The machine failed: {error}", "Fix it and run the action again")
"""A program of the action cannot be started, or a file cannot be written."""

NOT_TEXT = Message("the value contains a character that is no text", "Remove it")
"""A parameter contains the character NUL, which ends a text for the system, or a half of another character."""

TOO_LONG = Message("{beginning}\n... cut; {rest}")
"""The message of a failure is longer than Juju accepts. It ends with the name of a file on the unit with all of it."""


def reported(action: Action) -> Action:
    """Turn the failures that an operator can fix into those of the action, and cut what is too long for Juju."""

    def run(params: dict[str, Any]) -> Results:
        # As with options, blanks and line breaks around a value are no part of it.
        bare = {name: value.strip() if isinstance(value, str) else value for name, value in params.items()}
        try:
            _require_texts(bare)
            if owner.read_other():
                raise basic.ActionFailed(owner.sentence())
            return {name: cut(result) for name, result in action(bare).items()}
        except basic.ActionFailed as failure:
            raise _failed(failure.sentence, failure.results) from failure
        except BadArguments as error:
            raise _failed(about(error.parameter, error.text)) from error
        except EngineError as error:
            raise _failed(alone(DOCKER_FAILED(error=error))) from error
        except PackageError as error:
            text = APT_FAILED(error=error.words)
            raise _failed(about(error.option, text) if error.option else alone(text)) from error
        except Fault as error:
            raise _failed(alone(error.text)) from error
        except OSError as error:
            raise _failed(alone(MACHINE_FAILED(error=error))) from error

    return run


def _require_texts(params: Mapping[str, Any]) -> None:
    """Raise BadArguments for a parameter that no file, program or registry can be given."""
    for name, value in params.items():
        if isinstance(value, str) and _NO_TEXT.search(value):
            raise BadArguments(name, NOT_TEXT())


def cut(output: str) -> str:
    """Return *output*, or as much of it as Juju accepts, and the name of the file that has all of it."""
    beginning, rest = _split(output)
    return f"{beginning}\n... cut; {rest}\n" if rest else output


class Report:
    """The full report of an action, in a file on the unit."""

    def __init__(self, file: TextIO, path: pathlib.Path) -> None:
        self.path = path
        self.beginning = ""
        """As much of it as the result shows, and where all of it is."""
        self._file = file
        self._is_cut = False

    def write(self, text: str) -> None:
        """Add *text*."""
        self._file.write(text)
        if len(self.beginning) + len(text) <= PREVIEW and not self._is_cut:
            self.beginning += text
        elif not self._is_cut:
            self._is_cut = True
            lines, line_end, _ = text[: PREVIEW - len(self.beginning)].rpartition("\n")
            self.beginning += f"{lines}{line_end}... cut; all of it is in {self.path}\n"


@contextlib.contextmanager
def report(kind: str) -> Iterator[Report]:
    """Open a report of this action, whose file has a name that ends in *kind*. Raises OSError."""
    records, name = context.machine.records, f"{os.environ['JUJU_ACTION_UUID']}{kind}"
    with records.open_output(name) as file:
        yield Report(file, records.output(name))


def _failed(sentence: Sentence, results: Mapping[str, str] | None = None) -> basic.ActionFailed:
    beginning, rest = _split(sentence)
    return basic.ActionFailed(alone(TOO_LONG(beginning=beginning, rest=rest)) if rest else sentence, results)


def _split(output: str) -> tuple[str, str]:
    """Return as much of *output* as Juju accepts, and where all of it is; that is empty if nothing is missing."""
    data = output.encode(errors="replace")
    if len(data) <= LIMIT:
        return output, ""
    try:
        file = context.machine.records.save_output(f"{os.environ['JUJU_ACTION_UUID']}.txt", output)
        rest = f"all {len(data)} bytes are in {file}"
    except OSError as error:
        rest = f"all {len(data)} bytes cannot be kept: {error}"
    return data[:LIMIT].decode(errors="ignore"), rest
