"""Images in the real Swift, by its own API and by S3's: the tests run in order, on machines of their own."""

import base64
import hashlib
import http.client
import json
import secrets
import threading
import time

import jubilant
import pytest
from object_store import PASSWORD as STORE_PASSWORD
from object_store import Store, ask
from unit import Unit
from uploads import OCI, Uploads

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
PASSWORD = "hush"
LARGE = ("multi-part write", "move", "read back")
"""Rules of large files, which both drivers can be asked to keep."""


@pytest.fixture(scope="module")
def store(model, stand_in):
    model.deploy(stand_in("store"), "store")
    model.wait(lambda status: jubilant.all_active(status, "store"), delay=0.1, successes=1)
    unit = Store(model, "store/0")
    unit.swift("PUT", "images")
    yield unit
    apps = model.status().apps.keys() & {"store", "private", "public", "gate"}
    model.remove_application(*apps, force=True)


def by_swift(store):
    return {
        "storage-swift-authurl": f"http://{store.address}:8080/auth/v1.0",
        "storage-swift-username": "test:tester",
        "storage-swift-password": STORE_PASSWORD,
        "storage-swift-container": "images",
    }


def by_s3(store):
    return {
        "storage-s3-regionendpoint": f"http://{store.address}:8080",
        "storage-s3-region": "us-east-1",
        "storage-s3-bucket": "images",
        "storage-s3-accesskey": "test:tester",
        "storage-s3-secretkey": STORE_PASSWORD,
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


def login():
    encoded = base64.b64encode(f"admin:{PASSWORD}".encode()).decode()
    return {"Accept": MANIFEST, "Authorization": f"Basic {encoded}"}


OCTETS = {"Content-Type": "application/octet-stream"}


def test_an_empty_container_is_made_ready(private):
    assert private.status() == ("active", f"Ready at {private.address}:5000 (http).")
    assert PASSWORD not in json.dumps(private.container())
    assert STORE_PASSWORD not in json.dumps(private.container())


def test_what_is_pushed_to_the_private_one_is_pulled_from_the_public_one(private, public, small_image):
    assert public.status() == ("active", f"Ready at {public.address}:5000 (http).")
    private.load(small_image)
    private.run("push", image="small:1", pull=False)
    status, _, body = ask(f"http://{public.address}:5000/v2/small/manifests/1", headers={"Accept": MANIFEST})
    assert status == 200
    layer = json.loads(body)["layers"][0]["digest"]
    assert ask(f"http://{public.address}:5000/v2/small/blobs/{layer}")[0] == 200
    assert ask(f"http://{public.address}:5000/v2/small/blobs/uploads/", "POST", b"")[0] == 405
    assert ask(f"http://{private.address}:5000/v2/small/manifests/1")[0] == 401
    assert ask(f"http://{private.address}:5000/v2/small/manifests/1", headers=login())[0] == 200


def go_to(unit, settings, former):
    named = {name.replace("-", "_"): value for name, value in {**dict.fromkeys(former), **settings}.items()}
    assert unit.config(**named) == ("active", f"Ready at {unit.address}:5000 (http).")


def check(unit, store):
    """Have the unit try its storage: the rules that work. One byte is left of it."""
    done = unit.run("check-storage", lists=False).results
    left = [line for line in store.swift("GET", "images").splitlines() if "docker-registry-check" in line]
    assert not [line for line in left if "/repositories/" in line]
    assert len(left) <= 3  # in Swift a segment too, below another folder than in S3
    return [line.partition(":")[0] for line in done["output"].splitlines() if line.endswith(": works")]


def test_swift_does_what_the_registry_needs(private, store):
    assert check(private, store) == [*LARGE, "delete"]


def test_s3_over_the_same_store(private, store):
    go_to(private, by_s3(store), by_swift(store))
    # The driver for Swift keeps everything below `files`, the one for S3 does not.
    assert ask(f"http://{private.address}:5000/v2/small/manifests/1", headers=login())[0] == 404
    private.run("push", image="small:1", pull=False)
    assert ask(f"http://{private.address}:5000/v2/small/manifests/1", headers=login())[0] == 200
    assert check(private, store) == [*LARGE, "delete"]


@pytest.mark.soak
@pytest.mark.parametrize("by", [by_swift, by_s3])
def test_lists_of_more_than_1000_keys_are_whole(private, store, by):
    go_to(private, by(store), by_s3(store) if by is by_swift else by_swift(store))
    begun = time.monotonic()
    done = private.run("check-storage")  # the registry deletes tags one by one
    assert "list beyond 1,000 keys: works" in done.results["output"].splitlines()
    print(f"check-storage with lists, {by.__name__}: {time.monotonic() - begun:.0f} s")


@pytest.mark.parametrize("trouble", ["stopped", pytest.param("another password", marks=pytest.mark.soak)])
def test_a_store_that_goes_and_comes_back_needs_no_hand(private, store, trouble):
    before, (begin, end) = private.container(), TROUBLES[trouble]
    store.exec(begin)
    wait_for(lambda: ask(f"http://{private.address}:5000/")[0] == 503)
    state, message = private.update_status()
    assert (state, message) == (
        "blocked",
        "Storage unreachable: the registry answers 503. Check the storage and its credentials. Retrying automatically.",
    )
    store.exec(end)
    wait_for(lambda: ask(f"http://{private.address}:5000/")[0] == 200)
    assert private.update_status() == ("active", f"Ready at {private.address}:5000 (http).")
    after = private.container()
    assert (after["Id"], after["State"]["StartedAt"], after["RestartCount"]) == (
        before["Id"],
        before["State"]["StartedAt"],
        0,
    )


@pytest.mark.parametrize(
    ("by", "words", "level"),
    [
        (by_s3, "Storage unreachable: the registry answers 500. ", "debug"),
        pytest.param(by_swift, "storage-swift-authurl: http://", "info", marks=pytest.mark.soak),
    ],
)
def test_a_change_while_the_store_is_away(private, store, by, words, level):
    """With S3 it is applied, and the new registry answers 200 at / for a while; with Swift none starts meanwhile."""
    if by is by_swift:
        go_to(private, by_swift(store), by_s3(store))
    begin, end = TROUBLES["stopped"]
    store.exec(begin)
    wait_for(lambda: ask(f"http://{private.address}:5000/")[0] == 503)
    status = private.config(log_level="debug")
    assert (status[0], status[1].startswith(words)) == ("blocked", True), status
    assert level in private.exec("grep level: /etc/docker/registry/config.yml")
    store.exec(end)
    wait_for(lambda: private.update_status() == ("active", f"Ready at {private.address}:5000 (http)."))
    assert "debug" in private.exec("grep level: /etc/docker/registry/config.yml")
    private.config(log_level=None)
    if by is by_swift:
        go_to(private, by_s3(store), by_swift(store))


KILLS = {
    "action": "pkill -KILL -f actions/[m]ove || true",
    "registry": "kill -9 $(docker inspect -f {{.State.Pid}} registry)",
    "registry of the target": "kill -9 $(docker inspect -f {{.State.Pid}} registry-move-loopback)",
    "machine": "",
}
"""What dies in the middle of a move, and how."""


@pytest.mark.parametrize(
    "victim", ["action", *(pytest.param(victim, marks=pytest.mark.soak) for victim in KILLS if victim != "action")]
)
def test_images_move_from_the_disk_to_swift_although_something_is_killed(private, store, model, victim):
    folder = victim.replace(" ", "-")
    ready = ("active", f"Ready at {private.address}:5000 (http).")
    by_option = {name.replace("-", "_"): value for name, value in by_s3(store).items()}
    by_either = dict.fromkeys(name.replace("-", "_") for name in (*by_s3(store), *by_swift(store)))
    assert private.config(**by_either) == ready
    images = Uploads(f"http://{private.address}:5000", login()["Authorization"])
    name = f"moved/{folder}"
    pushed = [images.image(name, str(number), secrets.token_bytes(300_000)) for number in range(12)]

    store.swift("PUT", folder)
    uri = model.add_secret("keys-of-swift", {"password": STORE_PASSWORD})
    model.grant_secret(uri, "private")
    given = by_swift(store) | {"storage-swift-password": str(uri), "storage-swift-container": folder}
    words = {"to": "swift", "options": " ".join(f"{option}={value}" for option, value in given.items())}

    def kill():
        wait_for(lambda: "/_manifests/tags/" in store.swift("GET", folder))
        if victim == "machine":
            model.cli("machine", "kill", private.machine)
        else:
            private.exec(KILLS[victim])

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        said = private.run("move", **words).status
    except (jubilant.TaskError, jubilant.CLIError) as error:
        said = f"{error} {error.stderr if isinstance(error, jubilant.CLIError) else error.task}"
    killer.join()
    print(said)
    assert "Traceback" not in said
    assert said != "completed" or victim.startswith("registry")
    if victim == "machine":
        model.cli("machine", "start", private.machine)
        private.settle()
    assert private.update_status() == ready
    assert private.containers() == ["registry"]
    done = private.run("move", **words).results
    assert (int(done["copied"]) + int(done["skipped"]), done["failed"], done["left"]) == (int(done["images"]), "0", "0")
    assert int(done["skipped"]) > 0
    assert int(done["copied"]) > 0 or victim.startswith("registry")

    assert private.config(**{option.replace("-", "_"): value for option, value in given.items()}) == ready
    manifests = f"http://{private.address}:5000/v2/{name}/manifests"
    for image in pushed:
        assert ask(f"{manifests}/{image['digest']}", headers=login() | {"Accept": OCI})[0] == 200
    back = private.run("move", to="disk").results
    assert (back["skipped"], back["left"]) == (done["images"], "0")
    assert private.config(**dict.fromkeys(option.replace("-", "_") for option in given), **by_option) == ready
    model.remove_secret(uri)


TROUBLES = {
    "stopped": ("systemctl stop one-swift@proxy", "systemctl start one-swift@proxy"),
    "another password": (
        'sed -i s/=.testing/=" other"/ /etc/swift/proxy-server.conf && systemctl restart one-swift@proxy',
        'sed -i s/=.other/=" testing"/ /etc/swift/proxy-server.conf && systemctl restart one-swift@proxy',
    ),
}
"""How the store goes, and comes back."""


def wait_for(what):
    for _ in range(120):
        if what():
            return
        time.sleep(0.5)
    raise AssertionError("it does not come")


class Failed(Exception):
    """The registry does not answer as it shall."""


class Load:
    """Two clients push images over the proxy and two pull what is there, a bounded number of times.

    They do as docker does: what fails they begin anew, five times at most. `acknowledged` are the manifests that were
    taken, by tag; `lost` are those of them that were not found later.
    """

    def __init__(self, address):
        self._url, self._stop, self._lock = f"http://{address}:5000", threading.Event(), threading.Lock()
        jobs = (self._push, self._push, self._pull, self._pull)
        self._threads = [threading.Thread(target=self._repeat, args=(job,), daemon=True) for job in jobs]
        self.acknowledged, self.lost = {}, set()
        self.pulls = self.failed = self.given_up = 0

    def __str__(self):
        found = f"{len(self.acknowledged)} images pushed, {self.pulls} pulled, {self.failed} attempts failed"
        return f"{found}, {self.given_up} given up, {len(self.lost)} lost"

    def _repeat(self, job):
        for _ in range(200):
            if self._stop.wait(1.2):
                return
            self._try(job, secrets.token_hex(8))

    def _try(self, job, tag):
        for _ in range(5):
            try:
                job(tag)
                return
            except (Failed, OSError, http.client.HTTPException) as error:
                print(time.strftime("%X"), job.__name__, error)
                with self._lock:
                    self.failed += 1
        self.given_up += 1

    def _ask(self, expected, path, method="GET", data=None, headers=None, tag=None):
        status, told, body = ask(self._url + path, method, data, login() | (headers or {}))
        if status == 404 and tag is not None:
            self.lost.add(tag)
        if status != expected:
            raise Failed(f"{method} {path}: {status}")
        return told, body

    def _push_blob(self, data):
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        where = self._ask(202, "/v2/load/blobs/uploads/", "POST", b"")[0]["Location"]
        where = self._ask(202, where, "PATCH", data, OCTETS)[0]["Location"]
        self._ask(201, f"{where}&digest={digest}", "PUT", b"", OCTETS)
        return {"mediaType": "application/octet-stream", "size": len(data), "digest": digest}

    def _push(self, tag):
        config = self._push_blob(json.dumps({"tag": tag}).encode())
        layer = self._push_blob(secrets.token_bytes(50_000))
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer]}
        data = json.dumps(manifest).encode()
        self._ask(201, f"/v2/load/manifests/{tag}", "PUT", data, {"Content-Type": MANIFEST})
        self.acknowledged[tag] = data

    def _pull(self, _):
        if self.acknowledged:
            self.pull(secrets.choice(list(self.acknowledged)))
            self.pulls += 1

    def pull(self, tag):
        """Pull an image whole."""
        manifest = self._ask(200, f"/v2/load/manifests/{tag}", tag=tag)[1]
        if manifest != self.acknowledged[tag]:
            self.lost.add(tag)
            raise Failed(f"{tag} is another image")
        for blob in (json.loads(manifest)["config"], *json.loads(manifest)["layers"]):
            data = self._ask(200, f"/v2/load/blobs/{blob['digest']}", tag=tag)[1]
            if f"sha256:{hashlib.sha256(data).hexdigest()}" != blob["digest"]:
                self.lost.add(tag)
                raise Failed(f"{tag} has another {blob['digest']}")

    def go_on(self):
        """Wait until some more images have been pushed."""
        before = len(self.acknowledged)
        wait_for(lambda: len(self.acknowledged) >= before + 6)

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *args):
        self._stop.set()
        for thread in self._threads:
            thread.join()
        print(self)

    def check(self, failures):
        """Every image that was acknowledged is there, and no more than so many attempts have failed."""
        assert len(self.acknowledged) > 5
        assert self.pulls > 5
        assert not self.lost
        assert not self.given_up
        assert self.failed <= failures
        for tag in self.acknowledged:
            self.pull(tag)


