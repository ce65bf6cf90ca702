"""Which hooks run, when, in what environment, and what of theirs counts.

https://documentation.ubuntu.com/juju/3.6/reference/hook/
"""

from __future__ import annotations

import json

from sample import Juju, MakeCharm

RECORD = 'echo "$JUJU_HOOK_NAME" >> ../../../../../../tmp/order; env | sort > ../../../../../../tmp/env.$JUJU_HOOK_NAME'


def test_a_unit_starts_in_jujus_order(juju: Juju, make_charm: MakeCharm) -> None:
    """Peers' relation-created comes between install and leader-elected."""
    hooks = ("install", "leader-elected", "config-changed", "start", "update-status", "cluster-relation-created")
    juju.ok("deploy", str(make_charm(hook=RECORD, hooks=hooks)))
    order = ["install", "cluster-relation-created", "leader-elected", "config-changed", "start"]
    assert juju.said("order").split() == order
    juju.ok("status")
    assert juju.said("order").split() == order  # update-status is not due yet


def test_a_hook_finds_jujus_environment_and_nothing_else(juju: Juju, make_charm: MakeCharm) -> None:
    juju.ok("model-config", "juju-http-proxy=http://charm:1", "no-proxy=a", "http-proxy=http://all:2")
    juju.ok("deploy", str(make_charm(hook=RECORD, hooks=("install", "cluster-relation-created"))))
    found = dict(line.split("=", 1) for line in juju.said("env.install").splitlines())
    assert {name: found.get(name) for name in ("HOME", "LOCALJUJU_DATA", "JUJU_RELATION")} == {
        "HOME": None,
        "LOCALJUJU_DATA": None,
        "JUJU_RELATION": None,
    }
    expected = {
        "JUJU_UNIT_NAME": "sample/0",
        "JUJU_MODEL_NAME": "m",
        "JUJU_HOOK_NAME": "install",
        "JUJU_MACHINE_ID": "0",
        "JUJU_DISPATCH_PATH": "hooks/install",
        "JUJU_CHARM_DIR": str(juju.charm_folder()),
        "JUJU_VERSION": "3.6.9",
        "JUJU_PRINCIPAL_UNIT": "",
        "DEBIAN_FRONTEND": "noninteractive",
        "APT_LISTCHANGES_FRONTEND": "none",
        "LANG": "C.UTF-8",
        "JUJU_CHARM_HTTP_PROXY": "http://charm:1",
        "JUJU_CHARM_HTTPS_PROXY": "",
        "JUJU_CHARM_NO_PROXY": "127.0.0.1,localhost,::1",
        "http_proxy": "http://all:2",
        "NO_PROXY": "a",
        "JUJU_AGENT_SOCKET_NETWORK": "unix",
        "PWD": str(juju.charm_folder()),
    }
    assert {name: found.get(name) for name in expected} == expected
    assert found["PATH"].startswith(juju.root().as_posix() + "/var/lib/juju/tools/unit-sample-0:")
    assert found["JUJU_CONTEXT_ID"].startswith("sample/0-install-")
    peer = dict(line.split("=", 1) for line in juju.said("env.cluster-relation-created").splitlines())
    assert (peer["JUJU_RELATION"], peer["JUJU_RELATION_ID"], peer["JUJU_REMOTE_APP"]) == (
        "cluster",
        "cluster:0",
        "sample",
    )


def test_a_charm_with_dispatch_gets_every_hook_there(juju: Juju, make_charm: MakeCharm) -> None:
    dispatch = "#!/bin/sh\necho $JUJU_DISPATCH_PATH >> ../../../../../../tmp/order"
    juju.ok("deploy", str(make_charm({"dispatch": dispatch}, hooks=())))
    assert "hooks/cluster-relation-created" in juju.said("order").split()


def test_a_hook_that_the_charm_lacks_is_passed_over(juju: Juju, make_charm: MakeCharm) -> None:
    juju.ok("deploy", str(make_charm(hooks=())))
    assert juju.unit()["workload-status"]["current"] == "unknown"
    assert juju.ran() == []


WRITES = """open-port 5000
state-set kept=yes
relation-set -r cluster:0 address=1.2.3.4
status-set active "said at once"
leader-set secret=s
application-version-set 2.8
"""


