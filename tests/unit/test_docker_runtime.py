"""Docker and packages through the real dispatch of charms.reactive, on a machine in memory."""

import contextlib
import json

import fakes
import pytest
from charms.layer import docker_runtime
from fake_machine import READY
from registry.formats import daemon, daemon_effects
from registry.options import runtime

SERVES = " Still serving at 10.0.0.10:5000 (http)."
CUSTOM = {"docker_runtime": "custom", "docker_runtime_package": "docker-other"}


def config(juju, charm, **values):
    """Set options, run the hook, and return the status."""
    juju.change(config={name.replace("__", "-"): value for name, value in values.items()})
    charm.hook("config-changed")
    return juju.model["status"]


def deploy(charm):
    for hook in ("install", "config-changed", "start"):
        charm.hook(hook)


def test_a_fresh_docker_has_the_default_settings(deployed, machine):
    assert json.loads(machine.dockerd.daemon_json) == {"live-restore": True, **runtime.DEFAULT_SETTINGS}
    assert (machine.dockerd.restarts, machine.dockerd.drop_in) == (1, None)
    assert machine.apt.calls == []


def test_settings_are_added_to_those_of_others(deployed, juju, machine):
    machine.dockerd.daemon_json = json.dumps({**json.loads(machine.dockerd.daemon_json), "dns": ["1.1.1.1"]})
    assert config(juju, deployed, daemon__opts="log-driver: journald") == READY
    assert json.loads(machine.dockerd.daemon_json) == {
        "live-restore": True,
        "dns": ["1.1.1.1"],
        "log-driver": "journald",
    }
    assert machine.dockerd.restarts == 2


def test_an_idle_hook_leaves_docker_alone(deployed, juju, machine):
    config(juju, deployed, docker__opts="--mtu 1400", extra_packages="jq", package_status="hold")
    before = (machine.dockerd.restarts, machine.dockerd.reloads, dict(machine.records.texts), list(machine.apt.calls))
    deployed.hook("update-status")
    assert (machine.dockerd.restarts, machine.dockerd.reloads, machine.records.texts, machine.apt.calls) == before


def test_a_reload_is_enough_for_some(deployed, juju, machine):
    opts = json.dumps({**runtime.DEFAULT_SETTINGS, "debug": True})
    before = machine.dockerd.reloads
    assert config(juju, deployed, daemon__opts=opts) == READY
    assert (machine.dockerd.restarts, machine.dockerd.reloads) == (1, before + 1)


def test_without_validation_dockerd_is_restarted(deployed, juju, machine):
    machine.dockerd.validates = False
    config(juju, deployed, daemon__opts=json.dumps({**runtime.DEFAULT_SETTINGS, "debug": True}))
    assert machine.dockerd.restarts == 2


def test_live_restore_that_comes_back_is_there_before_the_restart(deployed, juju, machine):
    config(juju, deployed, daemon__opts='{"live-restore": false}')
    assert json.loads(machine.dockerd.daemon_json)["live-restore"] is False
    machine.engine.live_restoring = machine.dockerd.validates = False
    config(juju, deployed, daemon__opts="{}")
    assert json.loads(machine.dockerd.daemon_json) == {"live-restore": True}
    assert machine.engine.live_restoring


@pytest.mark.parametrize("option", ["daemon-opts", "docker-opts"])
def test_rejected_settings_are_reverted_reported_and_not_tried_again(deployed, juju, machine, option):
    machine.dockerd.rejected = {"nosuch"}
    before = machine.dockerd.daemon_json
    value = {"daemon-opts": "nosuch: 1", "docker-opts": "--nosuch"}[option]
    problem = f"{option}: the new settings were reverted (Docker does not start: unknown nosuch). Fix them." + SERVES
    assert config(juju, deployed, **{option: value}) == ["blocked", problem]
    assert (machine.dockerd.daemon_json, machine.dockerd.drop_in, machine.dockerd.restarts) == (before, None, 3)
    deployed.hook("update-status")
    assert juju.model["status"] == ["blocked", problem]
    assert machine.dockerd.restarts == 3
    assert config(juju, deployed, **{option: juju.model["config"][option] + " "}) == ["blocked", problem]
    machine.dockerd.rejected = set()
    assert config(juju, deployed, daemon__opts="debug: true", docker__opts="") == READY


