"""Ports of the machine."""

import socket

import pytest
from registry.machine.ports import Ports


def test_a_port_is_free_unless_somebody_listens():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        assert not Ports().is_free(port)
    assert Ports().is_free(port)


@pytest.mark.parametrize(
    ("address", "there"),
    [
        *(("127.0.0.1", True), ("0.0.0.0", True), ("192.0.2.77", False), ("2001:db8::77", False)),
        ("fe80::1", False),
    ],
)
def test_an_address_of_the_machine(address, there):
    assert Ports().has_address(address) == there
