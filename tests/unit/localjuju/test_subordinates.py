"""Subordinates: a unit beside each unit of their principal.

https://documentation.ubuntu.com/juju/3.6/reference/charm/#subordinate-charm
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from sample import Juju

Recorder = Callable[..., str]
CHECKS = {"checks": {"interface": "checks", "scope": "container"}}


@pytest.fixture
def deployed(juju: Juju, recorder: Recorder) -> Juju:
    """The principal `app` on two machines, and `agent`, which is not related yet."""
    juju.ok("deploy", recorder("app", provides={"monitors": {"interface": "checks"}}), "-n", "2")
    info = {"info": {"interface": "juju-info", "scope": "container"}}
    juju.ok("deploy", recorder("agent", subordinate=True, requires={**CHECKS, **info}))
    juju.story()
    return juju


def applications(juju: Juju) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(juju.ok("status", "--format", "json"))["applications"]
    return found


def of(juju: Juju, unit: str) -> list[str]:
    return [line.split(" ", 1)[1] for line in juju.story() if line.startswith(unit)]


def test_each_unit_of_the_principal_gets_one(deployed: Juju) -> None:
    """On its machine, and the two see each other alone: reference/relation/#relation-scope."""
    assert (applications(deployed)["agent"]["subordinate-to"], deployed.story()) == ([], [])
    deployed.ok("integrate", "app:monitors", "agent")
    assert of(deployed, "agent/1") == [
        "install",
        "checks-relation-created app",
        "leader-settings-changed",
        "config-changed",
        "start",
        "checks-relation-joined app/1",
        "checks-relation-changed app/1",
    ]
    shown = applications(deployed)
    assert [list(unit["subordinates"]) for unit in shown["app"]["units"].values()] == [["agent/0"], ["agent/1"]]
    assert (shown["agent"]["subordinate-to"], "units" in shown["agent"]) == (["app"], False)
    assert shown["agent"]["relations"] == {
        "checks": [{"related-application": "app", "interface": "checks", "scope": "container"}]
    }
    seen = "relation-list -r checks:0; unit-get private-address; echo $JUJU_PRINCIPAL_UNIT $JUJU_MACHINE_ID"
    assert deployed.tool(seen, "agent/1")[1] == "app/1\n192.0.2.11\napp/1 1\n"
    assert deployed.tool("relation-list -r monitors:0", "app/0")[1] == "agent/0\n"
    assert (deployed.root("1") / "var/lib/juju/agents/unit-agent-1/charm").exists(), "an agent's folder of its own"
    lines = [line.split(" ") for line in deployed.ok("status").splitlines()]
    indented = [(line[:2] == ["", ""], line[0] or line[2]) for line in lines if "/" in (line[0] or "".join(line[:3]))]
    assert indented == [(False, "app/0*"), (True, "agent/0*"), (False, "app/1"), (True, "agent/1")]


def test_a_new_unit_of_the_principal_gets_one_too(deployed: Juju) -> None:
    deployed.ok("integrate", "app:monitors", "agent")
    deployed.ok("add-unit", "app")
    assert list(applications(deployed)["app"]["units"]["app/2"]["subordinates"]) == ["agent/2"]


def test_every_charm_provides_juju_info(deployed: Juju) -> None:
    """The implicit endpoint runs no hooks: reference/relation/#implicit-relation."""
    deployed.ok("integrate", "app:juju-info", "agent:info")
    story = deployed.story()
    assert [line for line in story if line.startswith("app")] == []
    assert "agent/0 info-relation-joined app/0" in story
    assert deployed.tool("relation-get -r info:0 private-address app/0", "agent/0")[1] == "192.0.2.10\n"
    deployed.ok("remove-relation", "app", "agent")
    assert of(deployed, "agent/0") == [
        "info-relation-departed app/0 departing agent/0",
        "info-relation-broken app",
        "stop",
        "remove",
    ]


def test_a_declared_endpoint_goes_before_juju_info(deployed: Juju) -> None:
    """state.InferEndpoints: if there is ambiguity, implicit relations are discarded."""
    deployed.ok("integrate", "app", "agent")
    assert list(applications(deployed)["agent"]["relations"]) == ["checks"]


def test_it_goes_with_its_principal(deployed: Juju) -> None:
    deployed.ok("integrate", "app:monitors", "agent")
    deployed.story()
    deployed.ok("remove-unit", "--no-prompt", "app/1")
    story = deployed.story()
    assert [line for line in story if line.startswith("agent")] == [
        "agent/1 checks-relation-departed app/1 departing agent/1",
        "agent/1 checks-relation-broken app",
        "agent/1 stop",
        "agent/1 remove",
    ]
    assert story[-1] == "app/1 remove"
    assert list(applications(deployed)["app"]["units"]) == ["app/0"]
    assert "1" not in json.loads(deployed.ok("status", "--format", "json"))["machines"]


def test_it_goes_with_its_application_or_with_the_relation(deployed: Juju) -> None:
    deployed.ok("integrate", "app:monitors", "agent")
    deployed.ok("remove-relation", "app", "agent")
    shown = applications(deployed)
    assert ["subordinates" in unit for unit in shown["app"]["units"].values()] == [False, False]
    deployed.ok("integrate", "app:monitors", "agent")
    deployed.story()
    deployed.ok("remove-application", "--no-prompt", "agent")
    assert list(applications(deployed)) == ["app"]
    assert of(deployed, "app/0") == [
        "monitors-relation-departed agent/2 departing agent/2",
        "monitors-relation-broken agent",
    ]


def test_two_of_one_principal_keep_apart_and_a_peer_relation_spans_all(juju: Juju, recorder: Recorder) -> None:
    juju.ok("deploy", recorder("app", provides={"monitors": {"interface": "checks"}}), "-n", "2")
    peers = {"mesh": {"interface": "mesh"}}
    for name in ("one", "two"):
        juju.ok("deploy", recorder(name, subordinate=True, requires=CHECKS, peers=peers), name)
        juju.ok("integrate", "app", name)
    assert juju.tool("relation-list -r 1; relation-list -r 0", "one/0")[1] == "app/0\none/1\n"
    assert list(applications(juju)["app"]["units"]["app/0"]["subordinates"]) == ["one/0", "two/0"]


@pytest.mark.parametrize(
    ("command", "error"),
    [
        ("add-unit agent", 'cannot add unit to application "agent": application is a subordinate'),
        ("deploy CHARM other -n 2", "cannot use --num-units or --to with subordinate application"),
        (
            "remove-unit --no-prompt agent/0",
            'unit "agent/0" is a subordinate, to remove use remove-relation. '
            'Note: this will remove all units of "agent"',
        ),
    ],
)
def test_what_is_refused(juju: Juju, recorder: Recorder, command: str, error: str) -> None:
    charm = recorder("agent", subordinate=True, requires=CHECKS)
    juju.ok("deploy", recorder("app", provides={"monitors": {"interface": "checks"}}))
    juju.ok("deploy", charm)
    juju.ok("integrate", "app", "agent")
    assert juju(*command.replace("CHARM", charm).split()).err == f"ERROR {error}\n"
