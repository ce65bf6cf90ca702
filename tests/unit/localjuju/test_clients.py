"""What clients of juju parse: jubilant above all.

https://documentation.ubuntu.com/jubilant/reference/jubilant/
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import jubilant
import pytest
from sample import Juju, MakeCharm

from localjuju import image, modelconfig

HERE = Path(__file__).parent


class InProcess(jubilant.Juju):
    """jubilant, with the command run in this process: what it parses is the same, and it takes a tenth of the time."""

    def __init__(self, juju: Juju) -> None:
        super().__init__(model="m")
        self._command = juju

    def _cli(self, *args: str, include_model: bool = True, **_: object) -> tuple[str, str]:
        words = (args[0], "--model", str(self.model), *args[1:]) if include_model and self.model else args
        done = self._command(*words)
        if done.code:
            raise jubilant.CLIError(done.code, ["juju", *words], done.out, done.err)
        return done.out, done.err


@pytest.fixture
def client(juju: Juju) -> jubilant.Juju:
    return InProcess(juju)


@pytest.fixture
def client_of_a_process(juju: Juju, tmp_path: Path) -> jubilant.Juju:
    """jubilant, with the command as a process, on machines that are folders."""
    command = tmp_path / "juju"
    command.write_text(f"""#!{sys.executable}
import sys
sys.path[:0] = [{str(HERE)!r}, {str(HERE.parents[2])!r}]
from folder_host import FolderHost
from localjuju.cli import main
sys.exit(main(None, FolderHost))
""")
    command.chmod(0o755)
    return jubilant.Juju(model="m", cli_binary=command)


def test_jubilant_drives_an_application(client: jubilant.Juju, make_charm: MakeCharm, tmp_path: Path) -> None:
    files = {"actions/hello": "#!/bin/sh\naction-set a=$(action-get b)", "actions/fail": "#!/bin/sh\naction-fail no"}
    files["hooks/start"] = "#!/bin/sh\nstatus-set active up; open-port 5000; application-version-set 2.8"
    charm = make_charm(files, hooks=(), actions={"hello": {"params": {"b": {"type": "string"}}}, "fail": {}})
    (tmp_path / "blob").write_text("x")
    client.deploy(
        charm,
        "app",
        config={"debug": True},
        resources={"blob": f"{tmp_path}/blob"},
        base="ubuntu@22.04",
        constraints={"image-id": "bookworm"},
        force=True,
    )
    status = client.wait(jubilant.all_active, delay=0.01, successes=1)
    app = status.apps["app"]
    assert (app.charm_name, app.charm_origin, app.charm_rev, app.exposed, app.version, app.app_status.message) == (
        "sample",
        "local",
        0,
        False,
        "2.8",
        "up",
    )
    unit = app.units["app/0"]
    assert (unit.leader, unit.machine, unit.open_ports, unit.public_address, unit.juju_status.current) == (
        True,
        "0",
        ["5000/tcp"],
        "192.0.2.10",
        "idle",
    )
    machine = status.machines["0"]
    assert (machine.dns_name, machine.juju_status.current) == ("192.0.2.10", "started")
    assert machine.base == jubilant.statustypes.FormattedBase("ubuntu", "22.04")
    assert (status.model.name, status.model.type, status.model.controller) == ("m", "iaas", "localjuju")
    assert client.config("app") == {"port": 80, "ratio": 0.5, "debug": True}
    client.config("app", {"title": "t"}, reset="debug")
    assert client.config("app")["title"] == "t"
    assert client.run("app/leader", "hello", {"b": "c"}).results == {"a": "c"}
    with pytest.raises(jubilant.TaskError, match="no"):
        client.run("app/0", "fail")
    with pytest.raises(ValueError, match="nothing"):
        client.run("app/0", "nothing")
    with pytest.raises(jubilant.TaskError):
        client.exec("false", unit="app/0")
    assert client.exec("echo $0", machine=0).stdout == "bash\n"
    assert client.show_unit("app/0").opened_ports == ["5000/tcp"]
    assert client.version().tuple == (3, 6, 9)
    client.model_config({"update-status-hook-interval": "10s"})
    assert client.model_config()["update-status-hook-interval"] == "10s"
    client.cli("expose", "app")
    assert client.status().apps["app"].exposed
    client.refresh("app", path=charm, force=True)
    assert client.status().apps["app"].charm_rev == 1
    assert client.show_model().short_name == "m"
    client.remove_unit("app/0")
    client.remove_application("app")
    assert client.status().apps == {}
    client.add_model("n", config={"juju-http-proxy": "http://x"})
    assert client.model_config()["juju-http-proxy"] == "http://x"
    client.destroy_model("n", destroy_storage=True, force=True)
    shutil.rmtree(tmp_path)


def test_jubilant_relates_applications(client: jubilant.Juju, recorder: Callable[..., str]) -> None:
    site = {"site": {"interface": "http"}}
    host = {"host": {"interface": "juju-info", "scope": "container"}}
    written = {"site-relation-joined": "relation-set port=80; relation-set --app name=web || true"}
    client.deploy(recorder("web", written, provides=site), num_units=2)
    client.deploy(recorder("proxy", requires=site), to="0")
    client.deploy(recorder("agent", subordinate=True, requires=host))
    client.integrate("web", "proxy")
    client.integrate("proxy", "agent")
    status = client.status()
    assert [unit.leader for unit in status.apps["web"].units.values()] == [True, False]
    assert status.apps["proxy"].units["proxy/0"].machine == "0"
    (relation,) = status.apps["web"].relations["site"]
    assert (relation.related_app, relation.interface, relation.scope) == ("proxy", "http", "global")
    assert status.apps["agent"].subordinate_to == ["proxy"]
    assert list(status.get_units("agent")) == ["agent/0"]
    (info,) = [info for info in client.show_unit("proxy/0").relation_info if info.endpoint == "site"]
    assert (info.relation_id, info.related_endpoint, info.app_data) == (0, "site", {"name": "web"})
    assert {name: unit.data["port"] for name, unit in info.related_units.items()} == {"web/0": "80", "web/1": "80"}
    assert info.local_unit and info.local_unit.data["ingress-address"] == "192.0.2.10"
    client.add_unit("web", num_units=1, to=["1"])
    client.remove_unit("web/0")
    assert [unit.leader for unit in client.status().apps["web"].units.values()] == [True, False]
    client.remove_relation("web", "proxy:site")
    assert client.status().apps["web"].relations == {}
    with pytest.raises(jubilant.CLIError) as error:
        client.remove_relation("web", "proxy")
    assert 'relation matching "web proxy" not found' in error.value.stderr
    client.remove_application("proxy", "web", "agent")
    assert client.status().apps == {}


def test_the_table_for_people(juju: Juju, make_charm: MakeCharm) -> None:
    charm = make_charm({"hooks/start": "#!/bin/sh\nstatus-set blocked 'no disk'"}, hooks=())
    juju.ok("deploy", str(charm))
    lines = juju.ok("status").splitlines()
    assert lines[0].split() == ["Model", "Controller", "Cloud/Region", "Version", "Timestamp"]
    assert lines[4].split(maxsplit=6) == ["sample", "blocked", "1", "sample", "0", "no", "no disk"]
    assert lines[7].split(maxsplit=5) == ["sample/0*", "blocked", "idle", "0", "192.0.2.10", "no disk"]
    assert lines[10].split() == ["0", "started", "192.0.2.10", lines[10].split()[3], "ubuntu@22.04"]


def test_models_and_switch(juju: Juju) -> None:
    juju.ok("add-model", "other")
    assert juju.ok("switch") == "localjuju:admin/other\n"
    juju.ok("switch", "m")
    assert juju("models", "--format", "json").json["current-model"] == "m"
    assert juju("add-model", "m").err == 'ERROR model "m" already exists\n'
    assert juju("add-model", "Bad").code == 1
    assert juju("switch", "none").err == 'ERROR "none" is not the name of a model\n'
    assert juju("status", "-m", "none").err == "ERROR model none not found\n"
    assert juju("frobnicate").code == 2
    assert juju("status", "--nonsense").code == 2


@pytest.mark.parametrize(("text", "seconds"), [("5m", 300), ("1h2m3.5s", 3723.5), ("60.0s", 60), ("100ms", 0.1)])
def test_durations(text: str, seconds: float) -> None:
    assert modelconfig.seconds(text) == seconds


DEB822 = """Types: deb
URIs: mirror://one/debian
Suites: bookworm bookworm-updates
Components: main

