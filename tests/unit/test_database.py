"""The unit's data: nothing is written in an idle hook, and a disk that takes no more is a sentence."""

import errno
import json
import os
import sqlite3

import pytest
from charmhelpers.core import hookenv, unitdata
from charms.layer import database
from charms.layer.database import Database


def writes(folder):
    """Return what shows that a file below the unit's folder was written."""
    return {path.name: (path.stat().st_mtime_ns, path.stat().st_ino) for path in folder.iterdir()}


def test_an_idle_hook_writes_nothing(deployed, machine):
    deployed.hook("update-status")
    before = writes(deployed.folder)
    deployed.hook("update-status")
    assert writes(deployed.folder) == before


@pytest.fixture
def full(monkeypatch):
    """Let SQLite find no page for anything new, as on a full disk."""
    connect = sqlite3.connect

    def cramped(path):
        connection = connect(path)
        pages = connection.execute("pragma page_count").fetchone()[0]
        connection.execute(f"pragma max_page_count = {max(pages, 1)}")
        return connection

    monkeypatch.setattr(database.sqlite3, "connect", cramped)


def test_a_full_disk_is_a_sentence_and_options_are_applied(deployed, juju, machine, full):
    juju.change(config={"storage-read-only": True, "log-level": "x" * 100_000})
    deployed.hook("config-changed")
    assert juju.model["status"][0] == "blocked"
    deployed.hook("update-status")
    assert machine.store.current().is_read_only


WEBSITE = {"JUJU_RELATION": "website", "JUJU_RELATION_ID": "website:3", "JUJU_REMOTE_UNIT": "haproxy/0"}


def proxied(juju, address):
    juju.change(relations={"website:3": {"haproxy/0": {"ingress-address": address}}})


@pytest.mark.parametrize("after", [[], ["start"], ["update-status"]], ids=["hook", "action", "idle hook"])
def test_what_a_hook_read_and_could_not_keep_is_read_again(deployed, juju, machine, actions, monkeypatch, after):
    """Juju says once that a databag has changed. A full disk takes no note of that, but a date of a file."""

    def refuse(*_):
        raise sqlite3.OperationalError("database or disk is full")

    proxied(juju, "10.0.0.1")
    deployed.hook("website-relation-joined", **WEBSITE)
    with monkeypatch.context() as full:
        full.setattr(database, "_write", refuse)
        full.setattr(machine.records, "save", lambda *_: (_ for _ in ()).throw(OSError(errno.ENOSPC, "no room")))
        proxied(juju, "10.0.0.2")
        deployed.hook("website-relation-changed", **WEBSITE)
        assert juju.model["status"][0] == "blocked"
    for name in after:
        deployed.action(name, actions, name="") if name == "start" else deployed.hook(name)
    deployed.hook("update-status")
    assert "10.0.0.2:5000" in juju.model["status"][1]
    asked = deployed.hook("leader-settings-changed")
    assert not [call for call in asked if call[0] == "relation-get"], "it is read again once"


def test_rows_that_do_not_fit_are_said(charm, juju, machine, full):
    charm.handlers(
        "from charmhelpers.core import unitdata\n"
        "from charms.reactive import when_not\n"
        "@when_not('x')\n"
        "def fill():\n"
        "    unitdata.kv().set('many', 'x' * 1_000_000)\n"
    )
    charm.hook("update-status")
    state, words = juju.model["status"]
    assert state == "blocked"
    assert words == (
        f"The unit's data cannot be saved in {charm.folder}: database or disk is full. "
        "Free space on the machine. Retrying automatically."
    )


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
def test_a_handler_that_meets_a_full_disk_fails_no_hook(charm, juju, machine, number):
    charm.handlers(
        f"from charms.reactive import when_not\n@when_not('x')\ndef fill():\n    raise OSError({number}, 'no room')\n"
    )
    charm.hook("update-status")
    assert juju.model["status"][0] == "blocked"
    assert "no room" in juju.model["status"][1]


def test_other_errors_still_fail_the_hook(charm, machine):
    charm.handlers("from charms.reactive import when_not\n@when_not('x')\ndef fill():\n    raise OSError(5, 'x')\n")
    with pytest.raises(OSError, match="x"):
        charm.hook("update-status")


def test_a_stop_that_cannot_be_kept_is_not_begun(deployed, machine, actions, monkeypatch):
    def refuse(*_):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(database, "_write", refuse)
    done = deployed.action("stop", actions, name="", remove=False)
    assert "database or disk is full" in done["failure"]
    assert machine.engine.serving(5000)


def test_options_that_cannot_be_saved_are_said_and_the_previous_ones_stay(deployed, juju, machine, monkeypatch):
    saved = deployed.folder / hookenv.Config.CONFIG_FILE_NAME
    before = saved.read_text()

    def refuse(path, text):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(database, "write_file", refuse)
    juju.change(config={"registry-port": 6000})
    deployed.hook("config-changed")
    assert "No space left on device" in juju.model["status"][1]
    assert saved.read_text() == before
    monkeypatch.undo()


def test_the_rows_are_charmhelpers_own(tmp_path):
    path = str(tmp_path / "db")
    theirs = unitdata.Storage(path)
    theirs.set("a", {"b": 1})
    theirs.set("reactive.states.docker.available", None)
    theirs.flush()
    theirs.close()
    ours = Database(path)
    assert ours.get("a") == {"b": 1}
    assert ours.get("a", record=True).b == 1
    assert ours.get("none", 5) == 5
    ours.set("p.one", 1)
    ours.update({"two": 2}, "p.")
    assert ours.getrange("p.", strip=True) == {"one": 1, "two": 2}
    ours.unsetrange(["one"], "p.")
    ours.unset("a")
    ours.flush()
    again = unitdata.Storage(path)
    assert again.getrange("") == {"p.two": 2}
    again.close()
    ours.unsetrange(prefix="p.")
    ours.flush(False)
    assert ours.getrange("p.") == {"p.two": 2}


def test_a_new_database_is_readable_by_its_owner_only(tmp_path):
    rows = Database(str(tmp_path / "db"))
    rows.set("a", 1)
    rows.flush()
    assert os.stat(tmp_path / "db").st_mode & 0o777 == 0o600
    assert json.loads(dict(sqlite3.connect(tmp_path / "db").execute("select key, data from kv"))["a"]) == 1


@pytest.mark.parametrize("junk", [b"junk", b"\0" * 5000, b"SQLite format 3\0" + b"x" * 5000])
def test_a_damaged_database_is_kept_aside_and_the_unit_goes_on(deployed, juju, machine, junk):
    status, current = juju.model["status"], machine.store.current()
    path = deployed.folder / ".unit-state.db"
    path.write_bytes(junk)
    deployed.hook("update-status")
    deployed.hook("start")
    assert (juju.model["status"], machine.store.current()) == (status, current)
    assert (deployed.folder / ".unit-state.db.damaged").read_bytes() == junk
