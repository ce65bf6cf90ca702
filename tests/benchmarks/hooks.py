"""Hooks of relations with many units, in this process on the fakes of the unit tests: `hooks.py ROUNDS UNITS...`.

Prints for each number of units and each hook its seconds, one of them per round, and its calls of hook tools.
"""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).parents[2]


def deployed(folder):
    """Return a charm that is deployed, and its Juju."""
    sys.path[:0] = [str(ROOT / part) for part in ("lib", "tests/unit", "tests/unit/registry")]
    import tool_process
    from fake_juju import Charm, Juju  # it makes charmhelpers believe in an Ubuntu

    from charms.layer import context  # isort: skip
    from fake_machine import FakeMachine
    from registry.deployment import candidate

    candidate.HOLD_SECONDS = 0
    juju = Juju(folder / "juju")
    subprocess.Popen = tool_process.popen(juju.folder, juju.answer)
    context.machine = FakeMachine(folder)
    charm = Charm(folder / "charm", juju, "")
    for hook in ("install", "config-changed", "start"):
        charm.hook(hook)
    return charm, juju


def measured(charm, juju, rounds, number):
    clients = {f"containerd/{n}": {"ingress-address": f"10.1.0.{n}"} for n in range(number)}
    peers = {f"docker-registry/{n}": {"address": f"10.0.0.{n}", "port": "5000"} for n in range(1, number + 1)}
    juju.change(relations={"docker-registry:1": clients, "peer:2": peers})
    charm.hook("upgrade-charm")
    hooks = {
        "update-status": {},
        "client changed": {"JUJU_RELATION_ID": "docker-registry:1", "JUJU_REMOTE_UNIT": "containerd/0"},
        "peer changed": {"JUJU_RELATION_ID": "peer:2", "JUJU_REMOTE_UNIT": "docker-registry/1"},
    }
    names = {
        "update-status": "update-status",
        "client changed": "docker-registry-relation-changed",
        "peer changed": "peer-relation-changed",
    }
    found = {name: {"seconds": []} for name in hooks}
    for _ in range(rounds):
        for name, about in hooks.items():
            juju.forget_calls()
            begin = time.monotonic()
            found[name]["tools"] = len(charm.hook(names[name], **about))
            found[name]["seconds"].append(time.monotonic() - begin)
    return found


if __name__ == "__main__":
    place = pathlib.Path(tempfile.mkdtemp())
    output, sys.stdout = sys.stdout, sys.stderr
    try:
        made = deployed(place)
        print(json.dumps({one: measured(*made, int(sys.argv[1]), int(one)) for one in sys.argv[2:]}), file=output)
    finally:
        shutil.rmtree(place)
