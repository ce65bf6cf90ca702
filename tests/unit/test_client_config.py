"""The action client-config: what clients are told, and no password."""

import json

import pytest
import yaml
from test_endpoints import relate


@pytest.fixture
def show(deployed, actions, machine):
    def run(kind="all", mirror="", *, fallback=True, to="REPOSITORY"):
        results = deployed.action("client-config", actions, format=kind, mirror=mirror, to=to, fallback=fallback)
        report = results.get("report-json", "").rpartition("/")[2]
        return results, json.loads(machine.records.outputs[report]) if report else {}

    return run


def test_every_kind_of_client(show, machine):
    results, report = show()
    assert results["url"] == "http://10.0.0.10:5000"
    assert list(report) == [
        *("docker", "daemon-json", "containerd", "k3s"),
        *("canonical-kubernetes", "charmed-kubernetes", "podman"),
    ]
    assert '"10.0.0.10:5000"' in results["output"]
    assert machine.records.outputs["uuid.txt"] == results["output"]


def test_clients_go_where_they_are_told_and_the_password_stays_out(show, deployed, juju, machine):
    relate(juju, deployed, "website", {"haproxy/0": {"ingress-address": "10.0.8.8"}})
    juju.change(config={"auth-basic-user": "alice", "auth-basic-password": "hush"})
    deployed.hook("config-changed")
    results, report = show()
    assert results["url"] == "http://10.0.8.8:5000"
    assert "docker login 10.0.8.8:5000 --username alice" in results["output"]
    assert "hush" not in json.dumps([results, report, machine.records.outputs])


def test_a_user_of_several_and_one_for_tokens(show, deployed, juju):
    juju.change(config={"auth-basic-users": "bob: secret"})
    deployed.hook("config-changed")
    assert "--username bob" in show("docker")[0]["output"]


def test_a_cache_is_a_mirror_of_its_upstream(show, deployed, juju, machine):
    machine.engine.upstreams.add("registry-1.docker.io")
    juju.change(config={"cache-remoteurl": "https://registry-1.docker.io"})
    deployed.hook("config-changed")
    _, report = show("containerd", fallback=False)
    paths = [part["place"] for part in report["containerd"]]
    assert "/etc/containerd/certs.d/docker.io/hosts.toml" in paths
    assert "docker.io:" in show("k3s", "")[0]["output"]
    assert "ghcr.io:" in show("k3s", "ghcr.io")[0]["output"]


def test_images_that_are_mirrored_below_the_name_of_their_host(show):
    _, report = show(mirror="docker.io localhost:5001", to="all/HOST/REPOSITORY", fallback=False)
    text = {name: " ".join(part["text"] for part in parts) for name, parts in report.items()}
    url = "http://10.0.0.10:5000/v2/all/docker.io"
    assert f'server = "{url}"\noverride_path = true\n\n[host."{url}"]' in text["containerd"]
    rewrite = yaml.safe_load(report["k3s"][0]["text"])["mirrors"]["localhost:5001"]["rewrite"]
    assert rewrite == {"^(.*)$": "all/localhost-5001/$1"}
    entries = json.loads(report["canonical-kubernetes"][0]["text"])
    assert entries[1] == {"url": url, "host": "docker.io", "override_path": True}
    assert "docker.io" not in text["charmed-kubernetes"]
    assert "registry-mirrors" not in text["daemon-json"]
    assert 'prefix = "docker.io"\nlocation = "10.0.0.10:5000/all/docker.io"' in text["podman"]


def test_what_fails(show, deployed, juju, actions):
    assert show(mirror="https://ghcr.io")[0]["failure"].startswith("mirror: https://ghcr.io is a URL. Give the host")
    assert show(mirror="ghcr")[0]["failure"].startswith("mirror: clients look for images of 'ghcr' at Docker Hub")
    assert show(mirror="a_b:x")[0]["failure"].startswith("mirror: ")
    for to in ("HOST", "mirror-REPOSITORY", "REPOSITORY/HOST", "NAME/REPOSITORY"):
        assert show(mirror="docker.io", to=to)[0]["failure"].startswith("to: "), to
    juju.change(config={"http-host": "nonsense"})
    deployed.hook("config-changed")
    assert show()[0]["failure"].startswith("It is not settled how clients reach the registry.")
