"""apt and dpkg, played by a shell's script each."""

import pytest
from registry import packages


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """Make apt-get, apt-cache, dpkg, dpkg-query do what a script says; what they were called with is in `calls`."""
    monkeypatch.setattr(packages, "_FOLDER", str(tmp_path))
    monkeypatch.setattr(packages, "_RETRY_SECONDS", 0.01)

    def make(**scripts):
        for name in ("apt-get", "apt-cache", "dpkg", "dpkg-query"):
            script = scripts.get(name.replace("-", "_"), "")
            (tmp_path / name).write_text(
                f'#!/bin/sh\ncd {tmp_path}\necho "{name} $*" >> calls\ncase "$*" in\n{script}\nesac\n'
            )
            (tmp_path / name).chmod(0o755)
        return lambda: [
            line.replace("--yes --quiet -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold ", "")
            for line in (tmp_path / "calls").read_text().splitlines()
        ]

    return make


def test_docker_is_installed_with_its_command_where_that_is_a_package(programs):
    calls = programs(apt_cache='*docker-cli*) echo "docker-cli - Linux container runtime";;')
    packages.install_docker()
    assert calls() == [
        "dpkg --configure -a --force-confold",
        "apt-get update",
        "apt-cache --names-only search ^docker-cli$",
        "apt-get install --no-install-recommends docker.io ca-certificates docker-cli",
    ]


def test_what_a_reboot_left_unpacked_is_configured_before_apt_refuses(programs):
    calls = programs(
        dpkg="*configure*) touch whole;;",
        apt_get='*install*) test -e whole || { echo "E: dpkg was interrupted" >&2; exit 100; };;',
    )
    packages.install_docker()
    assert calls()[-1].startswith("apt-get install")


def test_what_cannot_be_configured_yet_is_left_to_apt(programs):
    """A package unpacked before those that it needs."""
    calls = programs(dpkg='*configure*) echo "dpkg: dependency problems" >&2; exit 1;;')
    packages.install_docker()
    assert calls()[-1].startswith("apt-get install")


@pytest.mark.parametrize(
    "words",
    [
        "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 7 (apt-get)\n"
        "E: Unable to lock directory /var/lib/apt/lists/",
        "dpkg: error: dpkg frontend lock was locked by another process with pid 7\n"
        "Note: removing the lock file is always wrong, can damage the locked area",
    ],
)
def test_another_apt_is_waited_for(programs, words):
    calls = programs(apt_get=f'*update*) test -e tried || {{ touch tried; echo "{words}" >&2; exit 100; }};;')
    packages.install_docker()
    assert calls().count("apt-get update") == 2


def test_another_apt_is_not_waited_for_without_end(programs, monkeypatch):
    monkeypatch.setattr(packages, "_LOCK_SECONDS", 0.1)
    programs(apt_get='*update*) echo "E: Unable to lock directory /var/lib/apt/lists/" >&2; exit 100;;')
    with pytest.raises(packages.PackageError, match=r"^Unable to lock directory /var/lib/apt/lists/$"):
        packages.install_docker()


def test_apts_own_words_are_the_error(programs):
    programs(apt_get='*install*) echo "E: no room" >&2; echo "Note: x" >&2; exit 100;;')
    with pytest.raises(packages.PackageError, match=r"^no room$"):
        packages.install_docker()


def test_an_installation_that_was_cut_off_is_finished(programs):
    calls = programs(dpkg="*audit*) echo 'The following packages are only half configured: docker.io';;")
    assert packages.finish() is True
    assert calls() == [
        "dpkg --audit",
        "dpkg --configure -a --force-confold",
        "apt-get --fix-broken --no-remove install",
    ]


def test_nothing_is_finished_where_nothing_is_cut_off(programs):
    calls = programs()
    assert packages.finish() is False
    assert calls() == ["dpkg --audit"]
