"""Docker itself and packages: what the options ask for, under a registry that goes on serving."""

import json
import pathlib

import pytest
from unit import Unit, Watch

PACKAGES = "http://127.0.0.1:8099"


@pytest.fixture(scope="module")
def runtime(model, charm, archives):
    """A unit of its own, whose Docker is changed, with package repositories beside."""
    model.deploy(charm, "runtime", resources={"registry-image": str(archives.registry)})
    unit = Unit(model, "runtime/0")
    unit.settle()
    script = pathlib.Path(__file__).with_name("make_repository.py")
    model.scp(script, "runtime/0:/var/tmp/make_repository.py")
    unit.exec("python3 /var/tmp/make_repository.py")
    yield unit
    model.remove_application("runtime", force=True)


@pytest.fixture
def unit(runtime):
    """The unit; at the end of the test it is well, and its registry is the one that ran at the beginning."""
    ready = ("active", f"Ready at {runtime.address}:5000 (http).")
    assert runtime.status() == ready
    before = started(runtime)
    yield runtime
    assert runtime.status() == ready
    assert started(runtime) == before
    assert runtime.answers()


def started(unit):
    return unit.container()["State"]["StartedAt"]


def docker_started(unit):
    return unit.exec("systemctl show -P ActiveEnterTimestampMonotonic docker")


def settings(unit):
    return json.loads(unit.exec("cat /etc/docker/daemon.json"))


DEFAULT = {"live-restore": True, "log-driver": "json-file", "log-opts": {"max-size": "10m", "max-file": "100"}}


def configure(unit, **values):
    """Set the options, and all others of these to their defaults; return the status that follows."""
    dashed = {"daemon_opts": "daemon-opts", "docker_opts": "docker-opts"}
    named = {dashed.get(name, name): value for name, value in values.items()}
    unit.juju.config(unit.app, named, reset=sorted(OPTIONS - named.keys()))
    return unit.status()


OPTIONS = {
    *("daemon-opts", "docker-opts", "docker_runtime", "docker_runtime_key_url", "docker_runtime_package"),
    *("docker_runtime_repo", "extra_packages", "http_proxy", "https_proxy", "install_keys", "install_sources"),
    *("no_proxy", "package_status"),
}


def put(unit, path, text, folder):
    (folder / "text").write_text(text)
    unit.juju.scp(folder / "text", f"{unit.name}:/var/tmp/text")
    unit.exec(f"cp /var/tmp/text {path}")


def test_settings_of_docker_come_and_go_and_others_stay(unit, tmp_path):
    assert settings(unit) == DEFAULT
    put(unit, "/etc/docker/daemon.json", json.dumps({**DEFAULT, "max-concurrent-uploads": 3}), tmp_path)
    with Watch(unit.address, patience=0.1) as watch:
        configure(unit, daemon_opts="log-driver: journald\nlabels: [a=b]")
    others = {"live-restore": True, "max-concurrent-uploads": 3}
    assert settings(unit) == {**others, "log-driver": "journald", "labels": ["a=b"]}
    assert unit.exec("docker info -f {{.LoggingDriver}}{{.Labels}}") == "journald[a=b]"
    before = docker_started(unit)
    unit.update_status()
    assert docker_started(unit) == before
    configure(unit)
    assert settings(unit) == {**DEFAULT, **others}
    print(f"asked {watch.asked} times, {watch.failed} failed, longest gap {watch.gap:.2f} s")


WRONG_SETTINGS = [
    (
        {"daemon_opts": '{"nosuch": 1}'},
        "daemon-opts: the new settings were reverted (Docker does not start: "
        "the following directives don't match any configuration option: nosuch). Fix them.",
    ),
    (
        {"daemon_opts": "log-opts: {nosuch: a}"},
        "daemon-opts: the new settings were reverted (Docker does not start: "
        "failed to set log opts: unknown log opt 'nosuch' for",
    ),
    (
        {"docker_opts": "--nosuch"},
        "docker-opts: the new settings were reverted (Docker does not start: unknown flag: --nosuch). Fix them.",
    ),
    ({"http_proxy": "http://me:hush@proxy:1"}, "http_proxy: the URL contains a password, "),
]


def test_rejected_settings_are_reported_and_reverted(unit):
    try:
        before = settings(unit)
        for values, sentence in WRONG_SETTINGS:
            state, message = configure(unit, **values)
            assert (state, message[: len(sentence)]) == ("blocked", sentence)
            assert message.endswith(f"Still serving at {unit.address}:5000 (http).")
            assert "hush" not in message
            assert settings(unit) == before
            if values == WRONG_SETTINGS[0][0]:
                docker = docker_started(unit)
                assert unit.update_status() == (state, message)
                assert docker_started(unit) == docker, "it is not tried again"
    finally:
        configure(unit)


def test_arguments_and_proxies_of_docker(unit):
    """The proxies are none: what Docker was told is what counts."""
    configure(unit, docker_opts="--mtu 1400", http_proxy="http://127.0.0.1:3199", no_proxy="quay.example")
    assert "--mtu 1400" in unit.exec('tr "\\0" " " </proc/$(systemctl show -P MainPID docker)/cmdline')
    info = json.loads(unit.exec('docker info -f "{{json .}}"'))
    assert (info["HttpProxy"], info["NoProxy"]) == ("http://127.0.0.1:3199", "quay.example")
    unit.juju.model_config({"juju-https-proxy": "http://127.0.0.1:3198"})
    configure(unit)
    assert unit.exec("docker info -f {{.HTTPProxy}}{{.HTTPSProxy}}") == "http://127.0.0.1:3198"
    assert "1400" not in unit.exec("cat /etc/systemd/system/docker.service.d/*")
    unit.juju.model_config(reset="juju-https-proxy")
    unit.hook("config-changed")
    assert unit.exec("ls /etc/systemd/system/docker.service.d") == ""


