"""The rules of a switch, as `iptables-restore` reads them and `iptables -S` prints them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from registry.release.container import PORT

CHAIN = "DOCKER-REGISTRY"
"""Name of the chain in the table nat."""


def chain(address: str, local_port: int, bridges: Iterable[str]) -> list[str]:
    """Return the lines of iptables-restore that create the chain."""
    return [
        f":{CHAIN} - [0:0]",
        f"-A {CHAIN} -o lo -p tcp -j REDIRECT --to-ports {local_port}",
        *(f"-A {CHAIN} -i {name} -j RETURN" for name in sorted(bridges)),
        f"-A {CHAIN} -p tcp -j DNAT --to-destination {address}:{PORT}",
    ]


def jumps(port: int, match: str) -> list[str]:
    """Return the lines of iptables-restore that send connections for *port* that *match* to the chain first."""
    return [f"-I {hook} 1 -p tcp {match} -m tcp --dport {port} -j {CHAIN}" for hook in ("PREROUTING", "OUTPUT")]


def removal(rules: Iterable[str]) -> list[str]:
    """Return the lines of iptables-restore that remove the chain from *rules*, the output of `iptables -S`."""
    jumps_to_it = [f"-D{rule[2:]}" for rule in rules if rule.endswith(f"-j {CHAIN}")]
    return [*jumps_to_it, f"-F {CHAIN}", f"-X {CHAIN}"]


def all_used(rules: str) -> bool:
    r"""Tell from the output of `iptables -v -S` whether each redirecting rule has counted a connection.

    >>> all_used("-A X -o lo -c 1 60 -j REDIRECT --to-ports 1\n-A X -c 0 0 -j DNAT --to-destination 1.2.3.4:5000")
    False
    """
    counts = re.findall(r"^-A .*-c (\d+) \d+ -j (?:REDIRECT|DNAT) ", rules, re.MULTILINE)
    return len(counts) == 2 and all(int(count) for count in counts)
