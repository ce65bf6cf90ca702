"""What the units of related applications, and of one application, tell each other, and when.

https://documentation.ubuntu.com/juju/3.6/reference/hook/#relation-hooks
"""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from sample import Juju

Recorder = Callable[..., str]
PEERS = {"cluster": {"interface": "cluster"}}
SITE = {"site": {"interface": "http"}}


@pytest.fixture
def related(juju: Juju, recorder: Recorder) -> Juju:
    """A provider `web` with two units and a requirer `proxy` with one, relation 0 between them."""
    juju.ok("deploy", recorder("web", provides=SITE), "-n", "2")
    juju.ok("deploy", recorder("proxy", requires={"backend": {"interface": "http"}}))
    juju.story()
    juju.ok("integrate", "web", "proxy")
    return juju


def by_unit(story: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in story:
        found.setdefault(line.split()[0], []).append(line.split(" ", 1)[1])
    return found


def test_peers_meet_when_they_have_started(juju: Juju, recorder: Recorder) -> None:
    """created after install, whatever the number of units; joined and its changed for each other unit.

    https://documentation.ubuntu.com/juju/3.6/reference/relation/#peer-relation
    """
    juju.ok("deploy", recorder("app", peers=PEERS), "-n", "2")
    start = ["install", "cluster-relation-created app", "leader-elected", "config-changed", "start"]
    assert by_unit(juju.story()) == {
        "app/0": [*start, "cluster-relation-joined app/1", "cluster-relation-changed app/1"],
        "app/1": [
            *[hook.replace("leader-elected", "leader-settings-changed") for hook in start],
            "cluster-relation-joined app/0",
            "cluster-relation-changed app/0",
        ],
    }
    assert juju.tool("relation-list -r cluster:0; relation-get -r cluster:0 ingress-address app/1", "app/0")[1] == (
        "app/1\n192.0.2.11\n"
    )


def test_a_peer_that_goes_departs_from_all(juju: Juju, recorder: Recorder) -> None:
    """For those that stay and for the one that leaves; JUJU_DEPARTING_UNIT is the one that leaves.

    Juju breaks no peer relation: worker/uniter/relation/resolver.go, nextHookForRelation.
    """
    juju.ok("deploy", recorder("app", peers=PEERS), "-n", "3")
    juju.story()
    juju.ok("remove-unit", "--no-prompt", "app/2")
    assert by_unit(juju.story()) == {
        "app/0": ["cluster-relation-departed app/2 departing app/2"],
        "app/1": ["cluster-relation-departed app/2 departing app/2"],
        "app/2": [
            "cluster-relation-departed app/0 departing app/2",
            "cluster-relation-departed app/1 departing app/2",
            "stop",
            "remove",
        ],
    }
    assert juju.tool("relation-list -r cluster:0", "app/0")[1] == "app/1\n"


def test_data_of_peers(juju: Juju, recorder: Recorder) -> None:
    """Each reads the application's databag, the leader alone writes it, and hears nothing of what it wrote.

    https://documentation.ubuntu.com/juju/3.6/reference/relation/#permissions-around-relation-databags
    """
    juju.ok("deploy", recorder("app", peers=PEERS), "-n", "2")
    juju.story()
    assert juju.tool("relation-set -r cluster:0 --app k=v", "app/0")[0] == 0
    assert juju.story() == ["app/1 cluster-relation-changed app"]
    assert juju.tool("relation-get -r cluster:0 --app k app", "app/1")[1] == "v\n"
    denied = "ERROR cannot write relation settings: permission denied\n"
    assert juju.tool("relation-set -r cluster:0 --app k=w", "app/1") == (1, "", denied)
    assert juju.story() == []


def test_applications_are_related(related: Juju) -> None:
    """created once each, joined and changed for each remote unit: hook/#relation-joined."""
    web = ["site-relation-created proxy", "site-relation-joined proxy/0", "site-relation-changed proxy/0"]
    assert by_unit(related.story()) == {
        "web/0": web,
        "web/1": web,
        "proxy/0": [
            "backend-relation-created web",
            "backend-relation-joined web/0",
            "backend-relation-changed web/0",
            "backend-relation-joined web/1",
            "backend-relation-changed web/1",
        ],
    }
    seen = "relation-ids backend; relation-list -r backend:0; relation-list -r 0 --app"
    assert related.tool(seen, "proxy/0")[1] == "backend:0\nweb/0\nweb/1\nweb\n"


def test_a_write_is_told_to_the_other_side(related: Juju) -> None:
    """A unit's to the remote units, the application's to them as well; what changes nothing to nobody.

    charmhelpers.core.hookenv.relation_set, relation_get; hook/#relation-changed.
    """
    related.story()
    related.tool("relation-set -r site:0 port=80 host=a; relation-set -r site:0 port=81", "web/1")
    assert related.story() == ["proxy/0 backend-relation-changed web/1"]
    read = "relation-get -r backend:0 port web/1; relation-get -r backend:0 port web/0"
    assert related.tool(read, "proxy/0")[1] == "81\n"
    related.tool("relation-set -r site:0 port=81; relation-set -r site:0 none=", "web/1")
    assert related.story() == []
    related.tool("echo '{port: null, host: b}' | relation-set -r site:0 --file -", "web/1")
    assert related.story() == ["proxy/0 backend-relation-changed web/1"]
    assert related.tool("relation-get -r backend:0 - web/1 --format json", "proxy/0")[1] == (
        '{"egress-subnets":"192.0.2.11/32","host":"b","ingress-address":"192.0.2.11","private-address":"192.0.2.11"}\n'
    )
    related.tool("relation-set -r site:0 --app version=3", "web/0")
    assert related.story() == ["proxy/0 backend-relation-changed web"]
    assert related.tool("relation-get -r backend:0 --app version web/0", "proxy/0")[1] == "3\n"
    assert related.tool("relation-get -r site:0 --app - web", "web/1")[0] == 1, "its own, by no leader"


def test_writes_before_their_hook_are_told_of_once(related: Juju) -> None:
    """hook/#relation-changed tells of the settings as they are, not of each change of them."""
    related.ok("machine", "stop", "2")
    related.story()
    for port in ("80", "81", "82"):
        related.tool(f"relation-set -r site:0 port={port}", "web/0")
    related.ok("machine", "start", "2")
    assert related.story() == ["proxy/0 config-changed", "proxy/0 start", "proxy/0 backend-relation-changed web/0"]
    assert related.tool("relation-get -r backend:0 port web/0", "proxy/0")[1] == "82\n"


def test_what_a_failed_hook_wrote_is_told_to_nobody(juju: Juju, recorder: Recorder) -> None:
    """reference/hook-command/list-of-hook-commands/relation-set: settings count when the hook succeeds."""
    does = {"site-relation-joined": "relation-set a=1; [ -e ../../../../../../tmp/on ]"}
    juju.ok("deploy", recorder("web", does, provides=SITE))
    juju.ok("deploy", recorder("proxy", requires=SITE))
    juju.story()
    juju.ok("integrate", "web", "proxy")
    assert by_unit(juju.story())["web/0"] == ["site-relation-created proxy", "site-relation-joined proxy/0"]
    assert juju.tool("relation-get -r site:0 a web/0", "proxy/0")[1] == ""
    (juju.root("0") / "tmp/on").touch()
    juju.ok("resolved", "web/0")
    assert juju.story() == [
        "web/0 site-relation-joined proxy/0",
        "proxy/0 site-relation-changed web/0",
        "web/0 site-relation-changed proxy/0",
    ]
    assert juju.tool("relation-get -r site:0 a web/0", "proxy/0")[1] == "1\n"


def test_a_relation_ends(related: Juju) -> None:
    """departed for each remote unit, then broken: hook/#relation-broken. The remote unit is the one to depart."""
    related.story()
    related.ok("remove-relation", "web", "proxy:backend")
    web = ["site-relation-departed proxy/0 departing proxy/0", "site-relation-broken proxy"]
    assert by_unit(related.story()) == {
        "web/0": web,
        "web/1": web,
        "proxy/0": [
            "backend-relation-departed web/0 departing web/0",
            "backend-relation-departed web/1 departing web/1",
            "backend-relation-broken web",
        ],
    }
    assert related.tool("relation-ids backend", "proxy/0")[1] == ""
    assert related("remove-relation", "web", "proxy").err == 'ERROR relation matching "web proxy" not found\n'
    related.ok("integrate", "web:site", "proxy:backend")
    assert related.tool("relation-ids backend", "proxy/0")[1] == "backend:1\n", "a new one"


def test_a_unit_that_goes_ends_its_relations_first(related: Juju) -> None:
    """hook/#teardown-phase: departed and broken before stop and remove."""
    related.story()
    related.ok("remove-unit", "--no-prompt", "web/1")
    assert by_unit(related.story()) == {
        "proxy/0": ["backend-relation-departed web/1 departing web/1"],
        "web/1": [
            "site-relation-departed proxy/0 departing web/1",
            "site-relation-broken proxy",
            "stop",
            "remove",
        ],
    }
    assert related.tool("relation-list -r backend:0", "proxy/0")[1] == "web/0\n"


def test_a_unit_that_goes_may_lose_any_relation_first_but_not_its_peers(juju: Juju, recorder: Recorder) -> None:
    """Juju takes them in an order of chance: the youngest first is as good, and the one of which charms think least."""
    juju.ok("deploy", recorder("web", provides=SITE, peers=PEERS), "-n", "2")
    for name in ("one", "two"):
        juju.ok("deploy", recorder("proxy", requires={"backend": {"interface": "http"}}), name)
        juju.ok("integrate", "web", name)
    juju.story()
    juju.ok("remove-unit", "--no-prompt", "web/1")
    assert [line.partition(" departing")[0] for line in by_unit(juju.story())["web/1"]] == [
        "site-relation-departed two/0",
        "site-relation-broken two",
        "site-relation-departed one/0",
        "site-relation-broken one",
        "cluster-relation-departed web/0",
        "stop",
        "remove",
    ]


def test_an_application_that_goes_ends_its_relations(related: Juju) -> None:
    """juju remove-application: juju-cli/list-of-juju-cli-commands/remove-application/."""
    related.story()
    related.ok("remove-application", "--no-prompt", "web")
    told = by_unit(related.story())
    assert told["proxy/0"] == [
        "backend-relation-departed web/0 departing web/0",
        "backend-relation-departed web/1 departing web/1",
        "backend-relation-broken web",
    ]
    assert told["web/0"] == [
        "site-relation-departed proxy/0 departing web/0",
        "site-relation-broken proxy",
        "stop",
        "remove",
    ]
    assert list(json.loads(related.ok("status", "--format", "json"))["applications"]) == ["proxy"]


def test_a_new_unit_joins_the_relations_that_there_are(related: Juju) -> None:
    """hook/#relation-created: during the setup of a unit, between install and leadership."""
    related.tool("relation-set -r backend:0 --app k=v", "proxy/0")
    related.story()
    related.ok("add-unit", "web")
    assert by_unit(related.story()) == {
        "web/2": [
            "install",
            "site-relation-created proxy",
            "leader-settings-changed",
            "config-changed",
            "start",
            "site-relation-changed proxy",
            "site-relation-joined proxy/0",
            "site-relation-changed proxy/0",
        ],
        "proxy/0": ["backend-relation-joined web/2", "backend-relation-changed web/2"],
    }


def test_the_remote_unit_is_listed_while_it_is_there(juju: Juju, recorder: Recorder) -> None:
    """charmhelpers.core.hookenv.related_units: from its joined until before its departed; data stay readable."""
    said = 'juju-log "$JUJU_RELATION_ID list $(relation-list | xargs) get $(relation-get private-address)"'
    does = {f"site-relation-{kind}": said for kind in ("created", "joined", "departed")}
    does["site-relation-broken"] = 'juju-log "$JUJU_RELATION_ID list $(relation-list) ids $(relation-ids site)"'
    juju.ok("deploy", recorder("web", does, provides=SITE))
    juju.ok("deploy", recorder("proxy", requires=SITE))
    juju.ok("integrate", "web", "proxy")
    juju.ok("remove-relation", "web", "proxy")
    runs = json.loads(juju.ok("hooks", "web/0", "--format", "json"))
    assert [run["tools"][-1][-1] for run in runs if "-relation-" in run["hook"] and "changed" not in run["hook"]] == [
        "site:0 list  get ",
        "site:0 list proxy/0 get 192.0.2.11",
        "site:0 list  get 192.0.2.11",
        "site:0 list  ids site:0",
    ]


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("web web", "no relations found"),
        ("proxy other", "no relations found"),
        (
            "web proxy",
            'ambiguous relation: "web proxy" could refer to "proxy:a web:site"; "proxy:b web:site"',
        ),
        ("web none", 'application "none" not found'),
        ("web:none proxy", 'application "web" has no "none" relation'),
        (
            "web other:x",
            'cannot add relation "other:x web:site"\nrelation other:x web:site already exists: \n\n'
            "Use 'juju status --relations' to view the current relations.",
        ),
    ],
)
def test_what_cannot_be_related(juju: Juju, recorder: Recorder, words: str, error: str) -> None:
    """juju integrate, in its own words: state.InferEndpoints, cmd/juju/application/integrate.go."""
    juju.ok("deploy", recorder("web", provides=SITE), "-n", "0")
    http = {"interface": "http"}
    juju.ok("deploy", recorder("proxy", requires={"a": http, "b": http}), "-n", "0")
    juju.ok("deploy", recorder("other", requires={"x": http}), "-n", "0")
    if "exists" in error:
        juju.ok("integrate", *words.split())
    assert juju("integrate", *words.split()).err == f"ERROR {error}\n"


