"""The service that proxies read: https://github.com/canonical/haproxy-operator and the haproxy charm before it."""

from __future__ import annotations

import base64
import dataclasses

import yaml

HEALTH = "option httpchk GET / HTTP/1.0"
OPTIONS = (
    "balance leastconn",
    # A server that has just failed is tried for a second, then another one.
    *("option redispatch", "retries 3", "timeout connect 1000"),
    # An object store may need minutes to assemble a large layer.
    *("timeout client 300000", "timeout server 300000"),
)


@dataclasses.dataclass(frozen=True)
class Server:
    """A unit's registry as a proxy's server."""

    unit: str
    address: str
    port: int
    backup: bool
    """Used only while no other server is healthy."""
    encrypted: bool
    """It serves TLS."""
    asks_for_certificates: bool
    """Clients must present a certificate; a proxy has none."""
    terminates: bool
    """TLS ends at the proxy."""
    check_interval: int
    """Milliseconds from one check of the proxy to the next."""
    check_fall: int
    """Number of consecutive failed checks after which it gets no requests."""
    drained: bool = False
    """It gets no new requests, and may finish those that it has."""
    pem: str | None = dataclasses.field(default=None, repr=False)
    """Its certificate, intermediate certificates and key, where it has them."""


def services(server: Server) -> str:
    """Return the YAML text of `services` with this server; the proxy merges those of all units.

    The server's name contains the port, so that it differs from the predecessor's: haproxy rejects one name with two
    addresses while units are refreshed one by one.
    """
    service = {
        "service_name": server.unit.partition("/")[0],
        "service_host": "0.0.0.0",  # noqa: S104 - where the proxy listens
        "service_port": server.port,
        "service_options": _options(server),
        "servers": [
            [
                f"{server.unit.replace('/', '-')}-{server.port}",
                server.address,
                server.port,
                _server_options(server),
            ]
        ],
    }
    if server.terminates:
        # The registry's certificate is valid for the proxy's address. Without one, the proxy uses its own.
        own = base64.b64encode(server.pem.encode()).decode() if server.pem else None
        service["crts"] = [own or "DEFAULT"]
    return str(yaml.safe_dump([service], default_flow_style=None, sort_keys=False, width=1_000_000))


def _options(server: Server) -> list[str]:
    if server.terminates:
        return ["mode http", *OPTIONS, HEALTH, "http-request set-header X-Forwarded-Proto https"]
    if not server.encrypted:
        return ["mode http", *OPTIONS, HEALTH]
    # The proxy forwards encrypted traffic.
    return ["mode tcp", *OPTIONS, *([] if server.asks_for_certificates else [HEALTH])]


def _server_options(server: Server) -> str:
    words = ["check"]
    if server.encrypted and server.terminates:
        words.append("ssl verify none")
    elif server.encrypted and not server.asks_for_certificates:
        words.append("check-ssl verify none")
    # A check of an unreachable machine lasts one interval, and the next one follows an interval later.
    words.append(
        f"inter {server.check_interval} fastinter {server.check_interval // 2} rise 2 fall {server.check_fall}"
    )
    words.append("on-marked-down shutdown-sessions maxconn 4096")
    # haproxy reads this at its reload, after which the previous process finishes what clients have begun. A server that
    # fails its checks, or is no longer in the list, would lose that instead (on-marked-down).
    states = {"disabled": server.drained, "backup": server.backup}
    return " ".join([*words, *(word for word, is_so in states.items() if is_so)])
