"""What is read of a container as Docker shows it."""

import pytest
from registry.formats.inspection import DIGEST_LABEL, Container, Network

PUBLISHED = {"5000/tcp": [{"HostIp": "0.0.0.0", "HostPort": "5000"}, {"HostIp": "::", "HostPort": "5000"}]}
BRIDGE = {"bridge": {"IPAddress": "172.17.0.2", "MacAddress": "02:42:ac:11:00:02", "Gateway": "172.17.0.1"}}
NOWHERE = {"bridge": {"IPAddress": "", "MacAddress": "", "Gateway": ""}}


def inspection(status, networks=NOWHERE, ports=None, mounts=(), labels=None, pid=0, host=None, cmd=("serve",)):
    """What Docker answers, with the parts that matter."""
    return {
        "Id": "c1",
        "Name": "/registry",
        "Image": "sha256:one",
        "State": {"Status": status, "Running": status in ("running", "paused", "restarting"), "Pid": pid},
        "Config": {"Image": "registry:2", "Cmd": list(cmd), "Env": None, "Labels": labels, "Tty": False},
        "HostConfig": {"NetworkMode": "default", **(host or {})},
        "NetworkSettings": {"Networks": networks, "Ports": ports or {}},
        "Mounts": list(mounts),
    }


def parse(*args, **kwargs):
    return Container.from_inspection(inspection(*args, **kwargs))


def test_a_container_that_runs():
    binds = ["/etc/docker/registry/applied/abc:/etc/docker/registry:ro"]
    container = parse("running", BRIDGE, PUBLISHED, pid=4242, labels={DIGEST_LABEL: "abc"}, host={"Binds": binds})
    assert (container.name, container.image_id, container.pid) == ("registry", "sha256:one", 4242)
    assert container.networks == (Network("bridge", "172.17.0.2", "02:42:ac:11:00:02"),)
    assert (container.address, container.published(5000), container.published(5001)) == ("172.17.0.2", 5000, None)
    assert (container.digest, container.is_ours) == ("abc", True)
    assert container.body["Image"] == "sha256:one", "a tag may move"
    assert container.body["HostConfig"] == {"NetworkMode": "default", "Binds": binds}


@pytest.mark.parametrize(
    ("status", "is_running", "is_started", "has_ended"),
    [
        ("created", False, False, False),
        ("running", True, True, False),
        ("paused", False, True, False),
        ("restarting", False, True, True),
        ("removing", False, False, False),
        ("exited", False, False, True),
        ("dead", False, False, True),
    ],
)
def test_what_a_status_means(status, is_running, is_started, has_ended):
    container = parse(status)
    assert (container.is_running, container.is_started, container.has_ended) == (is_running, is_started, has_ended)


@pytest.mark.parametrize(
    ("networks", "address"),
    [
        ({}, None),
        (None, None),
        (NOWHERE, None),
        ({"host": {"IPAddress": "", "MacAddress": ""}}, None),
        ({**NOWHERE, "other": {"IPAddress": "10.1.0.2"}}, "10.1.0.2"),
    ],
)
def test_the_address_is_the_first_that_there_is(networks, address):
    assert parse("created", networks).address == address


@pytest.mark.parametrize("ports", [None, {}, {"5000/tcp": None}, {"5000/tcp": []}, {"5000/udp": PUBLISHED["5000/tcp"]}])
def test_a_port_that_is_not_published_is_none(ports):
    assert parse("running", BRIDGE, ports).published(5000) is None


@pytest.mark.parametrize(
    ("mounts", "sources", "is_predecessors"),
    [
        ([], set(), False),
        ([{"Type": "bind", "Source": "/srv/registry"}], {"/srv/registry"}, False),
        (
            [{"Type": "volume", "Name": "x", "Source": "/var/lib/docker/volumes/x"}],
            {"/var/lib/docker/volumes/x"},
            False,
        ),
        ([{"Type": "tmpfs", "Source": ""}, {"Type": "tmpfs"}], {""}, False),
        ([{"Type": "bind", "Source": "/etc/docker/registry/config.yml"}], {"/etc/docker/registry/config.yml"}, True),
        ([{"Type": "bind", "Source": "/etc/docker/registry"}], {"/etc/docker/registry"}, False),
    ],
)
def test_what_is_mounted_tells_who_made_it(mounts, sources, is_predecessors):
    container = parse("running", mounts=mounts)
    assert (container.sources, container.is_predecessors) == (sources, is_predecessors)


@pytest.mark.parametrize("labels", [None, {}, {"com.example": "x"}])
def test_a_container_without_the_label_is_somebody_elses(labels):
    container = parse("running", labels=labels)
    assert (container.digest, container.is_ours) == (None, False)


def test_the_label_without_a_digest_is_the_charms_too():
    assert parse("exited", labels={DIGEST_LABEL: ""}, cmd=["--version"]).is_ours


def test_what_a_container_was_asked_for_is_not_in_its_repr():
    assert "serve" not in repr(parse("running"))
