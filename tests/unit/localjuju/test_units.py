"""Several units of an application: where they are, who leads, and what becomes of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from sample import Juju

Recorder = Callable[..., str]


def applications(juju: Juju) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(juju.ok("status", "--format", "json"))["applications"]
    return found


def placed(juju: Juju, app: str = "app") -> dict[str, str]:
    """Unit -> its machine."""
    return {name: unit["machine"] for name, unit in applications(juju)[app]["units"].items()}


def leader(juju: Juju, app: str = "app") -> list[str]:
    return [name for name, unit in applications(juju)[app]["units"].items() if unit.get("leader")]


def test_units_take_turns_through_their_start(juju: Juju, recorder: Recorder) -> None:
    """https://documentation.ubuntu.com/juju/3.6/reference/hook/#installation-phase; the first unit leads."""
    juju.ok("deploy", recorder("app"), "-n", "2")
    assert juju.story() == [
        "app/0 install",
        "app/1 install",
        "app/0 leader-elected",
        "app/1 leader-settings-changed",
        "app/0 config-changed",
        "app/1 config-changed",
        "app/0 start",
        "app/1 start",
    ]
    assert placed(juju) == {"app/0": "0", "app/1": "1"}
    assert leader(juju) == ["app/0"]


def test_units_go_where_they_are_sent(juju: Juju, recorder: Recorder) -> None:
    """https://documentation.ubuntu.com/juju/3.6/reference/juju-cli/list-of-juju-cli-commands/add-unit/, --to."""
    juju.ok("deploy", recorder("app"))
    juju.ok("deploy", recorder("other"), "--to", "0", "-n", "2")
    assert placed(juju, "other") == {"other/0": "0", "other/1": "1"}
    juju.ok("add-unit", "app", "-n", "3", "--to", "1,0")
    assert placed(juju) == {"app/0": "0", "app/1": "1", "app/2": "0", "app/3": "2"}
    assert juju("add-unit", "app", "--to", "9").err == "ERROR machine 9 not found\n"
    assert juju("add-unit", "app", "-n", "x").code == 1
    juju.ok("remove-unit", "--no-prompt", "other/0", "app/0")
    assert juju.ok("exec", "--machine", "0", "--", "echo here") == "here\n", "a unit is left on it"
    juju.ok("remove-unit", "--no-prompt", "app/2")
    assert sorted(json.loads(juju.ok("status", "--format", "json"))["machines"]) == ["1", "2"]


def test_a_unit_that_goes_takes_the_lead_along(juju: Juju, recorder: Recorder) -> None:
    """https://documentation.ubuntu.com/juju/3.6/reference/hook/#leader-elected."""
    juju.ok("deploy", recorder("app"), "-n", "3")
    juju.story()
    juju.ok("remove-unit", "--no-prompt", "app/0")
    assert juju.story() == ["app/0 stop", "app/0 remove", "app/1 leader-elected"]
    assert leader(juju) == ["app/1"]
    juju.ok("add-unit", "app")
    assert juju.story()[1] == "app/3 leader-settings-changed", "numbers are not used again"


def test_settings_of_the_leader_reach_the_others(juju: Juju, recorder: Recorder) -> None:
    """charmhelpers.core.hookenv.leader_set and leader_get; is_leader."""
    juju.ok("deploy", recorder("app"), "-n", "3")
    juju.story()
    assert juju.tool("leader-set a=1 b=2", "app/0") == (0, "", "")
    assert juju.story() == ["app/1 leader-settings-changed", "app/2 leader-settings-changed"]
    assert juju.tool("leader-get a; is-leader", "app/2")[1] == "1\nFalse\n"
    assert juju.tool("leader-set a=9", "app/1")[0] == 1
    juju.tool("leader-set a=1", "app/0")
    assert juju.story() == [], "what changes nothing tells nobody"


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_the_lead_passes_to_a_unit_whose_machine_runs(juju: Juju, recorder: Recorder, end: str) -> None:
    """https://documentation.ubuntu.com/juju/3.6/reference/unit/#leader-unit; one alone keeps it."""
    juju.ok("deploy", recorder("app"), "-n", "2")
    juju.story()
    juju.ok("machine", end, "0")
    assert leader(juju) == ["app/1"]
    juju.tool("leader-set a=1", "app/1")
    juju.ok("machine", "start", "0")
    assert juju.story() == [
        "app/1 leader-elected",
        "app/0 leader-settings-changed",
        "app/0 config-changed",
        "app/0 start",
    ]
    assert leader(juju) == ["app/1"]
    juju.ok("machine", "kill", "0")
    juju.ok("machine", "kill", "1")
    assert leader(juju) == ["app/1"]


def test_a_reboot_keeps_the_lead(juju: Juju, recorder: Recorder) -> None:
    """A lease outlives a reboot: https://documentation.ubuntu.com/juju/3.6/reference/unit/#leader-unit."""
    juju.ok("deploy", recorder("app"), "-n", "2")
    juju.story()
    juju.ok("machine", "reboot", "0")
    assert juju.story() == ["app/0 config-changed", "app/0 start"]
    assert leader(juju) == ["app/0"]


def test_a_machine_that_does_not_come_up_holds_up_no_other(juju: Juju, recorder: Recorder) -> None:
    broken = juju.root("0").parent / "broken"
    broken.parent.mkdir(parents=True)
    broken.touch()
    done = juju("deploy", recorder("app"), "-n", "2")
    assert (done.code, done.err.splitlines()[-1]) == (1, "ERROR this machine does not come up")
    assert [line.split()[0] for line in juju.story()] == ["app/1"] * 4
    assert leader(juju) == ["app/1"]
    broken.unlink()
    juju.ok("config", "app", "port=81")
    assert juju.story()[:3] == ["app/0 install", "app/1 config-changed", "app/0 leader-settings-changed"]


def test_the_others_go_on_while_one_is_in_error(juju: Juju, recorder: Recorder) -> None:
    juju.ok("deploy", recorder("app", {"start": "[ $JUJU_UNIT_NAME != app/0 ]"}), "-n", "2")
    assert juju.story()[-2:] == ["app/0 start", "app/1 start"]
    units = applications(juju)["app"]["units"]
    assert [unit["workload-status"]["current"] for unit in units.values()] == ["error", "unknown"]
    assert applications(juju)["app"]["application-status"]["current"] == "error"
