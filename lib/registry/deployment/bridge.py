"""The bridge during a switch: new connections go to the candidate, and existing ones may finish.

For a few seconds, two netfilter rules in a separate chain do what Docker's rules do for a published port, with another
container as destination. Connections from other machines go directly to it, those of this machine to the loopback port
at which Docker publishes it. Existing connections are not affected, because conntrack does not apply the rules to them.
IPv6 and containers of this machine go through Docker's proxy and are not redirected.

The only user of iptables, and of network namespaces.
"""

from __future__ import annotations

import contextlib
import pathlib
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from registry.deadline import Deadline
from registry.deployment import outside
from registry.deployment.rules import CHAIN, all_used, chain, jumps, removal
from registry.formats.inspection import Container
from registry.machine.engine import EngineError
from registry.release.container import PORT

PROBE = "docker-registry"
"""Name of the network namespace that acts as another machine while the rules are tried, and of its interface."""
PROBE_SECONDS = 2
PROGRAM_SECONDS = 10
"""How long a program may take."""
TIMED_OUT = 124
"""Exit code of a program that took longer, as that of `timeout`."""
QUIET_SECONDS = 1.0
"""How long no data may be transferred until a container counts as quiet."""
EMPTY_SECONDS = 0.15
"""How long it may have no connection until it counts as quiet: new ones go elsewhere."""
CLOSING_SECONDS = 2
"""How long a registry that was told to end may take to refuse new connections."""
NETWORK_NAMESPACES = pathlib.Path("/run/netns")
_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
_PROGRAMS = ("bash", "ip", "iptables", "iptables-restore", "nsenter", "ss", "timeout")
_LISTING = ("ss", "-tinHO", "state", "connected", "exclude", "time-wait")

Run = Callable[[Sequence[str], str], subprocess.CompletedProcess[str]]
"""Runs a command with a text as its standard input."""
Flow = tuple[int, int, int]
"""State of a connection: bytes in its queues, bytes received, bytes delivered."""


class Impassable(Exception):
    """Connections cannot be redirected on this machine; ``str()`` says why, for the log."""