def test_a_dead_units_side_ends_by_force(related: Juju) -> None:
    """The others hear of its departure, as of any removed unit: remove-unit --force."""
    related.ok("machine", "kill", "2")
    related.story()
    related.ok("remove-application", "--no-prompt", "proxy")
    assert "proxy" in related.ok("status")
    related.ok("remove-application", "--no-prompt", "--force", "proxy")
    assert "site-relation-broken proxy" in by_unit(related.story())["web/0"]
    assert "proxy" not in related.ok("status")


def test_the_environment_of_a_relations_hook(juju: Juju, recorder: Recorder) -> None:
    """reference/hook/#hook-execution: charmhelpers.core.hookenv.remote_unit, relation_id, departing_unit."""
    names = "JUJU_RELATION JUJU_RELATION_ID JUJU_REMOTE_APP JUJU_REMOTE_UNIT JUJU_DEPARTING_UNIT"
    said = f'for name in {names}; do juju-log "$name=$(printenv $name)"; done'
    does = {f"site-relation-{kind}": said for kind in ("created", "joined", "departed")}
    juju.ok("deploy", recorder("web", does, provides=SITE))
    juju.ok("deploy", recorder("proxy", requires=SITE))
    juju.ok("integrate", "web", "proxy")
    juju.ok("remove-relation", "web", "proxy")
    runs = json.loads(juju.ok("hooks", "web/0", "--format", "json"))
    values = {run["hook"]: [tool[1].partition("=")[2] for tool in run["tools"]] for run in runs if run["tools"]}
    assert values == {
        "site-relation-created": ["site", "site:0", "proxy", "", ""],
        "site-relation-joined": ["site", "site:0", "proxy", "proxy/0", ""],
        "site-relation-departed": ["site", "site:0", "proxy", "proxy/0", "proxy/0"],
    }


def test_goal_state_shows_what_there_is_to_be(related: Juju) -> None:
    """charmhelpers.core.hookenv.goal_state, expected_related_units, expected_peer_units."""
    state = json.loads(related.tool("goal-state --format json", "proxy/0")[1])
    seen = {kind: {name: part["status"] for name, part in parts.items()} for kind, parts in state["relations"].items()}
    assert seen == {"backend": {"web": "joined", "web/0": "unknown", "web/1": "unknown"}}
    assert list(state["units"]) == ["proxy/0"]
    assert set(state["units"]["proxy/0"]) == {"status", "since"}


def test_a_relation_of_a_unit_that_cannot_be_told_ends_by_force(related: Juju) -> None:
    """juju remove-relation --force."""
    related.ok("machine", "kill", "2")
    related.ok("remove-relation", "web", "proxy")
    assert related.tool("relation-ids site", "web/0")[1] == ""
    assert "http" in related.ok("status", "--relations")
    related.ok("remove-relation", "--force", "web", "proxy")
    assert "http" not in related.ok("status", "--relations")
    related.story()
    related.ok("machine", "start", "2")
    assert related.story() == ["proxy/0 config-changed", "proxy/0 start"]
