"""From one container to the next: what serves meanwhile, what is left over, what a crash leaves."""

import dataclasses

import pytest
from fakes import FakeEngine, Killed
from registry.deployment import switch
from registry.deployment.store import Applied
from registry.formats import htpasswd
from registry.machine import engine
from registry.options import options
from registry.release import configuration, container
from registry.release.release import Release
from test_authentication import TOKEN
from test_options import DEFAULTS

OWN = htpasswd.User("juju-docker-registry", "of its own")


def release(image_id="sha256:one", name="registry", port=5000, secret="s", **config):
    spec = container.ContainerSpec(
        name, image_id, {"5000": port}, (container.Mount("/srv/registry", "/var/lib/registry"),)
    )
    wanted = options.Options.from_config({**DEFAULTS, **config})
    return Release(spec, configuration.config_yml(wanted, secret, 2))


def switcher(docker, store):
    return switch.Switch(docker, store, OWN, docker.client, docker.bridge, docker.sleep)


@pytest.fixture
def store(tmp_path):
    return Applied(tmp_path / "registry")


def bring(docker, store, wanted, state="ask"):
    before = store.in_force() or wanted
    if state == "ask":
        state = docker.inspect(before.container.name)
    docker.calls.clear()
    return switcher(docker, store).bring(wanted, state)


def assert_settled(docker, store, wanted):
    assert docker.serving(wanted.port) == wanted.digest
    assert list(docker.containers) == [wanted.container.name]
    assert store.in_force() == wanted
    assert store.unfinished_switch() == set()
    assert docker.bridge.rules == {}


def test_the_first_release_serves_and_is_in_force(store):
    docker, wanted = FakeEngine(), release()
    assert bring(docker, store, wanted)
    assert_settled(docker, store, wanted)


def test_a_second_run_does_nothing(store):
    docker, wanted = FakeEngine(), release()
    bring(docker, store, wanted)
    assert bring(docker, store, wanted) == []
    assert docker.calls == []


def test_the_old_container_is_stopped_only_when_the_new_one_is_ready_to_start(store):
    docker = FakeEngine()
    bring(docker, store, release())
    bring(docker, store, release("sha256:two"))
    writes = [call[:2] for call in docker.writes()]
    stop = writes.index(("stop", "registry-previous"))
    assert ("open", 5000) in writes[:stop]
    assert writes[stop + 1] == ("start", "registry")
    assert ("create", "registry-next") in writes[:stop]
    assert_settled(docker, store, release("sha256:two"))


def test_the_candidate_has_proven_itself_before_anything_is_replaced(store):
    docker = FakeEngine()
    bring(docker, store, release())
    bring(docker, store, release("sha256:two"))
    writes = [call[:2] for call in docker.writes()]
    assert writes.index(("start", "registry-candidate")) < writes.index(("create", "registry-next"))
    assert docker.clock >= switch.HOLD_SECONDS


@pytest.mark.parametrize("trouble", ["broken", "deaf"])
def test_a_release_that_does_not_serve_changes_nothing(store, trouble):
    docker, good, bad = FakeEngine(**{trouble: {"sha256:bad"}}), release(), release("sha256:bad")
    bring(docker, store, good)
    with pytest.raises(switch.NotServing) as raised:
        bring(docker, store, bad)
    assert "storage is not there" in str(raised.value) or "nothing answers" in str(raised.value)
    assert_settled(docker, store, good)
    assert not [call for call in docker.writes() if call[1] == "registry"]


def test_a_release_that_fails_only_at_its_port_is_rolled_back(store):
    docker, good = FakeEngine(), release()
    bring(docker, store, good)
    docker.create("other", container.create_body(release(name="other", port=6000).container, "/x", "other"))
    docker.start("other")
    with pytest.raises(switch.NotServing, match="port is already allocated"):
        bring(docker, store, release(port=6000))
    docker.remove("other")
    assert_settled(docker, store, good)


