"""The registry with a certificate: who can trust it, what changes it, and that nothing makes it plain."""

import base64
import json
import pathlib
import ssl
import subprocess
import urllib.error
import urllib.request

import pytest

FOLDER = "/etc/docker/registry"
CA = """[ca]
default_ca = here
[here]
database = index
new_certs_dir = .
serial = serial
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
"""
"""What openssl wants to know to issue certificates of a period."""
EC = ("ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")
"""A kind of key, for openssl."""


class Authority:
    """A CA made by openssl, which gives out certificates for one address."""

    def __init__(self, folder: pathlib.Path, address: str) -> None:
        self._folder, self._address = folder, address
        self._openssl("req", "-x509", *self._new_key("ca"), "-days", "30", "-subj", "/CN=test CA", "-out", "ca.crt")

    def _openssl(self, *words):
        subprocess.run(["openssl", *words], cwd=self._folder, check=True, capture_output=True)

    @staticmethod
    def _new_key(name, key=EC):
        return "-newkey", *key, "-nodes", "-keyout", f"{name}.key"

    def issue(self, name: str, *period: str, key: tuple[str, ...] = EC) -> tuple[str, str]:
        """Return a new certificate and its *key*; *period* is its first and last moment, if not from now on."""
        self._openssl("req", *self._new_key(name, key), "-subj", f"/CN={name}", "-out", f"{name}.csr")
        (self._folder / "names").write_text(f"subjectAltName=IP:{self._address}\n")
        if period:
            (self._folder / "ca.conf").write_text(CA)
            (self._folder / "index").write_text("")
            (self._folder / "serial").write_text("01")
            by = ["-config", "ca.conf", "-batch", "-notext", "-cert", "ca.crt", "-keyfile", "ca.key"]
            by += ["-extfile", "names", "-startdate", period[0], "-enddate", period[1]]
            self._openssl("ca", *by, "-in", f"{name}.csr", "-out", f"{name}.crt")
        else:
            by = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names", "-days", "20"]
            self._openssl("x509", "-req", "-in", f"{name}.csr", *by, "-out", f"{name}.crt")
        return self.read(f"{name}.crt"), self.read(f"{name}.key")

    def read(self, name: str) -> str:
        return (self._folder / name).read_text()


