"""The registry runs as a user of its own where the files of the images can be that user's, else as root."""

import errno
import os
import stat

import pytest
from charms.layer import ownership
from fake_machine import READY
from registry.machine import engine
from registry.plan.ownership import AGAIN, Ownership

LOCAL = "/srv/registry"


def runs_as(machine):
    """User and capabilities of the container."""
    body = machine.engine.containers["registry"]["body"]
    return body.get("User", "root"), body["HostConfig"]["CapAdd"]


@pytest.fixture
def as_root(deployed, machine):
    """A unit as an earlier revision left it; the user is to be had from now on."""
    user, machine.ownership.user = machine.ownership.user, ""
    deployed.hook("update-status")
    assert runs_as(machine) == ("root", ["DAC_OVERRIDE"])
    machine.ownership.user = user
    machine.ownership.foreign.add(LOCAL)
    machine.ownership.passes.clear()
    machine.engine.watched = "5000"
    return deployed


def test_a_new_unit_runs_as_the_user_and_that_one_can_read_its_files(deployed, juju, machine):
    juju.change(config={**juju.model["config"], "auth-basic-password": "secret"})
    deployed.hook("config-changed")
    assert runs_as(machine) == (machine.ownership.user, [])
    current, root = machine.store.current(), machine.store.root
    folder = machine.store.folder(current)
    paths = [root / "auth", root / "auth/htpasswd", folder, *folder.iterdir()]
    for path in paths:
        mode = 0o750 if path.is_dir() else 0o640
        assert (stat.S_IMODE(path.stat().st_mode), path.stat().st_gid) == (mode, current.container.group), path
    assert stat.S_IMODE(machine.store.folders.stat().st_mode) == 0o700, "no other path leads there"
    (folder / "config.yml").chmod(0o600)
    deployed.hook("update-status")
    assert stat.S_IMODE((folder / "config.yml").stat().st_mode) == 0o640
    machine.ownership.passes.clear()
    machine.engine.calls.clear()
    deployed.hook("update-status")
    assert (machine.ownership.passes, machine.engine.writes()) == ([], [])


def test_files_change_hands_while_root_serves_and_then_the_user_does(as_root, juju, machine):
    machine.ownership.steps = 3
    machine.ownership.foreign.clear()
    before = machine.engine.containers["registry"]["id"]
    for _ in range(2):
        as_root.hook("update-status")
        assert machine.engine.containers["registry"]["id"] == before
    as_root.hook("update-status")
    assert runs_as(machine) == (machine.ownership.user, [])
    assert machine.ownership.passes == [(LOCAL, None), (LOCAL, ("1",)), (LOCAL, ("2",))]
    serving = machine.engine.containers["registry"]["id"]
    for _ in range(5):
        as_root.hook("update-status")
    assert machine.ownership.passes[3:] == machine.ownership.passes[:3], "what root wrote last is the user's too"
    assert machine.engine.containers["registry"]["id"] == serving
    assert juju.model["status"] == READY


def test_a_storage_that_does_not_allow_it_is_served_as_before(as_root, juju, machine):
    machine.ownership.problem = "Operation not permitted"
    words, logged = "runs as root: /srv/registry: Operation not permitted.", []
    for _ in range(3):
        as_root.hook("update-status")
        logged.append(any(words in call[-1] for call in juju.called("juju-log")))
    assert logged[0], "once"
    assert runs_as(machine) == ("root", ["DAC_OVERRIDE"])
    assert juju.model["status"] == READY
    assert len(machine.ownership.passes) == 1, "not in each hook"
    machine.ownership.problem = ""
    as_root.hook("upgrade-charm")
    assert runs_as(machine) == (machine.ownership.user, [])


def test_what_fails_for_another_reason_than_the_user_does_not_make_it_root(as_root, juju, machine, monkeypatch):
    """By chance, or for a wrong option: root does not serve it either."""
    now = [1_800_000_000.0]
    monkeypatch.setattr(ownership.time, "time", lambda: now[0])
    machine.ownership.foreign.clear()
    machine.engine.images["mine:1"] = "sha256:two"
    for broken, image in (("sha256:two", "mine:1"), ("sha256:one", "registry:2")):
        machine.engine.broken.add(broken)
        juju.change(config={"registry-image": image})
        as_root.hook("config-changed")
        assert runs_as(machine) == ("root", ["DAC_OVERRIDE"])
        assert "does not start with this configuration" in juju.model["status"][1], broken
        assert machine.records.load(ownership.RECORD)["problem"] == "", broken
        assert (set(machine.engine.containers), machine.engine.outages) == ({"registry"}, [])
    machine.engine.broken.clear()
    now[0] += 61
    as_root.hook("update-status")
    assert (runs_as(machine), juju.model["status"]) == ((machine.ownership.user, []), READY)


