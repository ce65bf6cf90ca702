"""From one unit to two and back behind the real haproxy, with a client: the tests run in order, on their machines."""

import hashlib
import http.client
import json
import secrets
import ssl
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest
import yaml
from unit import Unit, Watch

APP = "behind"
ALONE = (
    "Each unit keeps its images on its own disk, so an image pushed to one is missing on the others. "
    "Set storage-s3-... or storage-swift-..., or remove the other units."
)


@pytest.fixture(scope="module")
def juju(model, charm, archives, stand_in):
    model.deploy(charm, APP, resources={"registry-image": str(archives.registry)})
    model.deploy(stand_in("haproxy"), "haproxy", config={"peering_mode": "active-active"})
    model.deploy(stand_in("client"), "client")
    model.deploy(stand_in("authority"), "issuer")
    yield model
    model.remove_application(*model.status().apps.keys() & {APP, "haproxy", "client", "issuer", "beside"}, force=True)


@pytest.fixture(scope="module")
def proxy(juju):
    juju.integrate(f"{APP}:website", "haproxy:reverseproxy")
    juju.integrate(f"{APP}:docker-registry", "client:registry")
    unit = Unit(juju, "haproxy/0")
    unit.settle()
    return unit


@pytest.fixture(scope="module")
def client(proxy):
    return Unit(proxy.juju, "client/0")


def units(juju):
    names = sorted(juju.status().apps[APP].units, key=lambda name: int(name.partition("/")[2]))
    return [Unit(juju, name) for name in names]


def settle(juju):
    units(juju)[0].settle()
    return [unit.status() for unit in units(juju)]


def messages(juju, scheme, address):
    """What the status of each unit begins with, and whether that is so."""
    return all(
        state == "active" and message.startswith(f"Ready at {address}:5000 ({scheme}, proxied).")
        for state, message in settle(juju)
    )


def told(client):
    return json.loads(client.exec("cat /etc/registry.json"))


def root(juju):
    return Unit(juju, "issuer/0").exec("cat /var/lib/authority/root-1.crt") + "\n"


def configuration(proxy):
    return [line.strip() for line in proxy.exec("cat /etc/haproxy/haproxy.cfg").splitlines()]


def servers(proxy):
    """The lines of haproxy's servers, without the word."""
    return [line.partition(" ")[2] for line in configuration(proxy) if line.startswith("server ")]


def push(juju, image="small:1"):
    """Push over the proxy, from the client's machine."""
    node = Unit(juju, "client/0")
    netloc = told(node)["registry_netloc"]
    node.exec(f"docker tag {image} {netloc}/{image} && docker push -q {netloc}/{image}")


class Load:
    """Pulls a layer over the proxy and pushes another one, a bounded number of times, while a test does something."""

    def __init__(self, proxy, digest, ca):
        self._url, self._digest = f"https://{proxy.address}:5000", digest
        self._context = ssl.create_default_context(cadata=ca)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.done = self.failed = 0

    def _run(self):
        while not self._stop.wait(0.2) and self.done + self.failed < 2000:
            try:
                self._ask(f"/v2/small/blobs/{self._digest}")
                data = secrets.token_bytes(100_000)
                where = urllib.parse.urlsplit(self._ask("/v2/load/blobs/uploads/", b"", "POST"))
                digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
                self._ask(f"{where.path}?{where.query}&digest={digest}", data, "PUT")
                self.done += 1
            except (OSError, http.client.HTTPException) as error:
                print(error)
                self.failed += 1

    def _ask(self, path, data=None, method="GET"):
        headers = {"Content-Type": "application/octet-stream"} if data is not None else {}
        request = urllib.request.Request(self._url + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=10, context=self._context) as answer:
            answer.read()
            return answer.headers.get("Location", "")

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *args):
        self._stop.set()
        self._thread.join()


def test_clients_are_told_the_proxy_and_the_status_too(juju, proxy, client, small_image):
    assert messages(juju, "http", proxy.address)
    assert told(client)["registry_netloc"] == f"{proxy.address}:5000"
    client.load(small_image)
    push(juju)
    client.exec("pull docker small:1")


def test_a_drained_unit_gets_no_requests_until_it_is_resumed(juju, proxy):
    (unit,) = units(juju)
    unit.run("drain")
    assert settle(juju)[0][1].startswith(f"Ready at {proxy.address}:5000 (http, proxied). Drained")
    with pytest.raises(urllib.error.HTTPError, match="503"):
        urllib.request.urlopen(f"http://{proxy.address}:5000/v2/", timeout=5)
    assert unit.answers()
    assert unit.run("drain").results == {"transfers": "ended"}
    unit.run("resume")
    assert messages(juju, "http", proxy.address)
    with urllib.request.urlopen(f"http://{proxy.address}:5000/v2/", timeout=5) as answer:
        assert answer.status == 200


