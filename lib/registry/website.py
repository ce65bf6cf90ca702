"""What a proxy in front is told: https://github.com/canonical/haproxy-operator and the haproxy charm before it."""

from __future__ import annotations

import yaml

SERVICE_OPTIONS = ("mode http", "balance leastconn", "option httpchk GET / HTTP/1.0")
PASS_THROUGH = ("mode tcp", *SERVICE_OPTIONS[1:])
"""Of a registry with TLS: the proxy passes on what it cannot read, and looks at no certificate but in its checks."""
CHECK = "check inter 2000 rise 2 fall 5 maxconn 4096"
CHECK_TLS = CHECK.replace("check", "check check-ssl verify none", 1)


def services(unit: str, address: str, port: int, *, backup: bool, encrypted: bool) -> str:
    """Return the YAML text of `services` with the one server of *unit*; the proxy unites those of all units.

    A *backup* is used only while no other server is well. The server's name has the port, so that it differs from
    the predecessor's: haproxy refuses one name with two addresses while units are refreshed one by one.
    """
    check = CHECK_TLS if encrypted else CHECK
    server = [f"{unit.replace('/', '-')}-{port}", address, port, f"{check} backup" if backup else check]
    service = {
        "service_name": unit.partition("/")[0],
        "service_host": "0.0.0.0",  # noqa: S104 - where the proxy listens
        "service_port": port,
        "service_options": list(PASS_THROUGH if encrypted else SERVICE_OPTIONS),
        "servers": [server],
    }
    return str(yaml.safe_dump([service], default_flow_style=None, sort_keys=False, width=1000))
