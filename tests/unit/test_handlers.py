"""The charm's handlers through the real dispatch of charms.reactive, on a machine in memory."""

import contextlib
import json
import os
import pathlib

import fakes
import pytest
import yaml
from authority import ALONE, ALONE_KEY, LEAF, ROOT
from fake_machine import READY
from registry.deployment import store
from registry.formats.relations import Proxy
from registry.machine import engine
from registry.options import packages
from registry.release import release
from test_authentication import TOKEN


def test_a_fresh_unit_is_ready(deployed, juju, machine):
    assert juju.model["ports"] == ["5000/tcp"]
    assert juju.model["version"] == "2.8.3"
    assert juju.model["leader"]["http-secret"] == machine.store.current().http_secret
    assert machine.dockerd.reloads == 1
    assert live_restore(machine) == {"live_restore_loaded": True, "live_restore_refused": False}


def test_an_idle_hook_calls_few_tools_and_reads_once_from_docker(deployed, machine):
    machine.engine.calls.clear()
    calls = deployed.hook("update-status")
    tools = ["config-get", "juju-log", "leader-get", "network-get", "opened-ports", "status-set"]
    assert sorted(call[0] for call in calls) == tools
    assert machine.engine.calls == [("inspect", "registry")]


def live_restore_warnings(juju):
    return [call for call in juju.called("juju-log") if "live-restore" in call[-1] and "WARNING" in call]


def live_restore(machine):
    """Return what is recorded of it."""
    return machine.records.load("live-restore")


def test_live_restore_is_turned_on_once(deployed, machine):
    assert json.loads(machine.dockerd.daemon_json)["live-restore"] is True
    assert machine.engine.live_restoring
    deployed.hook("config-changed")
    assert machine.dockerd.reloads == 1


def test_live_restore_as_a_flag_of_dockerd_is_left_there(charm, juju, machine):
    # Said in both places, dockerd does not start again.
    machine.engine.live_restoring = True
    charm.hook("install")
    assert "live-restore" not in json.loads(machine.dockerd.daemon_json)
    assert machine.dockerd.reloads == 0
    assert juju.model["status"] == READY


@pytest.mark.parametrize("before", [None, '{"debug": true}'])
def test_a_docker_that_takes_no_live_restore_is_a_warning_once(charm, juju, machine, before):
    machine.dockerd.daemon_json, machine.dockerd.takes_settings = before, False
    charm.hook("install")
    assert juju.model["status"] == READY
    assert len(live_restore_warnings(juju)) == 1
    assert machine.dockerd.daemon_json == before, "what dockerd does not take would keep it from starting"
    machine.engine.calls.clear()
    charm.hook("update-status")
    assert live_restore_warnings(juju) == []
    assert machine.engine.calls == [("inspect", "registry")]


def test_a_reload_that_changes_nothing_is_no_success(charm, machine, monkeypatch):
    monkeypatch.setattr(machine.dockerd, "reload", lambda: True)
    charm.hook("install")
    assert machine.dockerd.daemon_json is None
    assert not live_restore(machine)["live_restore_loaded"]


def test_a_crash_between_writing_and_reloading_is_made_good(charm, machine):
    machine.dockerd.daemon_json = '{"live-restore": true}'
    charm.hook("install")
    assert machine.engine.live_restoring


@pytest.mark.parametrize("state", ["swarm", "off by the operator"])
def test_live_restore_that_is_not_wanted_is_left(charm, juju, machine, state):
    if state == "swarm":
        machine.engine.live_restoring = None
    else:
        machine.dockerd.daemon_json = '{"live-restore": false}'
    before = json.loads(machine.dockerd.daemon_json or "{}").get("live-restore")
    charm.hook("install")
    assert (json.loads(machine.dockerd.daemon_json).get("live-restore"), machine.dockerd.reloads) == (before, 0)
    assert juju.model["status"] == READY


def test_daemon_json_that_cannot_be_read_is_said_and_the_registry_still_comes(charm, juju, machine):
    machine.dockerd.error = OSError("no such device")
    charm.hook("install")
    assert juju.model["status"] == [
        "blocked",
        "live-restore of Docker cannot be enabled (no such device). Retrying automatically. "
        "Still serving at 10.0.0.10:5000 (http).",
    ]


def test_docker_is_installed_where_it_is_missing(charm, juju, machine):
    machine.docker_packages.is_installed = False
    calls = charm.hook("install")
    assert ["status-set", "maintenance", "Installing Docker."] in calls
    assert juju.model["status"] == READY


def test_docker_that_cannot_be_installed_is_said_and_tried_again(charm, juju, machine):
    machine.docker_packages.is_installed = machine.apt.works = False
    charm.hook("install")
    assert juju.model["status"] == [
        "blocked",
        "Docker cannot be installed: Unable to fetch some archives. "
        "Check the network and the package sources. Retrying automatically.",
    ]
    machine.apt.works = True
    charm.hook("update-status")
    assert juju.model["status"] == READY


def test_docker_that_is_down_is_said(deployed, juju, machine):
    machine.docker_answers = False
    deployed.hook("update-status")
    assert juju.model["status"] == [
        "blocked",
        "Docker failed: Docker does not answer: no such file. See `journalctl -u docker` on the machine.",
    ]


def test_a_follower_waits_for_the_leaders_secret_and_takes_it(charm, juju, machine):
    juju.change(is_leader=False)
    charm.hook("install")
    assert juju.model["status"][0] == "waiting"
    assert machine.engine.containers == {}
    juju.change(leader={"http-secret": "of the leader"})
    charm.hook("leader-settings-changed")
    assert juju.model["status"] == READY
    assert machine.store.current().http_secret == "of the leader"


