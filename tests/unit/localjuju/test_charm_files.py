"""What is unpacked from a charm, what a refresh removes, and what stays.

https://documentation.ubuntu.com/juju/3.6/reference/juju-cli/list-of-juju-cli-commands/refresh/
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from sample import Juju, MakeCharm


def test_modes_and_links_of_the_archive_are_kept(juju: Juju, make_charm: MakeCharm) -> None:
    files = {"hooks/hook": "#!/bin/sh\n:", "hooks/start": "-> hook", "lib/data.txt": "text"}
    juju.ok("deploy", str(make_charm(files, hooks=())))
    folder = juju.charm_folder()
    assert os.readlink(folder / "hooks/start") == "hook"
    assert os.access(folder / "hooks/hook", os.X_OK)
    assert not os.access(folder / "lib/data.txt", os.X_OK)
    assert juju.ran() == ["start"]


def test_refresh_removes_only_what_the_old_charm_had(juju: Juju, make_charm: MakeCharm) -> None:
    juju.ok("deploy", str(make_charm({"lib/old.py": "old", "lib/both.py": "1", "actions/x": "#!/bin/sh"})))
    folder = juju.charm_folder()
    (folder / ".unit-state.db").write_text("state")
    (folder / "lib/written.py").write_text("by the charm")
    juju.ok("refresh", "sample", "--path", str(make_charm({"lib/both.py": "2"}, name="new.charm")))
    found = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    assert [path for path in found if not path.startswith("hooks/")] == [
        ".unit-state.db",
        "actions.yaml",
        "config.yaml",
        "lib/both.py",
        "lib/written.py",
        "metadata.yaml",
    ]
    assert (folder / "lib/both.py").read_text() == "2"
    assert juju.ran()[-2:] == ["upgrade-charm", "config-changed"]
    assert "sample-1" in juju.ok("status", "--format", "json")


def test_refresh_waits_for_a_unit_in_error_unless_forced(juju: Juju, make_charm: MakeCharm) -> None:
    juju.ok("deploy", str(make_charm({"hooks/install": "#!/bin/sh\nexit 1"})))
    mended = str(make_charm(name="mended.charm"))
    juju.ok("refresh", "sample", "--path", mended)
    juju.ok("resolved", "sample/0")
    assert juju.unit()["workload-status"]["message"] == 'hook failed: "install"'
    juju.ok("refresh", "sample", "--path", mended, "--force-units")
    juju.ok("resolved", "sample/0")
    assert juju.ran() == ["install", "install", "install", "leader-elected", "config-changed", "start", "upgrade-charm"]


def test_refresh_keeps_the_options_that_still_exist(juju: Juju, make_charm: MakeCharm) -> None:
    juju.ok("deploy", str(make_charm()), "--config", "port=81", "--config", "title=x")
    fewer = make_charm(config={"options": {"port": {"type": "int", "default": 1}}}, name="new.charm")
    juju.ok("refresh", "sample", "--path", str(fewer))
    assert juju.tool("config-get --all --format=json")[1] == '{"port":81}\n'


def test_refresh_to_another_charm_is_refused(juju: Juju, make_charm: MakeCharm) -> None:
    juju.ok("deploy", str(make_charm()))
    other = make_charm(metadata={"name": "other"}, name="other.charm")
    assert 'from charm "sample" to "other"' in juju("refresh", "sample", "--path", str(other)).err
    without = make_charm(metadata={"peers": {}}, name="without.charm")
    assert 'would break relation "sample:cluster"' in juju("refresh", "sample", "--path", str(without)).err
    assert "name the new one with --path" in juju("refresh", "sample").err


def test_what_is_no_charm_is_refused(juju: Juju, make_charm: MakeCharm, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("text")
    assert "is not a charm archive" in juju("deploy", str(tmp_path / "text")).err
    assert "not found" in juju("deploy", str(tmp_path / "nothing")).err
    assert juju("deploy", str(make_charm()), "Bad_Name").err == 'ERROR invalid application name "Bad_Name"\n'
    assert juju.ok("status").count("\n") == 2


@pytest.mark.parametrize(
    ("setting", "error"),
    [
        ("nothing=1", 'unknown option "nothing"'),
        ("port=abc", 'option "port" expected int, got "abc"'),
        ("debug=maybe", 'option "debug" expected boolean, got "maybe"'),
        ("ratio=", 'option "ratio" expected float, got ""'),
    ],
)
def test_a_wrong_option_is_refused_and_nothing_changes(
    juju: Juju, make_charm: MakeCharm, setting: str, error: str
) -> None:
    charm = str(make_charm(hooks=()))
    assert juju("deploy", charm, "--config", setting).err.endswith(f"ERROR {error}\n")
    juju.ok("deploy", charm)
    done = juju("config", "sample", "title=new", setting)
    assert (done.code, done.err) == (1, f"ERROR {error}\n")
    assert juju.ok("config", "sample", "title") == ""


def test_config_is_shown_as_jubilant_reads_it(juju: Juju, make_charm: MakeCharm, tmp_path: Path) -> None:
    (tmp_path / "title").write_text("from a file")
    juju.ok("deploy", str(make_charm(hooks=())))
    juju.ok("config", "sample", f"title=@{tmp_path}/title", "debug=T")
    settings = juju("config", "--format", "json", "sample").json["settings"]
    assert settings["title"] == {
        "description": "No default.",
        "source": "user",
        "type": "string",
        "value": "from a file",
    }
    assert settings["port"] == {"default": 80, "description": "", "source": "default", "type": "int", "value": 80}
    assert (juju.ok("config", "sample", "debug"), juju.ok("config", "sample", "port")) == ("true\n", "80\n")
    (tmp_path / "file.yaml").write_text("sample: {port: 82}")
    juju.ok("config", "sample", "--file", f"{tmp_path}/file.yaml", "--reset", "title,debug")
    assert juju.ok("config", "sample", "port") == "82\n"
    assert juju.ok("config", "sample", "title") == ""
