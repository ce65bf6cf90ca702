"""Storage: when it is attached, where it is, and what stays of it.

https://documentation.ubuntu.com/juju/3.6/reference/storage/
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from sample import HOOKS, Juju, MakeCharm

RECORD = """t=../../../../../../tmp
echo "$JUJU_HOOK_NAME $JUJU_STORAGE_ID" >> $t/order
case $JUJU_HOOK_NAME in *-attached) echo "$JUJU_STORAGE_ID $JUJU_STORAGE_KIND $JUJU_STORAGE_LOCATION $(storage-get location)" >> $t/at; esac
"""  # noqa: E501
STORAGE = {
    "data": {"type": "filesystem", "location": "/srv/data"},
    "logs": {"type": "filesystem", "location": "/srv/logs", "multiple": {"range": "0-2"}, "minimum-size": "2G"},
    "spool": {"type": "filesystem", "multiple": {"range": "0+"}},
}
MORE = tuple(f"{name}-storage-{what}" for name in STORAGE for what in ("attached", "detaching"))


@pytest.fixture
def charm(make_charm: MakeCharm) -> str:
    return str(make_charm(hook=RECORD, hooks=(*HOOKS, *MORE), metadata={"storage": STORAGE}))


def shown(juju: Juju) -> Any:
    """The storage in status: ID -> status and unit."""
    status = json.loads(juju.ok("status", "--format", "json"))["storage"]
    return {
        name: (item["status"]["current"], *item.get("attachments", {}).get("units", {}))
        for name, item in status.get("storage", {}).items()
    }


def test_storage_is_attached_before_install_and_detached_before_stop(juju: Juju, charm: str) -> None:
    """The hooks <name>-storage-attached and -detaching (ops.StorageAttachedEvent) and their environment."""
    juju.ok("deploy", charm, "--storage", "logs=1")
    assert juju.said("order").split("\n")[:3] == [
        "data-storage-attached data/0",
        "logs-storage-attached logs/1",
        "install ",
    ]
    root = juju.root()
    assert juju.said("at").splitlines() == [
        f"data/0 filesystem {root}/srv/data {root}/srv/data",
        f"logs/1 filesystem {root}/srv/logs/logs/1 {root}/srv/logs/logs/1",
    ]
    juju.ok("remove-unit", "sample/0", "--no-prompt", "--keep-instance")
    assert juju.said("order").split("\n")[-5:] == [
        "data-storage-detaching data/0",
        "logs-storage-detaching logs/1",
        "stop ",
        "remove ",
        "",
    ]
    assert not (root / "srv/data").exists()


def test_storage_outlives_its_unit_and_is_attached_to_another(juju: Juju, charm: str) -> None:
    """juju deploy and add-unit --attach-storage: what was in it is there."""
    juju.ok("deploy", charm)
    (juju.root() / "srv/data/kept").write_text("yes")
    juju.ok("remove-application", "sample", "--no-prompt")
    assert shown(juju) == {"data/0": ("detached",)}
    juju.ok("deploy", charm, "other", "--attach-storage", "data/0")
    assert shown(juju) == {"data/0": ("attached", "other/0")}
    assert (juju.root("1") / "srv/data/kept").read_text() == "yes"
    juju.ok("remove-unit", "other/0", "--no-prompt")
    assert "for one unit" in juju("add-unit", "other", "-n", "2", "--attach-storage", "data/0").err
    juju.ok("add-unit", "other", "--attach-storage", "data/0")
    assert (juju.root("2") / "srv/data/kept").read_text() == "yes"
    assert juju("deploy", charm, "third", "--attach-storage", "data/0").err == (
        "ERROR storage data/0 is attached to other/1\n"
    )


def test_storage_is_destroyed_with_its_unit_if_asked_for(juju: Juju, charm: str) -> None:
    """juju remove-unit --destroy-storage, and remove-application's."""
    for verb, name in (("remove-unit", "sample/0"), ("remove-application", "sample")):
        juju.ok("deploy", charm, "--storage", "spool=2")
        juju.ok(verb, name, "--no-prompt", "--destroy-storage")
        assert shown(juju) == {}
        assert list((juju.folder / "models/m/storage").iterdir()) == []
        juju("remove-application", "sample", "--no-prompt")


def test_the_mount_is_there_after_a_reboot(juju: Juju, charm: str) -> None:
    """https://documentation.ubuntu.com/juju/3.6/reference/hook/: a reboot attaches nothing anew."""
    juju.ok("deploy", charm)
    juju.ok("machine", "reboot", "0")
    assert (juju.root() / "srv/data").is_dir()
    assert juju.ran().count("data-storage-attached") == 1


def test_storage_comes_and_goes_while_a_unit_runs(juju: Juju, charm: str) -> None:
    """juju add-storage, detach-storage, attach-storage, remove-storage, within what the charm allows."""
    juju.ok("deploy", charm)
    assert "added storage spool/2 to sample/0" in juju("add-storage", "sample/0", "spool=2,lxd,5G").err
    (juju.root() / "var/lib/juju/storage/spool/1/kept").write_text("yes")
    juju.ok("detach-storage", "spool/1")
    assert shown(juju) == {
        "data/0": ("attached", "sample/0"),
        "spool/1": ("detached",),
        "spool/2": ("attached", "sample/0"),
    }
    assert juju.said("order").splitlines()[-1] == "spool-storage-detaching spool/1"
    juju.ok("attach-storage", "sample/0", "spool/1")
    assert (juju.root() / "var/lib/juju/storage/spool/1/kept").read_text() == "yes"
    assert "failed to remove spool/1: storage is attached" in juju("remove-storage", "spool/1").err
    juju.ok("remove-storage", "spool/1", "--force")
    juju.ok("detach-storage", "spool/2")
    juju.ok("remove-storage", "spool/2")
    assert shown(juju) == {"data/0": ("attached", "sample/0")}
    refused = {
        ("detach-storage", "data/0"): "cannot detach, storage is singular",
        ("add-storage", "sample/0", "data"): "cannot attach, storage is singular",
        ("add-storage", "sample/0", "logs=3"): "attaching 3 storage instances brings the total to 3, "
        "exceeding the maximum of 2",
        ("add-storage", "sample/0", "logs=1G"): 'storage "logs": minimum storage size is 2048M, 1024M specified',
        ("add-storage", "sample/0", "nothing"): 'charm "sample" has no store called "nothing"',
        ("add-storage", "sample/0", "spool=ebs"): 'pool "ebs" not found: the one there is, is lxd',
        ("remove-storage", "data/9"): 'storage "data/9" not found',
    }
    assert {args: juju(*args).err for args in refused} == {args: f"ERROR {text}\n" for args, text in refused.items()}
    assert shown(juju) == {"data/0": ("attached", "sample/0")}