def test_power_lost_while_settings_are_tried_is_recovered_from(runtime, tmp_path):
    """As a crash in the middle leaves it: settings with which Docker does not start, and a note of those before."""
    note = {"trying": True, "before": {"daemon_json": json.dumps(DEFAULT), "drop_in": None}}
    put(runtime, "/var/lib/docker-registry/daemon.json", json.dumps(note), tmp_path)
    written = {"written": {"daemon_json": "[]", "drop_in": None}}
    put(runtime, "/var/lib/docker-registry/daemon-written.json", json.dumps(written), tmp_path)
    put(runtime, "/etc/docker/daemon.json", "[]", tmp_path)
    runtime.exec("systemctl restart docker || true")
    assert runtime.update_status() == ("active", f"Ready at {runtime.address}:5000 (http).")
    assert settings(runtime) == DEFAULT


def test_settings_that_docker_rejects_at_the_next_boot_are_reverted(runtime):
    """While containers keep running, a restart of Docker does not apply the settings of its network."""
    assert configure(runtime, docker_opts="--bip=nonsense")[0] == "active"
    runtime.reboot()
    state, message = runtime.update_status()
    assert state == "blocked"
    assert message.startswith("docker-opts: the new settings were reverted (Docker does not start: ")
    assert runtime.answers()
    assert configure(runtime) == ("active", f"Ready at {runtime.address}:5000 (http).")


def test_packages_beside_docker(unit):
    try:
        state, message = configure(
            unit,
            install_sources=f"deb {PACKAGES}/extra ./",
            install_keys=json.dumps([unit.exec("cat /srv/packages/key.asc")]),
            extra_packages="greeting-file=1.*",
            package_status="hold",
        )
        assert state == "active", message
        assert unit.exec("cat /greeting-file") == "hello"
        assert {"docker.io", "greeting-file"} <= set(unit.exec("apt-mark showhold").split())
        before = unit.exec("stat -c %Z /var/lib/dpkg/status /var/log/apt/history.log")
        unit.update_status()
        assert unit.exec("stat -c %Z /var/lib/dpkg/status /var/log/apt/history.log") == before
        assert unit.run("upgrade-docker").status == "completed"
        assert "docker.io" in unit.exec("apt-mark showhold")
    finally:
        configure(unit)
    assert unit.exec("apt-mark showhold") == ""
    assert unit.exec("ls /etc/apt/sources.list.d /etc/apt/keyrings | grep docker-registry || true") == ""


OTHER = {
    "docker_runtime": "custom",
    "docker_runtime_repo": f"deb [arch={{ARCH}}] {PACKAGES}/docker ./",
    "docker_runtime_key_url": f"{PACKAGES}/key.asc",
    "docker_runtime_package": "docker-other",
}
WRONG_PACKAGES = [
    (
        {"extra_packages": "nosuch-package"},
        "extra_packages: the packages cannot be installed: Unable to locate package nosuch-package. ",
    ),
    ({"install_sources": f"deb {PACKAGES}/none ./"}, "install_sources: "),
    ({"install_sources": f"deb {PACKAGES}/extra ./"}, "install_keys: "),
    ({**OTHER, "docker_runtime_key_url": f"{PACKAGES}/nosuch.asc"}, "docker_runtime_key_url: "),
    (
        {**OTHER, "docker_runtime_key_url": f"{PACKAGES}/other.asc"},
        "docker_runtime_key_url: Docker cannot be replaced: the repository is signed with",
    ),
    ({**OTHER, "docker_runtime_repo": f"deb {PACKAGES}/none ./"}, "docker_runtime_repo: "),
    (
        {**OTHER, "docker_runtime_package": "docker-none"},
        "docker_runtime_package: Docker cannot be replaced: Unable to locate package docker-none. ",
    ),
]


@pytest.mark.parametrize("wrong", [WRONG_PACKAGES[::3], pytest.param(WRONG_PACKAGES, marks=pytest.mark.soak)])
def test_packages_that_cannot_be_had_are_said(unit, wrong):
    try:
        for values, sentence in wrong:
            state, message = configure(unit, **values)
            print(message)
            assert (state, message[: len(sentence)]) == ("blocked", sentence)
    finally:
        configure(unit)
    assert unit.exec("apt-get update -q 2>&1 | grep -c none || true") == "0", "apt works on as before"


def test_docker_of_another_origin_takes_over_when_told(unit):
    state, message = configure(unit, **OTHER)
    assert (state, message.partition(". Still")[0]) == (
        "blocked",
        "docker_runtime: docker-other can replace the installed Docker. Run the action upgrade-docker",
    )
    with Watch(unit.address, patience=0.1) as watch:
        assert "docker-other 99" in unit.run("upgrade-docker").results["output"]
    print(f"asked {watch.asked} times, {watch.failed} failed, longest gap {watch.gap:.2f} s")


def test_docker_is_installed_from_there_where_there_is_none(runtime):
    runtime.exec("apt-get remove -qy docker-other && ! command -v dockerd")
    assert runtime.update_status() == ("active", f"Ready at {runtime.address}:5000 (http).")
    assert runtime.exec('dpkg-query -Wf "\\${Package}" docker-other') == "docker-other"