def test_an_error_of_the_disk_says_nothing_about_the_owner(as_root, juju, machine):
    errors = [OSError(number, os.strerror(number)) for number in (errno.EIO, errno.ENOENT, errno.EACCES, errno.ESTALE)]
    for user in ("root", machine.ownership.user):
        machine.engine.calls.clear()
        for machine.ownership.error in errors:
            as_root.hook("update-status")
            assert (runs_as(machine)[0], machine.engine.writes()) == (user, []), machine.ownership.error
            assert any("The owner of /srv/registry is unknown: " in call[-1] for call in juju.called("juju-log"))
            assert juju.model["status"] == READY
        machine.ownership.error = None
        as_root.hook("update-status")


def test_an_image_that_only_root_can_run_is_run_by_root(as_root, juju, machine):
    machine.engine.of_root.add("sha256:one")
    for _ in range(2):
        as_root.hook("update-status")
        assert (runs_as(machine), juju.model["status"]) == (("root", ["DAC_OVERRIDE"]), READY)
    assert machine.engine.outages == []


def test_another_image_that_only_root_can_run_is_run_by_root(deployed, juju, machine):
    machine.engine.images["mine:1"] = "sha256:two"
    machine.engine.of_root.add("sha256:two")
    juju.change(config={"registry-image": "mine:1"})
    for _ in range(2):
        deployed.hook("config-changed")
        assert (runs_as(machine), juju.model["status"]) == (("root", ["DAC_OVERRIDE"]), READY)
        assert machine.engine.containers["registry"]["body"]["Image"] == "sha256:two"
    machine.engine.calls.clear()
    deployed.hook("update-status")
    assert machine.engine.writes() == []


def test_another_image_that_nobody_can_run_is_not_run_by_root(deployed, juju, machine):
    machine.engine.images["mine:1"] = "sha256:two"
    machine.engine.broken.add("sha256:two")
    juju.change(config={"registry-image": "mine:1"})
    deployed.hook("config-changed")
    assert runs_as(machine) == (machine.ownership.user, [])
    assert juju.model["status"][1].startswith("The registry does not start with this configuration")
    machine.engine.calls.clear()
    deployed.hook("update-status")
    assert machine.engine.writes() == [], "not in each hook"


def test_a_candidate_that_was_killed_says_nothing_about_the_user(as_root, juju, machine):
    machine.engine.of_root.add("sha256:one")
    machine.engine.exit_code = 137
    as_root.hook("update-status")
    assert runs_as(machine) == ("root", ["DAC_OVERRIDE"])
    assert "was killed" in juju.model["status"][1]
    machine.engine.of_root.clear()
    as_root.hook("update-status")
    assert (runs_as(machine), juju.model["status"]) == ((machine.ownership.user, []), READY)


def test_a_full_disk_of_the_machine_delays_nothing_else(deployed, juju, machine):
    def full(name, record):
        raise OSError(errno.ENOSPC, "No space left on device")

    machine.records.save = full
    machine.ownership.foreign.add(LOCAL)
    machine.engine.containers["registry"]["status"] = "exited"
    deployed.hook("update-status")
    assert machine.ownership.passes, "the pass was due, and could not be recorded"
    assert machine.engine.serving(5000)
    assert juju.model["status"] == READY


def make_cache_of_root(as_root, juju, machine):
    """Have the unit be a cache that root serves, with an image that only root can run."""
    user, machine.ownership.user = machine.ownership.user, ""
    machine.engine.upstreams.add("registry-1.docker.io")
    juju.change(config={"cache-remoteurl": "https://registry-1.docker.io"})
    as_root.hook("config-changed")
    machine.ownership.user = user
    machine.engine.of_root.add("sha256:one")


def test_a_cache_that_only_root_can_run_is_not_stopped_every_day_to_see_it(as_root, juju, machine, monkeypatch):
    """It has no candidate: two caches would overwrite each other's list."""
    now = [1_800_000_000.0]
    monkeypatch.setattr(ownership.time, "time", lambda: now[0])
    make_cache_of_root(as_root, juju, machine)
    as_root.hook("update-status")
    assert machine.engine.outages
    assert runs_as(machine) == ("root", ["DAC_OVERRIDE"])
    machine.engine.calls.clear()
    for _ in range(2):
        now[0] += AGAIN
        as_root.hook("update-status")
        assert machine.engine.writes() == []
    machine.engine.of_root.clear()
    as_root.hook("start")
    assert runs_as(machine) == (machine.ownership.user, [])


def test_a_cache_that_changes_at_once_is_run_by_root_where_the_user_may_not(as_root, juju, machine):
    """Nothing else says that, and another attempt costs service again."""
    make_cache_of_root(as_root, juju, machine)
    for level, error, changed in (("debug", "no such host", False), ("warn", "mkdir /x: permission denied", True)):
        machine.engine.error = f'level=error msg="{error}"\n'
        juju.change(config={"log-level": level})
        as_root.hook("config-changed")
        assert runs_as(machine) == ("root", ["DAC_OVERRIDE"])
        assert (juju.model["status"][0] == "active") is changed, juju.model["status"]


