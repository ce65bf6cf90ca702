"""What was refused is said, and not tried in every hook: each attempt may cost service."""

import contextlib
import dataclasses

import fakes
import pytest
from charms.layer import attempts
from fake_machine import READY

STORE = {"storage-s3-bucket": "images", "storage-s3-region": "here"}
UPSTREAM = "https://registry-1.docker.io"


def candidate_refused(juju, machine):
    machine.engine.broken.add("sha256:bad")
    machine.engine.images["mine:1"] = "sha256:bad"
    juju.change(config={"registry-image": "mine:1"})
    return lambda: machine.engine.broken.clear()


def candidate_silent(juju, machine):
    machine.engine.deaf.add("sha256:bad")
    machine.engine.images["mine:1"] = "sha256:bad"
    juju.change(config={"registry-image": "mine:1"})
    return lambda: machine.engine.deaf.clear()


def upstream_refused(juju, machine):
    juju.change(config={"cache-remoteurl": UPSTREAM})
    return lambda: machine.engine.upstreams.add("registry-1.docker.io")


def settings_refused(juju, machine):
    """A cache has no candidate: the container itself is looked at before anything is stopped."""
    machine.engine.upstreams.add("registry-1.docker.io")
    machine.engine.altered = {"Memory": 0, "MemorySwap": 0}
    juju.change(config={"cache-remoteurl": UPSTREAM, "container-memory-limit": "1g"})
    return lambda: machine.engine.altered.clear()


def swift_refused(juju, machine):
    juju.change(config={f"storage-swift-{name}": "x" for name in ("username", "password")})
    juju.change(config={"storage-swift-authurl": "http://swift:8080/auth/v1.0", "storage-swift-container": "away"})
    return lambda: machine.swift_absent.clear()


def container_refused(juju, machine):
    """Docker refuses only the container that publishes the port: the registry was stopped for it."""
    start = machine.engine.start

    def refuse(name):
        if name == "registry" and "6000" in str(machine.engine.containers[name]["body"]["HostConfig"]):
            raise fakes.engine.EngineError("container registry cannot be started: cannot assign requested address")
        start(name)

    machine.engine.start = refuse
    juju.change(config={"registry-port": 6000})

    def fix():
        machine.engine.start = start

    return fix


KINDS = [candidate_refused, candidate_silent, upstream_refused, settings_refused, swift_refused, container_refused]


@pytest.fixture
def clock(monkeypatch):
    """The machine's time of day."""
    now = [1_800_000_000.0]
    monkeypatch.setattr(attempts.time, "time", lambda: now[0])
    return now


def tries(machine):
    """Return what was done to containers, and to the store, besides looking."""
    return machine.engine.writes() + machine.swift_calls


@pytest.mark.parametrize("kind", KINDS)
def test_a_refusal_is_said_and_not_repeated(deployed, juju, machine, clock, kind):
    kind(juju, machine)
    deployed.hook("config-changed")
    status = juju.model["status"]
    assert status[0] == "blocked"
    assert status[1].endswith("Still serving at 10.0.0.10:5000 (http).")
    machine.engine.calls.clear()
    machine.swift_calls.clear()
    for hook in ("update-status", "config-changed", "update-status"):
        deployed.hook(hook)
        assert juju.model["status"] == status
        assert tries(machine) == []
        assert machine.engine.serving(5000)


@pytest.mark.parametrize("kind", KINDS)
def test_the_registry_is_kept_meanwhile(deployed, juju, machine, clock, kind):
    kind(juju, machine)
    deployed.hook("config-changed")
    machine.engine.stop("registry")
    deployed.hook("update-status")
    assert machine.engine.serving(5000)


@pytest.mark.parametrize("kind", KINDS)
def test_the_action_start_tries_again(deployed, juju, machine, actions, clock, kind):
    fix = kind(juju, machine)
    deployed.hook("config-changed")
    fix()
    deployed.action("start", actions, name="")
    assert juju.model["status"][0] == "active"


@pytest.mark.parametrize("hook", ["start", "upgrade-charm"])
def test_a_reboot_tries_again(deployed, juju, machine, clock, hook):
    fix = container_refused(juju, machine)
    deployed.hook("config-changed")
    fix()
    deployed.hook(hook)
    assert juju.model["status"][0] == "active"