def test_a_new_docker_tries_again_what_the_old_one_rejected(deployed, juju, machine, actions):
    machine.dockerd.rejected = {"nosuch"}
    config(juju, deployed, daemon__opts="nosuch: 1")
    machine.dockerd.rejected = set()
    assert deployed.action("upgrade-docker", actions)["message"] == READY[1]
    assert json.loads(machine.dockerd.daemon_json)["nosuch"] == 1


def test_a_wrong_value_of_settings_changes_nothing(deployed, juju, machine):
    before = machine.dockerd.daemon_json
    state, message = config(juju, deployed, daemon__opts="[1]", http_proxy="http://a:hush@b", docker__opts="x")
    assert state == "blocked"
    assert message.startswith("daemon-opts: ")
    assert " (2 more problems: see juju debug-log.) " in message
    ((_, _, logged),) = warnings(juju)
    assert [line.partition(": ")[0] for line in logged.splitlines()] == ["daemon-opts", "docker-opts", "http_proxy"]
    assert "hush" not in message + logged
    assert (machine.dockerd.daemon_json, machine.dockerd.restarts) == (before, 1)


@pytest.mark.parametrize("restart", [2, 3])
def test_killed_while_settings_are_tried_the_next_hook_reverts_them(deployed, juju, machine, restart):
    machine.dockerd.rejected = {"nosuch"}
    machine.dockerd.dies_at = restart
    with contextlib.suppress(fakes.Killed):
        config(juju, deployed, daemon__opts="nosuch: 1")
    assert daemon.Record.from_json(machine.records.load("daemon")).trying
    machine.dockerd.dies_at = None
    deployed.hook("update-status")
    assert "nosuch" not in machine.dockerd.daemon_json
    assert juju.model["status"][1].startswith(
        "daemon-opts: the new settings were reverted (Docker does not start: unknown nosuch)"
    )
    assert not daemon.Record.from_json(machine.records.load("daemon")).trying


def test_settings_that_fail_at_the_next_boot_only_are_reverted(deployed, juju, machine):
    before = machine.dockerd.daemon_json
    assert config(juju, deployed, docker__opts="--bip=nonsense", daemon__opts="debug: true") == READY
    machine.dockerd.rejected, machine.dockerd.failed = {"nonsense"}, True
    for _ in range(2):
        deployed.hook("update-status")
        state, message = juju.model["status"]
        assert state == "blocked"
        assert message == (
            "daemon-opts and docker-opts: the new settings were reverted (Docker does not start: unknown nonsense). "
            f"Fix them.{SERVES}"
        )
        assert (json.loads(machine.dockerd.daemon_json), machine.dockerd.drop_in) == (json.loads(before), None)
    assert config(juju, deployed, docker__opts="") == READY
    assert json.loads(machine.dockerd.daemon_json) == {"live-restore": True, "debug": True}


def test_a_docker_that_failed_for_another_reason_keeps_its_settings(deployed, juju, machine):
    config(juju, deployed, daemon__opts="debug: true")
    machine.dockerd.failed = True
    deployed.hook("update-status")
    assert juju.model["status"] == READY
    assert json.loads(machine.dockerd.daemon_json)["debug"] is True
    machine.dockerd.rejected, machine.dockerd.failed = {"live-restore"}, True
    deployed.hook("update-status")
    assert juju.model["status"][1].startswith("Docker failed: Docker does not start: unknown live-restore")
    assert json.loads(machine.dockerd.daemon_json)["debug"] is True


def test_a_file_that_was_edited_since_is_never_replaced_and_is_blamed(deployed, juju, machine):
    config(juju, deployed, daemon__opts="debug: true")
    edited = json.dumps({"live-restore": True, "debug": True, "nosuch": 1})
    machine.dockerd.daemon_json = edited
    machine.dockerd.rejected, machine.dockerd.failed = {"nosuch"}, True
    for _ in range(2):
        deployed.hook("update-status")
        assert juju.model["status"] == [
            "blocked",
            "Docker does not start: unknown nosuch. /etc/docker/daemon.json was changed by somebody else. Fix the "
            "file; the charm does not change it.",
        ]
        assert machine.dockerd.daemon_json == edited
    machine.dockerd.daemon_json = '{"live-restore": true, "debug": true}'
    deployed.hook("update-status")
    assert juju.model["status"] == READY


