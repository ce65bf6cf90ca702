"""The formats and exit codes of the hook tools, through the program and the socket that charms use.

https://documentation.ubuntu.com/juju/3.6/reference/hook-command/list-of-hook-commands/
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from sample import Juju, MakeCharm

from localjuju.deployer import HOOK_TOOL

RIGHT = {
    "config-get port": "80\n",
    "config-get title": "",
    "config-get title --format=json": "null\n",
    "config-get debug": "False\n",
    "config-get ratio --format json": "0.5\n",
    "config-get --all --format=json": '{"debug":false,"port":80,"ratio":0.5,"title":null}\n',
    "config-get --format=json": '{"debug":false,"port":80,"ratio":0.5}\n',
    "is-leader": "True\n",
    "is-leader --format=json": "true\n",
    "leader-set a=1 b=; leader-get --format=json -": '{"a":"1"}\n',
    "leader-set a=1; leader-get a": "1\n",
    "leader-get --format=json nothing": "null\n",
    "unit-get private-address --format=json": '"192.0.2.10"\n',
    "unit-get public-address": "192.0.2.10\n",
    "network-get --primary-address site": "192.0.2.10\n",
    "network-get juju-info --egress-subnets": "192.0.2.10/32\n",
    "network-get site --ingress-address=true --format json": '"192.0.2.10"\n',
    "network-get --bind-address --egress-subnets site": "bind-address: 192.0.2.10\negress-subnets:\n- 192.0.2.10/32\n",
    "network-get cluster -r cluster:0 --format json": '{"bind-addresses":[{"addresses":[{"address":"192.0.2.10",'
    '"cidr":"192.0.2.0/24","hostname":"","value":"192.0.2.10"}],"interface-name":"eth0","interfacename":"eth0",'
    '"mac-address":"02:00:00:00:00:01","macaddress":"02:00:00:00:00:01"}],"egress-subnets":["192.0.2.10/32"],'
    '"ingress-addresses":["192.0.2.10"]}\n',
    "open-port 80; opened-ports --format=json": "[]\n",
    "relation-ids --format=json site": "[]\n",
    "relation-ids --format=json cluster": '["cluster:0"]\n',
    "relation-ids nothing": "",
    "relation-list --format=json -r cluster:0": "[]\n",
    "relation-list -r 0 --app": "sample\n",
    "relation-get --format=json -r cluster:0 - sample/0": '{"egress-subnets":"192.0.2.10/32",'
    '"ingress-address":"192.0.2.10","private-address":"192.0.2.10"}\n',
    "relation-set -r cluster:0 a=b egress-subnets= private-address=; relation-get -r cluster:0 - sample/0": (
        "a: b\ningress-address: 192.0.2.10\n"
    ),
    "relation-set -r cluster:0 --app k=v; relation-get -r cluster:0 --app k sample": "v\n",
    "echo 'a: 7' | relation-set -r cluster:0 --file -; relation-get -r cluster:0 a sample/0": "7\n",
    "storage-list --format=json": "[]\n",
    "secret-ids --format=json": "[]\n",
    "state-set a=b; state-get --format=json": '{"a":"b"}\n',
    "state-set a=b; state-delete a; state-get a": "",
    "status-set blocked 'no way'; status-get": "blocked\n",
    "status-set waiting a b; status-get --format=json": '{"message":"a b","status":"waiting","status-data":{}}\n',
    "status-set --application active; status-get --application": "active\n",
    "juju-log -l DEBUG a b": "",
    "juju-log --log-level=INFO -- -dash": "",
}
WRONG = {
    "config-get --nonsense": (2, "ERROR option provided but not defined: --nonsense\n"),
    "config-get --format=xml": (2, 'ERROR invalid value "xml" for option --format: unknown format "xml"\n'),
    "status-set fine": (2, 'ERROR invalid status "fine", expected one of [maintenance blocked waiting active]\n'),
    "status-set": (2, "ERROR missing arguments\n"),
    "network-get nowhere": (1, 'ERROR no network config found for binding "nowhere"\n'),
    "network-get site -r site:9": (2, 'ERROR invalid value "site:9" for option -r: relation not found\n'),
    "unit-get name": (2, 'ERROR unknown setting "name"\n'),
    "relation-get": (2, "ERROR no relation id specified\n"),
    "relation-get -r site:9 - x/0": (2, 'ERROR invalid value "site:9" for option -r: relation not found\n'),
    "relation-list -r 9": (2, 'ERROR invalid value "9" for option -r: relation not found\n'),
    "relation-ids": (2, "ERROR no endpoint name specified\n"),
    "relation-set -r 0 a": (2, 'ERROR expected "key=value", got "a"\n'),
    "open-port 70000": (2, 'ERROR invalid port range "70000"\n'),
    "resource-get blob": (1, 'ERROR could not download resource: resource "sample/blob" not found\n'),
    "resource-get other": (1, 'ERROR resource "other" not found\n'),
    "action-set a=b": (1, "ERROR not running an action\n"),
    "secret-get secret:x": (2, 'ERROR secret URI "secret:x" not valid\n'),
    "secret-get secret:9m4e2mr0ui3e8a215n4g": (1, 'ERROR secret "9m4e2mr0ui3e8a215n4g" not found\n'),
    "credential-get": (1, "ERROR cannot access cloud credentials\n"),
    "storage-get": (2, "ERROR no storage instance specified\n"),
}


@pytest.fixture
def deployed(juju: Juju, make_charm: MakeCharm) -> Juju:
    juju.ok("deploy", str(make_charm()))
    return juju


def test_what_hook_tools_answer(deployed: Juju) -> None:
    assert deployed.tools(RIGHT) == {command: (0, out, "") for command, out in RIGHT.items()}


def test_how_hook_tools_refuse(deployed: Juju) -> None:
    assert deployed.tools(WRONG) == {command: (code, "", err) for command, (code, err) in WRONG.items()}


def test_a_hook_tool_ends_when_the_agent_goes(tmp_path: Path) -> None:
    """Also where no signal says so, as in a hook of a service: systemd ignores SIGPIPE for those."""
    with socket.socket(socket.AF_UNIX) as agent:
        agent.bind(str(tmp_path / "agent"))
        agent.listen()
        (tmp_path / "input").write_bytes(b"x" * 1_000_000)
        tool = subprocess.Popen(
            ["perl", HOOK_TOOL, "--file", tmp_path / "input"],
            env={**os.environ, "JUJU_AGENT_SOCKET_ADDRESS": str(tmp_path / "agent")},
            stderr=subprocess.PIPE,
            restore_signals=False,
        )
        with agent.accept()[0] as connection:
            connection.recv(1000)
    try:
        assert tool.communicate(timeout=5)[1] == b"ERROR the unit agent has gone\n"
    finally:
        tool.kill()
    assert tool.returncode == 1


def test_ports_are_opened_closed_and_shown(deployed: Juju) -> None:
    deployed.tool("open-port 5000; open-port 6000-6010/udp; open-port 53/UDP; open-port icmp; close-port 53/udp")
    assert deployed.unit()["open-ports"] == ["5000/tcp", "6000-6010/udp", "icmp"]
    deployed.tool("close-port 5000/tcp; close-port icmp; close-port 9/tcp")
    assert deployed.tool("opened-ports")[1] == "6000-6010/udp\n"


def test_a_resource_is_there_under_its_declared_name(deployed: Juju, tmp_path: Path) -> None:
    for text in ("one", "two"):
        (tmp_path / "file").write_text(text)
        deployed.ok("attach-resource", "sample", f"blob={tmp_path}/file")
        code, path, _ = deployed.tool("resource-get blob")
        assert (code, path.endswith("/resources/blob/blob.bin")) == (0, True)
        assert deployed.tool("cat $(resource-get blob)")[1] == text
    assert deployed.ran().count("upgrade-charm") == 2


HOOKENV = """#!{python}
import json, sys
from charmhelpers.core import hookenv
hookenv.log("via charmhelpers", hookenv.WARNING)
hookenv.status_set("active", "ready")
hookenv.open_port(5000)
hookenv.application_version_set("1.0")
hookenv.leader_set(token="t")
hookenv.relation_set("cluster:0", {{"address": "a", "gone": None, "number": 7}})
config = hookenv.config()
answers = [
    hookenv.hook_name(), hookenv.local_unit(), hookenv.model_name(), hookenv.charm_name(), hookenv.is_leader(),
    config["port"], config.get("title"), hookenv.leader_get("token"), hookenv.leader_get(),
    hookenv.relation_ids("cluster"), hookenv.related_units("cluster:0"), hookenv.relation_ids("site"),
    hookenv.relation_get(unit="sample/0", rid="cluster:0"), hookenv.relation_get("x"),
    hookenv.unit_private_ip(), hookenv.unit_public_ip(), hookenv.network_get("site")["ingress-addresses"],
    hookenv.network_get_primary_address("site"), hookenv.ingress_address("cluster:0", "sample/0"),
    hookenv.resource_get("blob"), hookenv.opened_ports(), hookenv.status_get(), hookenv.goal_state()["relations"],
    hookenv.storage_list(), sorted(hookenv.relation_types()), hookenv.principal_unit(),
]
try:
    hookenv.network_get_primary_address("nowhere")