def test_what_was_killed_comes_back_although_the_new_release_is_bad(store):
    docker, good, bad = FakeEngine(broken={"sha256:bad"}), release(), release("sha256:bad")
    bring(docker, store, good)
    docker.stop("registry")
    with pytest.raises(switch.NotServing):
        bring(docker, store, bad)
    assert_settled(docker, store, good)


ALTERED = {
    "memory": {"Memory": 10_000_000},
    "mounts": {"Mounts": []},
    "ports": {"PortBindings": {"5000/tcp": [{"HostIp": "", "HostPort": "7777"}]}},
    "processors": {"NanoCpus": 10_000_000},
    "restart": {"RestartPolicy": {"Name": "no"}},
}


@pytest.mark.parametrize("damage", ["stop", "remove", "pause", "stranger", "folder", *ALTERED])
def test_what_was_altered_by_hand_comes_back_without_a_proof(store, damage):
    docker, wanted = FakeEngine(), release()
    bring(docker, store, wanted)
    host = docker.containers["registry"]["body"]["HostConfig"]
    if damage in ALTERED:
        host |= ALTERED[damage]
    elif damage == "stop":
        docker.stop("registry")
    elif damage == "remove":
        docker.remove("registry")
    elif damage == "pause":
        docker.containers["registry"]["status"] = "paused"
    elif damage == "stranger":
        docker.containers["registry"]["body"]["Labels"] = {}
    elif damage == "folder":
        (store.folder(wanted) / "extra").write_text("x")
    assert bring(docker, store, wanted)
    assert_settled(docker, store, wanted)
    assert ("create", "registry-candidate") not in docker.calls


def test_what_docker_adds_by_itself_is_no_alteration(store):
    docker, wanted = FakeEngine(), release()
    bring(docker, store, wanted)
    body = docker.containers["registry"]["body"]
    body["Env"].append("PATH=/bin")
    body["HostConfig"]["LogConfig"]["Config"]["labels"] = "production"
    body["HostConfig"]["CapAdd"] = ["CAP_DAC_OVERRIDE"]
    assert bring(docker, store, wanted) == []


def test_a_container_whose_mounts_are_written_in_the_earlier_way_is_not_replaced(store):
    docker, wanted = FakeEngine(), release()
    bring(docker, store, wanted)
    host = docker.containers["registry"]["body"]["HostConfig"]
    folder = store.folder(wanted)
    host["Binds"] = [f"{folder}:/etc/docker/registry:ro", "/srv/registry:/var/lib/registry:rw"]
    host["Mounts"] = None
    assert bring(docker, store, wanted) == []


def test_a_config_file_altered_by_hand_is_written_again(store):
    docker, wanted = FakeEngine(), release()
    bring(docker, store, wanted)
    (store.folder(wanted) / "config.yml").write_text("version: 0.1\n")
    assert store.in_force() is None
    bring(docker, store, wanted)
    assert_settled(docker, store, wanted)


def test_a_new_name_leaves_nothing_under_the_old_one(store):
    docker = FakeEngine()
    bring(docker, store, release())
    renamed = release(name="images")
    bring(docker, store, renamed)
    assert_settled(docker, store, renamed)


@pytest.mark.parametrize("change", [{"image_id": "sha256:two"}, {"name": "images"}, {"port": 5001}, {"secret": "t"}])
def test_killed_at_any_step_the_next_run_converges_and_something_served(tmp_path, change):
    for step in range(100):
        store, docker = Applied(tmp_path / str(step)), FakeEngine()
        before, wanted = release(), dataclasses.replace(release(**change))
        bring(docker, store, before)
        state = docker.inspect("registry")
        docker.calls.clear()
        docker.dies_at = step
        docker.watched = 5000 if wanted.port == 5000 else None
        try:
            switcher(docker, store).bring(wanted, state)
        except Killed:
            docker.dies_at = None
            bring(docker, store, wanted)
            assert_settled(docker, store, wanted)
            assert docker.outages == []
        else:
            assert step > 10
            assert docker.outages == []
            return
    pytest.fail("the switch never came to an end")