def test_the_charms_part_is_undone_beside_an_edited_file(deployed, juju, machine):
    config(juju, deployed, docker__opts="--log-level=nonsense")
    edited = json.dumps({**json.loads(machine.dockerd.daemon_json), "dns": ["1.1.1.1"]})
    machine.dockerd.daemon_json = edited
    machine.dockerd.rejected, machine.dockerd.failed = {"nonsense"}, True
    deployed.hook("update-status")
    assert juju.model["status"][1].startswith("docker-opts: the new settings were reverted (Docker does not start: ")
    assert (machine.dockerd.daemon_json, machine.dockerd.drop_in) == (edited, None)


def test_a_file_of_somebody_else_is_copied_before_it_is_changed(charm, juju, machine):
    machine.dockerd.daemon_json = theirs = '{ "dns": ["1.1.1.1"] }'
    deploy(charm)
    assert machine.dockerd.saved == theirs
    machine.dockerd.saved = None
    assert config(juju, charm, daemon__opts="debug: true") == READY
    assert machine.dockerd.saved is None, "that one was the charm's"


@pytest.mark.parametrize(
    ("options", "option", "keys"),
    [
        ({"daemon__opts": "data-root: /srv/docker"}, "daemon-opts", "data-root"),
        (
            {"daemon__opts": "{storage-driver: vfs, userns-remap: default}"},
            "daemon-opts",
            "storage-driver and userns-remap",
        ),
        (
            {"daemon__opts": "features: {containerd-snapshotter: true}"},
            "daemon-opts",
            "features.containerd-snapshotter",
        ),
        ({"docker__opts": "-s vfs"}, "docker-opts", "storage-driver"),
        ({"docker__opts": "--exec-root=/run/x"}, "docker-opts", "exec-root"),
    ],
)
def test_settings_that_hide_containers_wait_until_the_registry_is_stopped(
    deployed, juju, machine, actions, options, option, keys
):
    assert config(juju, deployed, **options) == [
        "blocked",
        f"{option}: {keys} would hide Docker's containers (registry) and images. Undo the change; or remove all "
        f"containers of others, and run the actions stop and start.{SERVES}",
    ]
    # The option's default is gone with the new value: that is applied.
    defaults = {} if option == "daemon-opts" else runtime.DEFAULT_SETTINGS
    assert json.loads(machine.dockerd.daemon_json) == {"live-restore": True, **defaults}
    before = (machine.dockerd.drop_in, machine.dockerd.restarts)
    assert before == (None, 2 if option == "daemon-opts" else 1)
    deployed.hook("update-status")
    assert (machine.dockerd.drop_in, machine.dockerd.restarts) == before
    deployed.action("stop", actions, name="", remove=False)
    deployed.action("start", actions, name="")
    assert juju.model["status"] == READY
    assert machine.dockerd.restarts == before[1] + 1


def test_settings_that_must_wait_keep_no_others(deployed, juju, machine, actions):
    opts = "{data-root: /srv/docker, features: {containerd-snapshotter: true, x: true}, debug: true}"
    state, message = config(juju, deployed, daemon__opts=opts, docker__opts="-D --exec-root /run/x --mtu=1400")
    assert state == "blocked"
    assert message.startswith("docker-opts: --debug is in daemon-opts too.")
    state, message = config(juju, deployed, docker__opts="--exec-root /run/x --mtu=1400")
    assert state == "blocked"
    assert "data-root and exec-root and features.containerd-snapshotter would hide" in message
    assert json.loads(machine.dockerd.daemon_json) == {"live-restore": True, "features": {"x": True}, "debug": True}
    assert machine.dockerd.drop_in.splitlines()[-1].endswith('dockerd -H fd:// "--mtu=1400"')
    machine.dockerd.command = "/usr/sbin/dockerd -H fd:// --debug"
    assert "debug is set in " in config(juju, deployed, docker__opts="--mtu=1500")[1]
    assert machine.dockerd.drop_in.splitlines()[-1].endswith('"--mtu=1500"')
    machine.dockerd.command = "/usr/sbin/dockerd -H fd://"
    deployed.action("stop", actions, name="", remove=False)
    deployed.action("start", actions, name="")
    assert json.loads(machine.dockerd.daemon_json)["data-root"] == "/srv/docker"
    # Taken back while containers run, it stays too.
    machine.engine.force = daemon_effects.Observed(data_root="/srv/docker", snapshotter=True)
    state, message = config(juju, deployed, daemon__opts="debug: false")
    assert (state, "data-root and features.containerd-snapshotter would hide" in message) == ("blocked", True)
    settings = {"data-root": "/srv/docker", "debug": False, "features": {"containerd-snapshotter": True}}
    assert json.loads(machine.dockerd.daemon_json) == {"live-restore": True, **settings}