@pytest.fixture(scope="module")
def authority(deployed, tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"), deployed.address)


@pytest.fixture(autouse=True)
def as_before(unit):
    """Leave the shared unit plain, as it was found."""
    yield
    unit.exec(f"rm -f {FOLDER}/registry.crt {FOLDER}/registry.key {FOLDER}/ca.crt")
    unit.config(**{f"tls_{kind}_blob": None for kind in ("ca", "cert", "key")}, tls_cert_path="")
    assert unit.config(tls_cert_path=None) == ("active", f"Ready at {unit.address}:5000 (http).")


def ready(unit):
    return "active", f"Ready at {unit.address}:5000 (https)."


def ready_alone(unit, option):
    """The status with a certificate of a CA that the charm does not have."""
    state, message = ready(unit)
    return state, (
        f"{message} {option}: the chain has no certificate of its issuer test CA, so clients may reject it. Append the "
        "intermediate certificates (fullchain.pem in place of cert.pem), or set tls-ca-blob."
    )


def answer(unit, authority, path="/v2/"):
    """Return the status and the certificate that a client is given who trusts the CA, and has none of its own."""
    context = ssl.create_default_context(cadata=authority.read("ca.crt"))
    with urllib.request.urlopen(f"https://{unit.address}:5000{path}", context=context, timeout=10) as found:
        return found.status, json.loads(found.read() or "{}")


def presented(unit):
    return ssl.get_server_certificate((unit.address, 5000)).strip()


def encoded(text):
    return base64.encodebytes(text.encode()).decode()


def test_blobs(unit, authority, archives):
    certificate, key = authority.issue("one")
    blobs = {"cert": encoded(certificate), "key": encoded(key), "ca": encoded(authority.read("ca.crt"))}
    assert unit.config(**{f"tls_{kind}_blob": blob for kind, blob in blobs.items()}) == ready(unit)
    assert answer(unit, authority)[0] == 200
    assert presented(unit) == certificate.strip()
    assert not unit.answers(), "nothing is answered in the clear"
    assert unit.exec(f"stat -c %a {FOLDER}/registry.key {FOLDER}/registry.crt").split() == ["600", "644"]
    # Docker on the unit trusts its loopback address; elsewhere it wants the CA.
    assert unit.run("push", image="registry:2", pull=False, tag="by/push:1").results["outcome"] == "success"
    assert answer(unit, authority, "/v2/by/push/tags/list")[1]["tags"] == ["1"]
    trusted = f"/etc/docker/certs.d/{unit.address}:5000"
    unit.exec(f"mkdir -p {trusted} && cp {FOLDER}/ca.crt {trusted}/ && docker pull -q {unit.address}:5000/by/push:1")
    unit.exec(f"docker rmi {unit.address}:5000/by/push:1; rm -r {trusted}")
    second, second_key = authority.issue("two")
    assert unit.config(tls_cert_blob=second, tls_key_blob=second_key) == ready(unit)
    assert presented(unit) == second.strip()
    seen = json.dumps(unit.container()) + unit.juju.cli("debug-log", "--replay", "--no-tail")
    assert second_key.splitlines()[1] not in seen
    assert unit.config(**{f"tls_{kind}_blob": None for kind in blobs})[1] == f"Ready at {unit.address}:5000 (http)."
    unit.exec(f"! ls {FOLDER}/registry.crt {FOLDER}/registry.key {FOLDER}/ca.crt 2>/dev/null")


def put(unit, name, text):
    unit.exec(f"echo {base64.b64encode(text.encode()).decode()} | base64 -d > {FOLDER}/{name}")


def test_files_of_another_owner_and_what_goes_wrong_with_them(unit, authority):
    certificate, key = authority.issue("three")
    other, other_key = authority.issue("four")
    put(unit, "registry.crt", certificate)
    put(unit, "registry.key", key)
    unit.exec(f"chown 1000 {FOLDER}/registry.* && chmod 600 {FOLDER}/registry.*")
    assert unit.update_status() == ready_alone(unit, "tls-cert-path")
    assert answer(unit, authority)[0] == 200
    before = unit.container()["Id"]

    put(unit, "registry.key", other_key)
    state, message = unit.update_status()
    assert state == "blocked"
    assert message.startswith(
        "tls-key-path: the key does not belong to the certificate. Use the key and certificate of one pair. "
        "Still serving at"
    )
    unit.exec(f"rm {FOLDER}/registry.key")
    state, message = unit.update_status()
    assert state == "active"
    assert "registry.key no longer exists; its copy stays in use." in message
    unit.exec("docker kill registry")
    unit.update_status()
    assert (unit.container()["Id"], presented(unit)) == (before, certificate.strip())

    put(unit, "registry.crt", other)
    put(unit, "registry.key", other_key)
    assert unit.update_status() == ready_alone(unit, "tls-cert-path")
    assert presented(unit) == other.strip()


def test_clients_show_a_certificate_where_that_is_asked_for(unit, authority, tmp_path):
    certificate, key = authority.issue("six")
    unit.config(tls_cert_blob=certificate, tls_key_blob=key, tls_client_ca_blob=authority.read("ca.crt"))
    try:
        assert unit.update_status() == ready_alone(unit, "tls-cert-blob")
        with pytest.raises(OSError, match=r"bad certificate|certificate required"):
            answer(unit, authority)
        (tmp_path / "client.pem").write_text("".join(authority.issue("client")))
        context = ssl.create_default_context(cadata=authority.read("ca.crt"))
        context.load_cert_chain(tmp_path / "client.pem")
        with urllib.request.urlopen(f"https://{unit.address}:5000/v2/", context=context, timeout=10) as found:
            assert found.status == 200
        assert unit.run("push", image="registry:2", pull=False, tag="by/push:3").results["outcome"] == "success"
        state, message = unit.config(tls_cert_blob=None, tls_key_blob=None)
        assert state == "blocked"
        assert "tls-client-ca-blob" in message or "tls-cert-path" in message
        with pytest.raises(OSError, match=r"bad certificate|certificate required"):
            answer(unit, authority)
    finally:
        unit.config(tls_client_ca_blob=None)


def test_tls_with_a_password(unit, authority):
    certificate, key = authority.issue("five")
    unit.config(tls_cert_blob=certificate, tls_key_blob=key, tls_minimum_version="tls1.3", auth_basic_password="pw")
    try:
        assert unit.status() == ready_alone(unit, "tls-cert-blob")
        with pytest.raises(urllib.error.HTTPError, match="401"):
            answer(unit, authority)
        assert unit.run("push", image="registry:2", pull=False, tag="by/push:2").results["outcome"] == "success"
        old = ssl.create_default_context(cadata=authority.read("ca.crt"))
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        with pytest.raises(urllib.error.URLError, match="protocol version"):
            urllib.request.urlopen(f"https://{unit.address}:5000/", context=old, timeout=10)
    finally:
        unit.config(auth_basic_password=None, tls_minimum_version=None)
