"""The seam at which hook tools are answered in this process: whatever starts a program goes through `subprocess.Popen`.

A tool is found on PATH as a process would find it, and what a process would refuse is refused: a tool that is absent,
an argument that is too long. Programs that are no hook tools are processes.
"""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

Call = Callable[[str, list[str], Mapping[str, str], str], tuple[int, str, str]]
"""Runs a tool: name, arguments, environment, standard input -> exit code, output, errors."""

LONGEST = 131_071
"""Bytes that Linux takes as one argument."""


def popen(folder: Path, call: Call) -> type[subprocess.Popen[Any]]:
    """A class to take the place of `subprocess.Popen`: programs that PATH finds in `folder` are answered by `call`."""

    class Popen(subprocess.Popen):  # type: ignore[type-arg]
        def __new__(cls, args: Any, *positional: Any, **options: Any) -> Any:
            if positional or options.get("shell") or not isinstance(args, list | tuple):
                return super().__new__(cls)
            environment = os.environ if options.get("env") is None else options["env"]
            if _parent(args[0], environment) != str(folder):
                return super().__new__(cls)
            return ToolProcess(call, args, **{**options, "env": environment})  # no Popen: its __init__ is not called

    return Popen


def _parent(program: Any, environment: Mapping[str, str]) -> str:
    """The folder in which a process of this environment would find the program."""
    found = shutil.which(os.fsdecode(program), path=environment.get("PATH", os.defpath))
    return os.path.dirname(found or "")


class ToolProcess:
    """A call of a hook tool, as `subprocess` sees a process. It runs once its standard input is known."""

    def __init__(
        self,
        call: Call,
        args: Sequence[Any],
        *,
        env: Mapping[str, str],
        stdin: Any = None,
        stdout: Any = None,
        stderr: Any = None,
        text: bool | None = None,
        universal_newlines: bool | None = None,
        encoding: str | None = None,
        errors: str | None = None,
    ) -> None:
        self.args = args
        self.returncode: int | None = None
        self._words = [os.fsdecode(word) for word in args]
        if any("\0" in word for word in self._words):
            raise ValueError("embedded null byte")
        if any(len(os.fsencode(word)) > LONGEST for word in self._words):
            raise OSError(errno.E2BIG, os.strerror(errno.E2BIG), self._words[0])
        self._call, self._environment = call, env
        self._stdin, self._stdout, self._stderr = stdin, stdout, stderr
        self._is_text = bool(text or universal_newlines or encoding or errors)
        self._codec = encoding or "utf-8", errors or "strict"
        self._left: tuple[Any, Any] = None, None

    def __enter__(self) -> ToolProcess:
        return self

    def __exit__(self, *exception: object) -> None:
        self.wait()

    def communicate(self, input: Any = None, timeout: float | None = None) -> tuple[Any, Any]:
        """Run the tool, if it has not run; what it left in pipes."""
        if self.returncode is None:
            given = input if input and self._stdin == subprocess.PIPE else ""
            stdin = given if isinstance(given, str) else given.decode(*self._codec)
            tool = os.path.basename(self._words[0])
            self.returncode, output, errors = self._call(tool, self._words[1:], self._environment, stdin)
            if self._stderr == subprocess.STDOUT:
                output, errors = output + errors, ""
            self._left = self._deliver(output, self._stdout, 1), self._deliver(errors, self._stderr, 2)
        return self._left

    def _deliver(self, text: str, target: Any, inherited: int) -> Any:
        """Write to where the caller wants it; what a pipe holds is returned."""
        if target == subprocess.PIPE:
            return text if self._is_text else text.encode(*self._codec)
        if text and target not in (subprocess.DEVNULL, subprocess.STDOUT):
            descriptor = inherited if target is None else target if isinstance(target, int) else target.fileno()
            os.write(descriptor, text.encode(*self._codec))
        return None

    def wait(self, timeout: float | None = None) -> int:
        """The exit code."""
        self.communicate()
        assert self.returncode is not None
        return self.returncode

    poll = wait

    def kill(self) -> None:
        """There is nothing to kill: between two calls nothing runs."""
