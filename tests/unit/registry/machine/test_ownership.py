"""The files of a registry become its own user's, whatever ends that in between, and nothing else does."""

import errno
import itertools
import os

import pytest
from fakes import Killed
from registry.formats import accounts
from registry.machine.ownership import CONTENT, Ownership, Unsuitable, Walk

FILES = (
    f"{CONTENT}/blobs/sha256/aa/aa11/data",
    f"{CONTENT}/blobs/sha256/ab/ab11/data",
    f"{CONTENT}/repositories/team/app/_layers/sha256/aa11/link",
    f"{CONTENT}/repositories/team/app/_manifests/tags/1/current/link",
    f"{CONTENT}/repositories/team/app/_uploads/one/data",
    "scheduler-state.json",
)
FOREVER = 1e9
OTHERS = ("docker-registry-reserve/space", "docker/other", "readme")
"""Beside the registry's own files."""


class Owners(Ownership):
    """Notes who gets a file, as only root can give one away; *dies_at*: killed before that change."""

    def __init__(self, dies_at=None, rules=True):
        self.given, self.calls, self.dies_at, self.rules = set(), 0, dies_at, rules
        super().__init__(self._give, self._set, clock=itertools.count().__next__)

    def _change(self):
        if self.calls == self.dies_at:
            raise Killed
        self.calls += 1

    def _give(self, target, user, group, **how):
        self._change()
        assert (user, group) == (accounts.NUMBER, accounts.NUMBER)
        self.given.add(os.stat(target, **how).st_ino)

    def _set(self, folder, name, value):
        self._change()
        if not self.rules:
            raise OSError(errno.EOPNOTSUPP, "not supported")
        assert os.fstat(folder).st_ino in self.given
        os.setxattr(folder, name, value)


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "registry"
    for name in (*FILES, *OTHERS):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    return root


def owned(root):
    """All that belongs to a registry."""
    files = [root / name for name in FILES]
    folders = {one for file in files for one in file.parents if one.is_relative_to(root)}
    return {path.stat().st_ino for path in (*files, *folders)}


def test_a_pass_that_is_killed_anywhere_continues_and_misses_nothing(folder):
    whole = Owners()
    assert whole.advance(str(folder), Walk(), FOREVER) == Walk(is_complete=True)
    assert whole.given == owned(folder)
    for dies_at in range(whole.calls):
        one, walk, kills = Owners(dies_at), Walk(), 0
        while not walk.is_complete:
            try:
                walk = one.advance(str(folder), walk, 5)  # steps, then the record has it
            except Killed:
                one.dies_at, kills = None, kills + 1
        assert one.given == owned(folder)
        assert kills <= 1
    assert all(os.getxattr(path, accounts.RULES) for path in (folder, folder / "docker", folder / f"{CONTENT}/blobs"))
    with pytest.raises(OSError, match="No data available"):
        os.getxattr(folder / "docker-registry-reserve", accounts.RULES)


def test_what_is_created_behind_a_pass_is_open_to_both(folder):
    one, walk = Owners(), Walk()
    while not walk.cursor or walk.cursor[0] != "repositories":
        walk = one.advance(str(folder), walk, 0)
    path = folder / CONTENT / "blobs/sha256/ac/ac11"
    path.mkdir(parents=True)
    assert os.getxattr(path, accounts.RULES) == accounts.rules(accounts.NUMBER)
    assert one.advance(str(folder), walk, FOREVER).is_complete
    assert path.stat().st_ino not in one.given


def test_without_access_rules_that_is_said(folder):
    assert Owners(rules=False).advance(str(folder), Walk(), FOREVER) == Walk(is_complete=True, has_rules=False)
    one, walk = Owners(rules=False), Walk()
    while not walk.is_complete:
        walk = one.advance(str(folder), walk, 0)
        assert not walk.has_rules
    assert one.given == owned(folder)


def test_a_folder_without_images_needs_little(tmp_path):
    one = Owners()
    assert one.advance(str(tmp_path), Walk(), FOREVER) == Walk(is_complete=True)
    assert one.given == {tmp_path.stat().st_ino}


def test_the_list_of_a_cache_that_root_replaces_meanwhile_is_the_users_after_a_pass(folder):
    def replace():
        (folder / "new").write_text("")
        (folder / "new").replace(folder / "scheduler-state.json")
        return 0

    one = Owners()
    one._clock = replace
    with (folder / "scheduler-state.json").open():  # so that no other file gets its number
        assert one.advance(str(folder), Walk(), FOREVER).is_complete
        assert (folder / "scheduler-state.json").stat().st_ino in one.given


def test_files_that_nobody_could_write_can_be_written(folder):
    file = folder / FILES[0]
    file.chmod(0o400)
    file.parent.chmod(0o500)
    Owners().advance(str(folder), Walk(), FOREVER)
    assert [path.stat().st_mode & 0o777 for path in (file, file.parent)] == [0o600, 0o700]


