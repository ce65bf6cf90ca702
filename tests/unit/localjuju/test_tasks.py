"""Actions and commands on units: results, failures, waiting, as `juju run` and `juju exec` have them.

https://documentation.ubuntu.com/juju/3.6/reference/action/
"""

from __future__ import annotations

import time

import pytest
import yaml
from sample import Juju, MakeCharm

ACTIONS = {
    "hello": {
        "params": {
            "who": {"type": "string", "default": "world"},
            "times": {"type": "integer"},
            "how": {"enum": ["loud", "soft"]},
        },
        "required": ["times"],
        "additionalProperties": False,
    },
    "broken": {},
    "slow": {},
    "crash": {},
    "lines": {},
}
PROGRAMS = {
    "actions/hello": '#!/bin/sh\naction-set greeting="hello $(action-get who)" deep.er=$(action-get times)\n'
    "action-log noted\necho said\necho complained >&2\n"
    'action-get --format=json; [ -z "$JUJU_HOOK_NAME" ] && action-set name="$JUJU_ACTION_NAME"',
    "actions/broken": "#!/bin/sh\nopen-port 99\naction-set why=known\naction-fail 'it broke'",
    "actions/slow": "#!/bin/sh\nsleep 1\naction-set done=yes",
    "actions/crash": "#!/bin/sh\nopen-port 98\nexit 7",
    "actions/lines": """#!/bin/sh
action-set zone.list='first
  second' text='first
second
' port=5000 name=plain
[ "$JUJU_UNIT_NAME" = sample/0 ] || action-fail 'it broke'
""",
}


@pytest.fixture
def deployed(juju: Juju, make_charm: MakeCharm) -> Juju:
    juju.ok("deploy", str(make_charm(PROGRAMS, hooks=("start",), actions=ACTIONS)))
    return juju


def test_an_action_gives_its_results(deployed: Juju) -> None:
    done = deployed("run", "--format", "json", "sample/leader", "hello", "times=2")
    task = done.json["sample/0"]
    assert (done.code, done.err, task["id"], task["status"]) == (0, "", "1", "completed")
    assert task["results"] == {
        "greeting": "hello world",
        "deep": {"er": "2"},
        "name": "hello",
        "return-code": 0,
        "stdout": 'said\n{"times":2,"who":"world"}\n',
        "stderr": "complained\n",
    }
    assert task["log"][0].endswith(" +0000 UTC noted")
    assert yaml.safe_load(deployed.ok("show-task", "1"))["results"]["name"] == "hello"


def test_an_action_that_fails_fails_the_command(deployed: Juju) -> None:
    """The words on standard error are those that jubilant looks for."""
    done = deployed("run", "--format", "json", "sample/0", "broken")
    assert done.code == 1
    assert done.err.startswith('ERROR the following task failed:\n - id "1" with return code 0\n')
    task = done.json["sample/0"]
    assert (task["status"], task["message"], task["results"]["why"]) == ("failed", "it broke", "known")
    assert deployed.unit()["open-ports"] == ["99/tcp"]
    task = deployed("run", "--format", "json", "sample/0", "crash").json["sample/0"]
    assert (task["status"], task["message"], task["results"]) == ("failed", "exit status 7", {"return-code": 7})
    assert deployed.unit()["open-ports"] == ["99/tcp"]


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["nothing"], 'action "nothing" not defined for unit "sample/0" (not found)'),
        (["hello"], 'validation failed: (root) : "times" property is missing and required, given {}'),
        (["hello", "times=x"], 'validation failed: (root).times : must be of type integer, given "x"'),
        (
            ["hello", "times=1", "x=1"],
            'validation failed: (root) : additional property "x" is not allowed, given {"times": 1, "x": 1}',
        ),
        (
            ["hello", "times=1", "how=bad"],
            'validation failed: (root).how : must match one of the enum values ["loud", "soft"], given "bad"',
        ),
        (["hello", "times=true"], "validation failed: (root).times : must be of type integer, given true"),
    ],
)
def test_wrong_parameters_are_refused(deployed: Juju, words: list[str], error: str) -> None:
    done = deployed("run", "sample/0", *words)
    assert (done.code, done.out, done.err) == (1, "", f"ERROR {error}\n")