Types: deb
URIs: mirror://one/security
Suites: bookworm-security
"""


@pytest.mark.parametrize(
    ("text", "suite"),
    [
        (DEB822, "bookworm"),
        ("deb [signed-by=/k.gpg] mirror://one/debian bookworm main\n", "bookworm"),
        ("# deb mirror://no jammy\ndeb-src mirror://no jammy\ndeb mirror://one/debian jammy main\n", "jammy"),
    ],
)
def test_the_mirror_of_the_hosts_own_sources(text: str, suite: str) -> None:
    assert image._mirror({"sources.list": text}, suite) == "mirror://one/debian"


def test_jubilant_manages_secrets(client: jubilant.Juju, make_charm: MakeCharm) -> None:
    """jubilant's add_secret, grant_secret, update_secret, show_secret, secrets, remove_secret; config's SecretURI."""
    client.deploy(make_charm(hooks=(), config={"options": {"login": {"type": "secret"}}}), "app")
    uri = client.add_secret("login", {"user": "me", "password": "0123"}, info="For all.")
    client.grant_secret("login", "app")
    client.update_secret(uri, {"password": "other"}, name="renamed", info="For app.", auto_prune=True)
    shown = client.show_secret("renamed", reveal=True)
    assert (shown.uri, shown.revision, shown.owner, shown.description) == (uri, 2, "<model>", "For app.")
    assert shown.content == {"password": "other"}
    access = client.show_secret("renamed").access
    assert access
    assert (access[0].target, access[0].role) == ("application-app", "view")
    assert [item.revision for item in client.show_secret(uri, revisions=True).revisions or []] == [2]
    assert [item.name for item in client.secrets()] == ["renamed"]
    client.config("app", {"login": uri})
    assert client.config("app")["login"] == uri
    client.remove_secret(uri)
    assert client.secrets() == []


def test_jubilant_manages_storage(client_of_a_process: jubilant.Juju, make_charm: MakeCharm) -> None:
    client = client_of_a_process
    """jubilant's deploy(storage=, attach_storage=), remove_application(destroy_storage=) and Status.storage."""
    charm = make_charm(hooks=(), metadata={"storage": {"data": {"type": "filesystem", "location": "/srv/data"}}})
    client.deploy(charm, "app", storage={"data": "2G"})
    storage = client.status().storage
    assert storage.storage["data/0"].attachments
    assert storage.storage["data/0"].attachments.units["app/0"].location == "/srv/data"
    filesystem = storage.filesystems["0"]
    assert (filesystem.size, filesystem.storage, filesystem.attachments.machines["0"].mount_point) == (
        2048,
        "data/0",
        "/srv/data",
    )
    client.remove_application("app")
    assert client.status().storage.storage["data/0"].attachments is None
    client.deploy(charm, "app", attach_storage="data/0")
    client.remove_application("app", destroy_storage=True)
    assert client.status().storage.storage == {}
