"""Users, and what the charm itself logs in with."""

import stat

import pytest
from registry.deployment.credentials import Credentials
from registry.formats.htpasswd import User


@pytest.fixture
def root(tmp_path):
    return tmp_path / "registry"


@pytest.fixture
def credentials(root):
    return Credentials(root)


def test_users_are_for_root_alone_and_are_written_when_they_change(credentials, root):
    assert credentials.users() == ""
    credentials.write_users("me:$2y$x\n")
    assert credentials.users() == "me:$2y$x\n"
    file = root / "auth" / "htpasswd"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    before = file.stat().st_ino
    credentials.write_users("me:$2y$x\n")
    assert file.stat().st_ino == before
    credentials.remove_users()
    assert credentials.users() == ""


def test_verdicts_are_for_root_alone_and_are_written_when_they_change(credentials, root):
    nothing = credentials.verdicts()
    credentials.save_verdicts(nothing)
    assert not root.exists()
    known = nothing.of([User("me", "hush")], "me:$2y$x\n")
    credentials.save_verdicts(known)
    file = root / "verdicts.json"
    assert credentials.verdicts() == known
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "hush" not in file.read_text() + repr(known)
    before = file.stat().st_ino
    credentials.save_verdicts(known)
    assert file.stat().st_ino == before
    file.write_text("{")
    assert credentials.verdicts().digests == frozenset()
    credentials.save_verdicts(known)
    assert credentials.verdicts() == known


def test_the_charms_own_certificate_is_made_once_and_is_for_root_alone(credentials, root):
    assert credentials.identity(lambda: "one") == "one"
    assert credentials.identity(lambda: "two") == "one"
    assert stat.S_IMODE(credentials.identity_file.stat().st_mode) == 0o600
    credentials.remove()
    assert not root.exists()


def test_the_charms_own_password_is_random_stays_and_is_for_root_alone(credentials, root, tmp_path):
    password = credentials.password()
    assert len(password) >= 43
    assert credentials.password() == password != Credentials(tmp_path / "other").password()
    assert stat.S_IMODE((root / "password").stat().st_mode) == 0o600
