"""What the machine and the network lack: Docker, packages, names, a store, an upstream, a port, a certificate."""

import base64
import contextlib

import pytest
from test_encryption import Authority
from test_runtime import configure
from test_storage import STORE

SERVING = 3
"""Seconds without an answer that go unnoticed by clients that try again once."""


def until_active(unit, times=4):
    """Run hooks as Juju does every few minutes."""
    for _ in range(times):
        if unit.update_status()[0] == "active":
            return


@contextlib.contextmanager
def program(unit, name, *lines):
    """A program of Python's that runs on the machine meanwhile."""
    text = base64.b64encode("\n".join(lines).encode()).decode()
    unit.exec(f"echo {text} | base64 -d >/var/tmp/{name}.py && systemd-run --unit {name} python3 /var/tmp/{name}.py")
    unit.exec("sleep 1")
    try:
        yield
    finally:
        unit.exec(f"systemctl stop {name}")


DOCKER = {
    "dockerd not executable": (
        "chmod -x /usr/sbin/dockerd; systemctl restart docker",
        "chmod +x /usr/sbin/dockerd; systemctl reset-failed docker; systemctl start docker",
    ),
    "Docker stopped and masked": (
        "systemctl mask --runtime --now docker.socket docker",
        "systemctl unmask --runtime docker.socket docker; systemctl start docker",
    ),
}


@pytest.mark.parametrize("name", DOCKER)
def test_docker_that_does_not_start_is_said_while_the_registry_serves(unit, fault, name):
    breaks, repairs = DOCKER[name]
    with fault.row(name, longest=SERVING) as said:
        try:
            unit.exec(f"{breaks} || true")
            said(unit.update_status(), "blocked", "Docker failed: ")
        finally:
            unit.exec(repairs)
        until_active(unit)


NOWHERE = 'Acquire::http::Proxy \\"http://127.0.0.1:9\\";'


@contextlib.contextmanager
def without_packages(unit):
    """The package archive is unreachable meanwhile."""
    unit.exec(f'echo "{NOWHERE}" >/etc/apt/apt.conf.d/zz-nowhere')
    try:
        yield
    finally:
        unit.exec("rm /etc/apt/apt.conf.d/zz-nowhere")


def test_without_the_package_archive_docker_serves_on(unit, fault):
    with fault.row("package archive unreachable, Docker installed", longest=SERVING) as said, without_packages(unit):
        assert unit.update_status()[0] == "active"
        assert unit.config(log_level="debug")[0] == "active"
        said(configure(unit, extra_packages="nosuch-package"), "blocked", "extra_packages: ")
        configure(unit)
        unit.config(log_level=None)


def test_without_the_package_archive_docker_is_not_installed(unit, fault):
    with fault.row("package archive unreachable, Docker removed", longest=120) as said:
        with without_packages(unit):
            unit.exec("cp -a /var/cache/apt/archives /var/tmp/; apt-get remove -qy docker.io; apt-get clean")
            said(unit.update_status(), "blocked", "Docker cannot be installed: ")
        until_active(unit)


def test_without_names_a_change_is_applied(unit, fault):
    with fault.row("no DNS", longest=SERVING):
        unit.exec("cp /etc/resolv.conf /var/tmp/resolv.conf; echo nameserver 127.0.0.9 >/etc/resolv.conf")
        try:
            assert unit.config(log_level="debug")[0] == "active"
        finally:
            unit.exec("cat /var/tmp/resolv.conf >/etc/resolv.conf")
            unit.config(log_level=None)


def test_a_cache_whose_upstream_is_away_at_its_start(unit, fault):
    with fault.row("upstream of a cache unreachable at start", longest=60) as said:
        unit.exec("docker run -d --name upstream -p 5055:5000 registry:2 && sleep 1")
        try:
            unit.config(cache_remoteurl="http://172.17.0.1:5055")
            unit.exec("docker stop upstream registry")
            said(unit.update_status(), "blocked", "The upstream registry in cache-remoteurl is unreachable")
            unit.exec("docker start upstream && sleep 1")
            until_active(unit)
            assert unit.status()[0] == "active"
        finally:
            unit.exec("docker rm -fv upstream")
            unit.config(cache_remoteurl=None)


ANSWERS = {
    "unreachable": (9400, "storage-s3-regionendpoint: "),
    "answers 403": (9403, "storage-s3-accesskey: "),
    "answers 500": (9500, "storage-s3-regionendpoint: "),
    "answers garbage": (9600, "The registry does not start with this configuration: "),
    "takes 30 s an answer": (9700, "storage-s3-regionendpoint: "),
}
"""Ports of a store that answers so, and what the status says."""


