"""The main job: images go in and come out again; a hook that finds nothing to do does nothing."""

import json
import subprocess

import pytest


def test_what_juju_shows(unit):
    status = unit.juju.status().apps[unit.app]
    assert status.version == unit.exec("docker exec registry registry --version").split()[-1].removesuffix("+unknown")
    assert unit.open_ports == ["5000/tcp"]


def test_the_container_is_hardened(unit):
    container = unit.container()
    host = container["HostConfig"]
    assert host["ReadonlyRootfs"] and host["CapDrop"] == ["ALL"] and "no-new-privileges" in host["SecurityOpt"]
    assert host["RestartPolicy"]["Name"] == "unless-stopped"
    mounts = {mount["Destination"]: mount["RW"] for mount in container["Mounts"]}
    (marker,) = mounts.keys() - {"/etc/docker/registry", "/var/lib/registry"}
    assert marker.startswith("/var/lib/registry/docker-registry-disk-")
    assert {place for place, is_writable in mounts.items() if is_writable} == {"/var/lib/registry"}


def test_no_secret_can_be_seen(unit):
    secret = unit.exec("cat /etc/docker/registry/config.yml").partition('\n  secret: "')[2].partition('"')[0]
    assert len(secret) == 44
    assert secret not in json.dumps(unit.container())
    assert secret not in unit.juju.cli("debug-log", "--replay", "--no-tail")
    assert unit.readable_secrets() == ""


def test_skopeo_pushes_and_pulls(unit, archives, tmp_path):
    target = f"docker://{unit.address}:5000/one/registry:2"
    skopeo = ["skopeo", "--insecure-policy"]
    subprocess.run(
        [*skopeo, "copy", "--dest-tls-verify=false", f"docker-archive:{archives.registry}", target],
        check=True,
    )
    digest = subprocess.run(
        [*skopeo, "inspect", "--tls-verify=false", "--format", "{{.Digest}}", target],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    pulled = f"docker://{unit.address}:5000/one/registry@{digest}"
    subprocess.run([*skopeo, "copy", "--src-tls-verify=false", pulled, f"dir:{tmp_path}"], check=True)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["layers"]


def test_docker_pushes_and_pulls(unit, small_image):
    unit.load(small_image)
    unit.exec("docker tag small:1 127.0.0.1:5000/two/small:1 && docker push -q 127.0.0.1:5000/two/small:1")
    before = unit.exec("docker image inspect -f {{.Id}} small:1")
    unit.exec("docker rmi small:1 127.0.0.1:5000/two/small:1")
    unit.exec("docker pull -q 127.0.0.1:5000/two/small:1")
    assert unit.exec("docker image inspect -f {{.Id}} 127.0.0.1:5000/two/small:1") == before
    unit.exec("docker rmi 127.0.0.1:5000/two/small:1")


def test_a_data_folder_of_another_owner_takes_images(unit, small_image):
    unit.load(small_image)
    unit.exec("chown -R 1000:1000 /srv/registry && chmod -R go-rwx /srv/registry")
    try:
        unit.update_status()
        assert unit.container()["HostConfig"]["CapAdd"] == ["DAC_OVERRIDE"], "root writes there"
        assert unit.run("push", image="small:1", pull=False, tag="three/small:1").results["outcome"] == "success"
    finally:
        unit.exec(
            "chown -R 0:0 /srv/registry"
            " && docker images --format {{.Repository}}:{{.Tag}} | grep small | xargs docker rmi"
        )
        unit.run("start")
    assert unit.container()["Config"]["User"] == "60900:60900", "and what was root's is the user's again"


def test_an_idle_hook_costs_little_and_changes_nothing(unit):
    """At most 6 hook tools and one for each endpoint, and two read-only Docker calls."""
    unit.update_status()
    before = unit.container()
    unit.exec('sed -i "1s/{/{\\"debug\\": true,/" /etc/docker/daemon.json && systemctl reload docker && sleep 1')
    try:
        unit.exec("journalctl --rotate -q && journalctl --vacuum-time=1s -q && sleep 1.5")
        unit.update_status()
        calls = list(unit.exec('journalctl -u docker -o cat | grep -o "Calling [A-Z]* [^ \\"]*" || true').splitlines())
    finally:
        unit.exec('sed -i "1s/{\\"debug\\": true,/{/" /etc/docker/daemon.json && systemctl reload docker')
    api = [call for call in calls if "/_ping" not in call]
    assert 1 <= len(api) <= 2, calls
    assert all(call.startswith("Calling GET") for call in api)
    assert unit.container()["State"] == before["State"]
    if unit.is_local:
        assert len(unit.hook_tools()) <= 6, unit.hook_tools()


@pytest.mark.parametrize("hook", ["config-changed", "start"])
def test_a_second_run_changes_nothing(unit, hook):
    before = unit.container(), unit.exec('find /etc/docker -printf "%p %i %T@\\n" | sort')
    unit.hook(hook)
    assert (unit.container(), unit.exec('find /etc/docker -printf "%p %i %T@\\n" | sort')) == before
    assert unit.containers() == ["registry"]