@pytest.mark.parametrize("kind", KINDS)
def test_a_change_and_back_tries_again(deployed, juju, machine, clock, kind):
    before = juju.model["config"]
    fix = kind(juju, machine)
    deployed.hook("config-changed")
    requested = juju.model["config"]
    juju.change(config=before)
    deployed.hook("config-changed")
    assert juju.model["status"] == READY
    fix()
    juju.change(config=requested)
    deployed.hook("config-changed")
    assert juju.model["status"][0] == "active"


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind is not container_refused])
def test_what_costs_no_service_is_tried_less_and_less_often(deployed, juju, machine, clock, kind):
    # The delays are the same whatever was refused: all of them once, and elsewhere that they grow.
    minutes = (1, 3, 7, 15, 31, 61, 91) if kind is candidate_refused else (1, 3)
    fix = kind(juju, machine)
    deployed.hook("config-changed")
    begin = clock[0]
    for minute in minutes:
        for seconds, is_tried in ((minute * 60 - 1, False), (minute * 60, True)):
            clock[0] = begin + seconds
            deployed.hook("update-status")
            assert (machine.records.load(attempts.RECORD)["time"] == clock[0]) is is_tried, seconds
    fix()
    clock[0] += attempts.LONGEST_SECONDS
    deployed.hook("update-status")
    assert juju.model["status"][0] == "active"


def test_what_costs_service_is_not_tried_again_by_itself(deployed, juju, machine, clock):
    container_refused(juju, machine)
    deployed.hook("config-changed")
    assert "run `juju run docker-registry/0 start`" in juju.model["status"][1]
    machine.engine.calls.clear()
    clock[0] += 86400
    deployed.hook("update-status")
    assert tries(machine) == []


def candidate_killed(juju, machine):
    machine.engine.exit_code, machine.engine.error = 137, ""
    return candidate_refused(juju, machine)


def container_killed(juju, machine):
    """The one that replaces the registry, whose candidate has served."""
    machine.engine.exit_code = 137
    start = machine.engine.start

    def end(name):
        start(name)
        if name == "registry" and "6000" in str(machine.engine.containers[name]["body"]["HostConfig"]):
            machine.engine.containers[name]["status"] = "exited"

    machine.engine.start = end
    juju.change(config={"registry-port": 6000})

    def fix():
        machine.engine.start = start

    return fix


@pytest.mark.parametrize("kind", [candidate_killed, container_killed])
def test_what_was_killed_is_tried_again_in_the_next_hook_and_then_from_time_to_time(
    deployed, juju, machine, clock, kind
):
    """Nothing is wrong with the configuration, so the unit is blocked only once that was no chance."""
    words = "The registry was killed while its new configuration was verified. Retrying automatically."
    fix = kind(juju, machine)
    deployed.hook("config-changed")
    assert (juju.model["status"][0], juju.model["status"][1].startswith(words)) == ("waiting", True)
    assert juju.model["status"][1].endswith("Still serving at 10.0.0.10:5000 (http).")
    for seconds, is_tried in ((0, True), (59, False), (60, True), (179, False), (180, True)):
        machine.engine.calls.clear()
        clock[0] = 1_800_000_000.0 + seconds
        deployed.hook("update-status")
        assert (bool(tries(machine)), juju.model["status"][0]) == (is_tried, "blocked"), seconds
        assert machine.engine.serving(5000)
    fix()
    clock[0] += 240
    deployed.hook("update-status")
    assert juju.model["status"][0] == "active"


def test_a_kill_by_chance_is_over_with_the_next_hook(deployed, juju, machine, clock):
    fix = container_killed(juju, machine)
    deployed.hook("config-changed")
    fix()
    deployed.hook("update-status")
    assert juju.model["status"][0] == "active"


def test_a_docker_that_ended_during_a_switch_says_nothing_about_the_configuration(deployed, juju, machine, clock):
    start = machine.engine.start

    def end(name):
        if name == "registry":
            machine.engine.start = start
            raise fakes.engine.Disconnected("container registry cannot be started: Connection aborted")
        start(name)

    machine.engine.start = end
    juju.change(config={"log-level": "debug"})
    deployed.hook("config-changed")
    assert juju.model["status"][1].startswith("Docker failed: container registry cannot be started")
    deployed.hook("update-status")
    assert juju.model["status"] == READY
    assert machine.engine.serving(5000)


