"""Files of the machine: the operator's, and how they are written."""

import os
import stat

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from registry.machine import files
from registry.machine.files import LocalFiles, UnreadableError, read_file, write_file


def test_write_file_replaces_whole_files_with_their_mode(tmp_path):
    path = tmp_path / "x"
    write_file(path, "one")
    write_file(path, "two", 0o644)
    assert path.read_text() == "two"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_process_has_left_of_a_file_is_removed(tmp_path, monkeypatch):
    def kill(*_):
        raise KeyboardInterrupt

    path = tmp_path / "x"
    monkeypatch.setattr(os, "fsync", kill)
    with pytest.raises(KeyboardInterrupt):
        write_file(path, "half")
    assert [one.name for one in tmp_path.iterdir()] == [".x.new"]
    for _ in range(2):
        files.remove_draft(path)
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("flag", [os.O_TMPFILE, os.O_DIRECTORY], ids=["ext4", "NFS"])
def test_a_large_file_has_no_name_before_it_is_whole(tmp_path, monkeypatch, flag):
    """Where the file system can do that: a flag that it does not know is an error, as of an older Linux."""
    monkeypatch.setattr(os, "O_TMPFILE", flag)
    path = tmp_path / "backup.tar"
    for text in (b"first", b"second"):
        with files.open_private(str(path)) as file:
            file.write(text)
            names = {one.name for one in tmp_path.iterdir()} - {path.name}
            assert names == ({".backup.tar.new"} if flag == os.O_DIRECTORY else set())
        assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (text, 0o600)
    with pytest.raises(KeyboardInterrupt), files.open_private(str(path)) as file:
        raise KeyboardInterrupt
    assert ([one.name for one in tmp_path.iterdir()], path.read_bytes()) == (["backup.tar"], b"second")
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError), files.open_private(str(tmp_path / "folder")):
        pass
    assert {one.name for one in tmp_path.iterdir()} == {"backup.tar", "folder"}


def test_a_file_that_others_can_read_is_closed_although_its_text_is_right(tmp_path):
    path = tmp_path / "registry.key"
    path.write_text("key\n")
    path.chmod(0o644)
    LocalFiles().ensure(str(path), "key\n", 0o600)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_is_written_with_its_folder_unless_it_is_unchanged(tmp_path):
    path = tmp_path / "new/registry.crt"
    LocalFiles().ensure(str(path), "one\n", 0o644)
    before = path.stat().st_ino
    LocalFiles().ensure(str(path), "one\n", 0o644)
    assert (path.read_text(), path.stat().st_ino) == ("one\n", before)
    LocalFiles().remove(str(path))
    LocalFiles().remove(str(path))
    assert LocalFiles().read(str(path)) is None


def test_an_unreadable_file_is_an_error_with_its_path(tmp_path):
    pipe, large = tmp_path / "pipe", tmp_path / "large"
    os.mkfifo(pipe)
    large.write_bytes(b"x" * (files.LIMIT + 1))
    for path, words in (
        (tmp_path, "cannot be read .Is a directory.. Check the path$"),
        (pipe, "is not a regular file. Use the path of a file$"),
        (large, "is larger than 1048576 bytes. Use the path of a smaller file$"),
    ):
        with pytest.raises(UnreadableError, match=f"^{path} {words}"):
            LocalFiles().read(str(path))
        assert not LocalFiles().has_text(str(path), "")
    with pytest.raises(UnreadableError, match="cannot be read"):
        LocalFiles().read("with\0zero")


ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60) | st.sampled_from(
    ["a\r\nb", "\r", "\x85\u2028", "\ufeff", "\0"]
)


@given(ANY_TEXT)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_text_is_read_back_as_it_was_written(tmp_path, text):
    files, path = LocalFiles(), tmp_path / "text"
    files.ensure(str(path), text, 0o600)
    assert files.has_text(str(path), text)
    assert files.read(str(path)) == text
    assert read_file(path) == text


@given(st.binary(max_size=60))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_file_of_any_bytes_is_rewritten_unchanged(tmp_path, data):
    path = tmp_path / "bytes"
    path.write_bytes(data)
    text = LocalFiles().read(str(path))
    assert LocalFiles().has_text(str(path), text)
    write_file(path, text)
    assert path.read_bytes() == data
