"""Every secret of a rich configuration is looked for wherever the charm leaves something that others can see."""

import json
import os
import subprocess
import traceback

import pytest
import yaml
from authority import KEY, LEAF
from fake_juju import ROOT
from hostile import refuse_programs
from registry_server import MemoryRegistry, serve
from test_endpoints import relate

ACTIONS = yaml.safe_load((ROOT / "actions.yaml").read_text())
SECRETS = {
    "auth-basic-password": "Hush-basic-9417",
    "auth-basic-users": "Hush-users-9418",
    "cache-password": "Hush-cache-9419",
    "storage-s3-accesskey": "HUSHACCESS9420",
    "storage-s3-secretkey": "Hush-secretkey-9421",
    "storage-swift-password": "Hush-swift-9422",
    "http_proxy": "Hush-proxy-9423",
    "registry-https-proxy": "Hush-proxy-9424",
    "docker_runtime_repo": "Hush-repo-9425",
    "install_sources": "Hush-sources-9426",
    "http-secret": "Hush-http-9427",
    "registry of others": "Hush-others-9428",
    "tls-key-blob": KEY.splitlines()[1],
    "model proxy": "Hush-proxy-9429",
}
S3 = {
    "storage-s3-bucket": "images",
    "storage-s3-region": "here",
    "storage-s3-accesskey": SECRETS["storage-s3-accesskey"],
    "storage-s3-secretkey": SECRETS["storage-s3-secretkey"],
}
RICH = {
    "auth-basic-password": SECRETS["auth-basic-password"],
    "auth-basic-users": f"alice: {SECRETS['auth-basic-users']}",
    "tls-cert-blob": LEAF,
    "tls-key-blob": KEY,
    "prometheus-metrics": True,
    **S3,
}
WRONG = {
    "http_proxy": f"http://me:{SECRETS['http_proxy']}@proxy:3128",
    "registry-https-proxy": f"http://me:{SECRETS['registry-https-proxy']}@proxy:3128",
    "docker_runtime": "custom",
    "docker_runtime_package": "docker-ce",
    "docker_runtime_repo": f"deb https://me:{SECRETS['docker_runtime_repo']}@example.com/ubuntu stable main",
    "install_sources": f"- deb https://me:{SECRETS['install_sources']}@example.com/ubuntu stable main",
}
SWIFT = {
    **dict.fromkeys(S3, ""),
    "storage-swift-authurl": f"http://me:{SECRETS['storage-swift-password']}@swift:5000/v3",
    "storage-swift-username": "u",
    "storage-swift-password": SECRETS["storage-swift-password"],
}
CACHE = {
    **dict.fromkeys(SWIFT, ""),
    "cache-remoteurl": "https://registry.example.com",
    "cache-username": "u",
    "cache-password": SECRETS["cache-password"],
}
SPECIAL = {
    "export": {"images": "*:*"},
    "import": {"images": ""},
    "mirror": {"file": "", "plain-http": "127.0.0.1:9"},
    "move": {
        "options": "storage-s3-bucket=b storage-s3-region=r "
        "storage-s3-accesskey=secret:u2 storage-s3-secretkey=secret:u2"
    },
}
SUCCEED = {"backup", "catalog", "client-config", "drain", "garbage-collect", "restore", "resume", "start", "stop"}
GIVEN = {"docker-registry": {SECRETS["auth-basic-password"]}, "website": {KEY.splitlines()[1]}}
"""What the other end of an endpoint needs: the login, and the key of a proxy that terminates TLS."""


class Seen:
    """All that others could see, each text once with where it was."""

    def __init__(self):
        self.texts = {}

    def add(self, where, value):
        self.texts.setdefault(value if isinstance(value, str) else json.dumps(value, default=str), where)

    def secrets(self, *, but=frozenset()):
        return [
            (where, name)
            for text, where in self.texts.items()
            for name, secret in SECRETS.items()
            if secret in text and secret not in but
        ]


@pytest.fixture
def seen(juju, machine, monkeypatch):
    """What processes get, and what Juju is told: noted as it happens."""
    refuse_programs(monkeypatch, juju.folder)
    found, popen, create = Seen(), subprocess.Popen, machine.engine.create

    def started(args, *positional, **options):
        found.add(f"arguments of {args[0]}", list(map(str, args)))
        found.add(f"environment of {args[0]}", dict(options.get("env") or os.environ))
        return popen(args, *positional, **options)

    def created(name, body):
        found.add(f"container {name}", body)
        create(name, body)

    monkeypatch.setattr(subprocess, "Popen", started)
    machine.engine.create = created
    return found