def test_a_secret_that_is_there_is_kept(charm, juju, machine):
    juju.change(leader={"http-secret": "of the predecessor"})
    charm.hook("upgrade-charm")
    assert juju.model["leader"] == {"http-secret": "of the predecessor"}
    assert machine.store.current().http_secret == "of the predecessor"


def test_an_action_of_a_new_leader_keeps_the_secret_of_the_previous_one(charm, juju, machine, actions):
    juju.change(is_leader=False)
    charm.hook("install")
    juju.change(leader={"http-secret": "of the previous leader"}, is_leader=True)  # no hook has seen either of it
    charm.action("start", actions, name="")
    assert juju.model["leader"] == {"http-secret": "of the previous leader"}
    assert machine.store.current().http_secret == "of the previous leader"


def test_leader_data_that_a_failed_hook_took_back_are_made_from_what_runs(deployed, juju, machine):
    secret = juju.model["leader"].pop("http-secret")
    juju._write({**juju.model, "leader": {}})
    machine.engine.calls.clear()
    deployed.hook("config-changed")
    assert juju.model["leader"]["http-secret"] == secret
    assert machine.engine.writes() == []


def test_a_wrong_option_is_said_and_the_killed_registry_still_comes_back(deployed, juju, machine):
    juju.change(config={"registry-port": 0})
    machine.engine.stop("registry")
    deployed.hook("config-changed")
    assert juju.model["status"] == [
        "blocked",
        "registry-port: 0 is not a port. Use a number from 1 to 65535. Still serving at 10.0.0.10:5000 (http).",
    ]
    assert machine.engine.serving(5000)


def test_an_idle_hook_of_a_blocked_unit_costs_the_same_and_logs_nothing_new(deployed, juju, machine):
    juju.change(config={"registry-port": 0, "log-level": "loud"})
    deployed.hook("config-changed")
    machine.engine.calls.clear()
    assert len(deployed.hook("update-status")) == 6
    assert machine.engine.calls == [("inspect", "registry")]
    assert juju.model["status"][1].endswith(
        ". (1 more problem: see juju debug-log.) Still serving at 10.0.0.10:5000 (http)."
    )


def test_an_idle_hook_reads_and_parses_everything_once(deployed, juju, machine, monkeypatch):
    for name, there in {"docker-registry:1": {"c/0": {}}, "website:2": {"haproxy/0": {}}, "peer:3": {}}.items():
        juju.change(relations={name: there})
    juju.change(config={"install_sources": "- deb https://x.example a b", "install_keys": "- null"})
    for hook in ("config-changed", "upgrade-charm"):
        deployed.hook(hook)
    parsed, opened = [], []
    for cached in (packages._list, release._parsed):
        cached.cache_clear()  # as in a new process
    machine.store = store.Store(machine.store.root)
    loads, reads = yaml.load, pathlib.Path.read_bytes
    monkeypatch.setattr(yaml, "load", lambda *text, **how: (parsed.append(text[0]), loads(*text, **how))[1])
    monkeypatch.setattr(pathlib.Path, "read_bytes", lambda path, *how: (opened.append(path.name), reads(path, *how))[1])
    deployed.hook("update-status")
    texts = [text for text in parsed if isinstance(text, str)]
    assert len(texts) == len(set(texts)) == 3, "config.yml, sources and keys"
    # Once for what it says, once for whether it is what was written.
    assert {name: opened.count(name) for name in ("config.yml", "container.json")} == {
        "config.yml": 2,
        "container.json": 2,
    }
    parsed.clear()
    juju.change(config={"log-level": "debug"})
    deployed.hook("config-changed")
    assert machine.store.current().config_yml.count('level: "debug"') == 1
    assert juju.model["status"][0] == "active"


def test_a_port_that_somebody_has_is_said(deployed, juju, machine):
    machine.ports.busy.add(6000)
    juju.change(config={"registry-port": 6000})
    deployed.hook("config-changed")
    assert "registry-port: 6000 is in use by another program" in juju.model["status"][1]
    assert juju.model["ports"] == ["5000/tcp"]


@pytest.mark.parametrize("change", [{"registry-name": "images"}, {"registry-port": 6000}])
def test_killed_at_any_step_of_a_change_the_next_hook_finishes_it(deployed, juju, machine, change):
    juju.change(config=change)
    for step in range(9, 16):
        machine.engine.calls.clear()
        machine.engine.dies_at = step
        with contextlib.suppress(fakes.Killed):
            deployed.hook("config-changed")
        machine.engine.dies_at = None
        deployed.hook("update-status")
        assert juju.model["status"][0] == "active", (step, juju.model["status"])
        assert list(machine.engine.containers) == [juju.model["config"]["registry-name"]]
        assert machine.engine.serving(juju.model["config"]["registry-port"])
        default = {"registry-name": "registry", "registry-port": 5000}
        juju.change(config=default if juju.model["config"] | change == juju.model["config"] else change)


def test_a_hook_removes_what_a_killed_program_has_left_of_files(deployed, machine, monkeypatch):
    def kill(*_, **__):
        raise fakes.Killed

    def listed():
        return sorted(root.rglob("*"))

    root, release = machine.store.root, machine.store.current().for_maintenance()
    machine.credentials.write_users("me:one")
    deployed.hook("update-status")
    before = listed()
    writes = [
        lambda: machine.store.begin_switch({"registry"}),
        lambda: machine.store.write(release),
        lambda: machine.store.make_current(release),
        lambda: machine.credentials.write_users("me:two"),
        lambda: machine.make_request(("x",)),
    ]
    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", kill)
        for write in writes:
            with contextlib.suppress(fakes.Killed):
                write()
    assert len({*listed()} - {*before}) >= len(writes)
    deployed.hook("update-status")
    assert listed() == before


