"""What an action gives back: results that Juju takes, or one sentence why it failed."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from charms.layer import basic, context
from registry.deployment.health import NotServing
from registry.images.reference import BadReference
from registry.machine.apt import PackageError
from registry.machine.engine import EngineError

from actions.arguments import BadArguments

Results = dict[str, str]
Action = Callable[[dict[str, Any]], Results]
"""Takes the action's parameters as actions.yaml declares them."""

LIMIT = 64 * 1024
"""Bytes of a result, or of a failure, that an action returns; Juju's tools take no more than 128 KiB."""


def reported(action: Action) -> Action:
    """Turn the failures that an operator can fix into those of the action, and cut what is too long for Juju."""

    def run(params: dict[str, Any]) -> Results:
        try:
            return {name: cut(result) for name, result in action(params).items()}
        except basic.ActionFailed as failure:
            raise basic.ActionFailed(cut(str(failure)).rstrip()) from failure
        except (EngineError, PackageError, NotServing, BadArguments, BadReference) as error:
            raise basic.ActionFailed(cut(context.sentence(error)).rstrip()) from error
        except OSError as error:
            raise basic.ActionFailed(cut(context.sentence(error)).rstrip()) from error

    return run


def cut(output: str) -> str:
    """Return *output*, or as much of it as Juju takes, and the name of the file that has all of it."""
    data = output.encode(errors="replace")
    if len(data) <= LIMIT:
        return output
    try:
        file = context.machine.records.save_output(f"{os.environ['JUJU_ACTION_UUID']}.txt", output)
        rest = f"all {len(data)} bytes are in {file}"
    except OSError as error:
        rest = f"all {len(data)} bytes cannot be kept: {error}"
    return data[:LIMIT].decode(errors="ignore") + f"\n... cut; {rest}\n"
