"""What NRPE is given, whole; and the plugin against a registry of a kind."""

import http.server
import os
import pathlib
import runpy
import subprocess
import threading

import pytest
from charms.layer import edges
from registry.deployment import store
from registry.formats import nrpe
from registry.options import options
from registry.options.nagios import Naming
from registry.release import container
from test_options import DEFAULTS

PLAIN = nrpe.Watched(5000, None, False, container.PROCESS, "/srv/registry")
ENCRYPTED = nrpe.Watched(443, "CA\n", False, container.PROCESS, None)
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
    mutual = nrpe.checks(nrpe.Watched(443, "CA\n", True, container.PROCESS, None))
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


def test_a_host_has_the_context_where_nrpe_does_not_name_it():
    naming = Naming("prod", "web, store")
    assert naming.host("docker-registry/0", "ctx-docker-registry-0") == "ctx-docker-registry-0"
    assert Naming("prod", "").groups == "prod"
    found = nrpe.files(PLAIN, naming.host("docker-registry/0", None), naming.groups)
    text = found["/var/lib/nagios/export/service__prod-docker-registry-0_check_docker_registry_http.cfg"]
    assert "servicegroups           web, store\n" in text


@pytest.mark.parametrize(
    ("option", "value", "clause"),
    [
        ("nagios_context", "a b", "'a b' is no name of Nagios's"),
        ("nagios_context", "", "'' is no name of Nagios's"),
        ("nagios_servicegroups", "a, ;b", "a part of 'a, ;b' is no name of Nagios's"),
    ],
)
def test_a_wrong_option_is_a_clause(option, value, clause):
    (found,) = options.Options.from_config({**DEFAULTS, option: value}).sentences
    assert found.startswith(f"{option}: {clause}")


class Systemd:
    def __init__(self):
        self.asked, self.code, self.dies = [], 0, False

    def __call__(self, *words):
        if self.dies:
            raise KeyboardInterrupt
        self.asked.append(words)
        return subprocess.CompletedProcess(words, self.code)


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A machine whose folders are below tmp_path, and systemd, which writes down what it is asked."""
    for name in ("FOLDER", "EXPORT_FOLDER", "CA_FILE", "PLUGIN"):
        monkeypatch.setattr(nrpe, name, str(tmp_path) + getattr(nrpe, name))
    monkeypatch.setattr(nrpe, "PREDECESSORS", [f"{tmp_path}{path}" for path in nrpe.PREDECESSORS])
    for name in ("MEMORY_FOLDER", "CERTS_FOLDER"):
        monkeypatch.setattr(edges, name, tmp_path / name)
    monkeypatch.setattr(edges, "DEFAULTS", str(tmp_path / "defaults"))
    monkeypatch.setattr(edges.apt, "restore", lambda path: "")
    systemd = Systemd()
    monkeypatch.setattr(edges, "_systemctl", systemd)
    there = edges.Machine()
    there.store = store.Applied(tmp_path / "registry")
    return there, systemd, tmp_path


RELOAD = ("reload-or-restart", "nagios-nrpe-server")


def test_files_are_written_once_where_nrpe_is(here):
    there, systemd, root = here
    asked = systemd.asked
    files = nrpe.files(ENCRYPTED, HOST, "juju")
    there.put_checks(files)
    assert (asked, list(root.iterdir())) == ([], []), "NRPE is not installed yet"
    folder = root / "etc/nagios/nrpe.d"
    folder.mkdir(parents=True)
    (folder / "check_load.cfg").write_text("old")
    there.put_checks(files)
    assert asked == [RELOAD]
    assert sorted(path.name for path in folder.iterdir()) == [
        "check_docker_registry_certificate.cfg",
        "check_docker_registry_container.cfg",
        "check_docker_registry_http.cfg",
        "check_load.cfg",
    ]
    assert pathlib.Path(nrpe.PLUGIN).stat().st_mode & 0o777 == 0o755
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*.c*")}
    there.put_checks(files)
    assert ({path: path.stat().st_mtime_ns for path in before}, asked) == (before, [RELOAD])
    there.put_checks(nrpe.files(PLAIN, HOST, "juju"))
    assert not (folder / "check_docker_registry_certificate.cfg").exists()
    assert not pathlib.Path(nrpe.CA_FILE).exists()
    there.put_checks({})
    assert [path.name for path in folder.iterdir()] == ["check_load.cfg"]
    assert not pathlib.Path(nrpe.PLUGIN).exists()
    there.put_checks({})
    assert asked == [RELOAD] * 3


def test_nrpe_is_told_of_new_checks_whatever_came_between(here):
    there, systemd, root = here
    (root / "etc/nagios/nrpe.d").mkdir(parents=True)
    files = nrpe.files(PLAIN, HOST, "juju")

    systemd.dies = True
    with pytest.raises(KeyboardInterrupt):
        there.put_checks(files)
    systemd.dies = False
    for systemd.code in (1, 0, 0):
        there.put_checks(files)
    assert systemd.asked == [RELOAD] * 2, "until it has done it"


def test_what_the_predecessor_left_goes_once(here):
    there, _, root = here
    left = [path.replace("*", "juju-docker-registry-0") for path in nrpe.PREDECESSORS]
    kept = [f"{nrpe.FOLDER}/check_load.cfg", f"{nrpe.EXPORT_FOLDER}/service__juju-x-0_check_load.cfg"]
    for path in map(pathlib.Path, (*left, *kept)):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("old")
    links = edges.CERTS_FOLDER / "10.0.0.1:5000"
    links.mkdir(parents=True)
    there.store.root.mkdir(parents=True)
    (there.store.root / "registry.key").write_text("key")
    (links / "client.cert").symlink_to(root / "gone")
    (links / "client.key").symlink_to(there.store.root / "registry.key")
    (links / "ca.crt").write_text("somebody's")
    (links.parent / "other").mkdir()
    (links.parent / "other/client.cert").symlink_to(links / "ca.crt")
    there.leave_predecessor([])
    assert not any(map(os.path.exists, left))
    assert all(map(os.path.exists, kept))
    assert [path.name for path in links.iterdir()] == ["ca.crt"]
    assert (links.parent / "other/client.cert").exists()


class Registry(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/" else 503)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


def test_the_plugin_says_how_it_is():
    check = runpy.run_path(str(edges.PLUGIN))["main"]
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