def away(docker, store):
    """What served is stopped, and the disk with its images is away."""
    bring(docker, store, release())
    docker.stop("registry")
    docker.missing.add("/srv/registry")
    docker.calls.clear()


ELSEWHERE = dataclasses.replace(release(), container=dataclasses.replace(release().container, mounts=()))


@pytest.mark.parametrize("trouble", ["broken", "port"])
def test_what_fails_does_not_bring_back_a_registry_whose_disk_is_away(store, trouble):
    docker = FakeEngine()
    away(docker, store)
    if trouble == "broken":
        docker.broken.add("sha256:one")
    else:
        docker.missing.clear()  # it could run, but shall not
        docker.create("other", container.create_body(release(name="other", port=5000).container, "/x", "other"))
        docker.start("other")
    with pytest.raises(switch.NotServing, match=r"storage is not there|port is already allocated"):
        switcher(docker, store).bring(ELSEWHERE, docker.inspect("registry"), fall_back=False)
    docker.remove("other")
    assert docker.containers["registry"]["status"] == "exited"
    assert (store.in_force(), list(docker.containers)) == (release(), ["registry"])


def test_killed_at_any_step_a_registry_whose_disk_is_away_is_left_behind(tmp_path):
    for step in range(100):
        store, docker = Applied(tmp_path / str(step)), FakeEngine()
        away(docker, store)
        docker.dies_at = step
        try:
            switcher(docker, store).bring(ELSEWHERE, docker.inspect("registry"), fall_back=False)
        except Killed:
            docker.dies_at = None
            switcher(docker, store).recover()
            assert docker.serving(5000) in (None, ELSEWHERE.digest)
            switcher(docker, store).bring(ELSEWHERE, docker.inspect("registry"), fall_back=False)
            assert_settled(docker, store, ELSEWHERE)
        else:
            assert step > 10
            return
    pytest.fail("the switch never came to an end")


@pytest.mark.parametrize("step", range(20))
def test_killed_at_any_step_and_told_to_stay_as_before_it_does(store, step):
    docker, before, wanted = FakeEngine(), release(), release("sha256:two")
    bring(docker, store, before)
    state = docker.inspect("registry")
    docker.calls.clear()
    docker.dies_at = step
    try:
        switcher(docker, store).bring(wanted, state)
    except Killed:
        docker.dies_at = None
        bring(docker, store, before)
        assert_settled(docker, store, before)


def test_halt_stops_the_container_and_keeps_it(store):
    docker, wanted = FakeEngine(), release()
    bring(docker, store, wanted)
    switcher(docker, store).halt(docker.inspect("registry"))
    assert docker.containers["registry"]["status"] == "exited"
    assert store.in_force() == wanted


def test_clear_removes_every_container_of_ours(store):
    docker, wanted = FakeEngine(), release()
    bring(docker, store, wanted)
    docker.create("registry-candidate", container.create_body(wanted.container, "/x", "y"))
    switcher(docker, store).clear()
    assert docker.containers == {}


def test_clear_leaves_the_containers_of_others(store):
    docker = FakeEngine()
    docker.create("registry", {**container.create_body(release().container, "/x", "y"), "Labels": {}})
    switcher(docker, store).clear()
    assert list(docker.containers) == ["registry"]


def test_a_dead_container_is_replaced(store):
    docker, wanted = FakeEngine(), release()
    bring(docker, store, wanted)
    docker.containers["registry"]["status"] = "dead"
    bring(docker, store, wanted)
    assert_settled(docker, store, wanted)