def test_a_size_alone_is_one(juju: Juju, charm: str) -> None:
    """juju deploy --storage: "If unspecified, and SIZE is specified, COUNT defaults to 1" (ParseConstraints)."""
    juju.ok("deploy", charm, "--storage", "spool=1G", "--storage", "logs=lxd")
    assert shown(juju) == {"data/0": ("attached", "sample/0"), "spool/1": ("attached", "sample/0")}


def test_what_deploy_refuses(juju: Juju, charm: str, make_charm: MakeCharm) -> None:
    """juju deploy --storage, against the ranges in the charm's metadata."""
    refused = {
        "data=2": 'storage "data": at most 1 instances supported, 2 specified',
        "logs=0": 'cannot parse count: count must be greater than zero, got "0"',
        "logs=3": 'storage "logs": at most 2 instances supported, 3 specified',
        "data=1X": 'cannot parse size "1X": expected a number with a suffix of MGTPEZY',
        "nothing=1": 'charm "sample" has no store called "nothing"',
    }
    assert {text: juju("deploy", charm, "--storage", text).err for text in refused} == {
        text: f"ERROR {error}\n" for text, error in refused.items()
    }
    block = str(make_charm(metadata={"storage": {"disk": {"type": "block"}}}, name="block.charm"))
    assert "only filesystem" in juju("deploy", block).err
    assert json.loads(juju.ok("status", "--format", "json"))["applications"] == {}


def test_the_hook_tools_of_storage(juju: Juju, charm: str) -> None:
    """The hook commands storage-list, storage-get and storage-add (ops.StorageMapping.request)."""
    juju.ok("deploy", charm, "--storage", "logs=1")
    at = f"{juju.root()}/srv/data"
    expected = {
        "storage-list --format=json": (0, '["data/0","logs/1"]\n', ""),
        "storage-list logs": (0, "logs/1\n", ""),
        "storage-list nothing": (0, "", ""),
        "storage-get -s data/0 --format=json": (0, f'{{"kind":"filesystem","location":"{at}"}}\n', ""),
        "storage-get -s data/0 location": (0, f"{at}\n", ""),
        "storage-get -s data/0 size": (1, "", 'ERROR invalid storage attribute "size"\n'),
        "storage-get -s data/9": (2, "", 'ERROR invalid value "data/9" for option -s: storage not found\n'),
        "storage-get": (2, "", "ERROR no storage instance specified\n"),
        "storage-add logs=1G": (2, "", 'ERROR only count can be specified for "logs"\n'),
        "storage-add data": (1, "", "ERROR cannot attach, storage is singular\n"),
        "storage-add logs spool=2": (0, "", ""),
        "storage-add logs": (
            1,
            "",
            "ERROR attaching 2 storage instances brings the total to 3, exceeding the maximum of 2\n",
        ),
    }
    assert juju.tools(expected) == expected
    assert juju.tool("storage-list")[1].split() == ["data/0", "logs/1", "logs/2", "spool/3", "spool/4"]
    juju.tool("storage-add spool; false")
    assert len(juju.tool("storage-list")[1].split()) == 5


def test_charmhelpers_reads_storage(juju: Juju, make_charm: MakeCharm) -> None:
    """charmhelpers.core.hookenv.storage_list and storage_get, in the storage's hook and in another."""
    pytest.importorskip("charmhelpers")
    source = f"""#!{sys.executable}
import json
from charmhelpers.core import hookenv
answers = [hookenv.storage_list("data"), hookenv.storage_get("location", "data/0")]
if hookenv.hook_name() != "start":
    answers.append(hookenv.storage_get("kind"))
json.dump(answers, open(hookenv.hook_name() + ".json", "w"))
"""
    files = {f"hooks/{name}": source for name in ("data-storage-attached", "start")}
    juju.ok("deploy", str(make_charm(files, hooks=(), metadata={"storage": STORAGE})))
    at = f"{juju.root()}/srv/data"
    assert [
        json.loads((juju.charm_folder() / f"{name}.json").read_text()) for name in ("data-storage-attached", "start")
    ] == [[["data/0"], at, "filesystem"], [["data/0"], at]]


def test_storage_of_a_unit_that_is_lost_stays(juju: Juju, charm: str) -> None:
    """juju remove-unit --force where the machine is down: no hook can run, nothing is lost."""
    juju.ok("deploy", charm)
    (juju.root() / "srv/data/kept").write_text("yes")
    juju.ok("machine", "stop", "0")
    juju.ok("remove-unit", "sample/0", "--force", "--no-prompt")
    assert shown(juju) == {"data/0": ("detached",)}
    assert Path(juju.folder, "models/m/storage/0/kept").read_text() == "yes"
