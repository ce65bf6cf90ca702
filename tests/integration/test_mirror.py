"""The action mirror: from a real registry with TLS of a private CA and a password, to one with a password."""

import contextlib
import json
import os
import subprocess

import bcrypt
import jubilant
import pytest
from uploads import Uploads

PASSWORD = "pass word"
FOLDER = "/srv/source"
SERVER = (
    "docker run -d --name source -p 5443:5443 -v {folder}:/srv -v {folder}/data:/var/lib/registry"
    " -e REGISTRY_HTTP_ADDR=:5443 -e REGISTRY_HTTP_TLS_CERTIFICATE=/srv/server.crt"
    " -e REGISTRY_HTTP_TLS_KEY=/srv/server.key -e REGISTRY_AUTH=htpasswd -e REGISTRY_AUTH_HTPASSWD_REALM=source"
    " -e REGISTRY_AUTH_HTPASSWD_PATH=/srv/htpasswd registry:2"
)
CERTIFICATE = """set -e; mkdir -p {folder}/data; cd {folder}
openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -days 2 -subj /CN=private
openssl req -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj /CN=source
echo subjectAltName=IP:{address} > names
openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile names -out server.crt"""


@pytest.fixture
def source(unit):
    """A registry on the unit's machine, and what was put into it; its host."""
    with contextlib.ExitStack() as stack:
        stack.callback(unit.exec, f"docker rm -fv source; rm -rf {FOLDER}")
        unit.exec(CERTIFICATE.format(folder=FOLDER, address=unit.address))
        unit.exec(f"docker run -d --name source -p 5055:5000 -v {FOLDER}/data:/var/lib/registry registry:2 && sleep 1")
        yield f"{unit.address}:5443"


@pytest.fixture
def closed(unit):
    """The charm's registry with a password."""
    assert unit.config(auth_basic_password="pw")[0] == "active"
    yield
    assert unit.config(auth_basic_password=None)[0] == "active"


@pytest.fixture
def secret(unit, source):
    uri = unit.juju.add_secret("logins", {"users": f"{source}: me:{PASSWORD}"})
    unit.juju.grant_secret(uri, unit.app)
    yield str(uri)
    unit.juju.remove_secret(uri)


def guard(unit):
    """Have the source ask for TLS and a password from now on."""
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(5)).decode()
    unit.exec(f'docker rm -f source; printf %s "me:{hashed.replace("$", chr(92) + "$")}" > {FOLDER}/htpasswd')
    unit.exec(f"{SERVER.format(folder=FOLDER)} && sleep 1")


def report(unit, task):
    return {one["image"]: one for one in json.loads(unit.exec(f"cat {task.results['report-json']}"))}


def test_images_of_a_closed_registry_are_mirrored_after_a_kill_too(unit, source, closed, secret):
    uploads = Uploads(f"http://{unit.address}:5055")
    children = {name: uploads.image("team/app", None, name.encode() * 1000) for name in ("amd64", "arm64")}
    index = uploads.index("team/app", "1.0", **children)
    signatures = [uploads.signature("team/app", index), uploads.signature("team/app", children["arm64"], "")]
    large = uploads.image("large", "1", *(os.urandom(10_000_000) for _ in range(6)))
    guard(unit)

    images = f"{source}/team/app:1.0 {source}/large:1"
    params = {"images": images, "ca": f"{FOLDER}/ca.crt", "credentials": secret, "to": "mirror/REPOSITORY"}
    with pytest.raises(jubilant.TaskError) as refused:
        unit.run("mirror", **{**params, "credentials": ""})
    assert "needs credentials" in refused.value.task.message
    assert refused.value.task.results["failed"] == "2"
    with pytest.raises(jubilant.TaskError) as refused:
        unit.run("mirror", **{**params, "ca": "", "dry-run": True})
    assert "certificate is not trusted" in refused.value.task.message

    words = [f"{name}={value}" for name, value in params.items()]
    running = subprocess.Popen(
        [unit.juju.cli_binary, "run", "-m", unit.juju.model, unit.name, "mirror", *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    (data,) = (one["Source"] for one in unit.container()["Mounts"] if one["Destination"] == "/var/lib/registry")
    begun = f"{data}/docker/registry/v2/repositories/mirror/large"
    unit.exec(
        f"for i in $(seq 300); do test -d {begun} && break; sleep 0.02; done; pkill -KILL -f actions/[m]irror || true"
    )
    assert running.wait(timeout=120) != 0

    done = unit.run("mirror", **params)
    outcomes = report(unit, done)
    assert int(done.results["copied"]) + int(done.results["skipped"]) == 2
    assert done.results["failed"] == "0"
    assert outcomes[f"{source}/team/app:1.0"]["digest"] == index["digest"]
    assert outcomes[f"{source}/large:1"]["digest"] == large["digest"]
    again = unit.run("mirror", **params)
    assert (again.results["skipped"], again.results["bytes"]) == ("2", "0")
    (repository,) = json.loads(unit.exec(f"cat {unit.run('catalog', match='mirror/team/*').results['report-json']}"))
    (image,) = (one for one in repository["images"] if one["tags"])
    assert image["digest"] == index["digest"]
    assert image["platforms"] == ["linux/amd64", "linux/arm64"]
    assert sorted(image["dependents"]) == sorted(signatures)
    assert PASSWORD not in unit.juju.cli("debug-log", "--replay", "--no-tail")
