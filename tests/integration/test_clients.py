"""What the action client-config shows, given to the real clients."""

import base64
import json
import os
import subprocess

import pytest
from uploads import Uploads

SKOPEO = ["skopeo", "inspect", "--raw"]


def put(unit, path, text):
    """Write a file on the unit's machine."""
    encoded = base64.b64encode(text.encode()).decode()
    unit.exec(f"mkdir -p {os.path.dirname(path)} && echo {encoded} | base64 -d > {path}")


def registries(unit, settings):
    """Return dockerd's mirrors, and which registries it uses with TLS only, while daemon.json has *settings* too."""
    path = "/etc/docker/daemon.json"
    before = json.loads(unit.exec(f"cp -a {path} {path}.before; cat {path}"))
    put(unit, path, json.dumps({**before, **settings}))
    try:
        unit.exec("systemctl reload docker; sleep 0.5")
        info = json.loads(unit.exec('docker info --format "{{json .RegistryConfig}}"'))
    finally:
        unit.exec(f"mv {path}.before {path}; systemctl reload docker")
    return info["Mirrors"], {name: index["Secure"] for name, index in info["IndexConfigs"].items()}


def shown(unit, to="REPOSITORY"):
    """The files of all clients, by format, for this registry as the only source of Docker Hub's images."""
    results = unit.run("client-config", mirror="docker.io", to=to, fallback=False).results
    report = json.loads(unit.exec(f"cat {results['report-json']}"))
    return {name: {part["place"]: part["text"] for part in parts} for name, parts in report.items()}


@pytest.mark.parametrize("to", ["REPOSITORY", "all/HOST/REPOSITORY"])
def test_clients_pull_from_a_mirror_with_what_is_shown(unit, to, tmp_path):
    name, files = f"{to.replace('HOST', 'docker.io').removesuffix('REPOSITORY')}team/app", shown(unit, to)
    images = {f"{unit.address}:5000": name, "docker.io": "team/app"}
    digest = Uploads(f"http://{unit.address}:5000").image(name, "1.0", b"layer" * 1000)["digest"]

    hosts = {path: text for path, text in files["containerd"].items() if path.endswith("hosts.toml")}
    for path, text in hosts.items():
        put(unit, path.replace("/etc/containerd/certs.d", "/tmp/clients/certs.d"), text)
    for host, image in images.items():
        fetched = unit.exec(f"ctr content fetch --hosts-dir /tmp/clients/certs.d {host}/{image}:1.0 2>&1")
        assert digest in fetched, host
        unit.exec(f"ctr image rm {host}/{image}:1.0")
    unit.exec("rm -r /tmp/clients")

    folder = tmp_path / ".config/containers/registries.conf.d"  # where users other than root have it
    folder.mkdir(parents=True)
    (folder / "docker-registry.conf").write_text(
        files["podman"]["/etc/containers/registries.conf.d/docker-registry.conf"]
    )
    for host, image in images.items():
        command = [*SKOPEO, f"docker://{host}/{image}:1.0"]
        done = subprocess.run(command, env={**os.environ, "HOME": str(tmp_path)}, capture_output=True)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["layers"][0]["size"] == 5000


def test_dockerd_takes_the_registry_as_a_mirror(unit):
    assert registries(unit, json.loads(shown(unit)["daemon-json"]["/etc/docker/daemon.json"])) == (
        [f"http://{unit.address}:5000/"],
        {"docker.io": True, f"{unit.address}:5000": False},
    )