def test_settings_that_hide_containers_are_applied_where_there_are_none(charm, juju, machine):
    juju.change(config={"daemon-opts": "data-root: /srv/docker"})
    deploy(charm)
    assert juju.model["status"] == READY
    assert json.loads(machine.dockerd.daemon_json)["data-root"] == "/srv/docker"


@pytest.mark.parametrize("options", [{"daemon__opts": "hosts: [tcp://127.0.0.1:1]"}, {"daemon__opts": "bridge: none"}])
def test_settings_that_cut_docker_off_are_refused(deployed, juju, machine, options):
    machine.dockerd.command = "/usr/sbin/dockerd"
    state, message = config(juju, deployed, **options)
    assert (state, message.startswith("daemon-opts: with this ")) == ("blocked", True)
    assert json.loads(machine.dockerd.daemon_json) == {"live-restore": True}


OWNERS = "/usr/sbin/dockerd -H fd:// --log-driver=journald --log-opt tag=x"


def test_the_owners_settings_come_back_when_the_options_are_reset(charm, juju, machine):
    owners = {"log-driver": "local", "ip": "127.0.0.1", "debug": True, "labels": ["a=b"]}
    machine.dockerd.daemon_json = json.dumps(owners)
    charm.hook("install")
    config(juju, charm, daemon__opts='{"ip": "0.0.0.0", "debug": true, "labels": ["c=d"], "mtu": 1400}')
    config(juju, charm, daemon__opts='{"ip": "0.0.0.0", "labels": ["e=f"]}')
    assert json.loads(machine.dockerd.daemon_json)["labels"] == ["e=f"]
    config(juju, charm, daemon__opts="")
    assert json.loads(machine.dockerd.daemon_json) == {**owners, "live-restore": True}


def test_the_default_settings_give_way_to_those_of_the_owner(charm, juju, machine):
    machine.dockerd.command = OWNERS
    deploy(charm)
    assert juju.model["status"] == READY
    assert json.loads(machine.dockerd.daemon_json) == {"live-restore": True}
    assert machine.dockerd.restarts == 0
    assert config(juju, charm, daemon__opts="log-driver: journald") == [
        "blocked",
        "daemon-opts: log-driver is set in /etc/systemd/system/docker.service.d/logging.conf too. Set it in one of "
        f"the two.{SERVES}",
    ]


@pytest.mark.parametrize(
    "theirs", [{"log-driver": "fluentd", "log-opts": {"fluentd-address": "a:1"}}, {"log-opts": {"max-size": "1m"}}]
)
def test_the_default_settings_give_way_to_the_owners_file(charm, juju, machine, theirs):
    machine.dockerd.daemon_json = json.dumps(theirs)
    deploy(charm)
    assert juju.model["status"] == READY
    assert json.loads(machine.dockerd.daemon_json) == {**theirs, "live-restore": True}
    assert config(juju, charm, daemon__opts="log-driver: journald") == READY
    assert json.loads(machine.dockerd.daemon_json)["log-driver"] == "journald"


def test_arguments_take_the_place_of_the_default_settings(deployed, juju, machine):
    assert config(juju, deployed, docker__opts="--log-driver=journald") == READY
    assert json.loads(machine.dockerd.daemon_json) == {"live-restore": True}


def test_arguments_that_somebody_elses_drop_in_overrides_have_no_effect(deployed, juju, machine):
    machine.dockerd.overrides = machine.dockerd.command = "/usr/sbin/dockerd -H fd://"
    assert config(juju, deployed, docker__opts="--log-level warn") == [
        "blocked",
        "docker-opts: /etc/systemd/system/docker.service.d/logging.conf takes precedence, so the option has no "
        f"effect. Remove it there, or reset the option.{SERVES}",
    ]


def test_a_proxy_that_docker_does_not_use_is_said(deployed, juju, machine):
    machine.engine.force = daemon_effects.Observed(proxies={"HTTP_PROXY": "http://other:1"})
    state, message = config(juju, deployed, http_proxy="http://ours:1")
    assert state == "blocked"
    assert message.startswith("http_proxy: /etc/default/docker or daemon.json takes precedence, ")
    machine.engine.force = daemon_effects.Observed(proxies={"HTTP_PROXY": "http://ours:1"})
    deployed.hook("update-status")
    assert juju.model["status"] == READY


