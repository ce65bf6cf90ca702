"""A port of this machine that leads to another address."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
from collections.abc import Iterator


@contextlib.contextmanager
def forwarded(address: str, port: int) -> Iterator[int]:
    """Forward a free port of 127.0.0.1 to the address, and yield that port.

    Docker accepts plain HTTP from a loopback address without configuration, so this machine's own Docker can push to
    the unit.
    """

    class Forwarder(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.create_connection((address, port)) as far:
                back = threading.Thread(target=_carry, args=(far, self.request))
                back.start()
                _carry(self.request, far)
                back.join()

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Forwarder, bind_and_activate=True) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.05,)).start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()


def _carry(source: socket.socket, target: socket.socket) -> None:
    # Either side may close the connection at any time; its client reports that.
    with contextlib.suppress(OSError):
        while chunk := source.recv(1 << 18):
            target.sendall(chunk)
        target.shutdown(socket.SHUT_WR)
