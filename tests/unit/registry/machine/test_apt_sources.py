"""Repositories that apt gets to know."""

import pytest
from fake_programs import FakePrograms
from registry.formats import sources_list
from registry.machine import apt

KEY = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nabc\n-----END PGP PUBLIC KEY BLOCK-----"
LINE = "deb https://x.example jammy main"


@pytest.fixture
def programs(tmp_path):
    return FakePrograms(tmp_path)


def test_a_repository_is_tried_by_itself_and_then_known_with_its_key(programs):
    programs.sources.ensure("extra", [sources_list.Source(LINE, KEY)])
    (update,) = programs.calls()
    assert "Dir::Etc::sourceparts=- " in update and "Error-Mode=any" in update
    keyring, file = programs.apt_files("extra")
    assert file.name == "docker-registry-extra.list"
    assert file.read_text().splitlines()[1] == f"deb [signed-by={keyring}] https://x.example jammy main"
    assert keyring.read_text() == f"{KEY}\n"
    assert (keyring.stat().st_mode & 0o777, file.stat().st_mode & 0o777) == (0o644, 0o644)
    programs.sources.ensure("extra", [sources_list.Source(LINE, KEY)])
    assert len(programs.calls()) == 1, "what apt knows costs nothing"
    programs.sources.ensure("extra", [])
    assert programs.apt_files("extra") == {}


@pytest.mark.parametrize("user", ["me:hush", "token", "me:hu/sh", "me:hu@sh"])
def test_a_repository_with_a_password_is_for_root_alone(programs, user):
    programs.sources.ensure("extra", [sources_list.Source(f"deb https://{user}@x y z")])
    (file,) = programs.apt_files("extra")
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
    programs.sources.ensure("extra", [sources_list.Source(LINE, KEY)])
    before = programs.apt_files("extra")
    programs.say(apt_get=script)
    with pytest.raises(kind, match=words) as caught:
        programs.sources.ensure("extra", [sources_list.Source(f"{LINE} other", KEY)])
    assert "hush" not in str(caught.value)
    assert programs.apt_files("extra") == before
