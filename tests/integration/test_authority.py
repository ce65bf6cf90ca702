"""A CA at one side, Docker and containerd at the other: the tests run in order, on machines of their own."""

import json
import socket
import ssl
import subprocess

import jubilant
import pytest
from unit import Unit, Watch

APP = "secured"
IMAGE = "by/push:1"


@pytest.fixture(scope="module")
def registry(model, charm, archives):
    model.deploy(charm, APP, resources={"registry-image": str(archives.registry)})
    unit = Unit(model, f"{APP}/0")
    unit.settle()
    yield unit
    model.remove_application(*model.status().apps.keys() & {APP, "node", "ca", "signer"}, force=True)


@pytest.fixture(scope="module")
def node(registry, stand_in, small_image):
    registry.juju.deploy(stand_in("client"), "node")
    registry.juju.integrate(f"{APP}:docker-registry", "node:registry")
    registry.load(small_image)
    registry.run("push", image="small:1", pull=False, tag=IMAGE)
    unit = Unit(registry.juju, "node/0")
    unit.settle()
    return unit


@pytest.fixture(scope="module")
def ca(registry, stand_in):
    registry.juju.deploy(stand_in("authority"), "ca")
    unit = Unit(registry.juju, "ca/0")
    unit.settle()
    return unit


@pytest.fixture(scope="module")
def signer(registry, stand_in):
    registry.juju.deploy(stand_in("authority"), "signer", config={"dialect": "requests", "answer": "nothing"})
    unit = Unit(registry.juju, "signer/0")
    unit.settle()
    return unit


def settle(unit):
    unit.settle()
    return unit.status()


def presented(unit, trusted):
    """The certificate that a client is shown who knows the address alone and trusts these."""
    context = ssl.create_default_context(cadata=trusted)
    with (
        socket.create_connection((unit.address, 5000), timeout=5) as plain,
        context.wrap_socket(plain, server_hostname=unit.address) as encrypted,
    ):
        return ssl.DER_cert_to_PEM_cert(encrypted.getpeercert(binary_form=True))


def names(certificate):
    done = subprocess.run(
        ["openssl", "x509", "-noout", "-ext", "subjectAltName"],
        input=certificate,
        text=True,
        check=True,
        capture_output=True,
    )
    return done.stdout


def root(ca, number=1):
    return ca.exec(f"cat /var/lib/authority/root-{number}.crt") + "\n"


def pulls(node):
    """Which of Docker and containerd can pull."""
    able = []
    for program in ("docker", "ctr"):
        try:
            node.exec(f"pull {program} {IMAGE}")
            able.append(program)
        except jubilant.CLIError:
            continue
    return able


def test_without_tls_docker_pulls_alone_and_the_status_says_so(registry, node):
    assert pulls(node) == ["docker"]
    state, message = registry.status()
    assert state == "active"
    assert message.startswith(f"Ready at {registry.address}:5000 (http). Clients that run containerd cannot pull over")


def test_a_related_ca_turns_tls_on_and_no_request_is_lost(registry, node, ca):
    with Watch(registry.address, ca=root(ca), plain=True) as watch:
        registry.juju.integrate(f"{APP}:cert-provider", "ca:certificates")
        assert settle(registry) == ("active", f"Ready at {registry.address}:5000 (https).")
    assert (watch.failed, watch.asked > 20) == (0, True)
    assert presented(registry, root(ca))
    registry.exec("! ls /etc/docker/registry/registry.crt /etc/docker/registry/registry.key 2>/dev/null")
    assert pulls(node) == ["docker", "ctr"]


def test_passwords_go_by_tls_to_both(registry, node):
    assert registry.config(auth_basic_password="hush")[0] == "active"
    assert pulls(node) == ["docker", "ctr"]
    registry.config(auth_basic_password=None)
    assert pulls(node) == ["docker", "ctr"]


def test_a_new_certificate_and_a_new_ca_are_taken_up_under_load(registry, node, ca):
    before = presented(registry, root(ca))
    with Watch(registry.address, ca=root(ca)) as watch:
        registry.juju.config("ca", {"issue": 2})
        assert settle(registry)[0] == "active"
    assert (watch.failed, watch.asked > 20) == (0, True)
    assert presented(registry, root(ca)) != before
    registry.juju.config("ca", {"root": 2})
    assert settle(registry)[0] == "active"
    with pytest.raises(ssl.SSLError):
        presented(registry, root(ca))
    assert presented(registry, root(ca, 2))
    assert pulls(node) == ["docker", "ctr"]


