"""Hook tools about addresses and ports."""

from __future__ import annotations

import ipaddress
import re
from typing import Any

from localjuju import JujuError
from localjuju.hooktools.tool import Call, tool


@tool("unit-get", "", (1, 1))
def unit_get(call: Call) -> str:
    """The address of the machine, of which there is one."""
    if call.args[0] not in ("private-address", "public-address"):
        raise JujuError(f'unknown setting "{call.args[0]}"', 2)
    return call.context.model.machine(call.context.unit.machine).address


@tool("network-get", "primary-address bind-address ingress-address egress-subnets relation=", (1, 1))
def network_get(call: Call) -> Any:
    """The addresses of an endpoint; all endpoints are in one network.

    A relation, that of the hook if none is named, changes the ingress address of its own endpoint alone:
    https://github.com/juju/juju, apiserver/facades/agent/uniter/networkinfoiaas.go.
    """
    if call.args[0] not in call.context.charm.bindings():
        raise JujuError(f'no network config found for binding "{call.args[0]}"')
    unit = call.context.unit
    address = ingress = call.context.model.machine(unit.machine).address
    if call.flags.get("relation") or call.context.hook.relation:
        relation = call.relation()
        if relation.endpoints[unit.app] == call.args[0]:
            ingress = relation.ingress.get(unit.name, address)
    subnet = str(ipaddress.ip_network(ingress))
    if call.flags.get("primary-address"):
        return address
    parts: dict[str, Any] = {"bind-address": address, "egress-subnets": [subnet], "ingress-address": ingress}
    if asked := {name: part for name, part in parts.items() if call.flags.get(name)}:
        return asked if len(asked) > 1 else next(iter(asked.values()))
    cidr, mac, interface = call.context.host.network()
    bound = {
        "mac-address": mac,
        "interface-name": interface,
        "addresses": [{"hostname": "", "value": address, "cidr": cidr, "address": address}],
    }
    old_names = {"macaddress": mac, "interfacename": interface}
    return {"bind-addresses": [{**bound, **old_names}], "egress-subnets": [subnet], "ingress-addresses": [ingress]}


def _range(text: str) -> str:
    """5000, 5000/tcp, 5000-5010/udp or icmp, as status shows it."""
    found = re.fullmatch(r"(\d+)(?:-(\d+))?(?:/(tcp|udp))?", text.lower())
    if text.lower() == "icmp":
        return "icmp"
    if not found or not 0 < int(found[1]) <= int(found[2] or found[1]) < 65536:
        raise JujuError(f'invalid port range "{text}"', 2)
    numbers = found[1] if found[2] in (None, found[1]) else f"{found[1]}-{found[2]}"
    return f"{numbers}/{found[3] or 'tcp'}"


@tool("open-port", "endpoints=", (1, 1), prints="")
def open_port(call: Call) -> None:
    """Ask to open a range."""
    call.context.ports[_range(call.args[0])] = True


@tool("close-port", "endpoints=", (1, 1), prints="")
def close_port(call: Call) -> None:
    """Ask to close a range."""
    call.context.ports[_range(call.args[0])] = False


@tool("opened-ports", "endpoints")
def opened_ports(call: Call) -> list[str]:
    """The open ranges."""
    return call.context.unit.ports