def test_what_is_not_the_registrys_ends_a_pass_untouched(folder, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("")
    place = folder / CONTENT / "repositories/team/planted"
    plants = {
        "link to a folder": (lambda: place.symlink_to(outside), "is a link, or no file"),
        "link to a file": (lambda: place.symlink_to(outside / "file"), "is a link, or no file"),
        "second name of a file": (lambda: place.hardlink_to(outside / "file"), "is a link, or no file"),
        "named pipe": (lambda: os.mkfifo(place), "is a link, or no file"),
    }
    for kind, (plant, words) in plants.items():
        plant()
        one = Owners()
        with pytest.raises(Unsuitable, match=words):
            one.advance(str(folder), Walk(), FOREVER)
        found = {path.stat().st_ino for path in (outside, outside / "file")} | {place.lstat().st_ino}
        assert not one.given & found, kind
        place.unlink()


def test_files_of_another_user_stay_that_users(folder, monkeypatch):
    if os.geteuid() == 0:
        os.chown(folder / FILES[1], 12345, 12345)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: 12345)
    with pytest.raises(Unsuitable, match="belongs to user "):
        Owners().advance(str(folder), Walk(), FOREVER)


def test_rules_that_somebody_else_made_stay(folder):
    os.setxattr(folder / "docker", accounts.RULES, accounts.rules(12345))
    with pytest.raises(Unsuitable, match="has access rules of its own"):
        Owners().advance(str(folder), Walk(), FOREVER)


def test_the_first_folders_tell_whose_a_folder_is(folder, tmp_path):
    one = Owners()
    assert not one.is_owner(str(folder))
    (tmp_path / "file").write_text("")
    for place in ("missing", "file", "a" * 300):  # unknown, as with a disk that fails or is not mounted
        with pytest.raises(OSError, match=r"No such file|Not a directory|too long"):
            one.is_owner(str(tmp_path / place))
    one.number = os.geteuid()
    assert one.is_owner(str(folder))
    (tmp_path / "link").symlink_to(folder)
    assert one.is_owner(str(tmp_path / "link"))
    (folder / "docker/registry").chmod(0)
    assert not one.is_owner(str(folder))
    (folder / "docker/registry").chmod(0o700)


def test_a_number_that_is_taken_or_not_mapped_is_not_used(tmp_path):
    def user(passwd="root:x:0:0::/:/bin/sh\n", group="root:x:0:\n", uid_map="0 0 4294967295\n", gid_map="0 0 65536\n"):
        for name, text in (("etc/passwd", passwd), ("etc/group", group)):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        for name, text in (("uid_map", uid_map), ("gid_map", gid_map)):
            (tmp_path / "proc/self").mkdir(parents=True, exist_ok=True)
            (tmp_path / "proc/self" / name).write_text(text)
        return Ownership(root=tmp_path).read_user()

    assert user() == "60900:60900"
    for taken in (
        {"passwd": "them:x:60900:100::/:/bin/sh\n"},
        {"group": "them:x:60900:\n"},
        {"uid_map": "0 0 60900\n"},
        {"gid_map": "0 100000 1000\n"},
    ):
        assert user(**taken) == "", taken
    (tmp_path / "etc/group").unlink()
    assert Ownership(root=tmp_path).read_user() == ""
    (tmp_path / "etc/group").mkdir()
    with pytest.raises(IsADirectoryError):
        Ownership(root=tmp_path).read_user()


def test_a_folder_without_images_is_its_owners_already(tmp_path):
    one = Owners()
    one.number = os.geteuid()
    assert one.is_owner(str(tmp_path))


def test_what_is_the_users_already_is_not_given_again(folder):
    given = []
    one = Ownership(lambda *target, **how: given.append(target), os.setxattr)
    one.number = os.geteuid()
    assert one.advance(str(folder), Walk(), FOREVER).is_complete
    assert not given or os.getegid() != os.geteuid()  # one who is not root can have a group of another number


@pytest.mark.parametrize("place", ["read", "write"])
def test_a_disk_without_access_rules_is_none_that_fails(folder, monkeypatch, place):
    def fails(*args):
        raise OSError(code, os.strerror(code))

    one = Owners()
    if place == "read":
        monkeypatch.setattr(os, "getxattr", fails)
    else:
        one._setxattr = fails
    code = errno.EOPNOTSUPP
    assert one.advance(str(folder), Walk(), FOREVER) == Walk(is_complete=True, has_rules=False)
    code = errno.EIO
    with pytest.raises(OSError, match="Input/output error"):
        one.advance(str(folder), Walk(), FOREVER)


def test_what_is_on_another_disk_is_not_the_registrys(folder):
    state = folder.stat()
    with pytest.raises(Unsuitable, match="'docker/registry/v2/blobs' is on another disk"):
        Owners()._require_suitable(state, "blobs", state.st_dev + 1)
