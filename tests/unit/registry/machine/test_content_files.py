"""The files of a registry's content."""

import hashlib

import pytest
from registry.images import damage
from registry.images.manifest import Descriptor
from registry.machine.content_files import ContentFiles, WrongContent

DATA = b"layer" * 100
DIGEST = f"sha256:{hashlib.sha256(DATA).hexdigest()}"


@pytest.fixture
def file(tmp_path):
    path = tmp_path / damage.path(DIGEST)
    path.parent.mkdir(parents=True)
    return path


def test_what_is_wrong_with_a_file(tmp_path, file):
    files, part = ContentFiles(str(tmp_path)), Descriptor(DIGEST, "", len(DATA))
    assert files.read_state(part) == damage.MISSING
    for data, state in ((b"", damage.EMPTY), (DATA[:9], damage.TRUNCATED), (DATA[::-1], damage.CORRUPT), (DATA, "")):
        file.write_bytes(data)
        assert files.read_state(part) == state


def test_a_file_is_replaced_at_once_by_the_right_content_only(tmp_path, file):
    files = ContentFiles(str(tmp_path))
    file.write_bytes(b"broken")
    file.chmod(0o640)
    with pytest.raises(WrongContent):
        files.replace(DIGEST, iter([b"other"]))
    assert file.read_bytes() == b"broken"
    files.replace(DIGEST, iter([DATA[:7], DATA[7:]]))
    assert (file.read_bytes(), file.stat().st_mode & 0o777) == (DATA, 0o640)
    assert list(file.parent.iterdir()) == [file]


def test_links_that_the_registry_may_have_made_lead_nowhere(tmp_path, file):
    files, other = ContentFiles(str(tmp_path)), tmp_path / "other"
    other.write_bytes(b"theirs")
    file.write_bytes(b"broken")
    file.with_name("data.repair").symlink_to(other)
    files.replace(DIGEST, iter([DATA]))
    assert (file.read_bytes(), other.read_bytes()) == (DATA, b"theirs")
    away = tmp_path / "away"
    file.parent.rename(away)
    file.parent.symlink_to(away)
    with pytest.raises(NotADirectoryError):
        files.replace(DIGEST, iter([DATA]))


def test_the_digest_of_a_tag(tmp_path):
    files, link = ContentFiles(str(tmp_path)), tmp_path / damage.tag_path("team/app", "1.0")
    assert files.read_link("team/app", "1.0") == ""
    link.parent.mkdir(parents=True)
    for text, digest in ((b"", ""), (b"\xff\0", ""), (DIGEST.encode(), DIGEST)):
        link.write_bytes(text)
        assert files.read_link("team/app", "1.0") == digest
