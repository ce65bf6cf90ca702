"""The process that `local` has localjuju's commands forked from: it has imported all of them, and does nothing else."""

from __future__ import annotations

import contextlib
import gc
import io
import json
import os
import signal
import socket
import sys
import traceback

from localjuju import cli

REQUEST = 1 << 17
"""The bytes of the longest request, arguments and environment together: as much as Linux takes in one argument."""


def serve(requests: socket.socket) -> None:
    """Fork a process for each request, until nobody can ask any more."""
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