def test_settings_of_the_network_wait_until_no_container_runs(deployed, juju, machine, actions):
    machine.engine.default_network = {"Options": {"com.docker.network.driver.mtu": "1500"}}
    sentence = "Docker will use mtu once it starts without running containers. "
    state, message = config(juju, deployed, docker__opts="--mtu 1400")
    assert (state, message.startswith(f"docker-opts: {sentence}")) == ("blocked", True)
    before = machine.dockerd.restarts
    deployed.action("stop", actions, name="", remove=False)
    deployed.hook("update-status")
    assert machine.dockerd.restarts == before + 1
    machine.engine.default_network = {"Options": {"com.docker.network.driver.mtu": "1400"}}
    deployed.action("start", actions, name="")
    assert juju.model["status"] == READY


def test_podman_in_dockers_place_is_said_and_stays(charm, juju, machine):
    machine.docker_packages.podman, machine.docker_packages.is_installed = True, False
    deploy(charm)
    assert juju.model["status"] == [
        "blocked",
        "The command docker of this machine is podman's. Remove the package podman-docker; the charm installs Docker.",
    ]
    assert machine.apt.calls == []


def test_a_registry_that_docker_lost_sight_of_is_ended(deployed, machine):
    machine.processes.registries = {4242, 99}  # the first is that of the container
    deployed.hook("update-status")
    assert machine.processes.registries == {4242, 99}, "Docker has not started since the last look"
    machine.dockerd.restart()
    deployed.hook("update-status")
    assert machine.processes.registries == {4242}


def test_a_broken_daemon_json_is_reported_and_unchanged(deployed, juju, machine):
    machine.dockerd.daemon_json = "{"
    assert "/etc/docker/daemon.json is not JSON" in config(juju, deployed, daemon__opts="live-restore: true")[1]
    assert machine.dockerd.daemon_json == "{"


def test_proxies_and_arguments_are_in_the_drop_in(deployed, juju, machine, monkeypatch):
    assert config(juju, deployed, https_proxy="http://ours:1", docker__opts="--log-level warn") == READY
    assert 'Environment="HTTPS_PROXY=http://ours:1"' in machine.dockerd.drop_in
    assert 'ExecStart=/usr/sbin/dockerd -H fd:// "--log-level" "warn"' in machine.dockerd.drop_in
    config(juju, deployed, https_proxy="", docker__opts="")
    assert machine.dockerd.drop_in is None


def test_the_models_proxy_counts_and_its_password_does_not(deployed, juju, machine):
    deployed.hook("config-changed", JUJU_CHARM_HTTP_PROXY="http://model:1", JUJU_CHARM_NO_PROXY="localhost")
    assert 'Environment="HTTP_PROXY=http://model:1"' in machine.dockerd.drop_in
    deployed.hook("config-changed", JUJU_CHARM_HTTP_PROXY="http://me:hush@model:1")
    state, message = juju.model["status"]
    assert (state, machine.dockerd.drop_in) == ("blocked", None)
    assert message.startswith(
        "juju-http-proxy of the model: the URL contains a password, which other programs on the machine could read. "
        "Use a proxy that requires none."
    )
    assert "hush" not in message


@pytest.mark.parametrize("values", [{"docker__opts": "--mtu 1"}, {"http_proxy": "http://p"}, {"daemon__opts": "{}"}])
def test_a_docker_that_is_set_up_elsewhere_says_what_has_no_effect(charm, juju, machine, values):
    machine.dockerd.takes_settings = False
    assert config(juju, charm) == READY
    assert config(juju, charm, **values) == [
        "blocked",
        "daemon-opts, docker-opts and the proxies have no effect: Docker does not use /etc/docker/daemon.json and "
        f"docker.service. Reset these options, and configure Docker where it is set up.{SERVES}",
    ]
    assert machine.records.load("live-restore")["live_restore_refused"]
    assert (machine.dockerd.daemon_json, machine.dockerd.restarts) == (None, 0)


def warnings(juju):
    return [call for call in juju.called("juju-log") if "WARNING" in call]


FLAGS = [docker_runtime.LIVE_RESTORE, docker_runtime.LIVE_RESTORE_REFUSED]


