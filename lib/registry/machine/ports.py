"""TCP ports of the machine."""

from __future__ import annotations

import contextlib
import socket


class Ports:
    """The ports of this machine."""

    def is_free(self, port: int) -> bool:
        """Tell whether no program listens on *port*."""
        with contextlib.closing(socket.socket()) as probe:
            # Otherwise, lingering connections of a registry that has just stopped count as a listener.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("0.0.0.0", port))  # noqa: S104 - it never listens
            except OSError:
                return False
        return True
