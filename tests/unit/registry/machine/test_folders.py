"""Folders of images."""

import os
import stat

import pytest
from registry.machine.folders import Folders

PROBE = "docker-registry-charm/probe"


def test_what_a_cancelled_upload_leaves_goes_and_nothing_else(tmp_path):
    left = tmp_path / "docker/registry/v2/repositories/docker-registry-charm/probe/_uploads/1/hashstates/sha256/0"
    kept = tmp_path / "docker/registry/v2/repositories/ubuntu"
    left.parent.mkdir(parents=True)
    left.write_text("")
    kept.mkdir()
    Folders().remove_repository(str(tmp_path), PROBE)
    Folders().remove_repository(str(tmp_path), PROBE)
    assert [path.name for path in kept.parent.iterdir()] == ["ubuntu"]


def test_images_are_what_is_in_a_repository_but_for_that_of_a_proof(tmp_path):
    folders, folder = Folders(), str(tmp_path / "there/registry")
    assert (folders.is_there(folder), folders.has_images(folder, PROBE)) == (False, False)
    folders.ensure(folder)
    assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700
    probe = tmp_path / "there/registry/docker/registry/v2/repositories/docker-registry-charm"
    probe.mkdir(parents=True)
    folders.ensure(folder)
    assert (folders.is_there(folder), folders.has_images(folder, PROBE)) == (True, False)
    (probe.parent / "ubuntu").mkdir()
    assert folders.has_images(folder, PROBE)
    (tmp_path / "file").write_text("no folder")
    assert not folders.is_there(str(tmp_path / "file"))
    assert not folders.has_images(str(tmp_path / "file"), PROBE)


@pytest.mark.parametrize(
    ("blocks", "inodes", "shortage"),
    [((9, 9), (9, 9), ""), ((9, 0), (9, 9), "space"), ((9, 9), (9, 0), "inodes"), ((9, 9), (0, 0), "")],
)
def test_a_full_disk_has_no_space_or_no_inodes(monkeypatch, blocks, inodes, shortage):
    # bsize, frsize, blocks, bfree, bavail, files, ffree, favail, flag, namemax
    state = os.statvfs_result((4096, 4096, *blocks, 0, *inodes, 0, 0, 255))
    monkeypatch.setattr(os, "statvfs", lambda folder: state)
    assert Folders().read_space("/srv/registry").shortage == shortage


def test_a_folder_that_is_not_there_has_no_disk(tmp_path):
    assert Folders().read_space(str(tmp_path / "none")) is None
    assert Folders().read_space(str(tmp_path)).size > 0


def test_a_reserve_takes_its_size_and_follows_no_link(tmp_path):
    folders, path = Folders(), tmp_path / "docker-registry-reserve"
    folders.create_reserve(str(tmp_path), 1 << 20)
    assert folders.has_reserve(str(tmp_path), 1 << 20)
    assert (folders.remove_reserve(str(tmp_path)), folders.remove_reserve(str(tmp_path))) == (1 << 20, 0)
    other = tmp_path / "other"
    path.symlink_to(other)
    assert not folders.has_reserve(str(tmp_path), 0)
    folders.create_reserve(str(tmp_path), 1 << 20)
    assert (path.is_symlink(), other.exists()) == (False, False)
    assert len(list(path.iterdir())) == 65
    with (path / "space").open("w") as file:
        file.truncate(1 << 20)
    assert not folders.has_reserve(str(tmp_path), 1 << 20), "that is a sparse copy"
