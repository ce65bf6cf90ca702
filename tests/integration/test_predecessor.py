"""A refresh from the charm before this one: whatever it served, this one serves, after a single switch."""

import base64
import json
import re
import ssl
import subprocess
import urllib.error
import urllib.request

import jubilant
import pytest
from test_authority import presented, root
from unit import Unit, Watch

PUSH = "docker tag small:1 127.0.0.1:5000/small:1 && docker push -q 127.0.0.1:5000/small:1"


@pytest.fixture
def predecessor(model, stand_in, archives, small_image):
    """Deploys the charm before this one, with an image in its registry; what is there goes after the test."""
    made = []

    def deploy(app, config=None, units=1, relations=()):
        made.append(app)
        model.deploy(stand_in("predecessor"), app, config=config, num_units=units)
        model.wait(lambda status: jubilant.all_agents_idle(status, app), delay=0.1, successes=1)
        names = sorted(model.status().apps[app].units)
        for name in names:
            Unit(model, name).load(archives.registry)
            Unit(model, name).load(small_image)
        for relation in relations:
            model.integrate(f"{app}:{relation[0]}", relation[1])
        for _ in range(2):  # a follower needs the leader's secret
            for name in names:
                Unit(model, name).hook("config-changed")
        return [Unit(model, name) for name in names]

    yield deploy
    model.remove_application(*made, force=True)


def refresh(unit, charm, archives):
    resource = ["--resource", f"registry-image={archives.registry}"]
    unit.juju.cli("refresh", unit.app, "--path", str(charm), *resource)
    unit.settle()


def traces(unit):
    """What must not change: dockerd's process, the images' folder, the leader's secret."""
    return {
        "secret": unit.tool("leader-get", "http-secret"),
        "store": unit.exec("find /srv/registry/docker -type f | sort"),
        "dockerd": unit.exec("systemctl show -P MainPID docker"),
    }


def check_taken_over(unit, before):
    """One container, of ours; Docker's unit its package's again; nothing left that matters; and nothing more to do."""
    assert unit.containers() == ["registry"]
    assert unit.container()["HostConfig"]["ReadonlyRootfs"]
    assert set(unit.container()["HostConfig"]["PortBindings"]) == {"5000/tcp"}
    assert unit.exec("readlink /etc/docker/registry/config.yml").startswith("applied/")
    assert traces(unit)["secret"] == before["secret"]
    assert before["secret"] in unit.exec("cat /etc/docker/registry/config.yml")
    assert "docker.service" not in unit.exec("dpkg --verify docker.io")
    settings = json.loads(unit.exec("cat /etc/docker/daemon.json"))
    assert settings["log-opts"] == {"max-size": "10m", "max-file": "100"}
    assert settings["live-restore"] is True
    saved = json.loads(
        unit.exec(f"cat /var/lib/juju/agents/unit-{unit.name.replace('/', '-')}/charm/.juju-persistent-config")
    )
    assert "cuda_repo" not in saved
    first = unit.container()["Id"]
    state = unit.status()
    assert unit.update_status() == state
    assert unit.container()["Id"] == first
    unit.exec("! ls /etc/docker/registry/htpasswd 2>/dev/null")
    unit.exec("! ls /etc/docker/certs.d/*/client.* /etc/nagios/nrpe.d/*.cfg /var/lib/nagios/export/*.cfg 2>/dev/null")


@pytest.mark.soak
def test_plain(predecessor, charm, archives):
    (unit,) = predecessor("plain", {"docker-opts": "--mtu 1400"})
    unit.exec(PUSH)
    before = traces(unit)
    with Watch(unit.address, patience=0.3) as watch:
        refresh(unit, charm, archives)
    assert unit.status() == ("active", f"Ready at {unit.address}:5000 (http).")
    print(f"{watch.failed} of {watch.asked} failed, longest gap {watch.gap:.2f} s")
    assert watch.gap < 1
    assert traces(unit)["store"] == before["store"]
    check_taken_over(unit, before)
    unit.exec("docker rmi -f small:1 127.0.0.1:5000/small:1 && docker pull -q 127.0.0.1:5000/small:1")
    assert "--mtu 1400" in unit.exec('tr "\\0" " " </proc/$(systemctl show -P MainPID docker)/cmdline')
    assert "1400" not in unit.exec("cat /etc/default/docker")
    # Docker goes by its package's unit from its next start, and the registry runs on.
    container = unit.container()
    unit.exec("systemctl restart docker")
    assert (unit.container()["Id"], unit.container()["State"]["StartedAt"]) == (
        container["Id"],
        container["State"]["StartedAt"],
    )
    assert unit.answers()


