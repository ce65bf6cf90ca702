"""localjuju for tests: commands are processes forked from one that has imported it all, which saves most of their time.

What a command does is the same: arguments, environment, working directory, output and exit code go the same way. The
program itself (`cli_binary`) is what tests start that end a command half-way.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import pathlib
import shlex
import socket
import subprocess
import sys
import tempfile
from typing import Any

import jubilant
import prepared

LOGGER = logging.getLogger("jubilant")
FORKS = pathlib.Path(__file__).with_name("forks.py")


class Local(jubilant.Juju):
    """A model of localjuju; leave it with `with` to end the process that commands are forked from."""

    def __enter__(self) -> Local:
        self._requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            # It ends when the last process that holds our end has ended.
            descriptor = theirs.fileno()
            self._server = subprocess.Popen([sys.executable, FORKS, str(descriptor)], pass_fds=[descriptor])
        return self

    def __exit__(self, *args: object) -> None:
        self._requests.close()
        self._server.wait()

    def deploy(self, charm: str | pathlib.Path, app: str | None = None, **more: Any) -> None:
        more["constraints"] = {**prepared.constraints(charm), **(more.get("constraints") or {})} or None
        super().deploy(charm, app, **more)

    def _cli(
        self,
        *args: str,
        include_model: bool = True,
        stdin: str | None = None,
        log: bool = True,
        timeout: float | None = None,
    ) -> tuple[str, str]:
        if include_model and self.model is not None:
            args = (args[0], "--model", self.model, *args[1:])
        if log:
            LOGGER.info("cli: juju %s", shlex.join(args))
        with contextlib.ExitStack() as stack:
            streams = [stack.enter_context(tempfile.TemporaryFile("w+", encoding="utf-8")) for _ in range(3)]
            streams[0].write(stdin or "")
            streams[0].seek(0)
            ending, theirs = map(stack.enter_context, map(os.fdopen, os.pipe(), ("rb", "wb")))
            descriptors = [file.fileno() for file in (*streams, theirs)]
            request = json.dumps({"argv": args, "environ": dict(os.environ), "cwd": os.getcwd()}).encode()
            socket.send_fds(self._requests, [request], descriptors)
            theirs.close()
            code = int(ending.read() or 1)  # nothing from a command that was killed
            for file in streams[1:]:
                file.seek(0)
            output, errors = (file.read() for file in streams[1:])
        if code:
            raise jubilant.CLIError(code, [self.cli_binary, *args], output, errors)
        return output, errors