def test_a_port_that_docker_holds_for_nobody_after_a_crash_is_freed(deployed, juju, machine):
    juju.change(config={"registry-port": 6000})
    machine.store.begin_switch({"registry"})
    machine.ports.busy.add(6000)
    before = machine.dockerd.restarts
    deployed.hook("config-changed")
    assert machine.dockerd.restarts == before + 1
    assert juju.model["status"] == ["active", "Ready at 10.0.0.10:6000 (http)."]


def test_docker_is_not_restarted_for_a_port_in_use(deployed, machine):
    machine.store.begin_switch({"registry"})
    before = machine.dockerd.restarts
    deployed.hook("update-status")
    assert machine.dockerd.restarts == before


def strangers(*binds):
    """The body of a container that somebody else made."""
    host = {"Binds": list(binds), "PortBindings": {}}
    return {"Image": "sha256:other", "Cmd": None, "Env": [], "Labels": {}, "HostConfig": host}


def test_a_strangers_container_is_not_taken_over(charm, juju, machine):
    machine.engine.create("registry", strangers())
    machine.engine.start("registry")
    charm.hook("config-changed")
    assert juju.model["status"] == [
        "blocked",
        "registry-name: the container 'registry' exists and was not created by this charm. "
        "Remove it or choose another name.",
    ]
    assert machine.engine.containers["registry"]["body"]["Image"] == "sha256:other"
    charm.hook("stop")
    assert list(machine.engine.containers) == ["registry"]


def test_the_predecessors_container_is_taken_over(charm, juju, machine):
    binds = ("/srv/registry:/var/lib/registry", "/etc/docker/registry/config.yml:/etc/docker/registry/config.yml")
    charm.set_flag("charm.docker-registry.configured")
    machine.engine.create("registry", strangers(*binds))
    machine.engine.start("registry")
    charm.hook("upgrade-charm")
    assert juju.model["status"] == READY
    assert machine.engine.containers["registry"]["body"]["Image"] == "sha256:one"


@pytest.mark.parametrize("apt_works", [True, False])
def test_what_the_predecessor_left_goes_once_this_charm_serves(charm, juju, machine, apt_works):
    charm.set_flag("charm.docker-registry.configured")
    juju.change(config={"docker-opts": "--mtu 1400", "registry-port": 0})
    charm.hook("upgrade-charm")
    assert machine.apt.calls == []
    machine.apt.works = apt_works
    juju.change(config={"registry-port": 5000})
    charm.hook("config-changed")
    charm.hook("update-status")
    assert juju.model["status"] == READY
    assert machine.apt.calls == [("remove_predecessor", "--mtu", "1400")]


def test_a_stop_that_docker_does_not_carry_out_is_said(deployed, juju, machine, actions, monkeypatch):
    def fails(name, seconds=10):
        raise engine.EngineError(f"container {name} cannot be stopped: no answer")

    monkeypatch.setattr(machine.engine, "stop", fails)
    deployed.action("stop", actions, name="", remove=False)
    assert juju.model["status"][0] == "blocked"
    assert juju.model["status"][1] == (
        "Stopped by the action stop. Run `juju run docker-registry/0 start` to start it. "
        "(1 more problem: see juju debug-log.)"
    )
    assert (
        "Docker failed: container registry cannot be stopped: no answer. "
        "See `journalctl -u docker` on the machine. Retrying automatically." in str(juju.calls)
    )


def test_another_port_is_opened_and_the_old_one_closed(deployed, juju):
    juju.change(config={"registry-port": 6000})
    deployed.hook("config-changed")
    assert juju.model["ports"] == ["6000/tcp"]
    assert juju.model["status"] == ["active", "Ready at 10.0.0.10:6000 (http)."]


def test_a_moved_tag_is_taken_up_by_a_refresh_only(deployed, machine):
    machine.engine.images["registry:2"] = "sha256:two"
    deployed.hook("update-status")
    assert machine.store.current().container.image_id == "sha256:one"
    deployed.hook("upgrade-charm")
    assert machine.store.current().container.image_id == "sha256:two"
    assert "charm.docker-registry.refreshed" not in deployed.flags()


def test_a_refresh_without_internet_keeps_the_image(deployed, juju, machine):
    machine.engine.pullable = {}
    deployed.hook("upgrade-charm")
    assert juju.model["status"] == READY


def test_an_image_that_cannot_be_had_is_said(charm, juju, machine):
    machine.engine.images = machine.engine.pullable = {}
    charm.hook("install")
    assert juju.model["status"] == [
        "blocked",
        "registry-image: Docker cannot get the image (registry:2 cannot be pulled: no route). "
        "Check its name and the network, or attach it as a resource. Retrying automatically.",
    ]
    machine.engine.pullable = {"registry:2": "sha256:one"}
    charm.hook("update-status")
    assert juju.model["status"] == READY


def test_a_new_image_that_does_not_start_leaves_the_old_one(deployed, juju, machine):
    machine.engine.images["mine:1"] = "sha256:bad"
    machine.engine.broken = {"sha256:bad"}
    juju.change(config={"registry-image": "mine:1"})
    deployed.hook("config-changed")
    assert juju.model["status"] == [
        "blocked",
        "The registry does not start with this configuration: storage is not there. "
        "Fix the cause and run the action start, or reset the options. "
        "Still serving at 10.0.0.10:5000 (http).",
    ]
    assert juju.model["version"] == "2.8.3"


