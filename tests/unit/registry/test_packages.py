"""apt and dpkg, played by a shell's script each."""

import pathlib

import pytest
from registry.formats import sources_list
from registry.machine import apt
from registry.options import packages, runtime
from test_options import DEFAULTS


def wanted(**changes):
    return runtime.Runtime.from_config({**DEFAULTS, **changes})


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """Make apt-get, apt-cache, dpkg, dpkg-query do what a script says; what they were called with is in `calls`."""
    monkeypatch.setattr(apt, "_FOLDER", str(tmp_path))
    monkeypatch.setattr(apt, "_HELPER", "apt-helper")
    monkeypatch.setattr(apt, "_AS_ASKED", ("--as-asked",))
    monkeypatch.setattr(apt, "APT_FOLDER", tmp_path / "apt")
    (tmp_path / "apt/sources.list.d").mkdir(parents=True)
    monkeypatch.setattr(apt, "_RETRY_SECONDS", 0.01)

    def make(**scripts):
        for name in (
            "apt-get",
            "apt-cache",
            "apt-mark",
            "apt-helper",
            "add-apt-repository",
            "dpkg",
            "dpkg-deb",
            "dpkg-query",
        ):
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
    apt.install_docker(wanted())
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
    apt.install_docker(wanted())
    assert calls()[-1].startswith("apt-get install")


def test_what_cannot_be_configured_yet_is_left_to_apt(programs):
    """A package unpacked before those that it needs."""
    calls = programs(dpkg='*configure*) echo "dpkg: dependency problems" >&2; exit 1;;')
    apt.install_docker(wanted())
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
    apt.install_docker(wanted())
    assert calls().count("apt-get update") == 2


def test_another_apt_is_not_waited_for_without_end(programs, monkeypatch):
    monkeypatch.setattr(apt, "_LOCK_SECONDS", 0.1)
    programs(apt_get='*update*) echo "E: Unable to lock directory /var/lib/apt/lists/" >&2; exit 100;;')
    with pytest.raises(apt.PackageError, match=r"^Unable to lock directory /var/lib/apt/lists/$"):
        apt.install_docker(wanted())


def test_apts_own_words_are_the_error(programs):
    programs(apt_get='*install*) echo "E: no room" >&2; echo "Note: x" >&2; exit 100;;')
    with pytest.raises(apt.PackageError, match=r"^no room$"):
        apt.install_docker(wanted())


def test_an_installation_that_was_cut_off_is_finished(programs):
    calls = programs(dpkg="*audit*) echo 'The following packages are only half configured: docker.io';;")
    assert apt.finish() is True
    assert calls() == [
        "dpkg --audit",
        "dpkg --configure -a --force-confold",
        "apt-get --fix-broken --no-remove install",
    ]


def test_nothing_is_finished_where_nothing_is_cut_off(programs):
    calls = programs()
    assert apt.finish() is False
    assert calls() == ["dpkg --audit"]


KEY = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nabc\n-----END PGP PUBLIC KEY BLOCK-----"
LINE = "deb https://x.example jammy main"
CUSTOM = {"docker_runtime": "custom", "docker_runtime_package": "other", "docker_runtime_repo": LINE}
FETCH = f'*download-file*) for target; do :; done; echo "{KEY}" >"$target";;'


def apt_files(name):
    folder = apt.APT_FOLDER
    return sorted(path for path in folder.rglob("*") if path.is_file() and f"docker-registry-{name}" in path.name)


def test_a_repository_is_tried_by_itself_and_then_known_with_its_key(programs):
    calls = programs()
    apt.put_sources("extra", [sources_list.Source(LINE, KEY)])
    (update,) = calls()
    assert "Dir::Etc::sourceparts=- " in update and "Error-Mode=any" in update
    keyring, file = apt_files("extra")
    assert file.name == "docker-registry-extra.list"
    assert file.read_text().splitlines()[1] == f"deb [signed-by={keyring}] https://x.example jammy main"
    assert keyring.read_text() == f"{KEY}\n"
    assert (keyring.stat().st_mode & 0o777, file.stat().st_mode & 0o777) == (0o644, 0o644)
    apt.put_sources("extra", [sources_list.Source(LINE, KEY)])
    assert len(calls()) == 1, "what apt knows costs nothing"
    apt.put_sources("extra", [])
    assert apt_files("extra") == []