def look(seen, juju, machine, folder):
    """Look at the status, and at what is left: relation data, Docker's settings, files that others can read."""
    seen.add("status", juju.model["status"])
    for relation, bags in juju.model["relations"].items():
        given = GIVEN.get(relation.partition(":")[0], ())
        text = json.dumps(bags.get("docker-registry/0", {}))
        for secret in given:
            text = text.replace(secret, "")
        seen.add(f"data of {relation}", text)
    for one in machine.engine.containers.values():
        seen.add("container", one["body"])
    for path, text in machine.files.texts.items():
        if machine.files.modes[path] & 0o077:
            seen.add(path, text)
    for path, text in {**machine.checks.files, **machine.timers.files}.items():
        seen.add(path, text)
    for path in folder.rglob("*"):
        # A folder that others cannot enter hides what is in it.
        hidden = any(not one.stat().st_mode & 0o001 for one in path.resolve().parents if folder in (one, *one.parents))
        if path.is_file() and path.stat().st_mode & 0o044 and not hidden:
            seen.add(str(path), path.read_text(errors="replace"))


def test_no_secret_is_seen(deployed, juju, machine, home, seen, actions, tmp_path, monkeypatch):
    monkeypatch.setattr("registry.client.transfer.ATTEMPTS", 1)
    juju.change(leader={"http-secret": SECRETS["http-secret"]})
    server, machine.registry_url = serve(MemoryRegistry())
    relate(juju, deployed, "website", {"haproxy/0": {"ingress-address": "10.0.8.8"}}, 1)
    relate(juju, deployed, "docker-registry", {"node/0": {}}, 2)
    relate(juju, deployed, "nrpe-external-master", {"nrpe/0": {"nagios_hostname": "x"}}, 3)
    relate(juju, deployed, "peer", {"docker-registry/1": {"address": "10.0.0.9", "port": "5000", "scheme": "http"}}, 4)
    monkeypatch.setenv("JUJU_CHARM_HTTP_PROXY", f"http://me:{SECRETS['model proxy']}@proxy:3128")
    configurations = [RICH, {"website-tls": "terminate"}, WRONG, dict.fromkeys(WRONG, ""), SWIFT, CACHE, {}]
    for changes in configurations:
        juju.change(config=changes)
        deployed.hook("config-changed")
        look(seen, juju, machine, home)
    keys = {name: SECRETS[f"storage-s3-{name}"] for name in ("accesskey", "secretkey")}
    juju.change(secrets={"u2": keys, "u1": {"users": f"registry.example.com: me:{SECRETS['registry of others']}"}})
    samples = {"images": "127.0.0.1:9/a:1", "image": "registry.example.com/app:1", "credentials": "secret:u1"}
    samples |= {"to": "s3", "file": str(tmp_path / "a.tar"), "options": "", "recipient": ""}
    juju.change(config={**dict.fromkeys(CACHE, ""), **S3})
    deployed.hook("config-changed")
    results = {}
    for name, declared in ACTIONS.items():
        if name == "check-storage":  # it takes nothing, and a second
            continue
        params = {one: parameter.get("default") for one, parameter in declared.get("params", {}).items()}
        given = {one: value for one, value in samples.items() if one in params and (one != "to" or name == "move")}
        results[name] = deployed.action(name, actions, **{**params, **given, **SPECIAL.get(name, {})})
        seen.add(f"results of {name}", results[name])
        seen.add(f"calls of {name}", juju.calls)
        look(seen, juju, machine, home)
    for name, text in machine.records.outputs.items():
        if not name.endswith(("-options.yaml", "-secrets.yaml")):  # for root only, by their purpose
            seen.add(f"report {name}", text)
    server.shutdown()
    server.server_close()
    assert {name for name, result in results.items() if "failure" not in result} >= SUCCEED
    assert seen.secrets() == []


TOOLS = ["config-get", "leader-get", "leader-set", "relation-set", "secret-get", "status-set", "juju-log"]


def test_a_hook_that_fails_shows_no_secret(deployed, juju, machine, home, seen, monkeypatch):
    juju.change(leader={"http-secret": SECRETS["http-secret"]})
    relate(juju, deployed, "docker-registry", {"node/0": {}}, 1)

    def fail(name, body):
        raise RuntimeError("an error that nobody expects")

    broken = [({tool}, machine.engine.create) for tool in TOOLS] + [(set(), fail)]
    for number, (tools, create) in enumerate(broken):
        juju.failing, machine.engine.create = tools, create
        juju.change(config={**RICH, "log-level": ("info", "debug")[number % 2]})
        try:
            deployed.hook("config-changed")
        except BaseException:
            seen.add(f"traceback without {tools}", traceback.format_exc())
        seen.add(f"calls without {tools}", [call for call in juju.calls if call[0] != "leader-set"])
        look(seen, juju, machine, home)
    assert any("nobody expects" in text for text in seen.texts)
    assert seen.secrets() == []


def test_what_is_looked_for_would_be_found(seen):
    """The test itself: each secret, wherever it is."""
    for name, secret in SECRETS.items():
        seen.add(name, ["x", f"a{secret}b"])
    assert seen.secrets() == [(name, name) for name in SECRETS]
