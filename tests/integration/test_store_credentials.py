"""Who gets into an object store, and how: by Keystone, with little to be done there, by the relation s3-credentials.

The tests run in order, on machines of their own; each leaves the registry's images on its disk.
"""

import json
import re

import jubilant
import pytest
from object_store import PASSWORD, Store, ask
from unit import Unit

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


@pytest.fixture(scope="module")
def store(model, stand_in):
    model.deploy(stand_in("store"), "keys", config={"keystone": True})
    model.wait(lambda status: jubilant.all_active(status, "keys"), delay=0.1, successes=1)
    yield Store(model, "keys/0")
    model.remove_application("keys", force=True)


@pytest.fixture(scope="module")
def guest(model, charm, archives, store, small_image):
    model.deploy(charm, "guest", resources={"registry-image": str(archives.registry)})
    unit = Unit(model, "guest/0")
    unit.settle()
    unit.load(small_image)
    yield unit
    model.remove_application("guest", force=True)


def ready(unit):
    return "active", f"Ready at {unit.address}:5000 (http)."


def still(unit, *sentences):
    """The status of a unit that serves as before, while something is wrong."""
    return "blocked", " ".join([*sentences, f"Still serving at {unit.address}:5000 (http)."])


def pulled(unit):
    """Return the status with which the registry answers for the image."""
    url = f"http://{unit.address}:5000/v2/small"
    status, _, body = ask(f"{url}/manifests/1", headers={"Accept": MANIFEST})
    return ask(f"{url}/blobs/{json.loads(body)['layers'][0]['digest']}")[0] if status == 200 else status


def started(unit):
    """Return the status after the action start, which tries at once what was refused."""
    unit.run("start")
    return unit.status()


def running(unit):
    container = unit.container()
    return container["Id"], container["State"]["StartedAt"]


def test_keystone_with_a_domain_and_a_region(store, guest):
    settings = {
        "authurl": f"http://{store.address}:5000/v3",
        "username": "tester",
        "password": PASSWORD,
        "tenant": "images",
        "domain": "acme",
        "region": "here",
    }
    settings = {f"storage_swift_{name}": value for name, value in settings.items()}
    assert guest.config(**settings) == still(
        guest,
        "storage-swift-container: the container docker-registry does not exist. "
        "Create it with `swift post docker-registry`.",
    )
    store.swift("PUT", "docker-registry", keystone=True)
    assert started(guest) == ready(guest)
    assert "files" in store.swift("GET", "docker-registry", keystone=True).splitlines()
    assert guest.run("push", image="small:1", pull=False).results["outcome"] == "success"
    assert pulled(guest) == 200
    assert "files/docker/registry/v2/" in store.swift("GET", "docker-registry", keystone=True)

    before = running(guest)
    rejected = "storage-swift-username: the login is rejected. Check user name, password, tenant and domain."
    no_project = "storage-swift-tenant: not set, but required: the user has no default project. Set the project."
    for changes, sentence in (
        ({"password": "wrong-key"}, rejected),
        ({"domain": "other"}, rejected),
        ({"domain": None}, rejected),
        (
            {"region": "nowhere"},
            "storage-swift-authurl: the service catalog has no object store in the region nowhere. "
            "Check storage-swift-region and the URL.",
        ),
        ({"tenant": None}, no_project),
    ):
        wrong = {f"storage_swift_{name}": value for name, value in changes.items()}
        assert guest.config(**settings | wrong) == still(guest, sentence)
    assert guest.config(**settings) == ready(guest)
    assert (running(guest), pulled(guest)) == (before, 200)
    assert guest.config(**dict.fromkeys(settings)) == ready(guest)


def test_an_empty_container_that_cannot_be_written_is_a_problem_with_a_command(store, guest):
    store.swift("PUT", "shared", X_Container_Read="test:reader")
    settings = {
        "authurl": f"http://{store.address}:8080/auth/v1.0",
        "username": "test:reader",
        "password": "reading",
        "container": "shared",
    }
    settings = {f"storage_swift_{name}": value for name, value in settings.items()}
    state, message = guest.config(**settings, storage_read_only=True)
    command = re.search("`(.*)`", message)[1]
    assert (state, message) == still(
        guest,
        "storage-swift-container: shared is empty and cannot be written (403), so the registry would answer 503. "
        f"Create an empty object: `{command}`.",
    )
    login = f"ST_AUTH=http://127.0.0.1:8080/auth/v1.0 ST_USER=test:tester ST_KEY={PASSWORD}"
    store.exec(f"cd /var/tmp && export {login} && {command}")
    assert started(guest) == ready(guest)
    assert ask(f"http://{guest.address}:5000/v2/_catalog")[0] == 200
    state, message = guest.config(storage_read_only=None)
    assert state == "blocked"
    assert message.startswith("The registry does not start with this configuration: ")
    assert guest.config(**dict.fromkeys(settings)) == ready(guest)


