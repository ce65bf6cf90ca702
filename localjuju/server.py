"""The socket at which the hook tools of a machine reach the agent; see `hooktool.pl` for what goes over it."""

from __future__ import annotations

import os
import socketserver
import threading
from pathlib import Path
from typing import Any

from localjuju.context import Context
from localjuju.hooktools import dispatch
from localjuju.host import SOCKET


class _Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        lengths = self.rfile.readline().split()
        packed, stdin = (self.rfile.read(int(length)) for length in lengths)
        context_id, *argv = [part.decode("utf-8", "surrogateescape") for part in packed.split(b"\0")]
        context = self.server.contexts.get(context_id)  # type: ignore[attr-defined]
        if context is None:
            answer = (1, "", f'ERROR bad request: unknown context "{context_id}"\n')
        else:
            answer = dispatch.call(context, argv, stdin.decode("utf-8", "replace"))
        code, out, err = answer[0], *(text.encode("utf-8", "surrogateescape") for text in answer[1:])
        self.wfile.write(b"%d %d\n" % (code, len(out)) + out + err)


class Server(socketserver.ThreadingUnixStreamServer):
    """Answers for the contexts it knows while it is entered; one machine's folder each."""

    daemon_threads = True

    def __init__(self, folder: Path):
        self.contexts: dict[str, Context] = {}
        self.path = folder / SOCKET
        self.path.unlink(missing_ok=True)
        # By descriptor: a socket's path may have 107 bytes, and a data folder may be deep.
        descriptor = os.open(folder, os.O_PATH)
        try:
            super().__init__(f"/proc/self/fd/{descriptor}/{SOCKET}", _Handler)
        finally:
            os.close(descriptor)

    def __enter__(self) -> Server:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *args: Any) -> None:
        self.shutdown()
        self.server_close()
        self.path.unlink(missing_ok=True)
