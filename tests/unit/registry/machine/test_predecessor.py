"""What the charm before this one left on the machine."""

import pathlib

import pytest
from registry.formats import nrpe
from registry.machine.files import LocalFiles
from registry.machine.predecessor import CERTS_FOLDER, DEFAULTS, Predecessor
from test_checks import FakeSystemd


class FakeApt:
    restored = ""

    def restore(self, file):
        assert file == "/systemd/system/docker.service"
        return self.restored


@pytest.fixture
def root(tmp_path):
    return tmp_path / "root"


@pytest.fixture
def registry(tmp_path):
    folder = tmp_path / "registry"
    folder.mkdir()
    return folder


def remove(registry, root, arguments=(), restored=""):
    """Remove what it left; return what was restored, and what systemd was asked."""
    apt, systemd = FakeApt(), FakeSystemd()
    apt.restored = restored
    return Predecessor(registry, LocalFiles(), apt, systemd, root).remove(arguments), systemd.asked


def test_what_the_predecessor_left_goes_once(registry, root):
    left = [path.replace("*", "juju-docker-registry-0") for path in nrpe.PREDECESSORS]
    kept = [f"{nrpe.FOLDER}/check_load.cfg", f"{nrpe.EXPORT_FOLDER}/service__juju-x-0_check_load.cfg"]
    left, kept = ([pathlib.Path(f"{root}{path}") for path in paths] for paths in (left, kept))
    for path in (*left, *kept):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("old")
    for name in ("htpasswd", "auth_token.pem", "registry.key"):
        (registry / name).write_text("old")
    links = pathlib.Path(f"{root}{CERTS_FOLDER}/10.0.0.1:5000")
    links.mkdir(parents=True)
    (links / "client.cert").symlink_to(root / "gone")
    (links / "client.key").symlink_to(registry / "registry.key")
    (links / "ca.crt").write_text("somebody's")
    (links.parent / "other").mkdir()
    (links.parent / "other/client.cert").symlink_to(links / "ca.crt")
    assert remove(registry, root) == ("", [])
    assert not any(path.exists() for path in left)
    assert all(path.exists() for path in kept)
    assert [path.name for path in registry.iterdir()] == ["registry.key"]
    assert [path.name for path in links.iterdir()] == ["ca.crt"]
    assert (links.parent / "other/client.cert").exists()


def test_arguments_of_dockerd_that_have_another_place_now_go(registry, root):
    defaults = pathlib.Path(f"{root}{DEFAULTS}")
    defaults.parent.mkdir(parents=True)
    defaults.write_text('# Docker\nDOCKER_OPTS="--mtu 1400"\n')
    remove(registry, root, ["--mtu", "1400"])
    assert defaults.read_text() == "# Docker\n"


def test_systemd_reads_a_unit_that_was_restored(registry, root):
    unit = "/lib/systemd/system/docker.service"
    assert remove(registry, root, restored=unit) == (unit, [("daemon-reload",)])