@pytest.fixture(scope="module")
def secret(model, store, guest):
    """The keys of the bucket, which nobody may read yet."""
    uri = model.add_secret("keys-of-s3", {"access-key": "test:tester", "secret-key": PASSWORD})
    yield uri
    model.remove_secret(uri)


GONE = (
    "s3-credentials: the relation provides no bucket any more. Relate the integrator again, set storage-s3-..., or run "
    "`juju run guest/0 start` to serve from the unit's disk."
)


def related(model, guest):
    model.integrate("guest:s3-credentials", "keys:s3-credentials")
    return guest.status(guest.settle())


def parted(model, guest):
    model.remove_relation("guest:s3-credentials", "keys:s3-credentials")
    return guest.status(guest.settle())


def test_an_integrator_gives_a_bucket_whose_keys_are_in_a_secret(model, store, guest, secret):
    model.config("keys", {"credentials": str(secret), "path": "in/a/folder"})
    state, message = related(model, guest)
    assert state == "waiting"
    assert message.startswith(
        "Waiting for s3-credentials to send a bucket and its keys. Check the integrator if this takes minutes. "
    )
    model.grant_secret(secret, "keys")
    store.hook("config-changed")
    state, message = guest.status(guest.settle())
    assert state == "blocked"
    assert message.startswith(f"s3-credentials: {secret} cannot be read (")
    assert "). Check keys, or relate it again." in message
    model.grant_secret(secret, "guest")
    assert guest.update_status() == ready(guest)
    assert guest.run("push", image="small:1", pull=False).results["outcome"] == "success"
    assert pulled(guest) == 200
    relation = store.relation("s3-credentials")
    bucket = store.tool("relation-get", "--app", "-r", relation, "bucket", "guest")
    assert "in/a/folder/docker/registry/v2/" in store.swift("GET", bucket)


def test_the_keys_are_nowhere_to_be_seen_and_the_ca_of_the_store_is_trusted(model, guest):
    container = guest.container()
    assert "SSL_CERT_FILE=/etc/docker/registry/store-ca.pem" in container["Config"]["Env"]
    log = model.cli("debug-log", "--replay", "--no-tail")
    for seen in (json.dumps(container), guest.status()[1], log):
        assert "test:tester" not in seen
        assert PASSWORD not in seen


def test_wrong_keys_change_nothing(model, guest, secret):
    before = running(guest)
    model.update_secret(secret, {"access-key": "test:tester", "secret-key": "wrong-key"})
    state, message = guest.status(guest.settle())
    assert state == "blocked"
    assert message.startswith("s3-credentials (secret-key): the S3 store does not accept this secret key (s3aws: Sign")
    assert message.endswith(f". Still serving at {guest.address}:5000 (http).")
    assert "wrong-key" not in message
    assert (running(guest), pulled(guest)) == (before, 200)
    model.update_secret(secret, {"access-key": "test:tester", "secret-key": PASSWORD})
    assert guest.status(guest.settle()) == ready(guest)
    assert running(guest) == before


def test_the_images_stay_in_the_bucket_when_the_relation_goes(model, guest):
    before = running(guest)
    assert parted(model, guest) == still(guest, GONE)
    assert guest.update_status() == still(guest, GONE)
    assert (running(guest), pulled(guest)) == (before, 200)
    # Version 0: the keys are in the databag.
    model.config("keys", reset="credentials")
    assert related(model, guest) == ready(guest)
    assert (running(guest), pulled(guest)) == (before, 200)


def test_the_action_start_has_the_images_on_the_disk_from_then_on(model, guest):
    assert parted(model, guest) == still(guest, GONE)
    assert guest.run("start").results["message"] == ready(guest)[1]
    assert guest.status() == ready(guest)
    assert pulled(guest) == 404
    assert "SSL_CERT_FILE" not in json.dumps(guest.container())
    assert guest.run("push", image="small:1", pull=False).results["outcome"] == "success"
    assert pulled(guest) == 200
