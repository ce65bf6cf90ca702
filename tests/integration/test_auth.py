"""Who gets in: by password, by hash, by token; what changes without a restart; and that nothing leaves it open."""

import base64
import json
import secrets
import subprocess
import threading
import time
import urllib.error
import urllib.request

import bcrypt
import pytest

OPTIONS = ("password", "user", "users", "bcrypt_cost")


@pytest.fixture(autouse=True)
def as_before(unit):
    """Leave the shared unit open, as it was found."""
    yield
    token = {f"auth_token_{name}": None for name in ("issuer", "realm", "root_certs", "service")}
    assert unit.config(**{f"auth_basic_{name}": None for name in OPTIONS}, **token)[0] == "active"
    assert answer(unit) == 200


def answer(unit, user=None, password="", token="", path="/v2/"):
    """Return the status of the registry's answer."""
    request = urllib.request.Request(f"http://{unit.address}:5000{path}")
    if user:
        request.add_header("Authorization", "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode())
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=10) as found:
            return found.status
    except urllib.error.HTTPError as error:
        return error.code


def ready(unit):
    return "active", f"Ready at {unit.address}:5000 (http)."


def started(unit):
    return unit.container()["State"]["StartedAt"]


def test_a_password_closes_the_registry_and_a_new_one_needs_no_restart(unit):
    assert unit.config(auth_basic_password="one") == ready(unit)
    assert [answer(unit), answer(unit, "admin", "one"), answer(unit, "admin", "two")] == [401, 200, 401]
    before = started(unit)
    assert unit.config(auth_basic_password="two", auth_basic_user="me", auth_basic_users="you: three") == ready(unit)
    found = [answer(unit, "admin", "one"), answer(unit, "me", "two"), answer(unit, "you", "three")]
    assert found == [401, 200, 200]
    assert unit.config(auth_basic_bcrypt_cost=6) == ready(unit)
    assert answer(unit, "me", "two") == 200
    assert unit.exec("cut -d$ -f3 /etc/docker/registry/auth/htpasswd").split() == ["06"] * 3
    assert started(unit) == before


def test_a_hash_of_the_htpasswd_command_is_taken(unit):
    hashed = bcrypt.hashpw(b"pw", bcrypt.gensalt(5)).decode().replace("$2b$", "$2y$")  # as that command writes it
    assert unit.config(auth_basic_users=f"me: {hashed}") == ready(unit)
    assert [answer(unit, "me", "pw"), answer(unit, "me", hashed), answer(unit)] == [200, 401, 401]


def test_no_request_fails_while_passwords_change(unit):
    unit.config(auth_basic_password="zero", auth_basic_users="steady: x")
    seen, stop = [], threading.Event()

    def ask():
        while not stop.is_set() and len(seen) < 20_000:
            seen.append(answer(unit, "steady", "x"))
            time.sleep(0.005)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    try:
        for number in range(3):
            unit.config(auth_basic_password=f"password {number}")
            assert answer(unit, "admin", f"password {number}") == 200
    finally:
        stop.set()
        asking.join()
    assert len(seen) > 10
    assert set(seen) == {200}


def test_docker_and_skopeo_log_in(unit, archives):
    unit.config(auth_basic_password="pass word")
    where = "127.0.0.1:5000"
    unit.exec(f"docker tag registry:2 {where}/in:1; ! docker push -q {where}/in:1 2>&1 || false")
    unit.exec(f'echo "pass word" | docker login -u admin --password-stdin {where} && docker push -q {where}/in:1')
    unit.exec(f"docker rmi {where}/in:1; docker logout {where}")
    skopeo = ["skopeo", "inspect", "--tls-verify=false", f"docker://{unit.address}:5000/in:1"]
    assert subprocess.run(skopeo, check=False, capture_output=True).returncode != 0
    subprocess.run([*skopeo, "--creds", "admin:pass word"], check=True, capture_output=True)


@pytest.mark.parametrize("users", [{"auth_basic_password": "pw"}, {"auth_basic_users": f"me: $2y$05${'a' * 53}"}])
def test_push_works_whoever_the_users_are(unit, users):
    unit.config(**users)
    done = unit.run("push", image="registry:2", pull=False, tag="pushed:1")
    assert done.results["raw"] == f"pushed {unit.address}:5000/pushed:1"


