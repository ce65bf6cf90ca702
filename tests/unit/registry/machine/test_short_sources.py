"""Sources that add-apt-repository adds: the charm's are removed, somebody else's never."""

import pytest
from fake_programs import FakePrograms
from registry.machine import apt

# What add-apt-repository does to apt's files: a PPA has a file of its own, a component is a word in sources.list.
ADDS = """
*--remove?ppa:*) rm apt/sources.list.d/ppa.list;;
*--remove*) sed -i "s/ $4//" apt/sources.list;;
*ppa:*) echo deb >apt/sources.list.d/ppa.list;;
*) grep -q " $3" apt/sources.list || sed -i "s/$/ $3/" apt/sources.list;;
"""


@pytest.fixture
def programs(tmp_path):
    fake = FakePrograms(tmp_path)
    (fake.apt_folder / "sources.list").write_text("deb http://x jammy main\n")
    fake.say(add_apt_repository=ADDS)
    return fake


def texts(programs):
    paths = sorted(path for path in programs.apt_folder.rglob("*") if path.is_file())
    return {path.name: path.read_text() for path in paths}


@pytest.mark.parametrize(
    "steps",
    [
        [["ppa:a/b"], []],
        [["ppa:a/b", "universe"], ["universe"], []],
        [["universe"], ["ppa:a/b"], ["ppa:a/b", "universe"], []],
        [["ppa:a/b", "ppa:a/b"], []],
    ],
)
def test_what_was_added_goes_when_it_is_no_longer_named(programs, steps):
    before = texts(programs)
    for names in steps:
        programs.short_sources.ensure(names)
        there = texts(programs)
        assert ("ppa.list" in there, "universe" in there["sources.list"]) == ("ppa:a/b" in names, "universe" in names)
        calls = len(programs.calls())
        programs.short_sources.ensure(names)
        assert len(programs.calls()) == calls, "what is so already costs nothing"
    assert texts(programs) == before


def test_what_apt_had_before_stays(programs):
    programs.apt.run("add-apt-repository", "--yes", "--no-update", "ppa:a/b")
    before = texts(programs)
    programs.short_sources.ensure(["ppa:a/b", "main"])
    programs.short_sources.ensure([])
    assert texts(programs) == before
    assert not [call for call in programs.calls() if "--remove" in call]


def test_what_was_added_before_a_crash_is_ours(programs):
    sources = programs.short_sources
    sources._save({"short": [], "ours": []}, begun={"ppa:a/b": sources._digest()})
    (programs.apt_folder / "sources.list.d/ppa.list").write_text("deb\n")
    # Here the hook was killed.
    programs.short_sources.ensure(["ppa:a/b"])
    programs.short_sources.ensure([])
    assert programs.calls()[-1] == "add-apt-repository --yes --no-update --remove ppa:a/b"


def test_a_failure_is_tried_again_and_claims_nothing(programs):
    programs.say(add_apt_repository="*) echo 'no network' >&2; exit 1;;")
    with pytest.raises(apt.PackageError, match="no network"):
        programs.short_sources.ensure(["ppa:a/b"])
    (programs.apt_folder / "sources.list.d/by-hand.list").write_text("deb\n")
    programs.say()
    programs.short_sources.ensure(["ppa:a/b"])
    programs.short_sources.ensure([])
    assert len(programs.calls()) == 2
    programs.remove("add-apt-repository")
    with pytest.raises(apt.PackageError, match="add-apt-repository is not installed"):
        programs.short_sources.ensure(["ppa:a/b"])


def test_a_removal_that_fails_is_tried_again(programs):
    programs.short_sources.ensure(["ppa:a/b"])
    programs.say(add_apt_repository="*) exit 1;;")
    for _ in range(2):
        with pytest.raises(apt.PackageError):
            programs.short_sources.ensure([])
