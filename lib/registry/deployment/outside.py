"""The registry as clients on other machines see it: at the unit's address, past the firewall and Docker's rules.

A request of the machine to itself proves little: the kernel neither forwards nor filters it like that of a client. So
a thread gets a network namespace that is connected to the machine like another one. The kernel removes the namespace
and its interfaces with the thread, also when the process is killed.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import ctypes
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterable

INTERFACE = "vethregistry"
"""Name of the machine's interface: like Docker's own, so that what manages a machine's interfaces ignores it too."""
ENDS = {"4": ("192.0.2.5", "192.0.2.6", "30"), "6": ("2001:db8::5", "2001:db8::6", "126")}
"""IP version to addresses of the machine and of the client, and their prefix; for documentation (RFC 5737, 3849)."""
CONNECT_SECONDS = 2.5
"""The kernel repeats a lost packet after one second: the first one to a new container may get lost."""
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
        namespace can be made, the connection begins at the machine itself.
        """
        own = _own_address(address)
        if not own:
            return ""
        with concurrent.futures.ThreadPoolExecutor(max_workers=1) as worker:
            try:
                _separate(worker, "6" if ":" in own else "4")
            except _NoNamespace:
                return _connect(own, port, request)
            try:
                return worker.submit(_connect, own, port, request).result()
            finally:
                _ip([f"link delete {INTERFACE}"])


def _separate(worker: concurrent.futures.Executor, version: str) -> None:
    """Move the *worker* to a namespace of its own, and connect that to the machine. Raises _NoNamespace."""
    machine, client, prefix = ENDS[version]
    thread = worker.submit(_leave).result()
    link = f"link add {INTERFACE} type veth peer name eth0 netns {thread}"
    nodad = " nodad" if version == "6" else ""
    ours = [link, f"address add {machine}/{prefix} dev {INTERFACE}{nodad}", f"link set {INTERFACE} up"]
    theirs = [
        f"address add {client}/{prefix} dev eth0{nodad}",
        "link set eth0 up",
        f"route add default via {machine}",
    ]
    try:
        if not _ip(ours):  # another process of the charm, which was killed a moment ago, had it
            _ip([f"link delete {INTERFACE}"])
            _require(_ip(ours))
        _require(worker.submit(_ip, theirs).result())
    except _NoNamespace:
        _ip([f"link delete {INTERFACE}"])
        raise


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
    done = subprocess.run([program, "-batch", "-"], input=text, capture_output=True, text=True, check=False)
    return done.returncode == 0


def _require(done: bool) -> None:
    if not done:
        raise _NoNamespace("ip failed")


def _connect(address: str, port: int, request: Callable[[str], None]) -> str:
    """Connect to *port* at *address* from this thread, and send the *request*; return why there is no connection."""
    try:
        socket.create_connection((address, port), CONNECT_SECONDS).close()
    except TimeoutError:
        return f"no answer within {CONNECT_SECONDS:g} s"
    except OSError as error:
        return error.strerror or str(error)
    request(f"[{address}]" if ":" in address else address)
    return ""


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
