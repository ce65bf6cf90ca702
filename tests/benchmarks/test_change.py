"""What a change costs: how long its hook takes, how long nobody is served, and what becomes of transfers."""

import json
import secrets
import ssl
import time

import pytest
from test_encryption import Authority
from traffic import SIZE, USER, Client, Requests, Transfers

SECTION = "Change"
HOOKS = ("config-changed", "upgrade-charm", "update-status")


def hook_seconds(unit, change):
    """Return the seconds of the hooks that *change* has run."""

    def runs():
        return json.loads(unit.juju.cli("hooks", unit.name, "--format", "json"))

    before = len(runs())
    change()
    unit.settle()
    return sum(run["seconds"] for run in runs()[before:] if run["hook"] in HOOKS)


class Changes:
    """Takes the figures of one change: there and back without traffic, there and back with it."""

    def __init__(self, unit, figure, idle):
        self.unit, self._figure, self._idle = unit, figure, idle
        self._digest = ""

    def take(self, name, there, back, client):
        seconds = [hook_seconds(self.unit, change) for change in (there, back)]
        self._figure(f"{name}, hook", seconds, self._idle, of="s", to="idle hook")
        asked, failed, gaps, cut = 0, 0, [], 0
        digest = client.put(secrets.token_bytes(SIZE))
        for change in (there, back):
            transfers = Transfers(client, digest, secrets.token_bytes(SIZE))
            time.sleep(0.5)
            with Requests(client) as requests:
                change()
                self.unit.settle()
            cut += transfers.cut
            asked, failed, gaps = asked + requests.asked, failed + requests.failed, [*gaps, requests.gap]
        assert self.unit.status()[0] == "active", self.unit.status()
        self._figure(f"{name}, failed of {RATE_TEXT}", [failed], of=f"of {asked}")
        self._figure(f"{name}, longest gap", gaps, of="s")
        self._figure(f"{name}, transfers cut of 4", [cut])


RATE_TEXT = "100 requests/s"


@pytest.fixture
def changes(unit, figure):
    idle = [hook_seconds(unit, unit.update_status) for _ in range(3)]
    return Changes(unit, figure, idle)


def config(unit, **values):
    return lambda: unit.config(**values)


def test_changes_without_tls(unit, changes, archives, charm, figure):
    client = Client(unit.address, 5000)
    changes.take("log level", config(unit, log_level="debug"), config(unit, log_level=None), client)
    changes.take("storage option", config(unit, storage_delete=True), config(unit, storage_delete=None), client)
    either = Client(unit.address, 5000, 5055)
    changes.take("port", config(unit, registry_port=5055), config(unit, registry_port=None), either)

    def attach(archive):
        return lambda: unit.juju.cli("attach-resource", unit.app, f"registry-image={archive}")

    changes.take("image", attach(archives.second), attach(archives.registry), client)

    def refresh():
        unit.juju.refresh(unit.app, path=charm)

    changes.take("refresh, same code", refresh, refresh, client)
    with Requests(client) as requests:
        unit.exec("docker restart registry")
    figure("yardstick: docker restart, failed of 100 requests/s", [requests.failed], of=f"of {requests.asked}")
    figure("yardstick: docker restart, longest gap", [requests.gap], of="s")


def test_users(unit, changes):
    user, password = USER
    unit.config(auth_basic_user=user, auth_basic_password=password)
    try:
        one, none = {"auth_basic_users": "another: secret"}, {"auth_basic_users": None}
        changes.take("users", config(unit, **one), config(unit, **none), Client(unit.address, 5000))
    finally:
        unit.config(auth_basic_user=None, auth_basic_password=None)


def test_certificate(unit, changes, tmp_path):
    authority = Authority(tmp_path, unit.address)
    context = ssl.create_default_context(cadata=authority.read("ca.crt"))
    first, second = (
        dict(zip(("tls_cert_blob", "tls_key_blob"), authority.issue(name), strict=True)) for name in ("one", "two")
    )
    unit.config(tls_ca_blob=authority.read("ca.crt"), **first)
    try:
        client = Client(unit.address, 5000, context=context)
        changes.take("certificate", config(unit, **second), config(unit, **first), client)
    finally:
        unit.config(tls_ca_blob=None, tls_cert_blob=None, tls_key_blob=None)