def test_a_password_in_a_secret_of_juju(unit):
    uri = unit.juju.add_secret("password", {"password": "one"})
    try:
        state, message = unit.config(auth_basic_password=str(uri))
        assert state == "blocked"
        assert message.startswith(f"auth-basic-password: {uri} cannot be read (")
        assert f"). Run `juju grant-secret {uri} {unit.app}`." in message
        unit.juju.grant_secret(uri, unit.app)
        unit.settle()
        assert unit.update_status() == ready(unit)
        assert [answer(unit), answer(unit, "admin", "one")] == [401, 200]
        before = started(unit)
        unit.juju.update_secret(uri, {"password": "two"})
        unit.settle()
        assert [answer(unit, "admin", "one"), answer(unit, "admin", "two")] == [401, 200]
        assert started(unit) == before
    finally:
        unit.config(auth_basic_password=None)
        unit.juju.remove_secret(uri)


def test_nothing_that_is_wrong_leaves_it_open(unit):
    unit.config(auth_basic_password="one")
    for wrong in (
        {"auth_basic_user": "a:b"},
        {"auth_basic_password": "x" * 73},
        {"auth_basic_password": "", "auth_basic_users": "me"},
        {"auth_basic_password": "", "auth_token_issuer": "half"},
    ):
        state, message = unit.config(**wrong)
        assert state == "blocked"
        assert message.endswith(f"Still serving at {unit.address}:5000 (http).")
        assert [answer(unit), answer(unit, "admin", "one")] == [401, 200], wrong
        unit.exec("docker kill registry")
        unit.update_status()
        assert [answer(unit), answer(unit, "admin", "one")] == [401, 200], wrong
        unit.config(**{**dict.fromkeys(wrong), "auth_basic_password": "one"})


def test_no_password_can_be_seen(unit):
    password = secrets.token_hex(16)
    unit.config(auth_basic_password=password)
    own = unit.exec("cat /etc/docker/registry/password")
    assert len(own) > 40
    seen = json.dumps(unit.container()) + unit.juju.cli("debug-log", "--replay", "--no-tail")
    seen += unit.exec(
        "docker logs registry 2>&1; cat /etc/docker/registry/auth/htpasswd /etc/docker/registry/config.yml"
    )
    assert password not in seen and own not in seen
    assert unit.readable_secrets() == ""
    unit.config(auth_basic_password=None)
    assert unit.exec("ls /etc/docker/registry/auth") == ""


@pytest.fixture
def issuer(tmp_path):
    """Somebody who signs tokens: its certificate, and what makes a token of claims."""
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=issuer"]
    subprocess.run([*made, "-keyout", key, "-out", certificate], check=True, capture_output=True)

    def encode(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

    def token(**claims) -> str:
        der = "".join(certificate.read_text().splitlines()[1:-1])
        head = {"typ": "JWT", "alg": "RS256", "x5c": [der]}
        now = int(time.time())
        body = {"iss": "issuer", "aud": "images", "nbf": now - 60, "iat": now, "exp": now + 300, "jti": "1", **claims}
        text = ".".join(encode(json.dumps(part).encode()) for part in (head, body))
        signed = subprocess.run(
            ["openssl", "dgst", "-sha256", "-sign", key], input=text.encode(), check=True, capture_output=True
        )
        return f"{text}.{encode(signed.stdout)}"

    return certificate, token


def test_tokens_of_the_issuer_and_no_others_get_in(unit, issuer):
    certificate, token = issuer
    assert unit.config(
        auth_token_issuer="issuer",
        auth_token_realm="https://auth.example.com/token",
        auth_token_root_certs=base64.encodebytes(certificate.read_bytes()).decode(),
        auth_token_service="images",
    ) == ready(unit)
    assert [answer(unit), answer(unit, "admin", "x"), answer(unit, token="x")] == [401, 401, 401]
    assert answer(unit, token=token()) == 200
    assert answer(unit, token=token(iss="another")) == 401
    everything = [{"type": "registry", "name": "catalog", "actions": ["*"]}]
    assert answer(unit, token=token(access=everything), path="/v2/_catalog") == 200
    assert answer(unit, token=token(), path="/v2/_catalog") == 401
    done = unit.run("push", image="registry:2", pull=False, tag="by/token:1")
    assert done.results["raw"] == f"pushed {unit.address}:5000/by/token:1"
    reads = [{"type": "repository", "name": "by/token", "actions": ["pull"]}]
    assert answer(unit, token=token(access=reads), path="/v2/by/token/tags/list") == 200
    assert unit.containers() == ["registry"], "what the push needed is gone"
    unit.exec("test ! -e /etc/docker/registry/loopback")