@pytest.mark.parametrize("flag", FLAGS)
def test_what_an_older_charm_knows_of_live_restore_is_recorded(charm, juju, machine, flag):
    """It kept that in flags. Nothing is asked of Docker, tried or logged again."""
    is_refused = flag == docker_runtime.LIVE_RESTORE_REFUSED
    machine.dockerd.daemon_json = None if is_refused else json.dumps({"live-restore": True, **runtime.DEFAULT_SETTINGS})
    machine.dockerd.takes_settings = not is_refused
    machine.engine.live_restoring = False
    charm.set_flag(flag)
    before = machine.dockerd.daemon_json
    charm.hook("upgrade-charm")
    assert juju.model["status"] == READY
    assert (machine.dockerd.daemon_json, machine.dockerd.reloads, machine.dockerd.restarts) == (before, 0, 0)
    assert warnings(juju) == []
    assert not set(FLAGS) & set(charm.flags())
    assert machine.records.load("live-restore") == {
        "live_restore_loaded": not is_refused,
        "live_restore_refused": is_refused,
    }


def test_a_new_docker_tries_live_restore_again(charm, juju, machine, actions):
    charm.set_flag(docker_runtime.LIVE_RESTORE_REFUSED)
    assert charm.action("upgrade-docker", actions)["output"] == "docker.io 20.10"
    assert machine.engine.live_restoring
    assert machine.records.load("live-restore")["live_restore_loaded"]
    assert not set(FLAGS) & set(charm.flags())


def test_an_older_charm_reads_the_record_of_this_one(deployed, juju, machine):
    """It takes a record with just these names, and looks at live-restore for itself where it has no flag."""
    names = {"ours", "refused", "reason", "before", "ours_before", "trying"}
    machine.dockerd.rejected = {"nosuch"}
    assert set(machine.records.load("daemon")) == names
    config(juju, deployed, daemon__opts="nosuch: 1")
    assert set(machine.records.load("daemon")) == names
    assert machine.records.load("daemon")["refused"]


def test_another_unit_of_the_machine_looks_at_live_restore_for_itself(deployed, machine):
    before = machine.records.load("daemon")
    deployed.hook("stop")
    assert (machine.records.load("live-restore"), machine.records.load("daemon")) == ({}, before)


# Where Docker comes from


def test_another_docker_waits_for_the_operator(deployed, juju, machine, actions):
    state, message = config(juju, deployed, **CUSTOM)
    assert (state, message) == (
        "blocked",
        "docker_runtime: docker-other can replace the installed Docker. Run the action upgrade-docker." + SERVES,
    )
    assert machine.apt.calls == [("simulate_docker",)]
    assert deployed.action("upgrade-docker", actions)["message"] == READY[1]
    assert juju.model["status"] == READY


def test_another_docker_is_installed_once_where_there_is_none(charm, juju, machine):
    machine.docker_packages.is_installed = False
    assert config(juju, charm, **CUSTOM) == READY
    charm.hook("update-status")
    assert juju.model["status"] == READY
    assert machine.apt.calls == [("install_docker", "custom")]


def test_another_docker_that_cannot_be_had_is_said_and_the_one_here_goes_on(deployed, juju, machine):
    machine.apt.works = False
    state, message = config(juju, deployed, **CUSTOM)
    assert (state, message) == (
        "blocked",
        "Docker cannot be replaced: Unable to fetch some archives. Fix this or reset docker_runtime. "
        "The installed Docker stays in use." + SERVES,
    )


def test_the_docker_that_is_asked_for_is_left(deployed, juju, machine):
    assert config(juju, deployed, docker_runtime="apt") == READY
    assert machine.apt.calls == []


def test_a_wrong_origin_installs_nothing(charm, juju, machine):
    machine.docker_packages.is_installed = False
    assert config(juju, charm, docker_runtime="podman") == [
        "blocked",
        "docker_runtime: 'podman' is not supported. Use one of auto, apt, upstream, custom.",
    ]
    assert machine.apt.calls == []
    config(juju, charm, docker_runtime="upstream")
    assert machine.apt.calls == [("install_docker", "upstream")]


def test_a_wrong_origin_fails_the_action(deployed, juju, machine, actions):
    juju.change(config={"docker_runtime": "podman"})
    failure = deployed.action("upgrade-docker", actions)["failure"]
    assert "docker_runtime: 'podman' is not supported. Use one of auto, apt, upstream, custom." in failure
    assert machine.apt.calls == []


# Packages


