"""`Engine` and what it makes of Docker's answers, which come over a socket as Docker's own do."""

import http.server
import json
import re
import socketserver
import tempfile
import threading

import pytest
from registry import engine


class Daemon(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """Answers as told: `answers["POST /containers/x/start"] = (500, {"message": ...})`; what is not told is 200, {}.

    `calls` has the requests as they came, `bodies` what was sent with them.
    """

    daemon_threads = True

    def __init__(self, path):
        self.answers, self.calls, self.bodies = {}, [], {}
        super().__init__(path, Handler)

    def get_request(self):
        request, _ = super().get_request()
        return request, ("docker", 0)


class Handler(http.server.BaseHTTPRequestHandler):
    def _answer(self):
        path, _, query = self.path.partition("?")
        call = f"{self.command} {re.sub('^/v[0-9.]+', '', path)}"
        daemon = self.server
        daemon.calls.append(f"{call}?{query}" if query else call)
        daemon.bodies[call] = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, body = daemon.answers.get(call, (200, {}))
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_DELETE = _answer

    def log_message(self, *args):
        pass


@pytest.fixture
def daemon():
    with tempfile.TemporaryDirectory() as folder, Daemon(f"{folder}/docker.sock") as server:
        server.answers["GET /version"] = (200, {"ApiVersion": "1.41", "Arch": "amd64"})
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def docker(daemon, monkeypatch):
    monkeypatch.setattr(engine, "SOCKET", f"unix://{daemon.server_address}")
    found = engine.Engine()
    yield found
    found._api.close()


def test_a_container_of_ours_goes_by_force_and_with_its_volumes_another_as_docker_rm_would(docker, daemon):
    docker.remove("mine")
    docker.remove("done", ours=False)
    assert [call for call in daemon.calls if call.startswith("DELETE")] == [
        "DELETE /containers/mine?v=True&link=False&force=True",
        "DELETE /containers/done?v=False&link=False&force=False",
    ]


def test_exited_containers_are_named_as_they_can_be_asked_for(docker, daemon):
    listed = [{"Id": "c0", "Names": ["/web/db", "/db"]}, {"Id": "c1", "Names": None}, {"Id": "c2"}]
    daemon.answers["GET /containers/json"] = (200, listed)
    assert docker.exited() == ["c1", "c2", "db"]


@pytest.mark.parametrize(
    ("info", "expected"),
    [
        ({"LiveRestoreEnabled": True, "Swarm": {"LocalNodeState": "inactive"}}, True),
        ({"LiveRestoreEnabled": False, "Swarm": {"LocalNodeState": "inactive"}}, False),
        ({"LiveRestoreEnabled": False, "Swarm": {"LocalNodeState": "active"}}, None),
        ({"LiveRestoreEnabled": False}, False),
    ],
)
def test_live_restore(docker, daemon, info, expected):
    daemon.answers["GET /info"] = (200, info)
    assert docker.live_restore() is expected


def test_live_restore_is_waited_for(docker, daemon):
    daemon.answers["GET /info"] = (200, {"LiveRestoreEnabled": False})
    later = threading.Timer(0.2, lambda: daemon.answers.update({"GET /info": (200, {"LiveRestoreEnabled": True})}))
    later.start()
    assert docker.live_restore(within=10) is True
    later.join()
