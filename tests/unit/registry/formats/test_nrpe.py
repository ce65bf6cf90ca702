"""What NRPE is given, whole; and the plugin against a registry of a kind."""

import http.server
import runpy
import threading

import pytest
from registry.formats import nrpe
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
    assert found["docker_registry_certificate"] == f"{PLUGINS}/check_http -H 127.0.0.1 -p 443 -S -C 14,7"
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
        "command[check_docker_registry_certificate]=/usr/lib/nagios/plugins/check_http -H 127.0.0.1 -p 443 -S -C 14,7\n"
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
        ("nagios_context", "", "'' is not a name that Nagios accepts. Use letters, digits and _ . : @ -"),
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
