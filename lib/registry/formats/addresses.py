"""Where the registry is reached: hosts, ports and URLs."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from urllib.parse import urlsplit

from registry.message import Message, Text

NOT_A_URL = Message("{url!r} is not a URL ({error})", "Use http://HOST:PORT or https://HOST:PORT")
"""The URL cannot be parsed: its host is malformed, or its port is no number from 0 to 65535."""
NO_SCHEME = Message("{url!r} has no http or https scheme", "Begin it with http:// or https://")
"""The URL does not begin with http:// or https://, so clients cannot tell whether the server uses TLS."""
NO_HOST = Message("{url!r} has no host, or its port is 0", "Use http://HOST:PORT or https://HOST:PORT")
"""The URL does not contain a host and port to connect to."""


def bracketed(host: str) -> str:
    """Return *host* as URLs have it: an IPv6 address in brackets, everything else unchanged."""
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
    """Return every ``host[:port]`` at which this unit's registry is reached, to distinguish it from other hosts.

    *here* are the unit's address and those of proxies in front of it.
    """
    hosts = [*here, "127.0.0.1", "localhost"]
    return frozenset({netloc(http_host, hosts[0], port), *(netloc(None, host, port) for host in hosts)})


def hostname(url: str) -> str | None:
    """Return the host of *url*, without port and brackets, or None where it has none."""
    return None if url_problem(url) else urlsplit(url).hostname


def url_problem(url: str) -> Text | None:
    """Return what is wrong with *url* as the address of an HTTP server, or None."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        # The error quotes parts of the URL.
        return NOT_A_URL(url=url, error=error if "@" not in url else "invalid host or port")
    if parts.scheme not in ("http", "https") or "//" not in url:
        return NO_SCHEME(url=url)
    if not parts.hostname or port == 0:
        return NO_HOST(url=url)
    return None
