"""The client of the registry, against a server with a certificate."""

import http.server
import ssl
import threading
import time

import pytest
from authority import ALONE, ALONE_KEY, KEY, LEAF, ROOT, signed
from registry.client import api, content
from registry.client.http import ApiError, Connection
from registry.machine import openssl


class Registry(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        """Say nothing of clients that do not like the certificate."""


@pytest.fixture
def serve(tmp_path):
    """Serves with the certificate that stands alone, or *served*; returns the URL.

    Clients show a certificate of *trusted*.
    """
    servers = []

    def start(trusted="", served=ALONE + ALONE_KEY):
        (tmp_path / "server.pem").write_text(served)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tmp_path / "server.pem")
        if trusted:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(cadata=trusted)
        server = Server(("127.0.0.1", 0), Registry)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        servers.append(server)
        return f"https://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_the_configured_certificate_is_accepted(serve):
    api.Api(Connection(serve(), certificate=ALONE + ROOT)).check_alive()


def test_another_certificate_is_an_error(serve):
    with pytest.raises(ApiError, match="the server presents another certificate than the configured one"):
        api.Api(Connection(serve(), certificate=LEAF)).check_alive()


def test_an_untrusted_certificate_of_an_upstream_is_an_error(serve):
    with pytest.raises(ApiError, match="the server's certificate is not trusted"):
        api.Api(Connection(serve())).check_is_registry({})


def test_a_private_ca_is_trusted_besides_the_systems(serve):
    request = openssl.request(["127.0.0.1"])
    url = serve(served=signed(request.csr, "root") + request.key)
    for ca in ("", LEAF):
        with pytest.raises(ApiError, match="the server's certificate is not trusted"):
            api.Api(Connection(url)).check_is_registry({}, ca)
    api.Api(Connection(url)).check_is_registry({}, LEAF + ROOT)


def test_the_charms_own_certificate_is_presented_if_requested(serve, tmp_path):
    own = openssl.identity("juju-docker-registry")
    (tmp_path / "own.pem").write_text(own)
    url = serve(own.partition("-----END PRIVATE KEY-----\n")[2])
    api.Api(Connection(url, certificate=ALONE, identity=tmp_path / "own.pem")).check_alive()
    with pytest.raises(ApiError):
        api.Api(Connection(url, certificate=ALONE)).check_alive()
    (tmp_path / "other.pem").write_text(LEAF + KEY)
    with pytest.raises(ApiError):
        api.Api(Connection(url, certificate=ALONE, identity=tmp_path / "other.pem")).check_alive()


def test_a_missing_or_failing_openssl_is_an_error(monkeypatch):
    with pytest.raises(openssl.OpensslError, match="openssl req: "):
        openssl.identity("x" * 100)
    monkeypatch.setattr(openssl, "_PROGRAM", "/nowhere/openssl")
    with pytest.raises(openssl.OpensslError, match="apt-get install openssl"):
        openssl.identity("x")


class Lasting(Registry):
    """Keeps connections open if it is asked to."""

    protocol_version = "HTTP/1.1"

    def finish(self):
        super().finish()
        self.server.ended.append(self.close_connection)


@pytest.fixture
def lasting():
    server = Server(("127.0.0.1", 0), Lasting)
    server.ended = []
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def ended(server, number):
    """Tell whether so many connections have ended, and no more."""
    for _ in range(100):
        if len(server.ended) >= number:
            break
        time.sleep(0.01)
    return len(server.ended) == number


def test_no_connection_outlasts_its_answer_or_its_client(lasting):
    url = f"http://127.0.0.1:{lasting.server_port}"
    alive = api.Api(Connection(url, keep_alive=False))
    for number in (1, 2):
        alive.check_alive()
        assert ended(lasting, number)
    reader = content.Content(Connection(url))
    for _ in range(2):
        reader.require_answer()
        assert ended(lasting, 2)
    reader.close()
    assert ended(lasting, 3)