def test_an_image_that_is_no_registry_is_said(deployed, juju, machine):
    machine.engine.images["nginx:1"] = "sha256:nginx"
    juju.change(config={"registry-image": "nginx:1"})
    deployed.hook("config-changed")
    assert juju.model["status"][1].startswith(
        "registry-image: nginx:1 is not a registry: `--version` prints no version. Use an image such as registry:2."
    )


def test_nothing_is_done_during_a_series_upgrade(deployed, juju, machine):
    deployed.hook("pre-series-upgrade")
    assert juju.model["status"][0] == "blocked"
    machine.engine.stop("registry")
    machine.engine.calls.clear()
    deployed.hook("config-changed")
    assert machine.engine.calls == []
    deployed.hook("post-series-upgrade")
    assert juju.model["status"] == READY


def test_removal_takes_the_containers_and_the_configuration(deployed, machine):
    for name in ("refused", "collection", "runs", "scheduled-prune", "scheduled-garbage-collect", "held"):
        machine.records.save(name, {})
    assert {"ownership", "disk"} < set(machine.records.texts)
    deployed.hook("stop")
    assert machine.engine.containers == {}
    assert not machine.store.root.exists()
    kept = {"held", "daemon", "daemon-written", "dockerd-start", "sources"}
    assert machine.records.texts.keys() - kept == set(), "of the registry"
    assert "held" in machine.records.texts
    deployed.hook("remove")
    assert machine.engine.containers == {}


def test_removal_goes_on_without_docker(deployed, juju, machine):
    machine.docker_answers = False
    deployed.hook("stop")
    assert not machine.store.root.exists()
    assert any("could not be removed" in " ".join(call) for call in juju.called("juju-log"))


def test_no_secret_is_logged(deployed, juju, machine):
    secret = juju.model["leader"]["http-secret"]
    for hook in ("config-changed", "upgrade-charm", "update-status", "stop"):
        calls = deployed.hook(hook)
        assert secret not in str(calls)


def test_stop_is_kept_until_start(deployed, juju, machine, actions):
    assert deployed.action("stop", actions, name="", remove=True) == {}
    assert machine.engine.containers == {}
    juju.change(config={"registry-port": 6000})
    deployed.hook("config-changed")
    assert machine.engine.containers == {}
    assert juju.model["status"][1] == "Stopped by the action stop. Run `juju run docker-registry/0 start` to start it."
    assert juju.model["ports"] == []
    deployed.action("start", actions, name="")
    assert juju.model["status"] == ["active", "Ready at 10.0.0.10:6000 (http)."]


def test_stop_that_is_killed_halfway_is_finished_by_the_next_hook(deployed, juju, machine, actions):
    machine.engine.calls.clear()
    machine.engine.dies_at = 0
    with pytest.raises(fakes.Killed):
        deployed.action("stop", actions, name="", remove=True)
    machine.engine.dies_at = None
    deployed.hook("update-status")
    assert machine.engine.serving(5000) is None
    assert juju.model["status"][0] == "blocked"


def test_start_that_does_not_succeed_says_why(deployed, machine, actions):
    deployed.action("stop", actions, name="", remove=True)
    machine.engine.broken = {"sha256:one"}
    failure = deployed.action("start", actions, name="")["failure"]
    assert failure == (
        "The registry does not start with this configuration: storage is not there. "
        "Fix the cause and run the action start, or reset the options."
    )


@pytest.fixture
def docker_command(tmp_path, charm, monkeypatch):
    """A docker command that does what the script says."""

    def make(script):
        folder = tmp_path / "bin"
        folder.mkdir()
        (folder / "docker").write_text(f"#!/bin/sh\n{script}\n")
        (folder / "docker").chmod(0o755)
        monkeypatch.setenv("PATH", str(folder), prepend=":")

    return make


def test_long_output_is_cut_whether_the_action_succeeds_or_not(charm, juju, machine, actions, docker_command):
    docker_command("head -c 200000 /dev/zero | tr '\\0' x; head -c 200000 /dev/zero | tr '\\0' y >&2; exit ${FAILS:-0}")
    params = {"options": "", "repository": ""}
    output = charm.action("images", actions, **params)["output"]
    assert len(output) < 66_000
    assert output.endswith("x\n... cut; all 200000 bytes are in /kept/uuid.txt\n")
    os.environ["FAILS"] = "1"
    failure = charm.action("images", actions, **params)["failure"]
    assert len(failure) < 66_000
    assert failure.endswith("y\n... cut; all 200056 bytes are in /kept/uuid.txt.")
    assert set(machine.records.outputs) == {"uuid.txt"}
    machine.records.outputs = None  # there is no room
    failure = charm.action("images", actions, **params)["failure"]
    assert failure.endswith("\n... cut; all 200056 bytes cannot be kept: No space left.")


def test_output_that_is_no_utf_8_is_shown_all_the_same(charm, machine, actions, docker_command):
    docker_command(r"printf 'a\377b'")
    assert charm.action("images", actions, options="", repository="") == {"output": "a\ufffdb"}


def test_a_program_that_cannot_be_run_is_a_sentence(charm, machine, actions):
    failure = charm.action("rmi", actions, options="", image="x" * 150_000)["failure"]
    assert failure == "The machine failed: [Errno 7] Argument list too long: 'docker'. Fix it and run the action again."


def test_stop_that_docker_does_not_carry_out_is_a_failure(deployed, machine, actions):
    machine.engine.unstoppable = {"registry"}
    done = deployed.action("stop", actions, name="", remove=True)
    assert done == {
        "failure": "Docker failed: container registry cannot be stopped: it did not end. "
        "Fix it and run the action again."
    }
    assert machine.engine.serving(5000)


def test_stop_holds_although_nothing_is_in_force(deployed, machine, actions):
    machine.store.link.unlink()
    assert deployed.action("stop", actions, name="", remove=True) == {}
    assert machine.engine.containers == {}


