"""TCP ports and addresses of the machine."""

from __future__ import annotations

import contextlib
import errno
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

    def has_address(self, address: str) -> bool:
        """Tell whether a program can listen at the IP *address*, as the kernel decides."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        try:
            with contextlib.closing(socket.socket(family)) as probe:
                probe.bind((address, 0))
        except OSError as error:
            # One of a single link, without that link, is invalid.
            return error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EINVAL)
        return True
