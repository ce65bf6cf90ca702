"""Docker's API on a socket, and the engine that talks to it."""

import tempfile
import threading

import pytest
from docker_api import Daemon
from registry.machine import engine


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