def test_the_certificates_between_are_presented_too(registry, node, ca):
    registry.juju.config("ca", {"intermediate": True})
    assert settle(registry)[0] == "active"
    assert presented(registry, root(ca, 2))
    assert pulls(node) == ["docker", "ctr"]
    # Some call their own what signs, and not what clients have to trust in the end.
    registry.juju.config("ca", {"issuer": True})
    assert settle(registry)[0] == "active"
    assert presented(registry, ca.exec("cat /var/lib/authority/root-2-between.crt") + "\n" + root(ca, 2))
    assert pulls(node) == ["docker", "ctr"]
    registry.juju.config("ca", reset=["issuer"])


def test_another_name_is_certified(registry, ca):
    assert registry.config(http_host="https://registry.example.com") == (
        "active",
        "Ready at registry.example.com (https).",
    )
    assert "DNS:registry.example.com" in names(presented(registry, root(ca, 2)))
    registry.config(http_host=None)
    assert "example.com" not in names(presented(registry, root(ca, 2)))


def test_without_the_ca_it_is_plain_again_and_with_it_encrypted_again(registry, node, ca):
    before = presented(registry, root(ca, 2))
    registry.juju.remove_relation(f"{APP}:cert-provider", "ca:certificates")
    assert settle(registry)[1].startswith(f"Ready at {registry.address}:5000 (http).")
    assert registry.answers()
    assert pulls(node) == ["docker"]
    registry.juju.integrate(f"{APP}:cert-provider", "ca:certificates")
    assert settle(registry) == ("active", f"Ready at {registry.address}:5000 (https).")
    assert presented(registry, root(ca, 2)) == before, "the CA gave out the same one again"
    registry.juju.remove_relation(f"{APP}:cert-provider", "ca:certificates")
    settle(registry)


def test_a_ca_that_signs_requests_is_waited_for_and_never_sees_the_key(registry, node, signer):
    told = json.loads(node.exec("cat /etc/registry.json"))
    registry.juju.integrate(f"{APP}:cert-provider", "signer:certificates")
    state, message = settle(registry)
    assert state == "waiting"
    assert message.startswith(
        "Waiting for the CA of cert-provider to send a certificate. Check the CA if this takes minutes. "
        "Still serving at "
    )
    assert json.loads(node.exec("cat /etc/registry.json")) == told
    registry.juju.config("signer", {"answer": "refused"})
    state, refused = settle(registry)
    assert (state, refused) == (
        "waiting",
        "cert-provider: the CA refused the certificate request: IP addresses are not allowed. Fix it at the CA. "
        + message,
    )
    registry.juju.config("signer", {"answer": "all"})
    assert settle(registry) == ("active", f"Ready at {registry.address}:5000 (https).")
    assert presented(registry, root(signer))
    assert pulls(node) == ["docker", "ctr"]
    assert "PRIVATE KEY" not in json.dumps(signer.databag("certificates", registry.name))
    assert registry.exec("stat -c %a /etc/docker/registry/request.json") == "600"


def test_the_ca_signs_the_same_request_anew(registry, signer):
    before = presented(registry, root(signer))
    registry.juju.config("signer", {"issue": 2})
    assert settle(registry)[0] == "active"
    again = presented(registry, root(signer))
    assert again != before
    asked = signer.databag("certificates", registry.name)["certificate_signing_requests"]
    registry.juju.config("signer", {"revoke": True})
    assert settle(registry)[0] == "active"
    assert presented(registry, root(signer)) != again
    assert signer.databag("certificates", registry.name)["certificate_signing_requests"] != asked


def test_options_win_and_the_status_says_so(registry, signer):
    own = "subjectAltName=IP:" + registry.address
    made = registry.exec(
        "openssl req -x509 -newkey rsa:2048 -nodes -keyout /dev/stdout -subj /CN=own -addext " + own + " -days 30"
    )
    key, mark, certificate = made.partition("-----END PRIVATE KEY-----\n")
    state, message = registry.config(tls_cert_blob=certificate, tls_key_blob=key + mark)
    assert (state, message) == (
        "active",
        f"Ready at {registry.address}:5000 (https). cert-provider: the options tls-... take precedence over its "
        "certificate. Reset them or remove the relation.",
    )
    assert presented(registry, certificate).strip() == certificate.strip()
    registry.config(tls_cert_blob=None, tls_key_blob=None)
    assert presented(registry, root(signer))