def test_stop_leaves_a_stranger_that_has_the_registrys_name(deployed, machine, actions):
    machine.store.link.unlink()
    body = machine.engine.containers["registry"]["body"]
    machine.engine.containers["registry"]["body"] = {
        **body,
        "Labels": {},
        "HostConfig": {**body["HostConfig"], "Mounts": []},
    }
    assert deployed.action("stop", actions, name="", remove=True) == {}
    assert machine.engine.address_at(5000)


def test_stop_succeeds_although_an_option_is_wrong(deployed, juju, machine, actions):
    juju.change(config={"registry-port": 0})
    assert deployed.action("stop", actions, name="", remove=True) == {}
    assert machine.engine.containers == {}


@pytest.mark.parametrize("action", ["start", "upgrade-docker"])
def test_what_serves_although_an_option_is_wrong_is_a_success_that_says_so(deployed, juju, machine, actions, action):
    juju.change(config={"registry-port": 0})
    done = deployed.action(action, actions, name="")
    assert done["message"] == (
        "registry-port: 0 is not a port. Use a number from 1 to 65535. Still serving at 10.0.0.10:5000 (http)."
    )
    assert machine.engine.serving(5000)


def test_upgrade_docker_leaves_a_stopped_registry_stopped(deployed, machine, actions):
    deployed.action("stop", actions, name="", remove=True)
    done = deployed.action("upgrade-docker", actions)
    assert done["output"] == "docker.io 20.10"
    assert done["message"].startswith("Stopped by the action stop.")


def test_upgrade_docker_fails_where_the_registry_does_not_come_back(deployed, machine, actions):
    machine.engine.broken = {"sha256:one"}
    machine.engine.stop("registry")
    failure = deployed.action("upgrade-docker", actions)["failure"]
    assert failure == (
        "Docker is upgraded, but the registry does not serve. The reason follows. "
        "The registry does not start with this configuration: storage is not there. "
        "Fix the cause and run the action start, or reset the options."
    )


@pytest.mark.parametrize("name", ["web", "reg", "my-registry"])
@pytest.mark.parametrize("action", ["start", "stop"])
def test_a_container_that_is_not_there_is_a_failure(deployed, machine, actions, action, name):
    machine.engine.calls.clear()
    assert deployed.action(action, actions, name=name, remove=True) == {
        "failure": f"name: there is no container {name!r} on the machine. Name an existing one."
    }
    assert machine.engine.writes() == []


@pytest.mark.parametrize(
    ("params", "pushed", "through"),
    [
        ({"image": " ubuntu:24.04\n", "tag": " "}, "10.0.0.10:5000/ubuntu:24.04", "127.0.0.1:5000/ubuntu:24.04"),
        ({}, "10.0.0.10:5000/ubuntu:24.04", "127.0.0.1:5000/ubuntu:24.04"),
        ({"tag": "mine/x:1"}, "10.0.0.10:5000/mine/x:1", "127.0.0.1:5000/mine/x:1"),
        ({"tag": "10.0.0.10:5000/x"}, "10.0.0.10:5000/x:latest", "127.0.0.1:5000/x:latest"),
        ({"tag": "127.0.0.1:5000/x:1"}, "127.0.0.1:5000/x:1", "127.0.0.1:5000/x:1"),
        ({"tag": "other.example.com/x:1"}, "other.example.com/x:1", "other.example.com/x:1"),
        ({"image": "ghcr.io/a/b:1"}, "10.0.0.10:5000/a/b:1", "127.0.0.1:5000/a/b:1"),
    ],
)
def test_push(deployed, machine, actions, params, pushed, through):
    machine.engine.pullable |= {"ubuntu:24.04": "sha256:u", "ghcr.io/a/b:1": "sha256:b"}
    done = deployed.action("push", actions, **{"image": "ubuntu:24.04", "pull": True, "tag": "", **params})
    assert done == {"outcome": "success", "raw": f"pushed {pushed}"}
    # The charm's own user is for its own registry alone.
    own = () if "other" in through else ("juju-docker-registry",)
    assert [call for call in machine.engine.calls if call[0] == "push"] == [("push", through, *own)]
    assert pushed in machine.engine.images
    assert through == pushed or through not in machine.engine.images


def test_push_follows_http_host(deployed, juju, machine, actions):
    juju.change(config={"http-host": "https://registry.example.com/x/"})
    machine.engine.images["ubuntu:24.04"] = "sha256:u"
    done = deployed.action("push", actions, image="ubuntu:24.04", pull=False, tag="")
    assert done["raw"] == "pushed registry.example.com/ubuntu:24.04"
    assert ("push", "127.0.0.1:5000/ubuntu:24.04", "juju-docker-registry") in machine.engine.calls


@pytest.mark.parametrize(
    "tag", ["", "10.0.0.10:5000/x:1", "10.9.9.9:5000/x:1", "192.0.2.1:5000/x:1", "[FD00::5]:5000/x:1"]
)
def test_push_knows_the_registry_by_every_address_of_the_unit(deployed, juju, machine, actions, monkeypatch, tag):
    """The endpoint is in a space of its own; Juju's private address and that for another model are others."""
    juju.change(
        relations={"docker-registry:1": {"node/0": {}}, "website:2": {}}, ingress={"docker-registry:1": "192.0.2.1"}
    )
    deployed.hook("docker-registry-relation-created", JUJU_RELATION_ID="docker-registry:1")
    monkeypatch.setattr("charmhelpers.core.hookenv.unit_private_ip", lambda: "10.9.9.9")
    monkeypatch.setattr("charms.layer.context.proxies", lambda: [Proxy("fd00::5")] if "FD00" in tag else [])
    machine.engine.images["x:1"] = "sha256:x"
    done = deployed.action("push", actions, image="x:1", pull=False, tag=tag)
    assert done == {"outcome": "success", "raw": f"pushed {tag or '10.0.0.10:5000/x:1'}"}
    assert ("push", "127.0.0.1:5000/x:1", "juju-docker-registry") in machine.engine.calls


