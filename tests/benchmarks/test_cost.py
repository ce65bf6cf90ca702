"""What a hook and an action cost."""

import json
import pathlib
import shlex
import statistics
import subprocess
import sys
import time

import pytest

SECTION = "Hook cost"
HERE = pathlib.Path(__file__).parent
ROUNDS = 7
SCRIPT = "/var/tmp/on_unit.py"
EMPTY = """set -e; rm -rf /var/tmp/empty; mkdir -p /var/tmp/empty/hooks /var/tmp/empty/reactive; cd /var/tmp/empty
echo "{name: empty, summary: empty, description: empty}" >metadata.yaml
printf "from charms.reactive import when_not\\n\\n@when_not(\\"never\\")\\ndef idle():\\n    pass\\n" >reactive/empty.py
cat >hooks/update-status <<END
#!/usr/bin/python3 -IS
import os, sys
sys.path[:0] = [f"$CHARM_DIR/{tree}" for tree in ("lib/shims", "packages/any", f"packages/{os.uname().machine}")]
from charms.reactive import main
main()
END
chmod +x hooks/update-status"""
"""Makes a charm with one handler, on the libraries of this one: what charms.reactive itself costs."""
ENTER = "cd /var/tmp/empty; export JUJU_CHARM_DIR=/var/tmp/empty CHARM_DIR=/var/tmp/empty JUJU_HOOK_NAME=update-status"
OURS = "cd $CHARM_DIR; export JUJU_HOOK_NAME="


@pytest.fixture
def on_unit(unit):
    """Runs on_unit.py in the context of a hook."""
    unit.juju.scp(HERE / "on_unit.py", f"{unit.name}:{SCRIPT}")

    def run(*words):
        command = shlex.join(["python3", SCRIPT, *map(str, words)])
        return json.loads(unit.juju.exec(command, unit=unit.name).stdout)

    def count(hook, enter):
        command = f"{enter}; python3 -IS {SCRIPT} count {hook}"
        return json.loads(unit.juju.exec(command, unit=unit.name).stdout)

    unit.juju.exec(EMPTY, unit=unit.name)
    run.count = count
    yield run
    unit.exec(f"rm -r {SCRIPT} /var/tmp/empty")


def test_hooks_without_a_change(unit, on_unit, figure):
    hooks = ("update-status", "config-changed", "start")
    commands = [f"{OURS}{hook}; hooks/{hook}" for hook in hooks]
    bare, tool, empty, *ours = on_unit(
        "time", ROUNDS, "python3 -IS -c pass", "status-get", f"{ENTER}; hooks/update-status", *commands
    )
    for kind, index in (("seconds", 0), ("processor", 1)):
        of_empty = [one[index] * 1e3 for one in empty]
        of_bare = [one[index] * 1e3 for one in bare]
        figure(f"empty charm, {kind}", of_empty, of_bare, of="ms", to="bare interpreter")
        figure(f"one hook tool, {kind}", [one[index] * 1e3 for one in tool], of_bare, of="ms", to="bare interpreter")
        for hook, found in zip(hooks, ours, strict=True):
            figure(f"{hook}, {kind}", [one[index] * 1e3 for one in found], of_empty, of="ms", to="empty charm")
    for hook, enter in [("empty charm", ENTER), *((hook, OURS + hook) for hook in hooks)]:
        found = on_unit.count("hooks/update-status" if hook == "empty charm" else f"hooks/{hook}", enter)
        figure(f"{hook}, hook tools", [found["tools"]])
        figure(f"{hook}, other programs", [found["programs"]])
        figure(f"{hook}, Docker calls", [found["requests"]])


def test_an_action(unit, figure):
    """An action that only looks, beside a command that only Juju itself runs."""

    def seconds(call):
        begin = time.monotonic()
        call()
        return (time.monotonic() - begin) * 1e3

    looks, nothing = [], []
    for _ in range(ROUNDS):
        nothing.append(seconds(lambda: unit.juju.exec("true", unit=unit.name)))
        looks.append(seconds(lambda: unit.run("advisories")))
    figure("action advisories, with Juju", looks, nothing, of="ms", to="juju exec true")


def test_hooks_of_relations(figure):
    """In one process, without the start of an interpreter and of the tools: how it grows."""
    done = subprocess.run(
        [sys.executable, HERE / "hooks.py", str(ROUNDS), "1", "10", "100"], capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout)
    one = found["1"]
    for number, hooks in found.items():
        for hook, cost in hooks.items():
            name = f"{hook}, {number} clients and peers"
            seconds = [second * 1e3 for second in cost["seconds"]]
            if number == "1":
                figure(f"{name}, in process", seconds, of="ms")
            else:
                yardstick = [second * 1e3 for second in one[hook]["seconds"]]
                figure(f"{name}, in process", seconds, yardstick, of="ms", to="1 client and peer")
            figure(f"{name}, hook tools", [cost["tools"]])
            assert statistics.median(seconds) > 0