except hookenv.NoNetworkBinding:
    answers.append("no binding")
json.dump(answers, open("answers.json", "w"))
"""


def test_charmhelpers_understands_the_answers(juju: Juju, make_charm: MakeCharm) -> None:
    """Every function of charmhelpers.core.hookenv that a classic charm calls."""
    pytest.importorskip("charmhelpers")
    # `jujud version`, which network_get asks first, is at an absolute path that a folder cannot stand in for.
    source = HOOKENV.format(python=sys.executable).replace(
        "config = ", 'hookenv.juju_version = lambda: "3.6.9-ubuntu-amd64"\nconfig = ', 1
    )
    juju.ok("deploy", str(make_charm({"hooks/config-changed": source})))
    assert juju.unit()["workload-status"]["message"] == "ready", juju.ok("debug-log")
    assert json.loads((juju.charm_folder() / "answers.json").read_text()) == [
        "config-changed",
        "sample/0",
        "m",
        "sample",
        True,
        80,
        None,
        "t",
        {"token": "t"},
        ["cluster:0"],
        [],
        [],
        {
            "address": "a",
            "egress-subnets": "192.0.2.10/32",
            "ingress-address": "192.0.2.10",
            "number": "7",
            "private-address": "192.0.2.10",
        },
        None,
        "192.0.2.10",
        "192.0.2.10",
        ["192.0.2.10"],
        "192.0.2.10",
        "192.0.2.10",
        False,
        [],
        ["active", "ready"],
        {},
        [],
        ["cluster", "site"],
        "sample/0",
        "no binding",
    ]


def test_juju_reboot_reboots_after_the_hook_or_cuts_it_off(juju: Juju, make_charm: MakeCharm) -> None:
    hook = """#!/bin/sh
