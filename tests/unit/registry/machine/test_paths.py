"""Files in folders that other users can write."""

import os
import pathlib
import secrets
import stat

import pytest
from registry.machine.files import LocalFiles, UnreadableError
from registry.machine.paths import UnsafePath

SOMEBODY = 12345
LINK = "goes through a symbolic link that another user made"
WRITABLE = "is in a folder that other users can write"


@pytest.fixture
def foreign(monkeypatch):
    """Make a file, folder or link another user's: as root by its owner, else by being somebody else oneself."""

    def make(path):
        if os.geteuid() == 0:
            os.lchown(path, SOMEBODY, SOMEBODY)
        else:
            monkeypatch.setattr(os, "geteuid", lambda: SOMEBODY)

    return make


@pytest.fixture
def target(tmp_path):
    """A file of root's that somebody wants to have read or overwritten."""
    path = tmp_path / "target/file"
    path.parent.mkdir()
    path.write_text("root's\n")
    path.chmod(0o600)
    return path


@pytest.fixture
def in_tmp(foreign):
    """A link of another user's in the machine's own /tmp, which everybody can write."""
    path = pathlib.Path("/tmp") / f"docker-registry-{secrets.token_hex(8)}"
    yield lambda target: (path.symlink_to(target), foreign(path), path)[-1]
    path.unlink(missing_ok=True)


def test_a_planted_link_is_not_read_through(in_tmp, target):
    link = in_tmp(target)
    with pytest.raises(UnreadableError, match=f"^{link} cannot be read .{LINK}.. Check the path$"):
        LocalFiles().read(str(link))
    assert not LocalFiles().has_text(str(link), "root's\n")


@pytest.mark.parametrize("mode", [0o600, 0o644])
def test_a_planted_folder_is_not_written_into(in_tmp, target, mode):
    link = in_tmp(target.parent)
    for change in (lambda path: LocalFiles().ensure(path, "x\n", mode), LocalFiles().remove):
        with pytest.raises(UnsafePath, match=f"^{link}/file {LINK}$"):
            change(f"{link}/file")
    assert (target.read_text(), stat.S_IMODE(target.stat().st_mode)) == ("root's\n", 0o600)


def test_a_planted_link_in_place_of_a_file_is_replaced_and_not_followed(in_tmp, target):
    link = in_tmp(target)
    LocalFiles().ensure(str(link), "x\n", 0o644)
    assert (link.is_symlink(), link.read_text(), target.read_text()) == (False, "x\n", "root's\n")


def test_a_planted_draft_gets_neither_text_nor_mode(tmp_path, target, foreign):
    folder = tmp_path / "export"
    folder.mkdir()
    draft = folder / ".service.cfg.new"
    draft.symlink_to(target)
    foreign(folder)
    LocalFiles().ensure(str(folder / "service.cfg"), "x\n", 0o644)
    assert (target.read_text(), stat.S_IMODE(target.stat().st_mode)) == ("root's\n", 0o600)
    assert [path.name for path in folder.iterdir()] == ["service.cfg"]


@pytest.mark.parametrize(
    ("mode", "is_foreign", "refused"),
    [
        (0o700, False, False),
        (0o755, False, False),
        (0o757, False, True),
        (0o1777, False, True),
        (0o755, True, True),
    ],
)
def test_a_secret_is_written_only_where_nobody_else_can_write(tmp_path, foreign, mode, is_foreign, refused):
    folder = tmp_path / "keys"
    folder.mkdir()
    folder.chmod(mode)
    if is_foreign:
        foreign(folder)
    file = folder / "registry.key"
    for text in ("key\n", "key\n"):
        if refused:
            with pytest.raises(UnsafePath, match=f"^{file} {WRITABLE}$"):
                LocalFiles().ensure(str(file), text, 0o600)
        else:
            LocalFiles().ensure(str(file), text, 0o600)
    assert file.exists() == (not refused)
    LocalFiles().ensure(str(folder / "registry.crt"), "cert\n", 0o644)
    assert stat.S_IMODE((folder / "registry.crt").stat().st_mode) == 0o644


def test_links_of_root_and_of_a_folders_owner_are_read_through(tmp_path, target, foreign):
    """For example those of certbot, and those in the operator's home folder."""
    (tmp_path / "live").symlink_to("target")
    (tmp_path / "current").symlink_to(tmp_path / "live/../live/file")
    assert LocalFiles().read(str(tmp_path / "current")) == "root's\n"
    LocalFiles().ensure(str(tmp_path / "live/file"), "x\n", 0o644)
    assert target.read_text() == "x\n"
    home = tmp_path / "home"
    home.mkdir()
    (home / "registry.crt").symlink_to(target)
    for path in (home, home / "registry.crt"):
        foreign(path)
    assert LocalFiles().read(str(home / "registry.crt")) == "x\n"


def test_links_in_a_circle_end(tmp_path):
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(UnreadableError, match="Too many levels of symbolic links"):
        LocalFiles().read(str(tmp_path / "a"))


def test_nothing_is_left_open(tmp_path):
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        LocalFiles().ensure(str(tmp_path / "a/b/c"), "x\n", 0o600)
        assert LocalFiles().read(str(tmp_path / "a/b/c")) == "x\n"
        assert LocalFiles().read(str(tmp_path / "a/none")) is None
        LocalFiles().remove(str(tmp_path / "a/b/c"))
        LocalFiles().remove(str(tmp_path / "none/c"))
    assert len(os.listdir("/proc/self/fd")) == before