def test_packages_are_installed_once_and_held_with_docker(deployed, juju, machine):
    assert config(juju, deployed, extra_packages="jq htop=3.*", package_status="hold") == READY
    machine.apt.installed["htop"] = "3.2"
    assert machine.apt.calls[0] == ("install", "jq", "htop=3.*")
    assert machine.apt.held == {"jq", "htop", "docker.io"}
    machine.apt.calls.clear()
    deployed.hook("update-status")
    assert machine.apt.calls == []
    config(juju, deployed, package_status="install")
    assert machine.apt.held == set()


def test_a_hold_of_somebody_else_stays(deployed, juju, machine):
    machine.apt.held = {"docker.io"}
    deployed.hook("update-status")
    assert machine.apt.held == {"docker.io"}


def test_what_somebody_removed_comes_back(deployed, juju, machine):
    config(juju, deployed, extra_packages="jq", package_status="hold")
    del machine.apt.installed["jq"]
    machine.apt.held.discard("jq")
    deployed.hook("update-status")
    assert "jq" in machine.apt.installed
    assert "jq" in machine.apt.held


def test_packages_that_cannot_be_had_are_said_and_tried_again(deployed, juju, machine):
    machine.apt.works = False
    said = (
        "extra_packages: the packages cannot be installed: Unable to fetch some archives. "
        "Check their names and the network. Retrying automatically."
    )
    assert config(juju, deployed, extra_packages="jq") == ["blocked", said + SERVES]
    machine.apt.works = True
    deployed.hook("update-status")
    assert juju.model["status"] == READY


def test_sources_are_put_and_looked_up_once(deployed, juju, machine):
    sources = json.dumps(["deb https://x.example jammy main", "ppa:juju/stable"])
    assert config(juju, deployed, install_sources=sources) == READY
    deployed.hook("update-status")
    assert machine.apt.calls == [("sources", "extra"), ("short_sources", "ppa:juju/stable")]
    config(juju, deployed, install_sources="")
    assert (machine.apt_sources.sources, machine.short_sources.names) == ([], ())


def test_package_sources_go_with_the_unit(deployed, juju, machine):
    config(juju, deployed, install_sources='["deb https://x.example a b", "ppa:juju/stable"]')
    deployed.hook("stop")
    assert (machine.apt_sources.sources, machine.short_sources.names) == ([], ())


def test_sources_that_cannot_be_had_are_said(deployed, juju, machine):
    machine.apt.works = False
    said = (
        "install_sources: APT failed: Unable to fetch some archives. Check the value and the network. "
        "Retrying automatically."
    )
    assert config(juju, deployed, install_sources="deb https://x.example a b") == ["blocked", said + SERVES]


def test_wrong_packages_are_said_and_nothing_is_done(deployed, juju, machine):
    wrong = {"extra_packages": "-x", "package_status": "purge", "install_sources": "{", "install_keys": "{"}
    state, message = config(juju, deployed, **wrong)
    assert state == "blocked"
    assert " (3 more problems: see juju debug-log.) " in message
    ((_, _, logged),) = warnings(juju)
    assert sorted(line.partition(": ")[0] for line in logged.splitlines()) == sorted(wrong)
    assert machine.apt.calls == []


@pytest.mark.parametrize("option", ["{ip: 0.0.0.0}", "{ip: 127.0.0.1}"])
def test_the_port_stays_at_all_addresses_until_the_network_of_docker_has_the_new_one(deployed, juju, machine, option):
    def bound():
        return machine.store.current().container.addresses

    assert bound() == {}
    machine.dockerd.daemon_json = json.dumps({"ip": "127.0.0.1", "live-restore": True})
    machine.engine.default_network = {"Options": {"com.docker.network.bridge.host_binding_ipv4": "127.0.0.1"}}
    deployed.hook("update-status")
    assert bound() == {"5000": "0.0.0.0"}
    juju.change(config={"daemon-opts": option})
    deployed.hook("config-changed")
    assert bound() == {"5000": "0.0.0.0"}, "the network keeps its address while the registry runs"
    juju.change(config={"daemon-opts": "{}"})
    deployed.hook("config-changed")
    assert bound() == {"5000": "0.0.0.0"}
    machine.engine.default_network = {"Options": {"com.docker.network.bridge.host_binding_ipv4": "0.0.0.0"}}
    machine.dockerd.daemon_json = json.dumps({"live-restore": True})
    deployed.hook("update-status")
    assert bound() == {}
