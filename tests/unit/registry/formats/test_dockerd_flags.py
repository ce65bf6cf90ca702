"""dockerd's command line, read as dockerd reads it."""

import pytest
from registry.formats import dockerd_flags


@pytest.mark.parametrize(
    ("words", "settings"),
    [
        ([], {}),
        (["--mtu", "1400"], {"mtu": "1400"}),
        (["--mtu=1400"], {"mtu": "1400"}),
        (["-s", "vfs"], {"storage-driver": "vfs"}),
        (["-svfs"], {"storage-driver": "vfs"}),
        (["-s=vfs"], {"storage-driver": "vfs"}),
        (["-Ds", "vfs"], {"debug": True, "storage-driver": "vfs"}),
        (["-D=false"], {"debug": False}),
        (["--icc=false", "--iptables"], {"icc": False, "iptables": True}),
        (["--debug", "--dns", "1.1.1.1", "--dns=8.8.8.8"], {"debug": True, "dns": ["1.1.1.1", "8.8.8.8"]}),
        (["-H", "fd://", "--host=tcp://0.0.0.0:2375"], {"hosts": ["fd://", "tcp://0.0.0.0:2375"]}),
        (["--log-opt", "tag={{.Name}}"], {"log-opts": ["tag={{.Name}}"]}),
        (
            ["--insecure-registry=a", "--registry-mirror", "b"],
            {"insecure-registries": ["a"], "registry-mirrors": ["b"]},
        ),
        (["--feature", "containerd-snapshotter=true"], {"features": {"containerd-snapshotter": True}}),
        (["--feature=containerd-snapshotter"], {"features": {"containerd-snapshotter": True}}),
        (["--feature=a=False", "--feature=b=0", "--feature=c=T"], {"features": {"a": False, "b": False, "c": True}}),
        (["--mtu"], {"mtu": ""}),
        (["--"], {}),
    ],
)
def test_arguments_are_settings_of_daemon_json(words, settings):
    assert dockerd_flags.settings(words) == settings


@pytest.mark.parametrize(
    ("words", "document", "both"),
    [
        (["--log-driver=journald"], {"log-driver": "json-file"}, ["log-driver"]),
        (["--log-opt", "tag=a"], {"log-opts": {}}, ["log-opt"]),
        (["-H", "fd://"], {"hosts": ["fd://"]}, ["host"]),
        (["-s", "vfs"], {"storage-driver": "vfs"}, ["storage-driver"]),
        (["--log-level=warn"], {"log-driver": "journald"}, []),
    ],
)
def test_what_is_in_both_places(words, document, both):
    assert dockerd_flags.in_both(words, document) == both


def test_options_are_left_out_with_their_values():
    for words, keys, rest in (
        ([], ["mtu"], []),
        (["--mtu", "1", "-D"], ["mtu"], ["-D"]),
        (["-s", "vfs", "--mtu=1"], ["storage-driver"], ["--mtu=1"]),
        (["-Ds", "vfs", "--dns", "1"], ["storage-driver"], ["--dns", "1"]),
        (["--feature", "a=true", "--feature=b"], ["features.a"], ["--feature=b"]),
        (["-H", "fd://", "--host=tcp://x", "--icc"], ["hosts"], ["--icc"]),
        (["--mtu"], ["mtu"], []),
    ):
        assert dockerd_flags.without(words, keys) == rest