def test_two_units_serve_one_store(private, model, stand_in):
    model.deploy(stand_in("haproxy"), "gate")
    model.integrate("private:website", "gate:reverseproxy")
    private.settle()
    gate = Unit(model, "gate/0")
    with Load(gate.address) as load:
        model.add_unit("private")
        private.settle()
    load.check(failures=0)
    units = [Unit(model, f"private/{number}") for number in range(2)]
    for unit in units:
        assert unit.status() == ("active", f"Ready at {gate.address}:5000 (http, proxied).")
    assert "backup" not in gate.exec('grep "^ *server " /etc/haproxy/haproxy.cfg')

    # An upload that was begun at one unit goes on at another.
    data = secrets.token_bytes(100_000)
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    location = ask(f"http://{units[0].address}:5000/v2/moving/blobs/uploads/", "POST", b"", login())[1]["Location"]
    first = ask(f"http://{units[1].address}:5000{location}", "PATCH", data[:50_000], login() | OCTETS)
    assert first[0] == 202
    where = f"http://{units[0].address}:5000{first[1]['Location']}&digest={digest}"
    assert ask(where, "PUT", data[50_000:], login() | OCTETS)[0] == 201
    assert ask(f"http://{units[0].address}:5000/v2/moving/blobs/{digest}", headers=login())[2] == data