def test_tls_is_passed_through(juju, proxy, client):
    juju.integrate(f"{APP}:cert-provider", "issuer:certificates")
    assert messages(juju, "https", proxy.address)
    with Watch(proxy.address, ca=root(juju)) as watch:
        time.sleep(1)
    assert watch.failed == 0
    assert "mode tcp" in configuration(proxy)
    assert told(client)["tls_ca"].strip() == root(juju).strip()
    push(juju)
    client.exec("pull docker small:1")
    client.exec("pull ctr small:1")


def test_tls_ends_at_the_proxy(juju, proxy, client):
    juju.config(APP, {"website-tls": "terminate"})
    assert messages(juju, "https", proxy.address)
    assert any(line.startswith("bind 0.0.0.0:5000 ssl crt ") for line in configuration(proxy))
    with Watch(proxy.address, ca=root(juju)) as watch:
        time.sleep(1)
    assert watch.failed == 0
    push(juju)
    client.exec("pull ctr small:1")


def test_tls_ends_at_the_proxy_with_its_own_certificate(juju, proxy, client):
    juju.config("haproxy", {"ssl_cert": "SELFSIGNED"})
    juju.remove_relation(f"{APP}:cert-provider", "issuer:certificates")
    assert messages(juju, "https", proxy.address)
    own = proxy.exec("cat /var/lib/haproxy/default.pem").partition("-----END PRIVATE KEY-----\n")[2] + "\n"
    assert told(client)["tls_ca"].strip() == own.strip()
    with Watch(proxy.address, ca=own) as watch:
        time.sleep(1)
    assert watch.failed == 0
    client.exec("pull ctr small:1")
    juju.config(APP, reset=["website-tls"])
    assert messages(juju, "http", proxy.address)


def test_two_proxies_that_pass_on_to_each_other_take_the_port_after(juju, proxy):
    juju.config("haproxy", {"peering_mode": "active-passive"})
    juju.add_unit("haproxy")
    settle(juju)
    second = Unit(juju, "haproxy/1")
    for unit in (proxy, second):
        assert {"bind 0.0.0.0:5000", "bind 0.0.0.0:5001", f"backend {APP}_be"} <= set(configuration(unit))
        with urllib.request.urlopen(f"http://{unit.address}:5000/v2/", timeout=5) as answer:
            assert answer.status == 200
    assert messages(juju, "http", proxy.address)
    juju.cli("remove-unit", "haproxy/1", "--no-prompt")
    juju.wait(lambda status: len(status.apps["haproxy"].units) == 1, delay=0.2, successes=1)
    settle(juju)
    assert "bind 0.0.0.0:5001" not in configuration(proxy)


def image_digest(proxy, ca):
    context = ssl.create_default_context(cadata=ca)
    request = urllib.request.Request(
        f"https://{proxy.address}:5000/v2/small/manifests/1",
        headers={"Accept": "application/vnd.docker.distribution.manifest.v2+json"},
    )
    with urllib.request.urlopen(request, timeout=10, context=context) as answer:
        return json.loads(answer.read())["layers"][0]["digest"]


def check_databags(juju, proxy, client):
    """Every unit tells everybody what is right now."""
    issuer, there = Unit(juju, "issuer/0"), units(juju)
    for number, unit in enumerate(there):
        told = {key: json.loads(value) for key, value in client.databag("registry", unit.name).items()}
        assert told == {
            "registry_netloc": f"{proxy.address}:5000",
            "registry_url": f"https://{proxy.address}:5000",
            "basic_user": None,
            "basic_password": None,
            "tls_ca": root(juju),
            "registry_unit": min(one.name for one in there),
        }
        ((name, address, port, check),) = yaml.safe_load(proxy.databag("reverseproxy", unit.name)["services"])[0][
            "servers"
        ]
        assert (name, address, port) == (f"{unit.name.replace('/', '-')}-5000", unit.address, 5000)
        assert check.endswith("backup") == bool(number)
        asked = issuer.databag("certificates", unit.name)
        assert asked["common_name"] == unit.address
        assert proxy.address in json.loads(asked["sans"])
        for peer in there:
            if peer.name != unit.name:
                assert unit.databag("peer", peer.name) == {"address": peer.address, "port": "5000", "scheme": "https"}
    for name in juju.status().get_units("beside"):
        nrpe = Unit(juju, name)
        principal = nrpe.tool("relation-list", "-r", nrpe.relation("monitored"))[0]
        assert "check_docker_registry_certificate" in nrpe.databag("monitored", principal)["monitors"]


