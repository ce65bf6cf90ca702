"""Where the registry is reached: hosts, ports and URLs."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from urllib.parse import urlsplit


def bracketed(host: str) -> str:
    """Return *host* as it stands in a URL: an IPv6 address in brackets, everything else unchanged."""
    try:
        return f"[{host}]" if ipaddress.ip_address(host).version == 6 else host
    except ValueError:
        return host


def netloc(http_host: str | None, address: str, port: int) -> str:
    """Return ``host[:port]`` at which clients reach the registry.

    That of the URL *http_host* if there is one, without user, path and slash; else *address* and *port*.
    """
    if http_host:
        return urlsplit(http_host).netloc.rpartition("@")[2]
    return f"{bracketed(address)}:{port}"


def own_netlocs(http_host: str | None, here: Iterable[str], port: int) -> frozenset[str]:
    """Return every ``host[:port]`` that means this unit's registry, for telling it from other hosts.

    *here* are the unit's address, and those of proxies in front.
    """
    hosts = [*here, "127.0.0.1", "localhost"]
    return frozenset({netloc(http_host, hosts[0], port), *(netloc(None, host, port) for host in hosts)})


def hostname(url: str) -> str | None:
    """Return the host of *url*, without port and brackets, or None where it has none."""
    return None if url_problem(url) else urlsplit(url).hostname


def url_problem(url: str) -> str | None:
    """Return what is wrong with *url* as the address of an HTTP server, or None."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        return f"{url!r} is not a URL ({error})"
    if parts.scheme not in ("http", "https") or "//" not in url:
        return f"{url!r} has no scheme; write http://... or https://..."
    if not parts.hostname or port == 0:
        return f"{url!r} names no host and port that can be reached"
    return None
