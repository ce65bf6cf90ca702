"""What a change of dockerd's settings does to the containers that exist.

dockerd finds its containers and images by some of its settings: with other values they are out of its sight, while
those that run go on running, unknown to it. Others cut it off from the charm or from the network.

From the sources of Docker (daemon/config, daemon/daemon_unix.go: initNetworkController) and
https://docs.docker.com/engine/daemon/live-restore/.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import re
from collections.abc import Mapping, Sequence
from typing import Any

HIDING: Mapping[str, Any] = {
    "containerd": "/run/containerd/containerd.sock",
    "containerd-namespace": "moby",
    "data-root": "/var/lib/docker",
    "exec-root": "/var/run/docker",
    "features.containerd-snapshotter": False,
    "graph": "/var/lib/docker",
    "rootless": False,
    "storage-driver": "",
    "userns-remap": "",
}
"""Settings by which dockerd finds its containers and images, and their defaults: "" is Docker's choice or none."""

SOCKETS = ("fd://", "unix://", "unix:///var/run/docker.sock", "unix:///run/docker.sock")
"""Where the charm reaches dockerd, in the setting ``hosts``."""

AT_CREATION = frozenset(
    {
        *("cgroup-parent", "default-cgroupns-mode", "default-ipc-mode", "default-runtime", "default-shm-size"),
        *("default-ulimits", "dns", "dns-opts", "dns-search", "exec-opts", "host-gateway-ip", "host-gateway-ips"),
        *("init", "init-path", "no-new-privileges", "runtimes", "seccomp-profile", "selinux-enabled"),
    }
)
"""Settings that a container takes over when it is created, and keeps."""

BRIDGE = frozenset(
    {
        *("bip", "bip6", "bridge", "default-address-pools", "default-gateway", "default-gateway-v6", "fixed-cidr"),
        *("fixed-cidr-v6", "icc", "ip", "ip-masq", "ipv6", "mtu"),
    }
)
"""Settings of the network of containers. dockerd applies them when it starts while no container runs."""

_OPTIONS = {
    "bridge": ("com.docker.network.bridge.name", "docker0"),
    "icc": ("com.docker.network.bridge.enable_icc", "true"),
    "ip": ("com.docker.network.bridge.host_binding_ipv4", "0.0.0.0"),  # noqa: S104 - the default of Docker
    "ip-masq": ("com.docker.network.bridge.enable_ip_masquerade", "true"),
    "mtu": ("com.docker.network.driver.mtu", "1500"),
}


@dataclasses.dataclass(frozen=True)
class Observed:
    """What the running dockerd says of itself."""

    data_root: str = HIDING["data-root"]
    driver: str = "overlay2"
    snapshotter: bool = False
    """Images are in containerd's store."""
    remapped: bool = False
    """Users of containers are others on the machine."""
    proxies: Mapping[str, str] = dataclasses.field(default_factory=dict, repr=False)
    """By the name of their variable."""

    @classmethod
    def from_info(cls, info: Mapping[str, Any]) -> Observed:
        """Read the answer to ``GET /info``."""
        security = [part.strip() for text in info.get("SecurityOptions") or () for part in text.split(",")]
        remapped = "name=userns" in security
        root = str(info.get("DockerRootDir", ""))
        return cls(
            data_root=re.sub(r"/\d+\.\d+$", "", root) if remapped else root,
            driver=str(info.get("Driver", "")),
            snapshotter=["driver-type", "io.containerd.snapshotter.v1"] in (info.get("DriverStatus") or ()),
            remapped=remapped,
            proxies={
                variable: str(info[name])
                for variable, name in (
                    ("HTTP_PROXY", "HttpProxy"),
                    ("HTTPS_PROXY", "HttpsProxy"),
                    ("NO_PROXY", "NoProxy"),
                )
                if name in info
            },
        )


