"""Images in the real Swift, by its own API and by S3's: the tests run in order, on machines of their own."""

import base64
import hashlib
import json
import secrets
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

import jubilant
import pytest
from unit import Unit

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
PASSWORD = "hush"


@pytest.fixture(scope="module")
def store(model, stand_in):
    model.deploy(stand_in("store"), "store")
    unit = Unit(model, "store/0")
    model.wait(lambda status: jubilant.all_active(status, "store"), delay=0.1, successes=1)
    make(unit, "images")
    yield unit
    apps = model.status().apps.keys() & {"store", "private", "public", "gate"}
    model.remove_application(*apps, force=True)


def make(store, name):
    """Make a container."""
    login = "-H X-Auth-User:test:tester -H X-Auth-Key:testing http://127.0.0.1:8080/auth/v1.0"
    token = store.exec(f'curl -si --retry 20 --retry-all-errors -f {login} | grep -i ^x-auth-token: | tr -d "\\r"')
    store.exec(f'curl -sf -X PUT -H "{token}" http://127.0.0.1:8080/v1/AUTH_test/{name}')


def by_swift(store):
    return {
        "storage-swift-authurl": f"http://{store.address}:8080/auth/v1.0",
        "storage-swift-username": "test:tester",
        "storage-swift-password": "testing",
        "storage-swift-container": "images",
    }


def by_s3(store):
    return {
        "storage-s3-regionendpoint": f"http://{store.address}:8080",
        "storage-s3-region": "us-east-1",
        "storage-s3-bucket": "images",
        "storage-s3-accesskey": "test:tester",
        "storage-s3-secretkey": "testing",
    }


def deployed(model, charm, archives, app, config):
    model.deploy(charm, app, config=config, resources={"registry-image": str(archives.registry)})
    unit = Unit(model, f"{app}/0")
    unit.settle()
    return unit


@pytest.fixture(scope="module")
def private(model, charm, archives, store):
    return deployed(model, charm, archives, "private", by_swift(store) | {"auth-basic-password": PASSWORD})


@pytest.fixture(scope="module")
def public(model, charm, archives, private, store):
    return deployed(model, charm, archives, "public", by_swift(store) | {"storage-read-only": True})


def ask(url, method="GET", data=None, headers=None):
    """Return status, headers and body of the answer, as the user where there is one."""
    request = urllib.request.Request(url, data, {"Accept": MANIFEST, **(headers or {})}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def login():
    return {"Authorization": "Basic " + base64.b64encode(f"admin:{PASSWORD}".encode()).decode()}


OCTETS = {"Content-Type": "application/octet-stream"}


def test_an_empty_container_is_made_ready(private):
    assert private.status() == ("active", f"Ready at {private.address}:5000 (http).")
    assert PASSWORD not in json.dumps(private.container())
    assert "testing" not in json.dumps(private.container())


def test_what_is_pushed_to_the_private_one_is_pulled_from_the_public_one(private, public, small_image):
    assert public.status() == ("active", f"Ready at {public.address}:5000 (http).")
    private.load(small_image)
    private.run("push", image="small:1", pull=False)
    status, _, body = ask(f"http://{public.address}:5000/v2/small/manifests/1")
    assert status == 200
    layer = json.loads(body)["layers"][0]["digest"]
    assert ask(f"http://{public.address}:5000/v2/small/blobs/{layer}")[0] == 200
    assert ask(f"http://{public.address}:5000/v2/small/blobs/uploads/", "POST", b"")[0] == 405
    assert ask(f"http://{private.address}:5000/v2/small/manifests/1")[0] == 401
    assert ask(f"http://{private.address}:5000/v2/small/manifests/1", headers=login())[0] == 200


def test_s3_over_the_same_store(private, store):
    settings = {**dict.fromkeys(by_swift(store)), **by_s3(store)}
    named = {name.replace("-", "_"): value for name, value in settings.items()}
    assert private.config(**named) == ("active", f"Ready at {private.address}:5000 (http).")
    # The driver for Swift keeps everything below `files`, the one for S3 does not.
    assert ask(f"http://{private.address}:5000/v2/small/manifests/1", headers=login())[0] == 404
    private.run("push", image="small:1", pull=False)
    assert ask(f"http://{private.address}:5000/v2/small/manifests/1", headers=login())[0] == 200


def test_a_store_that_goes_and_comes_back_needs_no_hand(private, store):
    before = private.container()
    for trouble, remedy in (
        ("systemctl stop one-swift@proxy", "systemctl start one-swift@proxy"),
        (
            'sed -i s/=.testing/=" other"/ /etc/swift/proxy-server.conf && systemctl restart one-swift@proxy',
            'sed -i s/=.other/=" testing"/ /etc/swift/proxy-server.conf && systemctl restart one-swift@proxy',
        ),
    ):
        store.exec(trouble)
        wait_for(lambda: ask(f"http://{private.address}:5000/")[0] == 503)
        state, message = private.update_status()
        assert (state, message) == (
            "blocked",
            "The registry answers 503: its storage is away or refuses. It goes on by itself once that is mended.",
        )
        store.exec(remedy)
        wait_for(lambda: ask(f"http://{private.address}:5000/")[0] == 200)
        assert private.update_status() == ("active", f"Ready at {private.address}:5000 (http).")
    after = private.container()
    assert (after["Id"], after["State"]["StartedAt"], after["RestartCount"]) == (
        before["Id"],
        before["State"]["StartedAt"],
        0,
    )


def wait_for(what):
    for _ in range(120):
        if what():
            return
        time.sleep(0.5)
    raise AssertionError("it does not come")


class Pushes:
    """Pushes layers over the proxy, a bounded number of them; `pushed` are those that were acknowledged."""

    def __init__(self, address):
        self._url = f"http://{address}:5000"
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.pushed, self.failed = [], 0

    def _run(self):
        while not self._stop.wait(0.05) and len(self.pushed) + self.failed < 500:
            data = secrets.token_bytes(50_000)
            digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
            try:
                headers = ask(f"{self._url}/v2/load/blobs/uploads/", "POST", b"", login())[1]
                where = urllib.parse.urlsplit(headers["Location"])
                url = f"{self._url}{where.path}?{where.query}&digest={digest}"
                status = ask(url, "PUT", data, login() | OCTETS)[0]
            except (OSError, TypeError, KeyError):
                status = 0
            if status == 201:
                self.pushed.append(digest)
            else:
                self.failed += 1

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *args):
        self._stop.set()
        self._thread.join()


