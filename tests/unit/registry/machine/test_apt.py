"""apt and dpkg with packages of any kind."""

import pytest
from fake_programs import FakePrograms
from registry.machine import apt
from registry.options import packages


@pytest.fixture
def programs(tmp_path):
    return FakePrograms(tmp_path)


def test_what_a_reboot_left_unpacked_is_configured_before_apt_refuses(programs):
    programs.say(
        dpkg="*configure*) touch whole;;",
        apt_get='*install*) test -e whole || { echo "E: dpkg was interrupted" >&2; exit 100; };;',
    )
    programs.apt.install(["jq"])
    assert programs.calls() == [
        "dpkg --configure -a --force-confold",
        "apt-get update",
        "apt-get install --exactly --no-install-recommends jq",
    ]


def test_what_cannot_be_configured_yet_is_left_to_apt(programs):
    """A package unpacked before those that it needs."""
    programs.say(dpkg='*configure*) echo "dpkg: dependency problems" >&2; exit 1;;')
    programs.apt.install(["jq"])
    assert programs.calls()[-1].startswith("apt-get install")


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
    programs.say(apt_get=f'*update*) test -e tried || {{ touch tried; echo "{words}" >&2; exit 100; }};;')
    programs.apt.install(["jq"])
    assert programs.calls().count("apt-get update") == 2


def test_another_apt_is_not_waited_for_without_end(tmp_path):
    programs = FakePrograms(tmp_path, lock_seconds=0.1)
    programs.say(apt_get='*update*) echo "E: Unable to lock directory /var/lib/apt/lists/" >&2; exit 100;;')
    with pytest.raises(apt.PackageError, match=r"^Unable to lock directory /var/lib/apt/lists/$"):
        programs.apt.install(["jq"])


def test_apts_own_words_are_the_error(programs):
    programs.say(apt_get='*install*) echo "E: no room" >&2; echo "Note: x" >&2; exit 100;;')
    with pytest.raises(apt.PackageError, match=r"^no room$"):
        programs.apt.install(["jq"])


def test_an_installation_that_was_cut_off_is_finished(programs):
    programs.say(dpkg="*audit*) echo 'The following packages are only half configured: docker.io';;")
    assert programs.apt.finish() is True
    assert programs.calls() == [
        "dpkg --audit",
        "dpkg --configure -a --force-confold",
        "apt-get --fix-broken --no-remove install",
    ]


def test_nothing_is_finished_where_nothing_is_cut_off(programs):
    assert programs.apt.finish() is False
    assert programs.calls() == ["dpkg --audit"]


def test_the_states_of_packages_are_read_at_once(programs):
    shown = 'echo "jq ii  1.6-2"; echo "htop hi  3.2"; echo "gone rc  1"; exit 1'
    programs.say(dpkg_query=f"*--show*) {shown};;")
    assert programs.apt.read_states(["jq=1.6", "htop", "gone", "never"]) == {
        "jq": packages.State("1.6-2", held=False),
        "htop": packages.State("3.2", held=True),
    }
    before = programs.calls()
    assert programs.apt.read_states([]) == {}
    assert programs.calls() == before


def test_a_program_that_is_not_installed_is_an_error(programs):
    programs.remove("apt-mark")
    with pytest.raises(apt.PackageError, match="apt-mark is not installed"):
        programs.apt.hold(["jq"])


def test_a_file_that_was_written_over_comes_out_of_its_package_again(programs, tmp_path):
    file = tmp_path / "usr/lib/systemd/system/docker.service"
    file.parent.mkdir(parents=True)
    file.write_text("theirs")
    programs.say(
        dpkg_query=f"""--search*) echo "docker.io: {file}";; --show*) echo -n 20.10;;""",
        dpkg=f'--verify*) grep -q theirs {file} && echo "??5??????   {file}"; true;;',
        apt_get='*download*) touch "$OLDPWD/docker.io_20.10.deb";;',
        dpkg_deb=f'--extract*) mkdir -p "$3{file.parent}"; echo the packages > "$3{file}";;',
    )
    assert programs.apt.restore("/systemd/system/docker.service") == str(file)
    assert file.read_text() == "the packages\n"
    assert "apt-get --quiet -o APT::Sandbox::User=root download docker.io=20.10" in programs.calls()
    assert programs.apt.restore("/systemd/system/docker.service") == ""