def test_push_names_an_image_as_clients_of_a_proxy_do(deployed, juju, machine, actions):
    juju.change(relations={"website:1": {"haproxy/0": {"ingress-address": "10.0.8.8"}}})
    deployed.hook("website-relation-changed", JUJU_RELATION_ID="website:1", JUJU_REMOTE_UNIT="haproxy/0")
    machine.engine.images["ubuntu:24.04"] = "sha256:u"
    for tag in ("", "10.0.8.8:5000/ubuntu:24.04"):
        done = deployed.action("push", actions, image="ubuntu:24.04", pull=False, tag=tag)
        assert done["raw"] == "pushed 10.0.8.8:5000/ubuntu:24.04"
    pushes = [call for call in machine.engine.calls if call[0] == "push"]
    assert pushes == [("push", "127.0.0.1:5000/ubuntu:24.04", "juju-docker-registry")] * 2


def test_push_with_a_wrong_http_host_says_so(deployed, juju, machine, actions):
    juju.change(config={"http-host": "registry.example.com"})
    failure = deployed.action("push", actions, image="registry:2", pull=False, tag="")["failure"]
    assert failure == (
        "http-host: 'registry.example.com' has no http or https scheme. Begin it with http:// or https://."
    )


def test_push_to_a_host_that_no_image_can_name_says_so(deployed, juju, machine, actions):
    juju.change(config={"http-host": "https://my_registry:5000"})
    failure = deployed.action("push", actions, image="registry:2", pull=False, tag="")["failure"]
    assert failure.startswith("http-host: 'my_registry' cannot be the host of an image name. ")


@pytest.fixture
def stranger(deployed, machine):
    """A container of somebody else, with an anonymous volume, that has ended."""
    machine.engine.create("done", machine.engine.containers["registry"]["body"] | {"Labels": {}})
    machine.engine.stop("done")
    machine.engine.volumes["done"] = "precious"
    return "done"


@pytest.mark.parametrize(("action", "params"), [("clean-containers", {}), ("stop", {"name": "done", "remove": True})])
def test_the_volume_of_somebody_elses_container_stays(deployed, machine, actions, stranger, action, params):
    deployed.action(action, actions, **params)
    assert list(machine.engine.containers) == ["registry"]
    assert machine.engine.volumes == {"done": "precious"}


def test_a_container_that_was_started_meanwhile_is_not_cleaned_away(deployed, machine, actions, stranger, monkeypatch):
    monkeypatch.setattr(machine.engine, "exited", lambda: [stranger])
    machine.engine.containers[stranger]["status"] = "running"
    assert deployed.action("clean-containers", actions) == {
        "failure": "Docker failed: container done cannot be removed: it runs. Fix it and run the action again."
    }
    assert stranger in machine.engine.containers


def test_clean_containers_leaves_the_registrys_own(deployed, machine, actions, stranger):
    deployed.action("stop", actions, name="", remove=False)
    assert deployed.action("clean-containers", actions) == {"output": "done\n"}
    assert list(machine.engine.containers) == ["registry"]


def users(machine):
    return [line.partition(":")[0] for line in machine.credentials.users().splitlines()]


def test_users_are_taken_up_without_a_restart(deployed, juju, machine):
    juju.change(config={"auth-basic-password": "one"})
    deployed.hook("config-changed")
    assert juju.model["status"] == READY
    assert users(machine) == ["juju-docker-registry", "admin"]
    before = machine.credentials.users()
    machine.engine.calls.clear()
    juju.change(config={"auth-basic-password": "two", "auth-basic-users": "me: x"})
    deployed.hook("config-changed")
    assert users(machine) == ["juju-docker-registry", "admin", "me"]
    assert machine.credentials.users() != before
    assert machine.engine.writes() == []


def test_an_idle_hook_with_users_calls_nothing_more(deployed, juju, machine):
    juju.change(config={"auth-basic-password": "one"})
    deployed.hook("config-changed")
    before = machine.credentials.users()
    machine.engine.calls.clear()
    assert len(deployed.hook("update-status")) == 6
    assert machine.engine.calls == [("inspect", "registry")]
    assert machine.credentials.users() == before


def test_without_users_their_file_goes_and_the_registry_is_open_again(deployed, juju, machine):
    juju.change(config={"auth-basic-password": "one"})
    deployed.hook("config-changed")
    juju.change(config={"auth-basic-password": ""})
    deployed.hook("config-changed")
    assert machine.store.current().authentication is None
    assert machine.credentials.users() == ""


def test_a_configuration_damaged_by_hand_takes_no_user_away(deployed, juju, machine):
    juju.change(config={"auth-basic-password": "one"})
    deployed.hook("config-changed")
    before = machine.credentials.users()
    machine.store.link.write_text("version: 0.1\n")
    juju.change(config={"registry-port": 0})
    deployed.hook("config-changed")
    assert machine.credentials.users() == before
    assert machine.engine.serving(5000)


def test_wrong_users_leave_the_registry_closed_as_it_was(deployed, juju, machine):
    juju.change(config={"auth-basic-password": "one"})
    deployed.hook("config-changed")
    before = machine.credentials.users()
    juju.change(config={"auth-basic-password": "", "auth-basic-users": "me"})
    deployed.hook("config-changed")
    assert juju.model["status"] == [
        "blocked",
        "auth-basic-users: the value is not a YAML mapping. Use a line `user: password` for each user. "
        "Still serving at 10.0.0.10:5000 (http).",
    ]
    assert machine.store.current().authentication == "htpasswd"
    assert machine.credentials.users() == before