def test_a_leftover_of_a_forgotten_switch_is_in_nobodys_way(store):
    docker, wanted = FakeEngine(), release("sha256:two")
    bring(docker, store, release())
    docker.create("registry-previous", container.create_body(wanted.container, "/x", "y"))
    bring(docker, store, wanted)
    assert_settled(docker, store, wanted)


def test_a_release_that_cannot_be_written_leaves_the_old_one_running(store, monkeypatch):
    docker, before = FakeEngine(), release()
    bring(docker, store, before)
    docker.stop("registry")
    wanted, write = release("sha256:two"), store.write

    def full(one):
        if one == wanted:
            raise OSError(28, "No space left on device")
        write(one)

    monkeypatch.setattr(store, "write", full)
    with pytest.raises(OSError, match="No space"):
        bring(docker, store, wanted)
    assert_settled(docker, store, before)


@pytest.mark.parametrize(
    ("log", "words"),
    [
        ('time="x" level=error msg="no such \\"host\\"" go=1\n', 'no such "host"'),
        (
            "level=info msg=fine\npanic: storagedriver: unknown\n\ngoroutine 1\nmain.go:1\n",
            "panic: storagedriver: unknown",
        ),
        ("configuration error: yaml: line 3\n", "configuration error: yaml: line 3"),
        (
            'level=error msg="response completed with error" err.detail="s3aws: no\\n\\tway." host=x\n',
            "s3aws: no way",
        ),
        ("level=error msg=timeout\n", ""),
        ('level=info msg="listening"\n', ""),
        ('172.17.0.1 - - [24/Nov/2026:04:53:20 +0000] "GET / HTTP/1.1" 503 125 "" "python-requests/2.34.2"\n', ""),
        ("", ""),
    ],
)
def test_last_words(log, words):
    assert switch.last_words(log) == words


CLOSED = {"auth-basic-password": "pw"}


@pytest.mark.parametrize("config", [CLOSED, TOKEN])
def test_a_release_that_would_be_open_to_strangers_changes_nothing(store, config):
    docker, good = FakeEngine(open={"sha256:open"}), release()
    bring(docker, store, good)
    with pytest.raises(switch.NotServing, match="answered 200, not 401"):
        bring(docker, store, release("sha256:open", **config))
    assert_settled(docker, store, good)


def test_where_only_tokens_count_another_registry_tells_whether_the_data_can_be_written(store):
    docker, wanted = FakeEngine(), release(**TOKEN)
    bring(docker, store, wanted)
    started = [name for verb, name in (call[:2] for call in docker.writes()) if verb == "start"]
    assert started == ["registry-candidate", "registry-loopback", "registry"]
    assert_settled(docker, store, wanted)
    assert not store.loopback().root.exists()


@pytest.mark.parametrize("step", range(12))
def test_a_loopback_registry_whose_process_was_killed_is_gone_with_the_next_hook(store, step):
    docker, wanted = FakeEngine(), release(**TOKEN)
    bring(docker, store, wanted)
    docker.calls.clear()
    docker.dies_at = step
    try:
        with switcher(docker, store).loopback(wanted) as port:
            assert port >= 32768
    except Killed:
        docker.dies_at = None
        bring(docker, store, wanted)
    assert_settled(docker, store, wanted)
    assert not store.loopback().root.exists()


def test_a_docker_that_drops_a_limit_is_said_before_anything_is_replaced(store, monkeypatch):
    docker, before, asked = FakeEngine(), release(), release()
    bring(docker, store, before)
    asked = dataclasses.replace(before, container=dataclasses.replace(before.container, memory=10**9))
    create = docker.create

    def limitless(name, body):
        create(name, {**body, "HostConfig": {**body["HostConfig"], "Memory": 0}})

    monkeypatch.setattr(docker, "create", limitless)
    with pytest.raises(switch.NotServing, match="Docker does not take it as asked: Limits is "):
        bring(docker, store, asked)
    assert_settled(docker, store, before)


