"""Ports of the machine."""

import socket

from registry.machine.ports import Ports


def test_a_port_is_free_unless_somebody_listens():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        assert not Ports().is_free(port)
    assert Ports().is_free(port)