[ -e ../../../../../../tmp/done ] && exit 0
touch ../../../../../../tmp/done
juju-reboot {now}
echo unreached >> ../../../../../../tmp/after
"""
    juju.ok("deploy", str(make_charm({"hooks/install": hook.format(now="--now")})))
    assert juju.said("after") == ""
    assert juju.ran()[:2] == ["install", "install"]
    juju.ok("deploy", str(make_charm({"hooks/install": hook.format(now="")})), "other")
    root = juju.root("1")
    assert (root / "tmp/after").read_text() == "unreached\n"
    assert (root / "boots").read_text() == "2"
    assert juju.ran("other/0").count("install") == 1


def test_a_tool_that_outlives_its_hook_is_refused(juju: Juju, make_charm: MakeCharm) -> None:
    juju.ok("deploy", str(make_charm({"hooks/start": "#!/bin/sh\nenv > ../../../../../../tmp/env"})))
    context = next(line for line in juju.said("env").splitlines() if line.startswith("JUJU_CONTEXT_ID="))
    code, _, err = juju.tool(f"{context} is-leader")
    assert (code, err.startswith("ERROR bad request: unknown context")) == (1, True)


def test_a_relation_to_another_model_has_an_address_of_its_own(deployed: Juju) -> None:
    deployed.ok("ingress", "sample/0", "cluster", "198.51.100.7")
    asked = {
        words: deployed.tool(f"network-get {words} --ingress-address")[1].strip()
        for words in ("cluster", "cluster -r cluster:0", "site", "site -r cluster:0")
    }
    outside, inside = "198.51.100.7", "192.0.2.10"
    assert asked == {"cluster": inside, "cluster -r cluster:0": outside, "site": inside, "site -r cluster:0": inside}
    assert deployed.tool("relation-get -r cluster:0 ingress-address sample/0")[1].strip() == outside
    assert "no relation at endpoint site" in deployed("ingress", "sample/0", "site", "198.51.100.7").err


def test_what_a_hook_asked_to_write_can_be_dropped(juju: Juju, make_charm: MakeCharm) -> None:
    juju.ok("deploy", str(make_charm({"hooks/update-status": "#!/bin/sh\nopen-port 81"}, hooks=("start",))))
    juju.ok("hook", "sample/0", "update-status", "--drop")
    assert "open-ports" not in juju.unit()
    juju.ok("hook", "sample/0", "update-status")
    assert juju.unit()["open-ports"] == ["81/tcp"]
