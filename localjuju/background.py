"""Work that goes on after the command that began it has stopped waiting."""

from __future__ import annotations

import json
import os
import select
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from localjuju import JujuError, modelconfig

Results = dict[str, dict[str, Any]]
"""Unit or machine -> its task, as `juju run --format json` prints it."""


def run(work: Callable[[], Results], wait: str, what: str, log: Path) -> Results:
    """What `work` returns; JujuError when it takes longer than `wait`, such as 1m30s.

    It runs in a process of its own, which then goes on, as an action does in Juju. Its output goes to `log`.
    """
    seconds = modelconfig.seconds(wait)
    reader, writer = os.pipe()
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        os.close(reader)
        os.setsid()
        with log.open("a") as errors, open(os.devnull) as nothing:
            for stream, descriptor in ((nothing, 0), (errors, 1), (errors, 2)):
                os.dup2(stream.fileno(), descriptor)
        _answer(work, writer)
    os.close(writer)
    with os.fdopen(reader, "rb") as answers:
        if not select.select([answers], [], [], seconds)[0]:
            raise JujuError(f"timed out waiting for results from: {what}")
        answer = json.loads(answers.read() or json.dumps({"error": f"the task ended without an answer, see {log}"}))
    os.waitpid(child, 0)
    if "error" in answer:
        raise JujuError(answer["error"])
    return dict(answer["results"])


def _answer(work: Callable[[], Results], writer: int) -> None:
    """The child's part; it never returns."""
    code = 1
    try:
        try:
            answer: dict[str, Any] = {"results": work()}
        except JujuError as error:
            answer = {"error": str(error)}
        with os.fdopen(writer, "w") as file:
            json.dump(answer, file)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)