def test_from_one_to_two_under_load(juju, proxy, client, stand_in):
    juju.integrate(f"{APP}:cert-provider", "issuer:certificates")
    juju.deploy(stand_in("other-end-subordinate"), "beside")
    juju.integrate(f"{APP}:nrpe-external-master", "beside:monitored")
    assert messages(juju, "https", proxy.address)
    ca = root(juju)
    with Watch(proxy.address, ca=ca) as watch, Load(proxy, image_digest(proxy, ca), ca) as load:
        juju.add_unit(APP)
        assert messages(juju, "https", proxy.address)
    assert (watch.failed, load.failed) == (0, 0)
    assert watch.asked > 20 and load.done > 20
    assert all(ALONE in message for _, message in settle(juju))
    check_databags(juju, proxy, client)


def test_haproxy_has_a_server_for_each_unit_and_one_is_in_use(juju, proxy):
    found = servers(proxy)
    assert len(found) == 2
    assert [line.endswith("backup") for line in found] == [False, True]
    assert [line.split()[:2] for line in found] == [
        [f"{unit.name.replace('/', '-')}-5000", f"{unit.address}:5000"] for unit in units(juju)
    ]


def test_a_change_of_an_option_loses_no_request(juju, proxy):
    ca = root(juju)
    with Watch(proxy.address, ca=ca) as watch, Load(proxy, image_digest(proxy, ca), ca) as load:
        juju.config(APP, {"log-level": "debug"})
        assert messages(juju, "https", proxy.address)
    assert (watch.failed, load.failed) == (0, 0)
    assert watch.asked > 20 and load.done > 20


def wait_for_primary(juju, proxy):
    """Wait until haproxy has the first unit in use again."""
    name = f"{units(juju)[0].name.replace('/', '-')}-5000"
    for _ in range(100):
        shown = proxy.exec(
            'python3 -c "import socket; s = socket.socket(socket.AF_UNIX); s.connect(\\"/run/haproxy/admin.sock\\");'
            ' s.send(b\\"show stat\\\\n\\"); print(s.makefile().read())"'
        )
        if any(line.split(",")[1] == name and ",UP," in line for line in shown.splitlines() if "," in line):
            return
        time.sleep(0.1)
    raise AssertionError(shown)


def test_a_primary_that_dies_is_noticed_in_time(juju, proxy):
    first = units(juju)[0]
    if not first.is_local:
        pytest.skip("a real machine's plug is out of reach")
    for kill, back in (
        (lambda: first.exec("docker kill registry"), lambda: first.update_status()),
        (lambda: juju.cli("machine", "kill", first.machine), lambda: juju.cli("machine", "start", first.machine)),
    ):
        ca = root(juju)
        load = Load(proxy, image_digest(proxy, ca), ca)
        with Watch(proxy.address, pause=0.02, ca=ca, patience=0.2) as watch, load:
            time.sleep(0.5)
            kill()
            time.sleep(3)  # and until the next answer
        print(f"longest gap {watch.gap:.2f} s")
        assert watch.gap < 3
        back()
        settle(juju)
        wait_for_primary(juju, proxy)


def test_a_primary_that_goes_leaves_the_backup_to_serve(juju, proxy, client):
    ca = root(juju)
    first, second = units(juju)
    # The backup has images of its own.
    with Watch(proxy.address, ca=ca, patience=0.2) as watch:
        juju.cli("remove-unit", first.name, "--no-prompt")
        juju.wait(lambda status: len(status.apps[APP].units) == 1, delay=0.2, successes=1)
        settle(juju)
    print(f"longest gap {watch.gap:.2f} s")
    assert watch.gap < 3
    (line,) = servers(proxy)
    assert line.startswith(f"{second.name.replace('/', '-')}-5000 ") and not line.endswith("backup")
    check_databags(juju, proxy, client)
    assert settle(juju) == [("active", f"Ready at {proxy.address}:5000 (https, proxied).")]


def test_without_the_proxy_clients_are_told_the_unit(juju, proxy, client):
    juju.remove_relation(f"{APP}:website", "haproxy:reverseproxy")
    settle(juju)
    (unit,) = units(juju)
    assert told(client)["registry_netloc"] == f"{unit.address}:5000"
    assert servers(proxy) == []
