"""`Engine` and what it makes of Docker's answers, which come over a socket as Docker's own do."""

import contextlib
import http.server
import json
import re
import socketserver
import tempfile
import threading

import pytest
from registry.machine import engine
from registry.release import container


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
        with contextlib.suppress(BrokenPipeError):  # not all that is said is read
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


VERSION = "docker-registry-version"
OUTPUT = b"registry github.com/docker/distribution v2.8.3\n"


def frame(data):
    """What the container printed, as Docker sends it: https://docs.docker.com/reference/api/engine/#tag/Container."""
    return b"\x01\0\0\0" + len(data).to_bytes(4, "big") + data


@pytest.fixture
def image(daemon):
    """Docker as it answers for an image of a registry; a test changes an answer."""
    daemon.answers |= {
        "POST /containers/create": (201, {"Id": "c1"}),
        f"GET /containers/{VERSION}/json": (200, {"State": {"Running": False}, "Config": {"Tty": False}}),
        f"GET /containers/{VERSION}/logs": (200, frame(OUTPUT)),
    }
    return daemon


def test_the_version_is_asked_of_a_container_that_can_be_told_to_be_ours(docker, image):
    assert docker.registry_version("sha256:1") == "2.8.3"
    created = json.loads(image.bodies["POST /containers/create"])
    assert created["Labels"] == {container.DIGEST_LABEL: ""}
    changes = [call.partition("?")[::2] for call in image.calls if not call.startswith("GET")]
    assert [path for path, _ in changes] == [
        f"DELETE /containers/{VERSION}",  # one that a crash left
        "POST /containers/create",
        f"POST /containers/{VERSION}/start",
        f"DELETE /containers/{VERSION}",
    ]
    assert ("POST /containers/create", f"name={VERSION}") in changes


@pytest.mark.parametrize(
    ("call", "status", "body"),
    [
        ("POST /containers/create", 400, {"message": "No command specified"}),
        (f"POST /containers/{VERSION}/start", 400, {"message": 'exec: "--version": executable file not found'}),
        (f"POST /containers/{VERSION}/start", 404, {"message": 'exec: "--version": no such file or directory'}),
        (f"GET /containers/{VERSION}/logs", 200, frame(b"nginx version: nginx/1.25")),
    ],
)
def test_an_image_that_has_no_version_to_tell_is_no_registry(docker, image, call, status, body):
    image.answers[call] = (status, body)
    assert docker.registry_version("sha256:1") is None
    assert image.calls[-1].startswith(f"DELETE /containers/{VERSION}?")


@pytest.mark.parametrize(
    ("call", "status"),
    [
        ("POST /containers/create", 404),
        ("POST /containers/create", 409),
        ("POST /containers/create", 500),
        (f"POST /containers/{VERSION}/start", 500),
        (f"GET /containers/{VERSION}/json", 500),
        (f"GET /containers/{VERSION}/logs", 500),
    ],
)
def test_a_docker_that_fails_is_not_the_images_fault(docker, image, call, status):
    image.answers[call] = (status, {"message": "no space left on device"})
    with pytest.raises(engine.EngineError, match="no space left on device"):
        docker.registry_version("sha256:1")


def test_an_image_that_runs_on_when_asked_its_version_is_no_registry(docker, image, monkeypatch):
    monkeypatch.setattr(engine, "VERSION_SECONDS", 0.2)
    image.answers[f"GET /containers/{VERSION}/json"] = (200, {"State": {"Running": True}, "Config": {"Tty": False}})
    image.answers[f"GET /containers/{VERSION}/logs"] = (200, b"")
    assert docker.registry_version("sha256:1") is None
    assert image.calls[-1].startswith(f"DELETE /containers/{VERSION}?")


def test_a_container_of_a_longer_name_is_another_one(docker, daemon):
    daemon.answers["GET /containers/registry/json"] = (404, {"message": "No such container: registry"})
    daemon.answers["GET /containers/json"] = (200, [{"Id": "c1", "Names": ["/my-registry"]}])
    daemon.answers["GET /containers/c1/json"] = (200, {"Name": "/my-registry"})
    assert docker.inspect("registry") is None


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
