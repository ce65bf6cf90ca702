"""Docker's packages: installed, upgraded, replaced."""

import pytest
from fake_programs import FakePrograms
from registry.machine import apt, docker_packages
from registry.options import runtime
from test_apt_sources import KEY, LINE
from test_options import DEFAULTS

CUSTOM = {"docker_runtime": "custom", "docker_runtime_package": "other", "docker_runtime_repo": LINE}
FETCH = f'*download-file*) for target; do :; done; echo "{KEY}" >"$target";;'


def requested(**changes):
    return runtime.Runtime.from_config({**DEFAULTS, **changes})


@pytest.fixture
def programs(tmp_path):
    return FakePrograms(tmp_path)


def test_docker_is_installed_with_its_command_where_that_is_a_package(programs):
    programs.say(apt_cache='*docker-cli*) echo "docker-cli - Linux container runtime";;')
    programs.docker.install(requested())
    assert programs.calls() == [
        "dpkg --configure -a --force-confold",
        "apt-get update",
        "apt-cache --names-only search ^docker-cli$",
        "apt-get install --no-install-recommends docker.io ca-certificates docker-cli",
    ]


def test_what_a_reboot_left_unpacked_is_configured_before_apt_refuses(programs):
    programs.say(
        dpkg="*configure*) touch whole;;",
        apt_get='*install*) test -e whole || { echo "E: dpkg was interrupted" >&2; exit 100; };;',
    )
    programs.docker.install(requested())
    assert programs.calls()[-1].startswith("apt-get install")


def test_docker_of_a_repository_is_installed_with_its_key_fetched(programs):
    programs.say(apt_helper=FETCH, dpkg="*print-arch*) echo arm64;;")
    programs.docker.install(requested(**CUSTOM, docker_runtime_key_url="https://x.example/key"))
    assert programs.calls()[-1] == "apt-get install --no-install-recommends other"
    assert "signed-by=" in (programs.apt_folder / "sources.list.d/docker-registry-docker.list").read_text()


@pytest.mark.parametrize(
    ("scripts", "option"),
    [
        ({"apt_helper": "*) echo 'E: 404\nE: Download Failed' >&2; exit 100;;"}, "docker_runtime_key_url: 404"),
        ({"apt_helper": "*) for target; do :; done; echo '<html>' >$target;;"}, "docker_runtime_key_url"),
        (
            {"apt_helper": FETCH, "apt_get": "*parts*) echo 'NO_PUBKEY 12AB\nE: unsigned' >&2; exit 100;;"},
            "docker_runtime_key_url: .*12AB",
        ),
        ({"apt_helper": FETCH, "apt_get": "*parts*) echo 'E: no route' >&2; exit 100;;"}, "docker_runtime_repo"),
        ({"apt_helper": FETCH, "apt_get": "*install*) echo 'E: none' >&2; exit 100;;"}, "docker_runtime_package"),
    ],
)
def test_what_is_wrong_names_the_option(programs, scripts, option):
    programs.say(**scripts)
    with pytest.raises(apt.PackageError, match=f"^{option}"):
        programs.docker.install(requested(**CUSTOM, docker_runtime_key_url="https://x.example/key"))


def test_upstream_that_cannot_be_reached_names_its_option(programs):
    programs.say(apt_helper="*) echo 'E: no route' >&2; exit 100;;")
    with pytest.raises(apt.PackageError, match=r"^docker_runtime: no route$"):
        programs.docker.simulate(requested(docker_runtime="upstream"))


@pytest.fixture
def dockerd(tmp_path, monkeypatch):
    """A dockerd of the package docker.io, which is on hold."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/dockerd").write_text("")
    (tmp_path / "bin/dockerd").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin")
    return {
        "dpkg_query": '*--search*) echo "docker.io: /usr/sbin/dockerd";;\n*docker.io*) echo "docker.io hi 20.10";;',
        "apt_mark": "*showhold*) echo docker.io;;",
    }


def test_an_upgrade_includes_packages_on_hold_and_holds_them_again(programs, dockerd):
    programs.say(**dockerd)
    assert programs.docker.upgrade(requested()) == "docker.io hi 20.10"
    install = "apt-get install --exactly --no-install-recommends --only-upgrade docker.io"
    assert [call for call in programs.calls() if call.startswith(("apt-get install", "apt-mark hold"))] == [
        install,
        "apt-mark hold docker.io",
    ]


def test_an_upgrade_replaces_what_is_not_requested(programs, dockerd):
    programs.say(**dockerd)
    programs.docker.upgrade(requested(docker_runtime="custom", docker_runtime_package="other"))
    install = "apt-get install --exactly --no-install-recommends other docker.io-"
    assert install in programs.calls()


def test_an_upgrade_that_fails_holds_again(programs, dockerd):
    programs.say(**dockerd, apt_get="*install*) echo 'E: no room' >&2; exit 100;;")
    with pytest.raises(apt.PackageError, match=r"^no room$"):
        programs.docker.upgrade(requested())
    assert programs.calls()[-1] == "apt-mark hold docker.io"


@pytest.mark.parametrize(
    ("start", "podman"),
    [
        ('#!/bin/sh\n[ -e /etc/containers/nodocker ] || echo Emulate >&2\nexec /usr/bin/podman "$@"\n', True),
        ("#!/bin/sh\nexec /opt/docker/docker\n", False),
        ("\x7fELF podman", False),
        (None, False),
    ],
)
def test_podman_in_dockers_place_is_noticed(programs, tmp_path, monkeypatch, start, podman):
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    (tmp_path / "empty").mkdir()
    if start is not None:
        (tmp_path / "empty/docker").write_text(start)
        (tmp_path / "empty/docker").chmod(0o755)
    assert (programs.docker.find_unusable() == docker_packages.PODMAN()) is podman


def test_docker_of_a_snap_or_of_a_user_is_no_docker_for_the_charm(tmp_path, monkeypatch):
    snap, users, socket = tmp_path / "snap/bin/docker", tmp_path / "user", tmp_path / "docker.sock"
    found = docker_packages.DockerPackages(None, None, socket, (snap,), users)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert (found.find_unusable(), found.find_rootless()) == (None, None)
    (users / "1000").mkdir(parents=True)
    (users / "1000/docker.sock").touch()
    assert found.find_rootless() == docker_packages.ROOTLESS()
    socket.symlink_to(users / "1000/docker.sock")
    assert found.find_rootless() == docker_packages.ROOTLESS()
    socket.unlink()
    socket.touch()
    assert found.find_rootless() is None
    snap.parent.mkdir(parents=True)
    snap.touch()
    assert found.find_unusable() == docker_packages.SNAP()
    (tmp_path / "dockerd").touch(0o755)
    assert found.find_unusable() is None  # there is another one