@pytest.mark.parametrize("config", [{}, TOKEN])
def test_a_read_only_release_is_proven_to_be_so(store, config, monkeypatch):
    docker, wanted = FakeEngine(), release(**{"storage-read-only": True}, **config)
    bring(docker, store, wanted)
    assert wanted.is_read_only
    assert_settled(docker, store, wanted)
    monkeypatch.setattr(Release, "is_read_only", property(lambda self: False))
    other = release(secret="other", **{"storage-read-only": True}, **config)
    with pytest.raises(switch.NotServing, match="405, not 202"):
        bring(docker, store, other)
    assert_settled(docker, store, wanted)


@pytest.mark.parametrize("read_only", [False, True])
def test_a_registry_that_cannot_reach_its_storage_tells_why(store, read_only):
    docker, before = FakeEngine(), release()
    docker.sick["sha256:two"] = "s3aws: no\n\tway."
    bring(docker, store, before)
    with pytest.raises(switch.NotServing, match=r"^s3aws: no way$"):
        bring(docker, store, release("sha256:two", **{"storage-read-only": read_only}))
    assert_settled(docker, store, before)


def test_what_is_under_way_may_end_and_what_is_new_goes_to_the_candidate(store):
    docker, before, wanted = FakeEngine(), release(), release("sha256:two")
    bring(docker, store, before)
    bring(docker, store, wanted)
    ((port, seconds), (candidate_port, _)) = docker.bridge.waits
    assert (port, seconds) == (5000, 30)
    assert candidate_port >= 32768
    assert docker.patience["registry-previous"] == docker.patience["registry-candidate"] == 15
    assert_settled(docker, store, wanted)


def nothing_to_lead(docker):
    docker.bridge.impassable = "iptables is not there"
    return {}


@pytest.mark.parametrize("why", [nothing_to_lead, lambda docker: {"drain-timeout": 0}])
def test_where_nothing_can_be_led_elsewhere_the_old_one_is_stopped_at_once(store, why):
    docker, before = FakeEngine(), release()
    bring(docker, store, before)
    wanted = release("sha256:two", **why(docker))
    done = bring(docker, store, wanted)
    assert any("switched at once" in line for line in done)
    assert docker.bridge.waits == []
    assert docker.patience["registry-previous"] == 0
    assert_settled(docker, store, wanted)


def test_a_cache_is_never_bridged(store):
    docker, before = FakeEngine(), release()
    docker.upstreams.add("mirror.example.com")
    bring(docker, store, before)
    wanted = release(**{"cache-remoteurl": "https://mirror.example.com"})
    bring(docker, store, wanted)
    assert not [call for call in docker.writes() if call[0] == "open"]
    assert_settled(docker, store, wanted)


def test_while_a_release_that_fails_at_its_port_is_rolled_back_the_candidate_serves(store):
    docker, before, wanted = FakeEngine(), release(), release("sha256:two")
    bring(docker, store, before)
    docker.watched, start = 5000, docker.start

    def busy(name):
        if name == "registry" and docker.containers[name]["body"]["Image"] == "sha256:two":
            raise engine.EngineError("port is already allocated")
        start(name)

    docker.start = busy
    with pytest.raises(switch.NotServing, match="already allocated"):
        bring(docker, store, wanted)
    assert docker.outages == []
    assert_settled(docker, store, before)


def test_rules_that_cannot_be_taken_away_keep_the_candidate(store):
    docker, before, wanted = FakeEngine(), release(), release("sha256:two")
    bring(docker, store, before)
    close = docker.bridge.close

    def stuck():
        raise engine.EngineError("the rules stay")

    docker.bridge.close = stuck
    with pytest.raises(engine.EngineError, match="the rules stay"):
        bring(docker, store, wanted)
    assert docker.serving(5000) == wanted.digest
    docker.bridge.close = close
    bring(docker, store, wanted)
    assert_settled(docker, store, wanted)