def test_a_clock_that_was_wrong_delays_nothing(deployed, juju, machine, clock):
    fix = candidate_refused(juju, machine)
    deployed.hook("config-changed")
    fix()
    clock[0] -= 86400
    deployed.hook("update-status")
    assert juju.model["status"][0] == "active"


def test_a_drift_that_a_replacement_does_not_remove_is_said_once(charm, juju, machine, clock):
    machine.engine.upstreams.add("registry-1.docker.io")
    juju.change(config={"cache-remoteurl": UPSTREAM, "container-memory-limit": "1g"})
    charm.hook("install")
    machine.engine.altered = {"Memory": 0, "MemorySwap": 0}  # a kernel without memory limits was booted
    machine.engine.containers["registry"]["body"]["HostConfig"] |= machine.engine.altered
    charm.hook("update-status")
    assert "Docker does not apply the requested container settings" in juju.model["status"][1]
    machine.engine.calls.clear()
    charm.hook("update-status")
    assert machine.engine.writes() == []
    assert machine.engine.serving(5000)
    machine.engine.stop("registry")
    charm.hook("update-status")
    assert machine.engine.serving(5000), "it is started again although it differs"


def test_killed_during_an_attempt_nothing_is_remembered(deployed, juju, machine, clock):
    fix = container_refused(juju, machine)
    machine.engine.calls.clear()
    machine.engine.dies_at = 8
    with contextlib.suppress(fakes.Killed):
        deployed.hook("config-changed")
    machine.engine.dies_at = None
    fix()
    deployed.hook("update-status")
    assert juju.model["status"][0] == "active"


@pytest.mark.parametrize(
    "authentication", [{"auth-basic-password": "one"}, {"storage-read-only": False, "log-level": "debug"}]
)
def test_a_storage_that_could_not_be_written_before_is_a_warning(deployed, juju, machine, authentication):
    machine.engine.full.add("sha256:one")
    juju.change(config=authentication)
    deployed.hook("config-changed")
    assert juju.model["status"][0] == "active"
    assert "The registry cannot use its storage, as before this change" in juju.model["status"][1]


@pytest.mark.parametrize(("error", "state"), [("No space left on device", "active"), ("access denied", "blocked")])
def test_a_full_disk_does_not_keep_a_read_only_registry_from_a_change(deployed, juju, machine, error, state):
    juju.change(config={"storage-read-only": True})
    deployed.hook("config-changed")
    machine.engine.full.add("sha256:one")
    machine.engine.error = f'level=error msg="write /var/lib/registry/x: {error}" '
    juju.change(config={"storage-read-only": False, "auth-basic-password": "one"})
    deployed.hook("config-changed")
    assert juju.model["status"][0] == state
    assert (machine.store.current().authentication == "htpasswd") is (state == "active")


def test_a_storage_that_only_the_new_image_cannot_write_is_an_error(deployed, juju, machine):
    machine.engine.full.add("sha256:two")
    machine.engine.images["mine:1"] = "sha256:two"
    juju.change(config={"registry-image": "mine:1"})
    deployed.hook("config-changed")
    assert juju.model["status"][0] == "blocked"
    assert machine.store.current().container.image_id == "sha256:one"


def test_the_first_error_is_the_one_that_is_said(deployed, juju, machine, clock):
    container_refused(juju, machine)
    rename, fails = machine.engine.rename, []

    def refuse(name, new_name):
        if new_name == "registry" and fails:
            raise fakes.engine.EngineError("container registry-previous cannot be renamed")
        fails.extend(["from now on"] if new_name == "registry" else [])
        rename(name, new_name)

    machine.engine.rename = refuse
    deployed.hook("config-changed")
    assert "cannot assign requested address" in juju.model["status"][1]
    machine.engine.rename = rename
    deployed.hook("update-status")
    assert machine.engine.serving(5000)


