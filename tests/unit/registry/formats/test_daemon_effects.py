"""What changes of dockerd's settings do to the containers that exist."""

import pytest
from registry.formats import daemon_effects
from registry.formats.daemon_effects import Observed

SNAPSHOTTER = {"features": {"containerd-snapshotter": True}}
CONTAINERD = Observed(driver="overlayfs", snapshotter=True)


@pytest.mark.parametrize(
    ("before", "after", "force", "keys"),
    [
        ({}, {"data-root": "/srv/docker"}, Observed(), ["data-root"]),
        ({}, {"data-root": "/var/lib/docker/"}, Observed(), []),
        ({}, {"data-root": "/srv/docker"}, Observed(data_root="/srv/docker"), []),
        ({"data-root": "/srv/docker"}, {}, Observed(data_root="/srv/docker"), ["data-root"]),
        ({"data-root": "/srv/docker"}, {"data-root": "/srv/docker", "debug": True}, Observed("/srv/docker"), []),
        ({}, {"graph": "/srv/docker"}, Observed(), ["graph"]),
        ({}, {"storage-driver": "vfs"}, Observed(), ["storage-driver"]),
        ({}, {"storage-driver": "overlay2"}, Observed(), []),
        ({"storage-driver": "overlay2"}, {}, Observed(), []),
        ({"storage-driver": "vfs"}, {}, Observed(driver="vfs"), ["storage-driver"]),
        ({}, {"userns-remap": "default"}, Observed(), ["userns-remap"]),
        ({}, {"userns-remap": ""}, Observed(), []),
        ({"userns-remap": "default"}, {}, Observed(remapped=True), ["userns-remap"]),
        ({"userns-remap": "default"}, {}, Observed(), []),
        ({}, SNAPSHOTTER, Observed(), ["features.containerd-snapshotter"]),
        ({}, SNAPSHOTTER, CONTAINERD, []),
        (SNAPSHOTTER, {}, CONTAINERD, ["features.containerd-snapshotter"]),
        ({}, {"features": {"buildkit": True}}, Observed(), []),
        ({}, {"features": None}, Observed(), []),
        ({}, {"exec-root": "/run/other"}, Observed(), ["exec-root"]),
        ({}, {"exec-root": "/run/docker"}, Observed(), []),
        ({}, {"containerd": "/run/other.sock"}, Observed(), ["containerd"]),
        ({"containerd": "/run/containerd/containerd.sock"}, {}, Observed(), []),
        ({}, {"containerd-namespace": "other"}, Observed(), ["containerd-namespace"]),
        ({}, {"data-root": "/a", "storage-driver": "vfs"}, Observed(), ["data-root", "storage-driver"]),
        ({}, {"log-driver": "journald", "dns": ["1.1.1.1"], "group": "x", "mtu": 1400}, Observed(), []),
    ],
)
def test_what_hides_the_containers_that_exist(before, after, force, keys):
    assert daemon_effects.still_hides(daemon_effects.hides(before, after), after, force) == keys


@pytest.mark.parametrize(
    ("info", "force"),
    [
        ({"DockerRootDir": "/var/lib/docker", "Driver": "overlay2"}, Observed()),
        (
            {
                "DockerRootDir": "/srv/docker/231072.231072",
                "Driver": "vfs",
                "SecurityOptions": ["name=seccomp,profile=default", "name=userns"],
            },
            Observed("/srv/docker", "vfs", remapped=True),
        ),
        (
            {
                "DockerRootDir": "/var/lib/docker",
                "Driver": "overlayfs",
                "DriverStatus": [["driver-type", "io.containerd.snapshotter.v1"]],
                "HttpProxy": "http://a:1",
            },
            Observed(driver="overlayfs", snapshotter=True, proxies={"HTTP_PROXY": "http://a:1"}),
        ),
    ],
)
def test_what_the_engine_says_of_itself(info, force):
    assert Observed.from_info(info) == force


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({}, ""),
        ({"hosts": ["tcp://127.0.0.1:2375"]}, "hosts"),
        ({"hosts": ["fd://", "tcp://127.0.0.1:2375"]}, ""),
        ({"hosts": ["unix:///var/run/docker.sock"]}, ""),
        ({"bridge": "none"}, "bridge"),
        ({"bridge": "br0"}, ""),
        ({"group": "other", "iptables": False, "live-restore": True}, ""),
    ],
)
def test_what_cuts_docker_off(settings, key):
    assert daemon_effects.cuts_off(settings) == key


NETWORK = {
    "EnableIPv6": False,
    "IPAM": {"Config": [{"Subnet": "172.17.0.0/16", "Gateway": "172.17.0.1"}]},
    "Options": {
        "com.docker.network.bridge.enable_icc": "true",
        "com.docker.network.bridge.enable_ip_masquerade": "true",
        "com.docker.network.bridge.host_binding_ipv4": "0.0.0.0",
        "com.docker.network.bridge.name": "docker0",
        "com.docker.network.driver.mtu": "1500",
    },
}


@pytest.mark.parametrize(
    ("settings", "applied"),
    [
        ({"bip": "10.9.0.1/24"}, False),
        ({"bip": "172.17.0.1/16"}, True),
        ({"mtu": 1400}, False),
        ({"mtu": "1500"}, True),
        ({"mtu": 0}, True),
        ({"icc": False}, False),
        ({"icc": True}, True),
        ({"ip": "127.0.0.1"}, False),
        ({"ip-masq": False}, False),
        ({"ipv6": True}, False),
        ({"ipv6": False}, True),
        ({"bridge": "br0"}, False),
        ({"bridge": ""}, True),
        ({"fixed-cidr": "172.17.5.0/24"}, False),
        ({"fixed-cidr": "172.17.0.0/16"}, True),
        ({"default-gateway": "172.17.0.9"}, False),
        ({"default-address-pools": [{"base": "10.0.0.0/8", "size": 24}]}, False),
        ({"default-address-pools": ["base=172.16.0.0/12,size=24"]}, True),
        ({"default-address-pools": [{"size": 24}]}, True),
        ({"bip": "nonsense"}, True),
        ({"dns": ["1.1.1.1"], "log-driver": "journald"}, True),
    ],
)
def test_what_the_network_of_containers_has_not_applied(settings, applied):
    assert daemon_effects.not_applied(settings, NETWORK) == ([] if applied else sorted(settings))


def test_what_a_container_takes_over_when_it_is_created():
    settings = {"mtu": 1400, "dns": ["1.1.1.1"], "default-ulimits": {}, "debug": True}
    assert daemon_effects.at_creation(settings) == {"dns": ["1.1.1.1"], "default-ulimits": {}}


@pytest.mark.parametrize(("bound", "address"), [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", ""), ("", ""), (None, "")])
def test_the_address_at_which_the_network_of_containers_publishes(bound, address):
    options = {} if bound is None else {"com.docker.network.bridge.host_binding_ipv4": bound}
    assert daemon_effects.network_address({"Options": options}) == address
    assert daemon_effects.network_address({"Options": None}) == daemon_effects.network_address({}) == ""