def test_a_hook_that_fails_keeps_only_what_counts_at_once(juju: Juju, make_charm: MakeCharm) -> None:
    """Status, version and leader settings stay; ports, relation data and state wait for success."""
    fails = f"#!/bin/sh\n{WRITES}[ -e ../../../../../../tmp/mended ]"
    juju.ok("deploy", str(make_charm({"hooks/config-changed": fails})))
    unit = juju.unit()
    assert unit["workload-status"] | {"since": ""} == {
        "current": "error",
        "message": 'hook failed: "config-changed"',
        "since": "",
    }
    assert unit["juju-status"]["current"] == "idle"
    assert "open-ports" not in unit
    reads = "state-get; leader-get; relation-get -r cluster:0 address sample/0; status-get; opened-ports"
    assert juju.tool(reads)[1] == "{}\nsecret: s\nactive\n"
    (juju.root() / "tmp/mended").touch()
    juju.ok("resolved", "sample/0")
    assert juju.unit()["workload-status"]["message"] == "said at once"
    assert juju.tool(reads)[1] == 'kept: "yes"\nsecret: s\n1.2.3.4\nactive\n5000/tcp\n'


def test_resolved_no_retry_passes_the_hook_over(juju: Juju, make_charm: MakeCharm) -> None:
    juju.ok("deploy", str(make_charm({"hooks/install": "#!/bin/sh\nexit 1"}, hook=RECORD)))
    assert juju.said("order") == ""
    juju.ok("resolved", "--no-retry", "sample/0")
    assert juju.said("order").split() == ["leader-elected", "config-changed", "start"]
    assert juju("resolved", "sample/0").err == 'ERROR unit "sample/0" is not in an error state\n'


def test_a_change_waits_while_the_unit_is_in_error(juju: Juju, make_charm: MakeCharm) -> None:
    juju.ok("deploy", str(make_charm({"hooks/start": '#!/bin/sh\n[ "$(config-get port)" = 81 ]'}, hook=RECORD)))
    assert juju.unit()["workload-status"]["message"] == 'hook failed: "start"'
    juju.ok("config", "sample", "port=81")
    juju.ok("status")
    assert juju.ran().count("config-changed") == 1
    juju.ok("resolved", "sample/0")
    assert juju.ran()[-3:] == ["start", "start", "config-changed"]


def test_update_status_runs_when_its_interval_has_passed(juju: Juju, make_charm: MakeCharm) -> None:
    juju.ok("deploy", str(make_charm()))
    juju.ok("hook", "sample/0", "update-status")
    assert juju.ran().count("update-status") == 1
    juju.ok("model-config", "update-status-hook-interval=0s")
    juju.ok("status")
    assert juju.ran().count("update-status") == 3
    assert juju("model-config", "update-status-hook-interval=often").code == 1


def test_setting_what_is_set_already_runs_no_hook(juju: Juju, make_charm: MakeCharm) -> None:
    juju.ok("deploy", str(make_charm()), "--config", "port=81")
    juju.ok("config", "sample", "port=81")
    assert juju.ran().count("config-changed") == 1
    juju.ok("config", "sample", "--reset", "port")
    assert juju.ran().count("config-changed") == 2


def test_every_hook_tool_of_a_hook_is_noted(juju: Juju, make_charm: MakeCharm) -> None:
    juju.ok("deploy", str(make_charm({"hooks/start": "#!/bin/sh\njuju-log hi\nis-leader"})))
    last = json.loads(juju.ok("hooks", "sample/0", "--format", "json"))[-1]
    assert (last["hook"], last["exit"], last["tools"]) == ("start", 0, [["juju-log", "hi"], ["is-leader"]])


def test_what_hooks_say_is_in_the_log(juju: Juju, make_charm: MakeCharm) -> None:
    hook = "#!/bin/sh\njuju-log -l WARNING careful\necho out\necho err >&2"
    juju.ok("deploy", str(make_charm({"hooks/start": hook})))
    lines = [line.split(" ", 2)[2] for line in juju.ok("debug-log", "--level", "DEBUG").splitlines()]
    for line in (
        "WARNING unit.sample/0.juju-log careful",
        "DEBUG unit.sample/0.start out",
        "WARNING unit.sample/0.start err",
    ):
        assert line in lines
    assert "out" not in juju.ok("debug-log", "--limit", "0")
    assert len(juju.ok("debug-log", "--limit", "1").splitlines()) == 1