def test_a_password_comes_from_a_secret_and_follows_it(deployed, juju, machine):
    juju.change(config={"auth-basic-password": "secret:abc"})
    deployed.hook("config-changed")
    assert juju.model["status"] == [
        "blocked",
        "auth-basic-password: secret:abc cannot be read (permission denied). "
        "Run `juju grant-secret secret:abc docker-registry`. Still serving at 10.0.0.10:5000 (http).",
    ]
    juju.change(secrets={"abc": {"password": "hush"}})
    deployed.hook("update-status")
    assert juju.model["status"] == READY
    before = machine.credentials.users()
    assert users(machine) == ["juju-docker-registry", "admin"]
    juju.change(secrets={"abc": {"password": "other"}})
    deployed.hook("secret-changed")
    assert machine.credentials.users() != before
    assert "hush" not in json.dumps(juju.called("juju-log") + juju.called("status-set"))


def test_clients_get_the_credentials_that_the_registry_asks_for(deployed, juju):
    juju.change(relations={"docker-registry:1": {"node/0": {}}}, config={"auth-basic-password": "hush"})
    deployed.hook("config-changed")
    told = juju.model["relations"]["docker-registry:1"]["docker-registry/0"]
    assert (told["basic_user"], told["basic_password"]) == ('"admin"', '"hush"')
    juju.change(config={"auth-basic-password": ""})
    deployed.hook("config-changed")
    told = juju.model["relations"]["docker-registry:1"]["docker-registry/0"]
    assert (told["basic_user"], told["basic_password"]) == ("null", "null")


def test_push_goes_by_a_loopback_registry_where_tokens_are_asked_for(deployed, juju, machine, actions):
    juju.change(config=TOKEN)
    deployed.hook("config-changed")
    assert machine.store.current().authentication == "token"
    machine.engine.calls.clear()
    deployed.action("push", actions, image="registry:2", tag="", pull=False)
    assert juju.model["failure"] is None
    assert ("push", "127.0.0.1:32769/registry:2", "juju-docker-registry") in machine.engine.calls
    assert list(machine.engine.containers) == ["registry"]


def test_push_to_a_read_only_registry_says_so(deployed, juju, machine, actions):
    juju.change(config={"storage-read-only": True})
    deployed.hook("config-changed")
    failure = deployed.action("push", actions, image="registry:2", tag="", pull=False)["failure"]
    assert failure == "The registry is read-only. Set storage-read-only=false to push."
    assert deployed.action("push", actions, image="registry:2", tag="other:5000/x", pull=False)["outcome"] == "success"


CERT_PATH, KEY_PATH = "/etc/docker/registry/registry.crt", "/etc/docker/registry/registry.key"
ENCRYPTED = [
    "active",
    "Ready at 10.0.0.10:5000 (https). tls-cert-blob: the certificate is not valid for 10.0.0.10, so clients reject it "
    "there. Set http-host to a name it has, or reissue it.",
]
"""The certificates of these tests are for host names."""


def test_files_of_the_operator_turn_tls_on_and_an_empty_path_off(deployed, juju, machine):
    machine.files.texts |= {CERT_PATH: ALONE, KEY_PATH: ALONE_KEY}
    deployed.hook("update-status")
    assert juju.model["status"] == [ENCRYPTED[0], ENCRYPTED[1].replace("blob", "path")]
    assert machine.store.current().certificate == ALONE
    machine.engine.calls.clear()
    deployed.hook("update-status")
    assert machine.engine.calls == [("inspect", "registry")]
    del machine.files.texts[CERT_PATH]
    deployed.hook("update-status")
    assert juju.model["status"][0] == "active"
    assert "no longer exists; its copy stays in use" in juju.model["status"][1]
    assert machine.store.current().scheme == "https"
    juju.change(config={"tls-cert-path": ""})
    deployed.hook("config-changed")
    assert juju.model["status"] == READY
    assert machine.files.texts == {KEY_PATH: ALONE_KEY}, "what is the operator's stays"


def test_blobs_are_written_and_taken_away(deployed, juju, machine):
    juju.change(config={"tls-cert-blob": ALONE, "tls-key-blob": ALONE_KEY})
    deployed.hook("config-changed")
    assert juju.model["status"] == ENCRYPTED
    assert machine.files.texts == {CERT_PATH: ALONE, KEY_PATH: ALONE_KEY}
    assert machine.files.modes == {CERT_PATH: 0o644, KEY_PATH: 0o600}
    juju.change(config={"tls-cert-path": "/new.crt"})
    deployed.hook("config-changed")
    assert sorted(machine.files.texts) == [KEY_PATH, "/new.crt"]
    machine.files.texts["/new.crt"] = LEAF  # somebody's now
    juju.change(config={"tls-cert-path": CERT_PATH, "tls-cert-blob": "", "tls-key-blob": ""})
    deployed.hook("config-changed")
    assert juju.model["status"] == READY
    assert machine.files.texts == {"/new.crt": LEAF}