def test_three_units_serve_one_store(private, model, stand_in):
    model.deploy(stand_in("haproxy"), "gate")
    model.integrate("private:website", "gate:reverseproxy")
    gate = Unit(model, "gate/0")
    model.add_unit("private", num_units=2)
    private.settle()
    units = [Unit(model, f"private/{number}") for number in range(3)]
    for unit in units:
        assert unit.status() == ("active", f"Ready at {gate.address}:5000 (http, proxied).")
    assert "backup" not in gate.exec('grep "^ *server " /etc/haproxy/haproxy.cfg')

    # An upload that was begun at one unit goes on at another.
    data = secrets.token_bytes(100_000)
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    location = ask(f"http://{units[0].address}:5000/v2/moving/blobs/uploads/", "POST", b"", login())[1]["Location"]
    first = ask(f"http://{units[1].address}:5000{location}", "PATCH", data[:50_000], login() | OCTETS)
    assert first[0] == 202
    where = f"http://{units[2].address}:5000{first[1]['Location']}&digest={digest}"
    assert ask(where, "PUT", data[50_000:], login() | OCTETS)[0] == 201
    assert ask(f"http://{units[0].address}:5000/v2/moving/blobs/{digest}", headers=login())[2] == data


def test_a_unit_that_dies_loses_no_layer_that_was_acknowledged(private, model):
    gate, victim = Unit(model, "gate/0"), Unit(model, "private/1")
    if not private.is_local:
        pytest.skip("a real machine's plug is out of reach")
    with Pushes(gate.address) as pushes:
        time.sleep(3)
        model.cli("machine", "kill", victim.machine)
        time.sleep(6)
    print(f"{len(pushes.pushed)} pushed, {pushes.failed} failed")
    assert len(pushes.pushed) > 5
    for digest in pushes.pushed:
        assert ask(f"http://{gate.address}:5000/v2/load/blobs/{digest}", "HEAD", headers=login())[0] == 200
    model.cli("machine", "start", victim.machine)
    private.settle()
    with Pushes(gate.address) as pushes:
        model.cli("remove-unit", "private/1", "private/2", "--no-prompt")
        model.wait(lambda status: len(status.apps["private"].units) == 1, delay=0.2, successes=1)
        private.settle()
    assert pushes.failed == 0
    assert private.status()[0] == "active"
