"""NRPE's files on the machine."""

import subprocess

import pytest
from registry.formats import nrpe
from registry.machine.checks import Checks
from registry.machine.files import LocalFiles
from registry.machine.records import Records

RELOAD = ("reload-or-restart", "nagios-nrpe-server")


def command(name):
    return {f"{nrpe.FOLDER}/{nrpe.PREFIX}{name}.cfg": f"command[{name}]\n"}


PLAIN = {**command("http"), **command("container"), **command("storage")}
ENCRYPTED = {nrpe.CA_FILE: "CA\n", **command("http"), **command("container"), **command("certificate")}


class FakeSystemd:
    """systemd, which writes down what it is asked."""

    def __init__(self):
        self.asked, self.code, self.dies = [], 0, False

    def systemctl(self, *words):
        if self.dies:
            raise KeyboardInterrupt
        self.asked.append(words)
        return subprocess.CompletedProcess(words, self.code)


@pytest.fixture
def systemd():
    return FakeSystemd()


@pytest.fixture
def root(tmp_path):
    return tmp_path / "root"


@pytest.fixture
def checks(tmp_path, systemd, root):
    root.mkdir()
    return Checks(LocalFiles(), Records(tmp_path / "records"), systemd, root)


def test_files_are_written_once_where_nrpe_is(checks, systemd, root):
    checks.ensure(ENCRYPTED)
    assert (systemd.asked, list(root.iterdir())) == ([], []), "NRPE is not installed yet"
    folder, plugin, ca = (root / path.lstrip("/") for path in (nrpe.FOLDER, nrpe.PLUGIN, nrpe.CA_FILE))
    folder.mkdir(parents=True)
    (folder / "check_load.cfg").write_text("old")
    checks.ensure(ENCRYPTED)
    assert systemd.asked == [RELOAD]
    assert sorted(path.name for path in folder.iterdir()) == [
        "check_docker_registry_certificate.cfg",
        "check_docker_registry_container.cfg",
        "check_docker_registry_http.cfg",
        "check_load.cfg",
    ]
    assert plugin.stat().st_mode & 0o777 == 0o755
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*.c*")}
    checks.ensure(ENCRYPTED)
    assert ({path: path.stat().st_mtime_ns for path in before}, systemd.asked) == (before, [RELOAD])
    checks.ensure(PLAIN)
    assert not (folder / "check_docker_registry_certificate.cfg").exists()
    assert not ca.exists()
    checks.ensure({})
    assert [path.name for path in folder.iterdir()] == ["check_load.cfg"]
    assert not plugin.exists()
    checks.ensure({})
    assert systemd.asked == [RELOAD] * 3


def test_nrpe_is_reloaded_for_new_checks_also_after_a_crash(checks, systemd, root):
    (root / nrpe.FOLDER.lstrip("/")).mkdir(parents=True)
    systemd.dies = True
    with pytest.raises(KeyboardInterrupt):
        checks.ensure(PLAIN)
    systemd.dies = False
    for systemd.code in (1, 0, 0):
        checks.ensure(PLAIN)
    assert systemd.asked == [RELOAD] * 2, "until it has done it"