class Bridge:
    """The bridge of this machine."""

    def __init__(
        self,
        run: Run | None = None,
        clock: Callable[[float], Deadline] = Deadline,
        find_network: Callable[[int], outside.Network | None] = outside.find_network,
    ) -> None:
        self._run = run or _run
        self._clock = clock
        self._find_network = find_network

    def open(self, port: int, address: str, local_port: int, bridges: Iterable[str]) -> None:
        """Redirect new connections for the machine's *port* to the container at *address*.

        *local_port* is where that container answers this machine, *bridges* are the interfaces of Docker's networks,
        whose containers are not redirected. The rules are tried before they apply to clients. Raises Impassable, with
        nothing changed, or EngineError.
        """
        missing = [name for name in _PROGRAMS if shutil.which(name, path=_PATH) is None]
        if missing:
            raise Impassable(f"{missing[0]} is not installed")
        network = self._find_network(4)
        if network is None:
            raise Impassable("no network is free to try the rules in")
        machine, client = str(network[1]), str(network[2])
        self.close()
        lines = chain(address, local_port, bridges)
        try:
            self._restore([*lines, *jumps(port, f"-d {machine}/32")])
            self._try(port, machine, client)
            self.close()
            self._restore([*lines, *jumps(port, "-m addrtype --dst-type LOCAL")])
        except Impassable:
            self.close()
            raise

    def close(self) -> bool:
        """Remove everything that `open` added; tell whether there was anything. Raises EngineError."""
        if shutil.which("iptables", path=_PATH) is None:
            return False
        rules = self._run(["iptables", "-w", "-t", "nat", "-S"], "").stdout.splitlines()
        is_open = f"-N {CHAIN}" in rules
        if is_open:
            try:
                self._restore(removal(rules))
            except Impassable as error:
                raise EngineError(f"the rules of the chain {CHAIN} cannot be removed: {error}") from error
        if (NETWORK_NAMESPACES / PROBE).exists():
            self._run(["ip", "netns", "delete", PROBE], "")  # also removes its interfaces
        return is_open

    def wait_until_quiet(self, process: int, port: int, seconds: float) -> float:
        """Wait until no data move on the connections of a container, at most *seconds*; return the time that is left.

        *process* is its first process, *port* the machine's port that Docker's proxy serves. A connection with data in
        its queues is not quiet.
        """
        deadline = self._clock(seconds)
        before: Mapping[str, Flow] | None = None
        since = deadline.left
        while (left := deadline.left) > 0:
            current = self._flows(process, port)
            if current != before or any(queued for queued, _, _ in current.values()):
                before, since = current, left
            elif since - left >= (QUIET_SECONDS if current else EMPTY_SECONDS):
                return left
            deadline.pause(0.1 if current else EMPTY_SECONDS / 3)
        return 0.0

    @contextlib.contextmanager
    def cut_after(self, seconds: float, process: int) -> Iterator[None]:
        """Cut the connections of a container, if the body takes longer than *seconds*.

        *process* is its first process, or 0. A kernel without CONFIG_INET_DIAG_DESTROY cuts none.
        """
        if not process:
            yield
            return
        timer = threading.Timer(seconds, self._cut, (process,))
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()

    def _cut(self, process: int) -> None:
        """Cut the connections once new ones are refused: a request that is repeated would meet itself."""
        deadline = self._clock(CLOSING_SECONDS)
        listens = [*_inside(process), "ss", "-tlnH", f"sport = :{PORT}"]
        with contextlib.suppress(OSError):  # a machine without nsenter
            while self._run(listens, "").stdout and deadline.pause(0.05):
                pass
            self._run([*_inside(process), *_LISTING, "-K", f"sport = :{PORT}"], "")

    def introduce(self, container: Container) -> None:
        """Add the hardware address of a container that was just started to the kernel's neighbour table.

        A client's packet that arrives before the container has its network makes an ARP request fail, and the kernel
        repeats it only a second later. Without this, only time is lost.
        """
        for network in container.networks:
            with contextlib.suppress(FileNotFoundError):  # a machine without iproute2
                self._set_neighbour(network.address, network.hardware_address)

    def _set_neighbour(self, address: str, hardware_address: str) -> None:
        device = re.search(r" dev (\S+)", self._run(["ip", "route", "get", address], "").stdout)
        if device and hardware_address:
            entry = [address, "lladdr", hardware_address, "dev", device[1], "nud", "reachable"]
            self._run(["ip", "neigh", "replace", *entry], "")

    def _flows(self, process: int, port: int) -> dict[str, Flow]:
        inside = self._run([*_inside(process), *_LISTING, f"sport = :{PORT}"], "").stdout
        return flows(inside) | flows(self._run([*_LISTING, f"sport = :{port}"], "").stdout)

    def _try(self, port: int, machine: str, client: str) -> None:
        """Connect to the address *machine* from this one and from another, *client*.

        Raises Impassable unless the rules redirected both.
        """
        inside = ["ip", "-n", PROBE]
        for command in (
            ["ip", "netns", "add", PROBE],
            ["ip", "link", "add", PROBE, "type", "veth", "peer", "name", "eth0", "netns", PROBE],
            ["ip", "address", "add", f"{machine}/30", "dev", PROBE],
            ["ip", "link", "set", PROBE, "up"],
            [*inside, "address", "add", f"{client}/30", "dev", "eth0"],
            [*inside, "link", "set", "eth0", "up"],
        ):
            self._require(command)
        connect = ["timeout", str(PROBE_SECONDS), "bash", "-c", f": < /dev/tcp/{machine}/{port}"]
        for where in ([], ["ip", "netns", "exec", PROBE]):
            if self._run([*where, *connect], "").returncode:
                raise Impassable("the rules do not redirect connections")
        # If the rules were not used, Docker's own rules have connected.
        if not all_used(self._require(["iptables", "-w", "-t", "nat", "-v", "-S", CHAIN])):
            raise Impassable("other rules take precedence over those of the switch")

    def _restore(self, lines: Iterable[str]) -> None:
        """Change the table nat atomically. Raises Impassable."""
        self._require(["iptables-restore", "-w", "--noflush"], "\n".join(["*nat", *lines, "COMMIT", ""]))

    def _require(self, command: Sequence[str], text: str = "") -> str:
        done = self._run(command, text)
        if done.returncode:
            raise Impassable(f"{command[0]}: {' '.join(done.stderr.split())[:150]}")
        return done.stdout


def _inside(process: int) -> list[str]:
    """Return the words before a command that runs in the network of a container."""
    return ["nsenter", "-t", str(process), "-n"]


def flows(listing: str) -> dict[str, Flow]:
    """Return the state of connections, by their two ends, from the output of `ss -tinHO`.

    >>> flows("ESTAB 0 5 10.0.0.2:5000 10.0.0.1:4242 cubic bytes_sent:9 bytes_acked:4 bytes_received:7 segs_out:3")
    {'10.0.0.2:5000 10.0.0.1:4242': (5, 7, 4)}
    """
    states = {}
    for line in listing.splitlines():
        _, received, sent, local, peer, *rest = line.split()
        counters = dict(re.findall(r"\b(bytes_received|bytes_acked):(\d+)", " ".join(rest)))
        moved = (int(counters.get("bytes_received", 0)), int(counters.get("bytes_acked", 0)))
        states[f"{local} {peer}"] = (int(received) + int(sent), *moved)
    return states


def _run(command: Sequence[str], text: str) -> subprocess.CompletedProcess[str]:
    program = shutil.which(command[0], path=_PATH) or command[0]
    words = [program, *command[1:]]
    try:
        return subprocess.run(words, input=text, capture_output=True, text=True, check=False, timeout=PROGRAM_SECONDS)
    except subprocess.TimeoutExpired:  # for example, another program keeps the lock of iptables
        return subprocess.CompletedProcess(words, TIMED_OUT, "", f"no end within {PROGRAM_SECONDS} s")