def flat(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return *settings* with those below ``features`` at the top, e.g. ``features.buildkit``."""
    features = settings.get("features")
    if not isinstance(features, dict):
        return dict(settings)
    rest = {key: value for key, value in settings.items() if key != "features"}
    return {**rest, **{f"features.{name}": value for name, value in features.items()}}


def nested(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return what `flat` was made from."""
    features = {key.partition(".")[2]: value for key, value in settings.items() if key.startswith("features.")}
    rest = {key: value for key, value in settings.items() if not key.startswith("features.")}
    return {**rest, "features": features} if features else rest


def hides(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return the settings that differ from *before* to *after* and hide containers, sorted; their defaults count."""
    old, new = ({**HIDING, **flat(settings)} for settings in (before, after))
    return sorted(key for key in HIDING if _same(key, old[key]) != _same(key, new[key]))


def still_hides(keys: Sequence[str], after: Mapping[str, Any], force: Observed) -> list[str]:
    """Return those of *keys* whose value in *after* is not that *force* shows in use."""
    new = {**HIDING, **flat(after)}
    root = _same("data-root", force.data_root)
    used = {
        "data-root": root,
        "graph": root,
        "features.containerd-snapshotter": force.snapshotter,
        # Without a value Docker takes the one whose folder it finds, and does not start where it finds several.
        "storage-driver": ""
        if force.driver in ("overlay2", "overlayfs") and not new["storage-driver"]
        else force.driver,
    }
    if not force.remapped:
        used["userns-remap"] = ""
    return [key for key in keys if key not in used or _same(key, new[key]) != used[key]]


def cuts_off(settings: Mapping[str, Any]) -> str:
    """Return the setting with which the charm or the clients reach nobody any more, "" if there is none."""
    hosts = settings.get("hosts")
    if isinstance(hosts, list) and not any(host in SOCKETS for host in hosts):
        return "hosts"
    return "bridge" if settings.get("bridge") == "none" else ""


def at_creation(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of *settings* that a container takes over when it is created."""
    return {key: value for key, value in sorted(settings.items()) if key in AT_CREATION}


def published_address(settings: Mapping[str, Any]) -> str:
    """Return the one address at which ports are published unless a container says otherwise; "" for all."""
    address = str(settings.get("ip") or "")
    return "" if address in ("0.0.0.0", "::") else address  # noqa: S104 - compared only


def network_address(network: Mapping[str, Any]) -> str:
    """Return the same of Docker's *network* of containers: it keeps the previous address while a container runs."""
    return published_address({"ip": (network.get("Options") or {}).get(_OPTIONS["ip"][0])})


def not_applied(settings: Mapping[str, Any], network: Mapping[str, Any]) -> list[str]:
    """Return those of *settings* that Docker's *network* of containers, as it shows it, does not have yet, sorted."""
    return sorted(key for key in BRIDGE & settings.keys() if network and not _is_applied(key, settings[key], network))


def _is_applied(key: str, value: Any, network: Mapping[str, Any]) -> bool:
    options = network.get("Options") or {}
    ranges = (network.get("IPAM") or {}).get("Config") or [{}]
    if key in _OPTIONS:
        name, default = _OPTIONS[key]
        text = str(value).lower() if isinstance(value, bool) else str(value)
        return (text if text not in ("", "0") else default) == str(options.get(name, default))
    if key == "ipv6":
        return bool(value) == bool(network.get("EnableIPv6"))
    try:
        return any(_in_range(key, value, one) for one in ranges)
    except (ValueError, TypeError, AttributeError, KeyError):
        return True  # Docker judges values that are none


def _in_range(key: str, value: Any, one: Mapping[str, Any]) -> bool:
    if key in ("bip", "bip6"):
        wanted = ipaddress.ip_interface(value)
        return (str(wanted.ip), wanted.network) == (one.get("Gateway"), _network(one.get("Subnet")))
    if key in ("fixed-cidr", "fixed-cidr-v6"):
        return _network(value) == _network(one.get("IPRange") or one.get("Subnet"))
    if key in ("default-gateway", "default-gateway-v6"):
        return value in (one.get("AuxiliaryAddresses") or {}).values()
    pools = [_network(pool["base"] if isinstance(pool, dict) else _base(pool)) for pool in value]
    subnet = _network(one.get("Subnet"))
    return any(subnet.version == pool.version and subnet.subnet_of(pool) for pool in pools)  # type: ignore[arg-type]


def _base(pool: str) -> str:
    """Return the base of a pool as an argument has it: ``base=10.0.0.0/8,size=24``."""
    return dict(part.partition("=")[::2] for part in pool.split(","))["base"]


def _network(text: Any) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    return ipaddress.ip_network(text, strict=False)


def _same(key: str, value: Any) -> Any:
    """Return *value* in the one form of those that mean the same to Docker."""
    if key in ("features.containerd-snapshotter", "rootless"):
        return bool(value)
    text = str(value or HIDING[key] or "")
    if key in ("containerd", "exec-root"):
        text = text.replace("/var/run/", "/run/")
    return text.rstrip("/")