def test_an_address_that_the_machine_does_not_have_is_said_before_anything_is_stopped(deployed, juju, machine):
    machine.ports.missing.add("10.9.9.9")
    juju.change(config={"prometheus-metrics": True, "debug-address": "10.9.9.9", "storage-read-only": True})
    deployed.hook("config-changed")
    assert juju.model["status"][1].startswith(
        "debug-address: the machine has no address 10.9.9.9. Use one that `ip address` shows, or reset it."
    )
    assert machine.store.current().is_read_only, "everything else is applied"
    machine.engine.calls.clear()
    deployed.hook("update-status")
    assert machine.engine.writes() == []
    machine.ports.missing.clear()
    deployed.hook("update-status")
    assert juju.model["status"] == READY


@pytest.mark.parametrize("what", ["space", "inodes"])
def test_a_full_disk_stays_a_warning_and_keeps_nothing_from_being_applied(deployed, juju, machine, what):
    full = {"space": {"free": 0, "left": 0}, "inodes": {"inodes_left": 0}}
    machine.folders.space = dataclasses.replace(machine.folders.space, **full[what])
    machine.engine.full.add("sha256:one")
    juju.change(config={"auth-basic-password": "one"})
    deployed.hook("config-changed")
    assert machine.store.current().authentication == "htpasswd"
    deployed.hook("update-status")
    assert juju.model["status"][0] == "active"
    words = {"space": "0 B of 107.4 GB", "inodes": "0 of 1000 inodes"}[what]
    assert f"Pushes are refused, because the disk with the images has only {words} free" in juju.model["status"][1]


def test_users_of_a_refused_change_are_not_written_in_every_hook(deployed, juju, machine, clock):
    candidate_refused(juju, machine)
    juju.change(config={"auth-basic-users": "me: pw"})
    deployed.hook("config-changed")
    assert juju.model["status"][0] == "blocked"
    folder = machine.credentials._users.parent
    before = folder.stat().st_mtime_ns
    deployed.hook("update-status")
    assert (folder.stat().st_mtime_ns, machine.credentials.users()) == (before, "")


@pytest.mark.parametrize("read_only", [False, True])
def test_a_store_that_is_away_is_said_of_a_registry_that_does_not_know_it_yet(
    deployed, juju, machine, clock, read_only
):
    """It answers 200 at / until its own check has failed some times."""
    juju.change(config={**STORE, "storage-read-only": read_only})
    deployed.hook("config-changed")
    machine.engine.away = "500"
    juju.change(config={"log-level": "debug"})
    deployed.hook("config-changed")
    words = "Storage unreachable: the registry answers {}. Check the storage"
    assert machine.store.current().config_yml.count('level: "debug"') == 1, "the one before could not use it either"
    for seconds in (0, 10, 20, 30, 40):
        clock[0] += 10 if seconds else 0
        deployed.hook("update-status")
        status = juju.model["status"]
        answer = 503 if seconds > 30 else 500
        assert (status[0], status[1].startswith(words.format(answer))) == ("blocked", True), (seconds, status)
    machine.engine.away = ""
    deployed.hook("update-status")
    assert juju.model["status"][0] == "active"


@pytest.mark.parametrize(
    ("seconds", "hanging", "state"), [(10, True, "blocked"), (60, True, "blocked"), (60, False, "active")]
)
def test_a_store_that_has_failed_is_asked_until_it_answers(deployed, juju, machine, clock, seconds, hanging, state):
    """Where it does not even refuse, the registry's own check takes its time to fail."""
    juju.change(config=STORE)
    deployed.hook("config-changed")
    machine.engine.away, machine.engine.hanging = "500", True
    machine.engine.stop("registry")
    deployed.hook("update-status")
    assert juju.model["status"][0] == "blocked"
    clock[0] += seconds
    machine.engine.away = "500" if hanging else ""
    deployed.hook("update-status")
    assert juju.model["status"][0] == state


@pytest.mark.parametrize("knows", [False, True])
def test_what_was_refused_without_the_store_is_tried_as_soon_as_that_is_back(deployed, juju, machine, clock, knows):
    """Whether the registry that runs knows that it is away, or has not asked yet."""
    juju.change(config=STORE)
    deployed.hook("config-changed")
    clock[0] += 3600 * knows
    machine.engine.away = "500"
    fix = candidate_refused(juju, machine)
    deployed.hook("config-changed")
    assert juju.model["status"][0] == "blocked"
    machine.engine.calls.clear()
    deployed.hook("update-status")
    assert tries(machine) == []
    fix()
    machine.engine.away = ""
    deployed.hook("update-status")
    assert juju.model["status"][0] == "active"