def test_a_parameter_that_is_no_yaml_is_refused(deployed: Juju) -> None:
    done = deployed("run", "sample/0", "hello", "times=1", "who=*:latest")
    assert (done.code, done.out, done.err[:12]) == (1, "", "ERROR yaml: ")


def test_people_get_results_as_text(deployed: Juju) -> None:
    done = deployed("run", "sample/0", "hello", "times=1", "who=you")
    assert done.out.startswith('deep:\n  er: "1"\ngreeting: hello you\nname: hello\n\nsaid\n')


LINES = """\
name: plain
port: "5000"
text: |
  first
  second
zone:
  list: |-
    first
      second
"""


def test_results_of_several_lines_are_printed_as_blocks(deployed: Juju) -> None:
    """As Juju prints them, so that a person can copy them from the terminal."""
    assert deployed.ok("run", "sample/0", "lines") == LINES + "\n"
    results = "".join(f"  {line}\n" for line in [*LINES.splitlines(), "return-code: 0"])
    shown = deployed.ok("show-task", "1")
    assert "  text: |\n    first\n    second\n" in shown
    assert yaml.safe_load(shown)["results"] == yaml.safe_load(results)


def test_results_of_several_units_are_an_overview(deployed: Juju) -> None:
    deployed.ok("add-unit", "sample")
    done = deployed("run", "sample/0", "sample/1", "lines")
    assert done.code == 1
    assert done.out.startswith('sample/0:\n  id: "1"\n  output: |\n    name: plain\n    port: "5000"\n')
    assert yaml.safe_load(done.out) == {
        "sample/0": {"id": "1", "output": LINES, "status": "completed"},
        "sample/1": {"id": "2", "output": LINES, "status": "failed", "message": "it broke"},
    }


def test_other_verbs_print_several_lines_as_blocks(deployed: Juju) -> None:
    deployed.ok("config", "sample", "title=first\nsecond", "debug=true")
    assert "    value: |-\n      first\n      second\n" in deployed.ok("config", "sample")
    assert deployed.ok("config", "sample", "title") == "first\nsecond\n"
    deployed.tool("relation-set -r $(relation-ids cluster) text='first\nsecond' port=5000")
    shown = deployed.ok("show-unit", "sample/0")
    assert "text: |-\n" in shown
    assert 'port: "5000"\n' in shown
    assert yaml.safe_load(shown)["sample/0"]["relation-info"][0]["local-unit"]["data"]["text"] == "first\nsecond"


def test_an_action_goes_on_when_the_wait_is_over(deployed: Juju) -> None:
    done = deployed("run", "sample/0", "slow", "--wait", "0.1s")
    assert (done.code, done.err) == (1, "ERROR timed out waiting for results from: sample/0\n")
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and "done" not in deployed("show-task", "1").out:
        time.sleep(0.1)
    assert yaml.safe_load(deployed.ok("show-task", "1"))["results"] == {"done": "yes", "return-code": 0}


def test_actions_run_while_a_hook_has_failed(juju: Juju, make_charm: MakeCharm) -> None:
    juju.ok("deploy", str(make_charm({**PROGRAMS, "hooks/start": "#!/bin/sh\nexit 1"}, actions=ACTIONS)))
    assert juju.ok("run", "sample/0", "hello", "times=1").startswith("deep:")
    assert juju.unit()["workload-status"]["message"] == 'hook failed: "start"'


def test_a_command_that_fails_is_a_completed_task(deployed: Juju) -> None:
    done = deployed("exec", "--format", "json", "--unit", "sample/0", "--", "echo $JUJU_UNIT_NAME; exit 3")
    assert (done.code, "task failed" in done.err) == (1, True)
    task = done.json["sample/0"]
    assert (task["status"], task["results"]) == ("completed", {"stdout": "sample/0\n", "return-code": 3})
    assert deployed("exec", "--unit", "other/0", "--", "true").err == 'ERROR unit "other/0" not found\n'
