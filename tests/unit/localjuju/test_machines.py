"""Machines that reboot, die and go; units that are removed.

https://documentation.ubuntu.com/juju/3.6/reference/removing-things/ and
https://documentation.ubuntu.com/juju/3.6/reference/hook/#start
"""

from __future__ import annotations

import json
import threading
import time

import pytest
from folder_host import FolderHost
from sample import Juju, MakeCharm

from localjuju import cli
from localjuju.store import Store


def test_a_reboot_runs_config_changed_and_start(juju: Juju, make_charm: MakeCharm) -> None:
    juju.ok("deploy", str(make_charm()))
    juju.ok("machine", "reboot", "0")
    assert juju.ran()[-2:] == ["config-changed", "start"]
    juju.ok("status")
    assert len(juju.ran()) == 6


def test_a_hook_that_dies_with_its_machine_runs_again(juju: Juju, make_charm: MakeCharm) -> None:
    slow = "#!/bin/sh\nstatus-set maintenance slow; open-port 1\n[ -e ../../../../../../tmp/on ] || sleep 60"
    charm = str(make_charm({"hooks/start": slow}, hooks=("config-changed",)))
    deploying = threading.Thread(target=cli.main, args=(["deploy", charm], FolderHost))
    deploying.start()
    wait_until(lambda: (juju.folder / "models/m/model.json").read_text().count('"slow"') == 1)
    assert juju.unit()["juju-status"]["current"] == "executing"
    assert "(start) slow" in juju.ok("status")
    juju.ok("machine", "kill", "0")
    deploying.join(20)
    status = json.loads(juju.ok("status", "--format", "json"))
    unit = status["applications"]["sample"]["units"]["sample/0"]
    assert (unit["workload-status"]["current"], unit["juju-status"]["current"]) == ("unknown", "lost")
    assert status["machines"]["0"]["juju-status"]["current"] == "down"
    (juju.root() / "tmp/on").touch()
    juju.ok("machine", "start", "0")
    assert juju.ran() == ["config-changed", "start", "start"]
    assert juju.unit()["open-ports"] == ["1/tcp"]


def test_a_hook_whose_command_was_killed_runs_again(juju: Juju, make_charm: MakeCharm) -> None:
    """What it left running is ended first."""
    juju.ok("deploy", str(make_charm(hooks=("start",))))
    store = Store("m")
    model = store.load()
    unit = model.units["sample/0"]
    host = FolderHost(store, model, model.machines["0"])
    left = host.popen(["sleep", "60"], mark=unit.tag)
    wait_until((juju.root() / "run/unit-sample-0.pid").exists)
    unit.running = True
    store.save(model)
    juju.ok("status")
    assert left.wait(10) == -9
    assert not store.load().units["sample/0"].running


def test_removal_runs_stop_and_remove_and_takes_the_machine(juju: Juju, make_charm: MakeCharm) -> None:
    juju.ok("deploy", str(make_charm()))
    juju.ok("remove-application", "--no-prompt", "sample")
    assert juju.ran()[-2:] == ["stop", "remove"]
    assert not juju.root().exists()
    status = json.loads(juju.ok("status", "--format", "json"))
    assert (status["applications"], status["machines"]) == ({}, {})


def test_a_machine_can_be_kept_to_look_at(juju: Juju, make_charm: MakeCharm) -> None:
    juju.ok("deploy", str(make_charm()))
    juju.ok("remove-unit", "--no-prompt", "sample/0", "--keep-instance")
    assert list(json.loads(juju.ok("status", "--format", "json"))["machines"]) == ["0"]
    assert juju.ok("exec", "--machine", "0", "--", "echo here") == "here\n"
    juju.ok("remove-machine", "0")
    assert not juju.root().exists()


def test_removal_asks_first(juju: Juju, make_charm: MakeCharm, monkeypatch: pytest.MonkeyPatch) -> None:
    juju.ok("deploy", str(make_charm(hooks=())))
    with open("/dev/null") as nothing:
        monkeypatch.setattr("sys.stdin", nothing)
        assert juju("remove-unit", "sample/0").err.endswith("Continue [y/N]? ERROR aborted\n")
        assert juju("destroy-model", "m").code == 1
    assert juju.unit()


