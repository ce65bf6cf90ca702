"""The registry as clients on other machines see it: at the unit's address, past the firewall and Docker's rules.

A request of the machine to itself proves little: the kernel neither forwards nor filters it like that of a client. So
a thread gets a network namespace that is connected to the machine like another one. The kernel removes the namespace
and its interfaces with the thread, also when the process is killed.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import ctypes
import ipaddress
import os
import pathlib
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterable

LOOPBACK = "127.0.0.1"
PROGRAM_SECONDS = 5
"""How long a program may take that is done in milliseconds."""
INTERFACE = "vethregistry"
"""Name of the machine's interface: like Docker's own, so that what manages a machine's interfaces ignores it too."""
NETWORKS = (
    *("198.51.100.4/30", "203.0.113.4/30", "192.0.2.4/30", "198.18.0.4/30"),
    *("2001:db8:5000::4/126", "2001:db8:5001::4/126"),
)
"""Networks for documentation and benchmarks (RFC 5737, 2544, 3849), which nobody should use; some do."""
CONNECT_SECONDS = 2.5
"""The kernel repeats a lost packet after one second: the first one to a new container may get lost."""
UP_SECONDS = 0.5
"""How long the kernel may take to activate a new interface; packets before that are lost."""
ROUTES = {4: "/proc/net/route", 6: "/proc/net/ipv6_route"}
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_CLONE_NEWNET = 0x40000000
_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


class _NoNamespace(Exception):
    """The machine does not allow a network namespace, or has no iproute2."""


class Outside:
    """Where clients of this machine are."""

    def check(self, address: str, port: int, request: Callable[[str], None]) -> str:
        """Connect to *port* at the machine's *address* from outside; return why that fails, "" if it does not.

        Then send the *request*, whose errors are raised: it gets the host for a URL. An address that is not the
        machine's own, for example of a cloud's gateway, stands for the one at which that reaches the machine. Where no
        namespace can be made, the connection begins at the machine itself, and where nothing is known of the address,
        it ends there too.
        """
        own = _own_address(address)
        if not own:
            return _connect(LOOPBACK, port, request)
        with concurrent.futures.ThreadPoolExecutor(max_workers=1) as worker:
            try:
                client = _separate(worker, ipaddress.ip_address(own).version)
            except _NoNamespace:
                return _connect(own, port, request)
            return worker.submit(_connect, own, port, request, client).result()


def _separate(worker: concurrent.futures.Executor, version: int) -> str:
    """Move the *worker* to a namespace of its own, and connect that to the machine; return its address there.

    Raises _NoNamespace.
    """
    network = find_network(version)
    if network is None:
        raise _NoNamespace("no network is free")
    machine, client = (f"{network[number]}/{network.prefixlen}" for number in (1, 2))
    thread = worker.submit(_leave).result()
    nodad = " nodad" if version == 6 else ""
    ours = [
        f"link add {INTERFACE} type veth peer name eth0 netns {thread}",
        f"address add {machine} dev {INTERFACE}{nodad}",
        f"link set {INTERFACE} up",
    ]
    theirs = [f"address add {client} dev eth0{nodad}", "link set eth0 up", f"route add default via {network[1]}"]
    if not _ip(ours):  # that of the previous hook may still be there: the kernel needs a moment to remove it
        _ip([f"link delete {INTERFACE}"])
        _require(_ip(ours))
    _require(worker.submit(_ip, theirs).result())
    end, state = time.monotonic() + UP_SECONDS, pathlib.Path(f"/sys/class/net/{INTERFACE}/operstate")
    with contextlib.suppress(OSError):  # a machine without /sys
        while state.read_text().strip() != "up" and time.monotonic() < end:
            time.sleep(0.0005)
    return str(network[2])


def _leave() -> int:
    """Give this thread a network namespace of its own; return the thread's ID. Raises _NoNamespace."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNET):
        raise _NoNamespace(os.strerror(ctypes.get_errno()))
    return threading.get_native_id()


def _ip(commands: Iterable[str]) -> bool:
    """Run commands of iproute2 in the namespace of this thread; tell whether all succeeded. Raises _NoNamespace."""
    program = shutil.which("ip", path=_PATH)
    if program is None:
        raise _NoNamespace("ip is not installed")
    text = "\n".join(commands) + "\n"
    try:
        done = subprocess.run(
            [program, "-batch", "-"], input=text, capture_output=True, text=True, check=False, timeout=PROGRAM_SECONDS
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def _require(done: bool) -> None:
    if not done:
        raise _NoNamespace("ip failed")


def _connect(address: str, port: int, request: Callable[[str], None], client: str = "") -> str:
    """Connect to *port* at *address* from this thread, and send the *request*; return why there is no connection.

    *client* is the thread's own address, if it has one: a firewall may refuse that one and admit others.
    """
    source = f" to {client}" if client else ""
    try:
        socket.create_connection((address, port), CONNECT_SECONDS).close()
    except TimeoutError:
        return f"no answer{source} within {CONNECT_SECONDS:g} s"
    except OSError as error:
        return f"{error.strerror or error}{source and f' from {client}'}"
    request(f"[{address}]" if ":" in address else address)
    return ""


def find_network(version: int) -> Network | None:
    """Return a network that this machine is not in and has no route to; None if there is none."""
    return free_network(version, pathlib.Path(ROUTES[version]).read_text())


def free_network(version: int, routes: str) -> Network | None:
    r"""Return a network to which none of the machine's *routes*, the kernel's text, leads but the default one.

    >>> text = "Iface Destination Gateway Flags RefCnt Use Metric Mask\neth0 006433C6 0 1 0 0 0 00FFFFFF"
    >>> free_network(4, text)
    IPv4Network('203.0.113.4/30')
    """
    taken = [route for line in routes.splitlines() if (route := _destination(version, line.split()))]
    networks = (network for network in map(ipaddress.ip_network, NETWORKS) if network.version == version)
    return next((one for one in networks if not any(one.overlaps(route) for route in taken)), None)


def _destination(version: int, words: list[str]) -> Network | None:
    """Return where a route leads, from a line of the kernel's; None for a default route and for the heading."""
    if version == 4:
        if words[1:2] in ([], ["Destination"]):
            return None
        address, mask = (int.from_bytes(bytes.fromhex(words[place]), "little") for place in (1, 7))
        return ipaddress.IPv4Network((address, mask.bit_count())) if mask else None
    prefix = int(words[1], 16)
    return ipaddress.IPv6Network((int(words[0], 16), prefix)) if prefix else None


def _own_address(address: str) -> str:
    """Return *address* if it is the machine's own, else the machine's address towards it; "" if there is none."""
    with contextlib.suppress(OSError, UnicodeError):
        found = socket.getaddrinfo(address, 9, type=socket.SOCK_DGRAM)[0]
        with contextlib.closing(socket.socket(found[0], socket.SOCK_DGRAM)) as probe:
            with contextlib.suppress(OSError):
                probe.bind((found[4][0], 0))
                return str(found[4][0])
            probe.connect(found[4])  # sends nothing
            return str(probe.getsockname()[0])
    return ""