@pytest.fixture
def bad_store(unit):
    """Stores of S3 on the machine that answer everything in ways of their own."""
    with program(
        unit,
        "store",
        "import threading, time",
        "from http.server import *",
        "class Handler(BaseHTTPRequestHandler):",
        "    def do_GET(self):",
        "        port = self.server.server_port",
        "        if port == 9700: time.sleep(30)",
        '        text = {9403: b"<Error><Code>AccessDenied</Code></Error>"}.get(port, b"{garbage" * 99)',
        "        self.send_response({9403: 403, 9500: 500}.get(port, 200))",
        '        self.send_header("Content-Length", str(len(text)))',
        "        self.end_headers()",
        '        if self.command != "HEAD": self.wfile.write(text)',
        "    do_HEAD = do_PUT = do_POST = do_DELETE = do_GET",
        "for port in 9403, 9500, 9600, 9700:",
        '    server = ThreadingHTTPServer(("0.0.0.0", port), Handler)',
        "    threading.Thread(target=server.serve_forever).start()",
    ):
        yield


def test_a_store_that_fails_replaces_nothing(unit, fault, bad_store):
    for name, (port, words) in ANSWERS.items():
        with fault.row(f"object store {name}", longest=SERVING) as said:
            status = unit.config(**{**STORE, "storage_s3_regionendpoint": f"http://172.17.0.1:{port}"})
            said(status, "blocked", words)
            unit.config(**dict.fromkeys(STORE))


TAKEN = "from http.server import *", 'HTTPServer(("0.0.0.0", {}), SimpleHTTPRequestHandler).serve_forever()'


def test_a_port_that_another_program_has(unit, fault):
    with (
        fault.row("another program has the new registry-port", longest=SERVING) as said,
        program(unit, "squatter", TAKEN[0], TAKEN[1].format(5099)),
    ):
        said(unit.config(registry_port=5099), "blocked", "registry-port: 5099 is in use by another program")
        unit.config(registry_port=None)


def test_a_port_that_another_program_has_at_boot(unit, fault):
    with fault.row("another program has the port at boot", longest=120) as said:
        unit.exec(
            'printf "[Unit]\\nBefore=docker.service\\n[Service]\\nExecStart=/usr/bin/python3 -m http.server 5000\\n'
            '[Install]\\nWantedBy=multi-user.target\\n" >/etc/systemd/system/squatter.service;'
            "systemctl enable squatter"
        )
        unit.reboot()
        status = unit.update_status()
        said(status, "blocked", "is in use by another program")
        assert "serving" not in status[1], "the other program answers with 200 too"
        assert unit.exec("systemctl is-active squatter") == "active"
        unit.exec("systemctl disable --now squatter; rm /etc/systemd/system/squatter.service")
        until_active(unit)


@pytest.fixture
def encrypted(unit, tmp_path):
    """The unit with a certificate, and its CA."""
    authority = Authority(tmp_path, unit.address)
    certificate, key = authority.issue("first")
    unit.config(tls_cert_blob=certificate, tls_key_blob=key, tls_ca_blob=authority.read("ca.crt"))
    yield authority
    unit.config(tls_cert_blob=None, tls_key_blob=None, tls_ca_blob=None)


def test_certificates_out_of_their_time(unit, fault, encrypted):
    for name, days, words in (
        ("certificate expired", ("20240101000000Z", "20250101000000Z"), "expired"),
        ("certificate not yet valid", ("20300101000000Z", "20310101000000Z"), "not yet valid"),
    ):
        with fault.row(name, longest=SERVING, ca=encrypted.read("ca.crt")) as said:
            certificate, key = encrypted.issue("odd", *days)
            status = unit.config(tls_cert_blob=certificate, tls_key_blob=key)
            said(status, "blocked", words)
            certificate, key = encrypted.issue("good")
            unit.config(tls_cert_blob=certificate, tls_key_blob=key)


@contextlib.contextmanager
def clock_off(unit, days):
    """The charm, and the programs that it runs, see the clock so many *days* off; that of the kernel stays."""
    environment = f"LD_PRELOAD=$(echo /usr/lib/*/faketime/libfaketime.so.1) FAKETIME={days:+}d FAKETIME_DISABLE_SHM=1"
    script = f'#!/bin/sh\nexec env {environment} $(readlink -f /usr/bin/python3.true) "$@"\n'
    unit.exec("mv /usr/bin/python3 /usr/bin/python3.true")
    unit.exec(
        f"echo {base64.b64encode(script.encode()).decode()} | base64 -d >/usr/bin/python3 && chmod +x /usr/bin/python3"
    )
    try:
        yield
    finally:
        unit.exec("mv /usr/bin/python3.true /usr/bin/python3")


def test_a_clock_that_is_a_year_off(unit, fault, encrypted):
    unit.exec("apt-get install -qy libfaketime")
    for name, days, words in (("ahead", 366, "expired"), ("behind", -366, "not yet valid")):
        with fault.row(f"clock a year {name}, and back", longest=SERVING, ca=encrypted.read("ca.crt")) as said:
            with clock_off(unit, days):
                said(unit.update_status(), "blocked", words)
                said(unit.config(log_level="debug"), "blocked", words)
            assert unit.update_status()[0] == "active"
            assert unit.config(log_level=None)[0] == "active"