def test_a_unit_in_error_goes_when_resolved_or_forced(juju: Juju, make_charm: MakeCharm) -> None:
    charm = str(make_charm({"hooks/start": "#!/bin/sh\nexit 1"}))
    juju.ok("deploy", charm)
    juju.ok("remove-unit", "--no-prompt", "sample/0")
    assert juju.unit()["juju-status"]["life"] == "dying"
    juju.ok("resolved", "--no-retry", "sample/0")
    assert juju.ran()[-2:] == ["stop", "remove"]
    juju.ok("deploy", charm, "second")
    juju.ok("remove-application", "--no-prompt", "--force", "second")
    assert juju.ran("second/0")[-3:] == ["start", "stop", "remove"]


def test_a_unit_on_a_dead_machine_goes_by_force(juju: Juju, make_charm: MakeCharm) -> None:
    juju.ok("deploy", str(make_charm()))
    juju.ok("machine", "kill", "0")
    juju.ok("remove-application", "--no-prompt", "sample")
    assert juju.unit()["juju-status"]["life"] == "dying"
    juju.ok("remove-application", "--no-prompt", "--force", "sample")
    assert "sample" not in juju.ok("status")


def test_upgrade_machine_holds_hooks_between_its_two(juju: Juju, make_charm: MakeCharm) -> None:
    said = "#!/bin/sh\necho $JUJU_TARGET_BASE > ../../../../../../tmp/target"
    files = {"hooks/pre-series-upgrade": said, "hooks/post-series-upgrade": said}
    juju.ok("deploy", str(make_charm(files)))
    juju.ok("upgrade-machine", "0", "prepare", "ubuntu@24.04")
    assert juju.said("target") == "ubuntu@24.04\n"
    juju.ok("config", "sample", "port=1")
    assert juju.ran()[-1] == "pre-series-upgrade"
    juju.ok("hook", "sample/0", "update-status")
    juju.ok("upgrade-machine", "0", "complete")
    assert juju.ran()[-4:] == ["pre-series-upgrade", "update-status", "post-series-upgrade", "config-changed"]
    machine = json.loads(juju.ok("status", "--format", "json"))["machines"]["0"]
    assert machine["base"] == {"name": "ubuntu", "channel": "24.04"}


def test_the_network_between_two_machines_is_cut_and_joined(juju: Juju, make_charm: MakeCharm) -> None:
    juju.ok("deploy", str(make_charm(hooks=())), "-n", "2")

    def cut() -> list[str]:
        return [path.name for number in "01" for path in juju.root(number).glob("deaf-to-*")]

    juju.ok("machine", "cut", "0", "1")
    assert cut() == ["deaf-to-192.0.2.11", "deaf-to-192.0.2.10"]
    juju.ok("machine", "join", "0", "1")
    assert cut() == []
    assert juju("machine", "cut", "0").code == 2


def test_destroying_a_model_leaves_nothing(juju: Juju, make_charm: MakeCharm) -> None:
    juju.ok("deploy", str(make_charm()))
    juju.ok("add-model", "other", "--no-switch")
    juju.ok("destroy-model", "localjuju:admin/m", "--no-prompt")
    assert sorted(path.name for path in juju.folder.glob("*/*")) == ["other"]
    assert juju("status").err.startswith("ERROR No selected model.")


def wait_until(true: object, seconds: float = 20) -> None:
    """Wait for what another thread or process is to do."""
    deadline = time.monotonic() + seconds
    while not true():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_files_go_with_the_last_model_unless_a_command_is_at_work(juju: Juju, make_charm: MakeCharm) -> None:
    juju.ok("deploy", str(make_charm()))
    juju.ok("add-model", "busy")
    juju.ok("add-model", "n")
    kept = sorted((juju.folder / "blobs").iterdir())
    with Store("busy").lock():
        # It may have kept the same file, and not have said so in its model.
        juju.ok("destroy-model", "m", "--no-prompt")
    assert sorted((juju.folder / "blobs").iterdir()) == kept != []
    juju.ok("destroy-model", "n", "--no-prompt")
    assert list((juju.folder / "blobs").iterdir()) == []