def test_a_repository_with_a_password_is_for_root_alone(programs):
    programs()
    apt.put_sources("extra", [sources_list.Source("deb https://me:hush@x y z")])
    (file,) = apt_files("extra")
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("script", "kind", "words"),
    [
        (
            "*update*) echo 'E: https://me:hush@x cannot be read.' >&2; exit 100;;",
            apt.PackageError,
            "me:...@x cannot",
        ),
        ("*update*) echo 'E: it is not signed' >&2; exit 100;;", apt.BadKey, "it is not signed"),
    ],
)
def test_a_repository_that_is_wrong_leaves_what_was_there(programs, script, kind, words):
    programs()
    apt.put_sources("extra", [sources_list.Source(LINE, KEY)])
    before = {path: path.read_text() for path in apt_files("extra")}
    programs(apt_get=script)
    with pytest.raises(kind, match=words) as caught:
        apt.put_sources("extra", [sources_list.Source(f"{LINE} other", KEY)])
    assert "hush" not in str(caught.value)
    assert {path: path.read_text() for path in apt_files("extra")} == before


def test_docker_of_a_repository_is_installed_with_its_key_fetched(programs):
    calls = programs(apt_helper=FETCH, dpkg="*print-arch*) echo arm64;;")
    apt.install_docker(wanted(**CUSTOM, docker_runtime_key_url="https://x.example/key"))
    assert calls()[-1] == "apt-get install --no-install-recommends other"
    assert "signed-by=" in (apt.APT_FOLDER / "sources.list.d/docker-registry-docker.list").read_text()


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
    programs(**scripts)
    with pytest.raises(apt.PackageError, match=f"^{option}"):
        apt.install_docker(wanted(**CUSTOM, docker_runtime_key_url="https://x.example/key"))


def test_upstream_that_cannot_be_reached_names_its_option(programs):
    programs(apt_helper="*) echo 'E: no route' >&2; exit 100;;")
    with pytest.raises(apt.PackageError, match=r"^docker_runtime: no route$"):
        apt.check_docker(wanted(docker_runtime="upstream"))


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


def test_an_upgrade_takes_packages_on_hold_and_holds_them_again(programs, dockerd):
    calls = programs(**dockerd)
    assert apt.upgrade_docker(wanted()) == "docker.io hi 20.10"
    install = "apt-get install --as-asked --no-install-recommends --only-upgrade docker.io"
    assert [call for call in calls() if call.startswith(("apt-get install", "apt-mark hold"))] == [
        install,
        "apt-mark hold docker.io",
    ]


def test_an_upgrade_replaces_what_is_not_asked_for(programs, dockerd):
    calls = programs(**dockerd)
    apt.upgrade_docker(wanted(docker_runtime="custom", docker_runtime_package="other"))
    install = "apt-get install --as-asked --no-install-recommends other docker.io-"
    assert install in calls()


def test_an_upgrade_that_fails_holds_again(programs, dockerd):
    calls = programs(**dockerd, apt_get="*install*) echo 'E: no room' >&2; exit 100;;")
    with pytest.raises(apt.PackageError, match=r"^no room$"):
        apt.upgrade_docker(wanted())
    assert calls()[-1] == "apt-mark hold docker.io"


def test_the_state_of_packages_is_asked_for_at_once(programs):
    shown = 'echo "jq ii  1.6-2"; echo "htop hi  3.2"; echo "gone rc  1"; exit 1'
    calls = programs(dpkg_query=f"*--show*) {shown};;")
    assert apt.states(["jq=1.6", "htop", "gone", "never"]) == {
        "jq": packages.State("1.6-2", held=False),
        "htop": packages.State("3.2", held=True),
    }
    before = calls()
    assert apt.states([]) == {}
    assert calls() == before


def test_a_program_that_is_not_there_is_an_error_in_words(programs):
    programs()
    pathlib.Path(apt._FOLDER, "add-apt-repository").unlink()
    with pytest.raises(apt.PackageError, match="there is no add-apt-repository on this machine"):
        apt.put_short_sources(["ppa:a/b"])


def test_a_file_that_was_written_over_comes_out_of_its_package_again(programs, tmp_path):
    file = tmp_path / "lib/systemd/system/docker.service"
    file.parent.mkdir(parents=True)
    file.write_text("theirs")
    calls = programs(
        dpkg_query=f"""--search*) echo "docker.io: {file}";; --show*) echo -n 20.10;;""",
        dpkg=f'--verify*) grep -q theirs {file} && echo "??5??????   {file}"; true;;',
        apt_get='*download*) touch "$OLDPWD/docker.io_20.10.deb";;',
        dpkg_deb=f'--extract*) mkdir -p "$3{file.parent}"; echo the packages > "$3{file}";;',
    )
    assert apt.restore("/systemd/system/docker.service") == str(file)
    assert file.read_text() == "the packages\n"
    assert "apt-get --quiet -o APT::Sandbox::User=root download docker.io=20.10" in calls()
    assert apt.restore("/systemd/system/docker.service") == ""
