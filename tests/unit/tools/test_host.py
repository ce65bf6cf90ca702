"""Missing programs, their packages, and the sentences for problems that the user must fix."""

import host
import pytest


def test_nothing_missing_is_nothing_to_install():
    assert host.packages_for(set(), cli_is_apart=True) == []


def test_one_package_that_brings_two_programs_is_installed_once():
    assert host.packages_for({"docker", "dockerd", "skopeo"}, cli_is_apart=False) == ["docker.io", "skopeo"]


@pytest.mark.parametrize(
    ("absent", "packages"),
    [
        ({"docker", "dockerd"}, ["docker-cli", "docker.io"]),
        ({"docker"}, ["docker-cli"]),
        ({"dockerd"}, ["docker.io"]),
    ],
)
def test_the_command_may_be_a_package_of_its_own(absent, packages):
    assert host.packages_for(absent, cli_is_apart=True) == packages


def test_without_a_network_the_sentence_has_the_reason_and_what_to_do():
    output = "W: old\nE: Failed to fetch http://archive/x.deb  Temporary failure resolving 'archive'\nE: more"
    assert host.apt_problem(["skopeo"], output) == (
        "apt-get cannot install skopeo: Failed to fetch http://archive/x.deb  Temporary failure resolving 'archive'."
        " Check the connection to the package archive (`apt-get update`), then run this again."
    )


def test_another_failure_of_apt_has_its_own_words():
    output = "E: dpkg was interrupted, you must manually run 'dpkg --configure -a' to correct the problem. "
    assert host.apt_problem(["git", "skopeo"], output).startswith(
        "apt-get cannot install git skopeo: dpkg was interrupted, you must manually run 'dpkg --configure -a'"
    )
    assert host.apt_problem(["git"], "").startswith("apt-get cannot install git: no reason given. ")


def test_a_disk_with_enough_space_is_no_problem():
    required = {"/": 3 * host.GIB, "/var/lib/docker": host.GIB}
    assert host.space_problem(required, required) is None


def test_the_sentence_for_a_full_disk_has_the_free_and_the_required_space():
    required = {"/": 1 * host.GIB, "/var/lib/docker": 3 * host.GIB}
    free = {"/": 9 * host.GIB, "/var/lib/docker": host.GIB // 2}
    assert host.space_problem(free, required) == (
        "Not enough disk space: 0.5 GB are free at /var/lib/docker, and 3 GB are required."
        " Free some space, then run this again."
    )


def test_folders_of_one_file_system_are_added_up(tmp_path):
    below = str(tmp_path / "not" / "there" / "yet")
    assert host.file_systems({str(tmp_path): 2, below: 3}) == {str(tmp_path): 5}


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        ("starting\nfailed to start daemon: no iptables\n", "failed to start daemon: no iptables"),
        ('level=info msg="up"\nlevel=fatal msg="no"\nlevel=info msg="stopping"\n', 'level=fatal msg="no"'),
        ("mount: /x: Permission denied\n", "mount: /x: Permission denied"),
        ("going down\n\n", "going down"),
        ("", "its log is empty"),
    ],
)
def test_the_reason_is_the_last_failure_in_the_log(log, reason):
    assert host.last_error(log) == reason


def test_the_sentence_for_a_docker_that_does_not_start_names_its_log():
    assert host.docker_problem("failed to start daemon: no.", "/var/log/dockerd.log") == (
        "Docker does not start: failed to start daemon: no. Fix this (complete log: /var/log/dockerd.log),"
        " or use a virtual machine."
    )