@pytest.mark.parametrize("upstream", ["", "https://registry-1.docker.io"])
def test_a_first_image_that_only_root_can_run_is_run_by_root(charm, juju, machine, upstream):
    machine.engine.of_root.add("sha256:one")
    machine.engine.upstreams.add("registry-1.docker.io")
    juju.change(config={"cache-remoteurl": upstream})
    charm.hook("install")
    assert runs_as(machine) == ("root", ["DAC_OVERRIDE"])
    assert juju.model["status"][1].startswith(READY[1])


def test_a_program_that_only_root_may_execute_is_run_by_root(as_root, juju, machine):
    """Docker says so: no registry has started that could."""
    start = machine.engine.start

    def refuse(name):
        if "User" in machine.engine.containers[name]["body"]:
            raise engine.Refused('OCI runtime create failed: exec: "/entrypoint.sh": permission denied: unknown')
        start(name)

    machine.engine.start = refuse
    machine.ownership.foreign.clear()
    as_root.hook("update-status")
    assert (runs_as(machine), juju.model["status"]) == (("root", ["DAC_OVERRIDE"]), READY)
    assert "permission denied" in machine.records.load(ownership.RECORD)["problem"]
    assert (set(machine.engine.containers), machine.engine.outages) == ({"registry"}, [])


def test_a_folder_that_is_no_longer_the_users_is_served_by_root(deployed, juju, machine):
    machine.ownership.foreign.add(LOCAL)
    machine.ownership.problem = "belongs to user 1000"
    deployed.hook("update-status")
    assert (runs_as(machine), juju.model["status"]) == (("root", ["DAC_OVERRIDE"]), READY)


def test_a_large_copy_by_root_is_served_by_root_until_all_of_it_is_the_users(deployed, machine):
    machine.ownership.steps = 3
    machine.ownership.foreign.add(LOCAL)
    served = []
    for _ in range(4):
        deployed.hook("update-status")
        served.append(runs_as(machine)[0])
    assert served == ["root", "root", "root", machine.ownership.user]


def test_a_small_copy_by_root_replaces_no_container(deployed, machine):
    before = machine.engine.containers["registry"]["id"]
    machine.ownership.foreign.add(LOCAL)
    deployed.hook("update-status")
    assert machine.engine.containers["registry"]["id"] == before
    assert LOCAL not in machine.ownership.foreign


def test_when_a_pass_is_due():
    now, root = 1_000_000.0, Ownership("/a", "root")
    done = Ownership("/a", "root", is_complete=True, ended=now)
    failed = Ownership("/a", "root", problem="x", ended=now)
    half = Ownership("/a", "root", cursor=("b",))
    for known, other, is_owner, retry, passed, due in (
        (Ownership(""), root, False, False, 0, root),
        (half, root, False, False, 0, half),
        (half, Ownership("/a", ""), False, False, 0, Ownership("/a", "")),
        (done, root, True, False, 0, None),
        (done, root, True, True, 0, None),
        (done, root, False, False, 0, root),
        (done, root, True, False, AGAIN, root),
        (done, root, True, False, -1, root),
        (done, Ownership("/a", "user"), True, False, 0, Ownership("/a", "user")),
        (done, Ownership("/b", "root"), True, False, 0, Ownership("/b", "root")),
        (failed, root, False, False, 0, None),
        (failed, root, False, True, 0, root),
        (failed, root, False, False, AGAIN, root),
    ):
        assert known.next(other, now + passed, is_owner=is_owner, retry=retry) == due, (known, other)


def test_who_can_serve():
    for known, is_owner, allowed in (
        (Ownership("/a", "root"), True, False),
        (Ownership("/a", "root", is_complete=True), True, True),
        (Ownership("/a", "root", is_complete=True), False, False),
        (Ownership("/a", "root", is_complete=True, has_rules=False), True, False),
        (Ownership("/a", "root", is_complete=True, problem="x"), True, False),
        (Ownership("/a", "", is_complete=True, has_rules=False), True, True),
        (Ownership("/a", "user"), True, True),
        (Ownership("/a", "user", problem="x"), True, True),
        (Ownership("/a", "user", is_complete=True), False, False),
    ):
        assert known.allows_user(is_owner=is_owner) is allowed, known
    assert Ownership.from_json(half := Ownership("/a", "root", ("b", "c")).to_json()).to_json() == half
    assert Ownership.from_json({"cursor": [], "other": 1}) == Ownership.from_json({}) == Ownership("")


def test_a_record_is_only_of_the_place_that_it_names(deployed, machine):
    assert machine.records.load(ownership.RECORD)["place"] == LOCAL
