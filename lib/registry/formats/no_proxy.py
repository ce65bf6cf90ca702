"""Which requests use a proxy, decided as Docker and the registry do: https://pkg.go.dev/golang.org/x/net/http/httpproxy.

Other programs read the same list differently: curl has no ports and no networks, Python's requests no ports of domains.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

METADATA = (
    *("169.254.169.254", "fd00:ec2::254", "metadata.google.internal", "100.100.100.200"),
    *("169.254.170.2", "169.254.170.23", "fd00:ec2::23"),
)
"""Where clouds tell a machine or container its role: a proxy would answer with a role of its own, or not at all."""

_PORTS = {"http": "80", "https": "443"}
_DOMAIN = re.compile(r"(?:\*?\.)?[\w-]+(?:\.[\w-]+)*\.?")
_NUMBER = re.compile(r"(?:.*\.)?[0-9]+\.?")
"""The beginning of an address, for example 10.1: no host has such a name."""
_PORT = re.compile("(?:[1-9][0-9]{0,4})?")

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def entries(text: str) -> Iterator[str]:
    """Return the entries of a list of exceptions; some programs accept blanks between them, Go only commas."""
    return filter(None, re.split(r"[\s,]+", text))


def is_effective(entry: str) -> bool:
    """Tell whether an entry can match a host; Go ignores malformed ones."""
    host, port = _split(entry)
    if entry == "*" or _network(entry):
        return True
    is_domain = _DOMAIN.fullmatch(host) is not None and _NUMBER.fullmatch(host) is None
    return bool(_PORT.fullmatch(port)) and (_address(host) is not None or is_domain)


def proxy_for(url: str, environment: Mapping[str, str]) -> str | None:
    """Return the proxy that a program with these variables uses for *url*, or None."""
    parts = urlsplit(url)
    proxy = environment.get(f"{parts.scheme.upper()}_PROXY")
    host = _ascii(parts.hostname or "")
    port = str(parts.port or _PORTS.get(parts.scheme, ""))
    return None if not proxy or is_excepted(host, port, environment.get("NO_PROXY", "")) else proxy


def is_excepted(host: str, port: str, exceptions: str) -> bool:
    """Tell whether requests to *host* at *port* use no proxy, because of the list *exceptions* or always."""
    address = _address(host)
    if host == "localhost" or (address is not None and address.is_loopback):
        return True
    return any(_matches(entry.strip().lower(), host.lower(), port, address) for entry in exceptions.split(","))


def _matches(entry: str, host: str, port: str, address: _Address | None) -> bool:
    if entry == "*":
        return True
    network = _network(entry)
    if network:
        return address is not None and address in network
    name, its_port = _split(entry)
    if not name or its_port not in ("", port):
        return False
    its_address = _address(name)
    if its_address is not None:
        return its_address == address
    name = _ascii(name.removeprefix("*") if name.startswith("*.") else name)
    # With a dot in front, only names below the domain.
    return "%" not in host and (host.endswith(name) if name[0] == "." else host == name or host.endswith(f".{name}"))


def _split(entry: str) -> tuple[str, str]:
    """Return host and port of an entry; the whole entry and "" where it has no port."""
    match = re.fullmatch(r"(?:\[([^\[\]]*)\]|([^:\[\]]*)):([^:]*)", entry)
    return (match[1] or match[2] or "", match[3]) if match else (entry, "")


def _address(text: str) -> _Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if "%" in text:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    if not re.fullmatch(r"[0-9a-f.:]+/[0-9]{1,3}", text, re.IGNORECASE):
        return None
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def _ascii(host: str) -> str:
    """Return an international name as DNS has it."""
    try:
        return ".".join(label if label.isascii() else label.encode("idna").decode() for label in host.split("."))
    except UnicodeError:
        return host
