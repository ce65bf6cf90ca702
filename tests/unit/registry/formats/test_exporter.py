"""The charm's metrics as text, the units of systemd, and the program that answers a scrape."""

import http.server
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from registry.formats import exporter
from registry.formats.exporter import Exporter, Sample

PROGRAM = Path(__file__).parents[4] / "templates/docker_registry_metrics"


def test_samples_are_grouped_and_escaped():
    text = exporter.exposition(
        [
            Sample("stopped", 0),
            Sample("advisory", 1, {"fixed": "3.1.2", "advisory": 'C"\\\n'}),
            Sample("certificate_not_after_timestamp_seconds", 1795651200.0),
            Sample("advisory", 1, {"fixed": "3.1.2", "advisory": "B"}),
        ]
    )
    assert text.splitlines() == [
        f"# HELP docker_registry_advisory {exporter.HELP['advisory']}",
        "# TYPE docker_registry_advisory gauge",
        'docker_registry_advisory{advisory="B",fixed="3.1.2"} 1',
        'docker_registry_advisory{advisory="C\\"\\\\\\n",fixed="3.1.2"} 1',
        f"# HELP docker_registry_certificate_not_after_timestamp_seconds "
        f"{exporter.HELP['certificate_not_after_timestamp_seconds']}",
        "# TYPE docker_registry_certificate_not_after_timestamp_seconds gauge",
        "docker_registry_certificate_not_after_timestamp_seconds{} 1795651200",
        f"# HELP docker_registry_stopped {exporter.HELP['stopped']}",
        "# TYPE docker_registry_stopped gauge",
        "docker_registry_stopped{} 0",
    ]


def test_systemd_reads_odd_words_as_they_are():
    odd = Exporter(5002, "[::1]:5001", "/srv/a b$c%d", "https://up.example.com/?a=%20", {"HTTPS_PROXY": "http://p:1"})
    texts = exporter.units(odd)
    assert "ListenStream=127.0.0.1:5002\n" in texts[exporter.SOCKET]
    command = f'{exporter.PROGRAM} {exporter.FILE} "[::1]:5001" --folder "/srv/a b$$c%%d" '
    assert f'ExecStart={command}--upstream "https://up.example.com/?a=%%20"\n' in texts[exporter.SERVICE]
    assert "Environment=HTTPS_PROXY=http://p:1\n" in texts[exporter.SERVICE]


class Registry(http.server.BaseHTTPRequestHandler):
    code = 200

    def do_GET(self):
        assert self.path in ("/debug/health", "/v2/")
        self.send_response(self.code)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def registry():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Registry)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    with server:
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


def scrape(*words):
    """The metrics that the program answers with, by name."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        subprocess.run([sys.executable, "-I", PROGRAM, *words], stdin=theirs, stdout=theirs, check=True, env={})
        theirs.close()
        head, _, body = b"".join(iter(lambda: ours.recv(65536), b"")).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.0 200 OK\r\n")
    assert f"Content-Length: {len(body)}".encode() in head
    lines = [line for line in body.decode().splitlines() if not line.startswith("#")]
    return {name.removeprefix("docker_registry_"): float(value) for name, value in map(str.split, lines)}


def test_a_scrape_has_what_the_charm_wrote_and_what_is_so_now(tmp_path, registry, monkeypatch):
    (tmp_path / "charm.prom").write_text(exporter.exposition([Sample("stopped", 0)]))
    file, upstream = str(tmp_path / "charm.prom"), ("--upstream", f"http://{registry}")
    monkeypatch.setattr(Registry, "code", 503)
    found = scrape(file, registry, "--folder", str(tmp_path), *upstream)
    assert (found["up"], found["storage_healthy"], found["upstream_reachable"], found["stopped{}"]) == (1, 0, 0, 0)
    assert 0 < found["disk_free_bytes"] <= found["disk_size_bytes"]
    assert found.keys() >= {"disk_inodes", "disk_free_inodes"}
    monkeypatch.setattr(Registry, "code", 401)
    found = scrape(file, registry, "--folder", str(tmp_path / "none"), *upstream)
    assert found == {"up": 1, "storage_healthy": 1, "upstream_reachable": 1, "stopped{}": 0}
    assert scrape(file, "127.0.0.1:1", "--upstream", "http://127.0.0.1:1") == {
        "up": 0,
        "upstream_reachable": 0,
        "stopped{}": 0,
    }
