"""localjuju for tests: commands are processes forked from one that has imported it all, which saves most of their time.

What a command does is the same: arguments, environment, working directory, output and exit code go the same way. The
program itself (`cli_binary`) is what tests start that end a command half-way.
"""

from __future__ import annotations

import contextlib
import gc
import io
import json
import logging
import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import traceback

import jubilant

LOGGER = logging.getLogger("jubilant")
REQUEST = 1 << 17
"""The bytes of the longest request, arguments and environment together: as much as Linux takes in one argument."""


class Local(jubilant.Juju):
    """A model of localjuju; leave it with `with` to end the process that commands are forked from."""

    def __enter__(self) -> Local:
        self._requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            # It ends when the last process that holds our end has ended.
            descriptor = theirs.fileno()
            self._server = subprocess.Popen([sys.executable, __file__, str(descriptor)], pass_fds=[descriptor])
        return self

    def __exit__(self, *args: object) -> None:
        self._requests.close()
        self._server.wait()

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


def serve(requests: socket.socket) -> None:
    """Fork a process for each request, until nobody can ask any more."""
    from localjuju import cli

    with contextlib.redirect_stdout(io.StringIO()):
        cli.main(["help"])  # has all verbs imported
    gc.freeze()
    # Ctrl-C is for the commands; those that have ended need no attention.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        request, descriptors, _, _ = socket.recv_fds(requests, REQUEST, 4)
        if not request:
            return
        if os.fork() == 0:
            requests.close()
            command(json.loads(request), descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def command(request: dict, descriptors: list[int]) -> None:
    """Be the command that was asked for, and end as it does."""
    from localjuju import cli

    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    *streams, ending = descriptors
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["environ"])
    code = 1
    try:
        code = cli.main(request["argv"])
    except SystemExit as end:
        code = end.code
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os.write(ending, str(code or 0).encode())
        os._exit(0)


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