def test_garbage_in_a_shared_store_is_collected_while_no_unit_accepts_pushes(private, model):
    units = [Unit(model, f"private/{number}") for number in range(2)]

    def pushes():
        begun = [ask(f"http://{one.address}:5000/v2/lost/blobs/uploads/", "POST", b"", login()) for one in units]
        return [answer[0] for answer in begun]

    data = secrets.token_bytes(1000)
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    place = ask(f"http://{units[1].address}:5000/v2/lost/blobs/uploads/", "POST", b"", login())[1]["Location"]
    where = f"http://{units[1].address}:5000{place}&digest={digest}"
    assert ask(where, "PUT", data, login() | OCTETS)[0] == 201
    with pytest.raises(jubilant.TaskError, match="still accept pushes: private/1"):
        units[0].run("garbage-collect", **{"dry-run": False})
    private.settle()
    assert pushes() == [405] * 2
    assert "Pushes are refused while private/0 collects garbage." in units[1].status()[1]
    with pytest.raises(jubilant.TaskError, match="private/0 collects garbage"):
        units[1].run("garbage-collect", **{"dry-run": False})
    done = units[0].run("garbage-collect", **{"dry-run": False})
    assert digest in units[0].exec(f"cat {done.results['report']}")
    private.settle()
    assert pushes() == [202] * 2
    for unit in units:
        assert ask(f"http://{unit.address}:5000/v2/lost/blobs/{digest}", headers=login())[0] == 404
        assert unit.status()[0] == "active"


def test_a_unit_that_dies_loses_no_image_that_was_acknowledged(private, model):
    gate, victim = Unit(model, "gate/0"), Unit(model, "private/1")
    if not private.is_local:
        pytest.skip("a real machine's plug is out of reach")
    with Load(gate.address) as load:
        load.go_on()
        model.cli("machine", "kill", victim.machine)
        load.go_on()
    # What each of the four does when it dies, and once again before the proxy has noticed.
    load.check(failures=8)
    model.cli("machine", "start", victim.machine)
    private.settle()


def test_a_unit_goes_and_no_request_fails(private, model):
    with Load(Unit(model, "gate/0").address) as load:
        model.cli("remove-unit", "private/1", "--no-prompt")
        model.wait(lambda status: len(status.apps["private"].units) == 1, delay=0.2, successes=1)
        private.settle()
        load.go_on()
    load.check(failures=0)
    assert private.status()[0] == "active"
