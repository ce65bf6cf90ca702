"""The service that proxies read over haproxy-route and haproxy-route-tcp, and their answer."""

from __future__ import annotations

import dataclasses
import json
import re
from typing import Any
from urllib.parse import urlsplit

from registry.formats import addresses
from registry.formats.relations import Proxy, json_list

DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}", re.IGNORECASE)
"""What such a proxy accepts as the name of a host."""
SERVER_SECONDS = 300
"""An object store may need minutes to assemble a large layer."""
CONNECT_SECONDS = 1
"""A server that has just failed is tried for a second, then another one."""
QUEUE_SECONDS = 60
RETRIES = 3
CONNECTIONS = 4096
"""To a server at once."""


@dataclasses.dataclass(frozen=True)
class Route:
    """The registry as a service behind a proxy."""

    service: str
    """A name that no other service of the proxy has."""
    port: int
    encrypted: bool
    """The units serve TLS."""
    hosts: tuple[str, ...]
    """Addresses of the units that serve; empty: all units."""
    hostname: str | None
    """Where clients reach it, where that is a name."""
    check_interval: int
    """Milliseconds from one check of the proxy to the next."""
    check_fall: int
    """Number of consecutive failed checks after which a unit gets no requests."""


def http(route: Route) -> dict[str, str]:
    """Return the application's databag for a proxy that ends TLS."""
    return _texts(
        service=route.service,
        ports=[route.port],
        protocol="https" if route.encrypted else "http",
        hostname=route.hostname if route.hostname and DOMAIN.fullmatch(route.hostname) else None,
        # The registry tells clients to continue an upload where they began it: with https.
        rewrites=[{"method": "set-header", "header": "X-Forwarded-Proto", "expression": "https"}],
        check={**_check(route), "path": "/"},
        **_common(route),
    )


def tcp(route: Route) -> dict[str, str]:
    """Return the application's databag for a proxy that passes TLS through, at the registry's own port."""
    return _texts(
        port=route.port,
        backend_port=route.port,
        enforce_tls=route.encrypted,
        tls_terminate=False,
        check=_check(route),
        **_common(route),
    )


def _common(route: Route) -> dict[str, Any]:
    return {
        "hosts": list(route.hosts),
        "load_balancing": {"algorithm": "leastconn"},
        "retry": {"count": RETRIES, "redispatch": True},
        "timeout": {"server": SERVER_SECONDS, "connect": CONNECT_SECONDS, "queue": QUEUE_SECONDS},
        "server_maxconn": CONNECTIONS,
    }


def _check(route: Route) -> dict[str, Any]:
    seconds = -(-route.check_interval // 1000)  # these proxies know whole seconds only
    return {"interval": seconds, "rise": 2, "fall": route.check_fall}


def _texts(**values: Any) -> dict[str, str]:
    return {key: json.dumps(value) for key, value in values.items()}


def http_proxies(answer: str) -> list[Proxy]:
    """Return where clients reach a proxy that ends TLS, by its *answer*: a JSON list of URLs."""
    urls = sorted(url for url in json_list(answer) if isinstance(url, str))
    return [_http_proxy(url) for url in urls if url.startswith("https://") and not addresses.url_problem(url)]


def _http_proxy(url: str) -> Proxy:
    parts = urlsplit(url)
    host = addresses.bracketed(parts.hostname or "")
    port = parts.port or addresses.PORTS["https"]
    # Clients take a name without a dot for one only where it has a port.
    is_plain = port == addresses.PORTS["https"] and "." in host
    return Proxy(parts.hostname or "", netloc=host if is_plain else f"{host}:{port}", terminates=True)


def tcp_proxies(answer: str) -> list[Proxy]:
    """Return where clients reach a proxy that passes TLS through, by its *answer*: a JSON list of ``host:port``."""
    netlocs = sorted(netloc for netloc in json_list(answer) if isinstance(netloc, str))
    found = []
    for netloc in netlocs:
        host, _, port = netloc.rpartition("://")[2].rstrip("/").rpartition(":")
        host = host.strip("[]")
        where = f"{addresses.bracketed(host)}:{port}"
        if host and not addresses.url_problem(f"https://{where}"):
            found.append(Proxy(host, netloc=where, terminates=False))
    return found
