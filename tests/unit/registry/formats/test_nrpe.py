"""What NRPE is given, whole; and the plugin against a registry of a kind."""

import contextlib
import http.server
import runpy
import socket
import ssl
import threading
import time

import chain_cases
import pytest
from authority import certificate, key
from registry.formats import certificates, chains, nrpe
from registry.machine import checks
from registry.options import options
from registry.options.nagios import Naming
from registry.release import container
from test_options import DEFAULTS

PLAIN = nrpe.Target(5000, None, False, container.PROCESS, "/srv/registry")
ENCRYPTED = nrpe.Target(443, "CA\n", False, container.PROCESS, None)
HOST = "juju-docker-registry-0"
PLUGINS = "/usr/lib/nagios/plugins"


def test_checks():
    assert nrpe.checks(PLAIN) == {
        "docker_registry_http": f"{nrpe.PLUGIN} http://127.0.0.1:5000/",
        "docker_registry_container": f"{PLUGINS}/check_procs -c 1: -a 'serve /etc/docker/registry/config.yml'",
        "docker_registry_storage": f"{PLUGINS}/check_disk -w 10% -c 5% -p /srv/registry",
    }
    found = nrpe.checks(ENCRYPTED)
    assert found["docker_registry_http"] == f"{nrpe.PLUGIN} https://127.0.0.1:443/ /etc/nagios/docker-registry-ca.crt"
    assert found["docker_registry_certificate"] == f"{nrpe.PLUGIN} --certificate 127.0.0.1 443"
    assert "docker_registry_storage" not in found
    mutual = nrpe.checks(nrpe.Target(443, "CA\n", True, container.PROCESS, None))
    assert mutual["docker_registry_http"] == f"{PLUGINS}/check_tcp -H 127.0.0.1 -p 443"


def test_files():
    found = nrpe.files(ENCRYPTED, "ctx-docker-registry-0", "juju")
    names = ("http", "container", "certificate")
    assert list(found) == [
        "/etc/nagios/docker-registry-ca.crt",
        *(
            path
            for name in names
            for path in (
                f"/etc/nagios/nrpe.d/check_docker_registry_{name}.cfg",
                f"/var/lib/nagios/export/service__ctx-docker-registry-0_check_docker_registry_{name}.cfg",
            )
        ),
    ]
    assert found["/etc/nagios/nrpe.d/check_docker_registry_certificate.cfg"] == (
        "# Written by the charm docker-registry.\n"
        "command[check_docker_registry_certificate]="
        "/usr/local/lib/nagios/plugins/check_docker_registry --certificate 127.0.0.1 443\n"
    )
    assert found["/var/lib/nagios/export/service__ctx-docker-registry-0_check_docker_registry_http.cfg"] == (
        "# Written by the charm docker-registry.\n"
        "define service {\n"
        "    use                     active-service\n"
        "    host_name               ctx-docker-registry-0\n"
        "    service_description     ctx-docker-registry-0[docker_registry_http] docker registry http\n"
        "    check_command           check_nrpe!check_docker_registry_http\n"
        "    servicegroups           juju\n"
        "}\n"
    )
    assert all(nrpe.is_ours(path.rpartition("/")[2]) for path in found if path != nrpe.CA_FILE)


def test_a_host_has_the_context_where_nrpe_has_no_name_for_it():
    naming = Naming("prod", "web, store")
    assert naming.host("docker-registry/0", "ctx-docker-registry-0") == "ctx-docker-registry-0"
    assert Naming("prod", "").groups == "prod"
    found = nrpe.files(PLAIN, naming.host("docker-registry/0", None), naming.groups)
    text = found["/var/lib/nagios/export/service__prod-docker-registry-0_check_docker_registry_http.cfg"]
    assert "servicegroups           web, store\n" in text


@pytest.mark.parametrize(
    ("option", "value", "text"),
    [
        ("nagios_context", "a b", "'a b' is not a name that Nagios accepts. Use letters, digits and _ . : @ -"),
        ("nagios_context", "a;b", "'a;b' is not a name that Nagios accepts. Use letters, digits and _ . : @ -"),
        (
            "nagios_servicegroups",
            "a, ;b",
            "'a, ;b' is not a list of names that Nagios accepts. "
            "Use letters, digits and _ . : @ -, with commas in between",
        ),
    ],
)
def test_a_wrong_option_is_a_sentence(option, value, text):
    assert options.Options.from_config({**DEFAULTS, option: value}).sentences == (f"{option}: {text}.",)


class Registry(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/" else 503)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


def test_the_plugin_says_how_it_is():
    check = runpy.run_path(str(checks.PLUGIN))["main"]
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Registry)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}/"
    assert check(url)[0] == 0
    assert check(f"{url}x") == (2, f"CRITICAL - {url}x answers 503 Service Unavailable")
    server.shutdown()
    thread.join()
    server.server_close()
    assert check(url)[0] == 2


@pytest.mark.parametrize("name", ["good", "rsa-1024", "for-nothing-said"])
def test_the_plugin_accepts_what_clients_accept(tmp_path, name):
    served = "".join(map(chain_cases.certificate, (name, "between")))
    (tmp_path / "pair.pem").write_text(served + chain_cases.key(name))
    (tmp_path / "ca.crt").write_text(chain_cases.certificate("root"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.load_cert_chain(tmp_path / "pair.pem")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Registry)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    check = runpy.run_path(str(checks.PLUGIN))["main"]
    code, words = check(f"https://127.0.0.1:{server.server_port}/", str(tmp_path / "ca.crt"))
    server.shutdown()
    thread.join()
    server.server_close()
    assert code == 0, words


@pytest.mark.parametrize(
    ("lifetime", "left", "code"),
    [
        *((365, 15, 0), (365, 13, 1), (365, 8, 1), (365, 6, 2), (365, -1, 2), (365, 366, 2)),
        *((90, 15, 0), (90, 13, 1), (90, 6, 2)),
        *((6, 6, 0), (6, 2, 0), (6, 1, 1), (6, 0.5, 2)),
        *((1, 0.9, 0), (1, 0.3, 0), (1, 0.2, 1), (1, 0.1, 2)),
    ],
)
def test_a_certificate_of_any_lifetime_is_due_in_its_last_part(lifetime, left, code):
    remaining = runpy.run_path(str(checks.PLUGIN))["remaining"]
    assert remaining(0, lifetime * 86400, (lifetime - left) * 86400)[0] == code


def test_the_plugin_reads_the_certificate_of_a_server(tmp_path):
    plugin = runpy.run_path(str(checks.PLUGIN))
    (tmp_path / "pair.pem").write_text(certificate("watched", days=6) + key("watched"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "pair.pem")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def accept():
            connection, _ = server.accept()
            with contextlib.suppress(OSError), context.wrap_socket(connection, server_side=True) as tls:
                tls.recv(1)

        thread = threading.Thread(target=accept)
        thread.start()
        code, words = plugin["certificate"]("127.0.0.1", str(port))
        thread.join()
    end = certificates.parsed(certificate("watched", days=6))[0].end
    assert (code, words) == (0, time.strftime("OK - certificate expires on %Y-%m-%d %H:%M UTC", time.gmtime(end)))
    assert plugin["certificate"]("127.0.0.1", str(port))[0] == 2


def test_the_share_of_the_plugin_is_that_of_the_status():
    plugin, days = runpy.run_path(str(checks.PLUGIN)), chains.DAYS
    assert plugin["DAYS"] == days
