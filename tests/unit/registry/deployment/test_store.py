"""The folders of configuration on the unit."""

import dataclasses
import shutil
import stat

import pytest
from deploying import release
from registry.deployment.store import Store


def test_nothing_is_current_at_first(store):
    assert store.current() is None
    assert store.unfinished_switch() == set()


def test_the_current_release_is_read_back_whole(store):
    one = release()
    store.write(one)
    assert store.current() is None
    store.make_current(one)
    assert store.current() == one
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
        store.make_current(one)
    assert sorted(path.name for path in store.folders.iterdir()) == sorted(one.digest for one in releases[1:])


def test_a_folder_that_is_right_is_not_touched(store):
    one = release()
    store.write(one)
    inode = store.folder(one).stat().st_ino
    store.write(one)
    assert store.folder(one).stat().st_ino == inode


@pytest.mark.parametrize("text", ["", "version: 0.1\n"])
def test_an_altered_file_is_noticed_and_repaired(store, text):
    one = release()
    store.write(one)
    store.make_current(one)
    (store.folder(one) / "config.yml").write_text(text)
    assert store.current() is None
    assert not store.is_intact(one)
    store.write(one)
    assert store.current() == one


def test_the_predecessors_plain_config_file_is_no_release(store):
    store.root.mkdir(parents=True)
    store.link.write_text("version: 0.1\n")
    assert store.current() is None
    store.write(release())
    store.make_current(release())
    assert store.current() == release()


def test_what_a_link_in_place_of_the_folder_leads_to_is_made_again(store, tmp_path):
    store.root.mkdir(parents=True)
    theirs = tmp_path / "theirs/deep"
    store.folders.symlink_to(theirs)
    for _ in range(2):
        store.write(release())
        store.make_current(release())
        assert store.current() == release()
        shutil.rmtree(theirs)  # as a boot does with all in /tmp
    assert store.folders.is_symlink()


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
    assert Store(store.root).unfinished_switch() == {"registry", "images"}
    store.end_switch()
    assert store.unfinished_switch() == set()


def test_remove_removes_everything(store):
    store.write(release())
    store.remove()
    store.remove()
    assert not store.root.exists()


@pytest.mark.parametrize("text", ["a\r\nb\r\n", "a\rb", "\ufeffa", "a\0", "\x85\u2028", ""])
def test_texts_are_read_back_as_they_are(store, text):
    one = dataclasses.replace(release(), others={"tls.crt": text})
    store.write(one)
    store.make_current(one)
    assert store.is_intact(one)
    assert store.current() == one