@pytest.mark.parametrize("kind", ["ca", "cert", "key"])
def test_a_file_of_others_at_the_path_of_a_blob_is_neither_replaced_nor_removed(deployed, juju, machine, kind):
    machine.files.texts["/etc/theirs"] = "theirs"
    blobs = {"tls-cert-blob": ALONE, "tls-key-blob": ALONE_KEY, "tls-ca-blob": ALONE}
    juju.change(config={**blobs, f"tls-{kind}-path": "/etc/theirs"})
    deployed.hook("config-changed")
    assert juju.model["status"][0] == "blocked"
    assert juju.model["status"][1].startswith("/etc/theirs is a file of others, so tls-...-blob is not written to it. ")
    assert machine.store.current().certificate == ALONE, "the blob itself is used"
    assert machine.files.texts["/etc/theirs"] == "theirs"
    juju.change(config=dict.fromkeys(blobs, ""))
    deployed.hook("config-changed")
    assert machine.files.texts["/etc/theirs"] == "theirs"


def test_wrong_blobs_leave_the_registry_and_the_files_as_they_were(deployed, juju, machine):
    juju.change(config={"tls-cert-blob": ALONE, "tls-key-blob": ALONE_KEY})
    deployed.hook("config-changed")
    for wrong, sentence in (
        (
            {"tls-cert-blob": LEAF},
            "tls-key-blob: the key does not belong to the certificate. Use the key and certificate of one pair.",
        ),
        (
            {"tls-cert-blob": "junk!"},
            "tls-cert-blob: the text is neither PEM nor base64 of PEM. Use the content of a PEM file.",
        ),
        ({"tls-cert-blob": ""}, "tls-cert-path: there is no file /etc/docker/registry/registry.crt. "),
    ):
        juju.change(config={"tls-cert-blob": ALONE, **wrong})
        deployed.hook("config-changed")
        assert juju.model["status"][0] == "blocked"
        assert juju.model["status"][1].startswith(sentence)
        assert juju.model["status"][1].count("tls-cert-blob: ") <= 1
        assert machine.store.current().certificate == ALONE
        assert machine.engine.serving(5000)


def test_removal_takes_the_files_of_blobs_and_leaves_the_operators(deployed, juju, machine):
    juju.change(config={"tls-cert-blob": ALONE, "tls-key-blob": ALONE_KEY, "tls-ca-path": "/ca.crt"})
    machine.files.texts["/ca.crt"] = ALONE
    deployed.hook("config-changed")
    deployed.hook("stop")
    assert machine.files.texts == {"/ca.crt": ALONE}


@pytest.mark.parametrize("by", ["blobs", "files"])
def test_everybody_is_told_of_tls(deployed, juju, machine, by):
    juju.change(
        relations={
            name: {unit: {}}
            for name, unit in (
                ("docker-registry:1", "node/0"),
                ("peer:2", "docker-registry/1"),
                ("website:3", "haproxy/0"),
                ("nrpe-external-master:4", "nrpe/0"),
            )
        }
    )
    if by == "blobs":
        juju.change(config={"tls-cert-blob": ALONE, "tls-key-blob": ALONE_KEY})
    else:
        machine.files.texts |= {CERT_PATH: ALONE, KEY_PATH: ALONE_KEY}
    deployed.hook("upgrade-charm")
    told = {name: bags["docker-registry/0"] for name, bags in juju.model["relations"].items()}
    assert json.loads(told["docker-registry:1"]["tls_ca"]) == ALONE
    assert told["docker-registry:1"]["registry_url"] == '"https://10.0.0.10:5000"'
    assert told["peer:2"]["scheme"] == "https"
    assert "check-ssl verify none" in told["website:3"]["services"]
    assert "check_docker_registry_certificate" in told["nrpe-external-master:4"]["monitors"]
    assert "https://127.0.0.1:5000/" in machine.checks.files["/etc/nagios/nrpe.d/check_docker_registry_http.cfg"]
    assert "insecure-registries" not in machine.dockerd.daemon_json


def test_push_goes_by_a_loopback_registry_where_certificates_are_asked_for(deployed, juju, machine, actions):
    juju.change(config={"tls-cert-blob": ALONE, "tls-key-blob": ALONE_KEY, "tls-client-ca-blob": ROOT})
    deployed.hook("config-changed")
    assert juju.model["status"] == ENCRYPTED
    release = machine.store.current()
    assert release.others["client-ca.crt"] == f"{ROOT}certificate of juju-docker-registry\n"
    machine.engine.calls.clear()
    deployed.action("push", actions, image="registry:2", tag="", pull=False)
    assert ("push", "127.0.0.1:32769/registry:2", "juju-docker-registry") in machine.engine.calls
    juju.change(config={"tls-client-ca-blob": ""})
    deployed.hook("config-changed")
    assert not machine.store.current().asks_for_certificates


def test_a_container_of_swift_is_made_ready_before_the_registry_comes_to_it(deployed, juju, machine):
    juju.change(config={f"storage-swift-{name}": "x" for name in ("username", "password")})
    juju.change(config={"storage-swift-authurl": "http://swift:8080/auth/v1.0", "storage-swift-container": "away"})
    deployed.hook("config-changed")
    assert juju.model["status"] == [
        "blocked",
        "storage-swift-container: the container away does not exist. Create it with `swift post away`. "
        "Still serving at 10.0.0.10:5000 (http).",
    ]
    juju.change(config={"storage-swift-container": "images"})
    deployed.hook("config-changed")
    deployed.hook("update-status")
    assert juju.model["status"] == READY
    assert machine.swift_calls == ["away", "images"]


def test_push_to_a_cache_says_so(deployed, juju, machine, actions):
    machine.engine.upstreams.add("registry-1.docker.io")
    juju.change(config={"cache-remoteurl": "https://registry-1.docker.io"})
    deployed.hook("config-changed")
    failure = deployed.action("push", actions, image="registry:2", tag="", pull=False)["failure"]
    assert (
        failure
        == "The registry is a cache of https://registry-1.docker.io. Push to that registry, or reset cache-remoteurl."
    )
