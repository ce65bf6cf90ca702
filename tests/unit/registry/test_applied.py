"""The folders of configuration on the unit."""

import stat

import pytest
from registry.deployment.store import Applied
from test_switch import release


@pytest.fixture
def store(tmp_path):
    return Applied(tmp_path / "registry")


def test_nothing_is_in_force_at_first(store):
    assert store.in_force() is None
    assert store.unfinished_switch() == set()


def test_a_release_in_force_is_read_back_whole(store):
    one = release()
    store.write(one)
    assert store.in_force() is None
    store.put_in_force(one)
    assert store.in_force() == one
    assert (store.root / "config.yml").read_text() == one.config_yml


def test_only_root_can_read_it(store):
    one = release()
    store.write(one)
    modes = {
        path: stat.S_IMODE(path.stat().st_mode)
        for path in (store.folders, store.folder(one), *store.folder(one).iterdir())
    }
    assert all(mode & 0o077 == 0 for mode in modes.values()), modes


def test_the_release_before_is_kept_and_older_ones_go(store):
    releases = [release(secret=str(number)) for number in range(3)]
    for one in releases:
        store.write(one)
        store.put_in_force(one)
    assert sorted(path.name for path in store.folders.iterdir()) == sorted(one.digest for one in releases[1:])


def test_a_folder_that_is_right_is_not_touched(store):
    one = release()
    store.write(one)
    inode = store.folder(one).stat().st_ino
    store.write(one)
    assert store.folder(one).stat().st_ino == inode


@pytest.mark.parametrize("text", ["", "version: 0.1\n"])
def test_an_altered_file_is_noticed_and_mended(store, text):
    one = release()
    store.write(one)
    store.put_in_force(one)
    (store.folder(one) / "config.yml").write_text(text)
    assert store.in_force() is None
    assert not store.is_intact(one)
    store.write(one)
    assert store.in_force() == one


def test_the_predecessors_plain_config_file_is_no_release(store):
    store.root.mkdir(parents=True)
    store.link.write_text("version: 0.1\n")
    assert store.in_force() is None
    store.write(release())
    store.put_in_force(release())
    assert store.in_force() == release()


def test_a_draft_that_a_crash_left_does_no_harm(store):
    one = release()
    draft = store.folders / f".{one.digest}"
    draft.mkdir(parents=True)
    (draft / "config.yml").write_text("half")
    store.write(one)
    assert store.is_intact(one)


def test_a_switch_is_noted_until_it_ends(store):
    store.write(release())
    store.begin_switch({"registry", "images"})
    assert Applied(store.root).unfinished_switch() == {"registry", "images"}
    store.end_switch()
    assert store.unfinished_switch() == set()


def test_remove_takes_everything(store):
    store.write(release())
    store.remove()
    store.remove()
    assert not store.root.exists()


def test_users_are_for_root_alone_and_are_written_when_they_change(store):
    assert store.users() == ""
    store.write_users("me:$2y$x\n")
    assert store.users() == "me:$2y$x\n"
    file = store.root / "auth" / "htpasswd"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    before = file.stat().st_ino
    store.write_users("me:$2y$x\n")
    assert file.stat().st_ino == before
    store.remove_users()
    assert store.users() == ""


def test_the_charms_own_certificate_is_made_once_and_is_for_root_alone(store):
    assert store.identity(lambda: "one") == "one"
    assert store.identity(lambda: "two") == "one"
    assert stat.S_IMODE(store.identity_file.stat().st_mode) == 0o600
    store.remove()
    assert not store.identity_file.exists()


def test_the_charms_own_password_is_random_stays_and_is_for_root_alone(store, tmp_path):
    password = store.password()
    assert len(password) >= 43
    assert store.password() == password != Applied(tmp_path / "other").password()
    assert stat.S_IMODE((store.root / "password").stat().st_mode) == 0o600