def log_in(unit, password, context=None):
    request = urllib.request.Request(f"https://{unit.address}:5000/v2/")
    request.add_header("Authorization", "Basic " + base64.b64encode(f"admin:{password}".encode()).decode())
    try:
        with urllib.request.urlopen(request, context=context, timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


@pytest.mark.soak
def test_users_and_tls_by_blobs(predecessor, charm, archives, model, tmp_path):
    (unit,) = predecessor("closed", {"auth-basic-password": "hush"})
    own = ["-subj", "/CN=own", "-addext", f"subjectAltName=IP:{unit.address}", "-days", "30"]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "k", *own, "-out", "c"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    text = {name: (tmp_path / name).read_text() for name in "ck"}
    blobs = {name: base64.b64encode(one.encode()).decode() for name, one in text.items()}
    model.config("closed", {"tls-cert-blob": blobs["c"], "tls-key-blob": blobs["k"]})
    unit.settle()
    context = ssl.create_default_context(cadata=text["c"])
    assert (log_in(unit, "hush", context), log_in(unit, "wrong", context)) == (200, 401)
    before = traces(unit)
    with Watch(unit.address, ca=text["c"], patience=0.3) as watch:
        refresh(unit, charm, archives)
    assert unit.status() == ("active", f"Ready at {unit.address}:5000 (https).")
    print(f"{watch.failed} of {watch.asked} failed, longest gap {watch.gap:.2f} s")
    assert watch.gap < 1
    assert (log_in(unit, "hush", context), log_in(unit, "wrong", context)) == (200, 401)
    assert unit.exec("stat -c %a /etc/docker/registry/registry.key") == "600", "others could read it"
    check_taken_over(unit, before)


def test_users_and_tls_by_relation(predecessor, charm, archives, stand_in, model):
    model.deploy(stand_in("authority"), "elder")
    try:
        # The earlier charm wrote what the CA gave to wherever these options say.
        paths = {f"tls-{kind}-path": f"/etc/ssl/registry/registry.{kind}" for kind in ("cert", "key")}
        options = paths | {"auth-basic-password": "hush"}
        (unit,) = predecessor("related", options, relations=[("cert-provider", "elder:certificates")])
        ca = root(Unit(model, "elder/0"))
        context = ssl.create_default_context(cadata=ca)
        assert (log_in(unit, "hush", context), log_in(unit, "wrong", context)) == (200, 401)
        before, certificate = traces(unit), presented(unit, ca)
        with Watch(unit.address, ca=ca, patience=0.3) as watch:
            refresh(unit, charm, archives)
        print(f"{watch.failed} of {watch.asked} failed, longest gap {watch.gap:.2f} s")
        assert watch.gap < 1
        assert unit.status() == ("active", f"Ready at {unit.address}:5000 (https).")
        assert presented(unit, ca) == certificate
        assert (log_in(unit, "hush", context), log_in(unit, "wrong", context)) == (200, 401)
        check_taken_over(unit, before)
        unit.exec("! ls /etc/docker/registry/ca.crt /etc/ssl/registry/* 2>/dev/null")
        model.config("elder", {"issue": 2})
        unit.settle()
        assert presented(unit, ca) != certificate, "nothing of before passes for the operator's"
    finally:
        model.remove_application("elder", force=True)


@pytest.mark.soak
def test_two_units_behind_a_proxy(predecessor, charm, archives, stand_in, model):
    model.deploy(stand_in("haproxy"), "front")
    model.deploy(stand_in("client"), "served")
    try:
        units = predecessor(
            "pair", units=2, relations=[("website", "front:reverseproxy"), ("docker-registry", "served:registry")]
        )
        front = Unit(model, "front/0")
        with Watch(front.address, patience=0.3) as watch:
            refresh(units[0], charm, archives)
        print(f"{watch.failed} of {watch.asked} failed, longest gap {watch.gap:.2f} s")
        assert watch.gap < 1
        text = front.exec("cat /etc/haproxy/haproxy.cfg")
        assert re.findall(r"^ +server (\S+)", text, re.MULTILINE) == ["pair-0-5000", "pair-1-5000"]
        for unit in units:
            state, message = unit.status()
            assert (state, message.partition(" Clients")[0]) == (
                "active",
                f"Ready at {front.address}:5000 (http, proxied).",
            )
            assert "docker.service" not in unit.exec("dpkg --verify docker.io")
        told = json.loads(Unit(model, "served/0").exec("cat /etc/registry.json"))
        assert told["registry_netloc"] == f"{front.address}:5000"
    finally:
        model.remove_application("front", "served", force=True)
