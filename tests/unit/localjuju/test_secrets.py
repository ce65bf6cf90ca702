"""User secrets: who reads which revision, and where the values are not.

https://documentation.ubuntu.com/juju/3.6/howto/manage-secrets/
"""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path

import pytest
from sample import Juju, MakeCharm

CHANGED = """#!/bin/sh
echo "$JUJU_SECRET_ID $JUJU_SECRET_LABEL $JUJU_SECRET_REVISION" >> ../../../../../../tmp/changed
"""
CONFIG = {"options": {"login": {"type": "secret"}}}


@pytest.fixture
def deployed(juju: Juju, make_charm: MakeCharm) -> Juju:
    juju.ok("deploy", str(make_charm({"hooks/secret-changed": CHANGED}, config=CONFIG)))
    return juju


def added(juju: Juju, *pairs: str) -> str:
    """The URI of a secret `login` that the unit may read."""
    uri = juju.ok("add-secret", "login", *(pairs or ("password=one",))).strip()
    juju.ok("grant-secret", "login", "sample")
    return uri


def test_an_ungranted_secret_is_refused_until_it_is_granted(deployed: Juju) -> None:
    """juju grant-secret and revoke-secret; ops.Model.get_secret raises what secret-get says."""
    uri = deployed.ok("add-secret", "login", "password=one").strip()
    assert re.fullmatch(r"secret:[0-9a-v]{20}", uri)
    assert deployed.tool(f"secret-get {uri}") == (1, "", "ERROR permission denied\n")
    deployed.ok("grant-secret", "login", "sample")
    assert deployed.tool(f"secret-get {uri}") == (0, "password: one\n", "")
    deployed.ok("revoke-secret", uri, "sample")
    assert deployed.tool(f"secret-get {uri}") == (1, "", "ERROR permission denied\n")
    assert deployed("grant-secret", "login", "nobody").err == 'ERROR application "nobody" not found\n'
    assert deployed("grant-secret", "nothing", "sample").err == 'ERROR secret "nothing" not found\n'


def test_a_unit_keeps_the_revision_it_read_until_it_refreshes(deployed: Juju) -> None:
    """The hook command secret-get with --peek and --refresh: ops.Secret.get_content and peek_content."""
    uri = added(deployed)
    assert deployed.tool(f"secret-get {uri} password")[1] == "one\n"
    deployed.ok("update-secret", "login", "password=two")
    answers = deployed.tools(
        [
            f"secret-get {uri} password",
            f"secret-get {uri} password --peek",
            f"secret-get  {uri} password",
            f"secret-get {uri} --refresh --format json",
            f"secret-get   {uri} password",
        ]
    )
    assert [answer[1] for answer in answers.values()] == ["one\n", "two\n", "one\n", '{"password":"two"}\n', "two\n"]


def test_secret_changed_runs_where_an_older_revision_was_read(deployed: Juju) -> None:
    """The hook secret-changed: ops.SecretChangedEvent with its id, label; values that are the same make no revision."""
    uri = added(deployed)
    deployed.ok("update-secret", "login", "password=two")
    assert deployed.said("changed") == ""  # nobody has read it
    deployed.tool(f"secret-get {uri} --label db")
    deployed.ok("update-secret", "login", "password=two")
    deployed.ok("update-secret", "login", "--info", "no new values")
    assert deployed.said("changed") == ""
    deployed.ok("update-secret", "login", "password=three")
    assert deployed.said("changed") == f"{uri} db 3\n"
    deployed.ok("revoke-secret", "login", "sample")
    deployed.ok("update-secret", "login", "password=four")
    assert deployed.said("changed") == f"{uri} db 3\n"


def test_a_label_names_a_secret_for_its_unit(deployed: Juju) -> None:
    """The hook command secret-get --label: ops.Model.get_secret(id=..., label=...), then label=... alone."""
    uri = added(deployed)
    other = deployed.ok("add-secret", "other", "key=value").strip()
    deployed.ok("grant-secret", "other", "sample")
    answers = deployed.tools(
        [
            "secret-get --label db",
            f"secret-get {uri} --label db",
            "secret-get --label=db --format=json",
            f"secret-get {other} --label db",
        ]
    )
    assert list(answers.values()) == [
        (1, "", 'ERROR consumer label "db" not found\n'),
        (0, "password: one\n", ""),
        (0, '{"password":"one"}\n', ""),
        (1, "", 'ERROR consumer label "db" already exists\n'),
    ]


def test_how_secret_get_answers_and_refuses(deployed: Juju) -> None:
    """The hook command secret-get: URIs, keys and formats."""
    uri = added(deployed, "user=me", "number=0123", "raw#base64=AAE=")
    long = uri.replace("secret:", "secret://5a6ed1bb-e2b7-4c5d-8b50-ab6bdcb3dd10/")
    expected = {
        f"secret-get {uri}": (0, 'number: "0123"\nraw: "\\0\\x01"\nuser: me\n', ""),
        f"secret-get {long} user": (0, "me\n", ""),
        f"secret-get {uri} raw#base64": (0, "AAE=\n", ""),
        f"secret-get {uri} nothing": (1, "", 'ERROR secret key value "nothing" not found\n'),
        f"secret-get {uri} --peek --refresh": (2, "", "ERROR specify one of --peek or --refresh but not both\n"),
        "secret-get": (2, "", "ERROR require either a secret URI or label\n"),
        "secret-ids --format=json": (0, "[]\n", ""),  # those that the charm owns
    }
    assert deployed.tools(expected) == expected


def test_values_come_from_arguments_and_files(juju: Juju, tmp_path: Path) -> None:
    """juju add-secret KEY#file= and --file; no error repeats a value."""
    (tmp_path / "key").write_text("line\nline\n")
    (tmp_path / "yaml").write_text(f"user: 'yes'\ncode: 0123\nkey#file: {tmp_path}/key\n")
    (tmp_path / "wrong").write_text("password: [hunter2\n")
    juju.ok("add-secret", "login", "user=no", "other=x", "--file", f"{tmp_path}/yaml")
    shown = json.loads(juju.ok("show-secret", "login", "--reveal", "--format", "json"))
    ((_, about),) = shown.items()
    assert about["content"]["Data"] == {"user": "yes", "code": "0123", "key": "line\nline\n", "other": "x"}
    errors = {
        ("hunter2",): "a secret's values are given as key=value, at least one of these is not",
        ("Key=hunter2",): 'key "Key" not valid',
        ("key#base64=hunter2!",): 'the value of key "key" is not in base64',
        ("key#file=/nowhere",): 'cannot read the file for key "key": No such file or directory',
        ("--file", f"{tmp_path}/wrong"): f"{tmp_path}/wrong is not a YAML file of keys and values",
        ("--file", "/nowhere"): "cannot read /nowhere: No such file or directory",
        (): "missing secret value or filename",
    }
    assert {args: juju("add-secret", "more", *args).err for args in errors} == {
        args: f"ERROR {text}\n" for args, text in errors.items()
    }
    assert juju("add-secret", "login", "a-key=x").err == 'ERROR secret with name "login" already exists\n'


def test_the_values_are_in_files_for_root_only(deployed: Juju) -> None:
    """https://documentation.ubuntu.com/juju/3.6/reference/secret/: neither the model, its logs nor status have them."""
    uri = added(deployed, "password=hunter2")
    deployed.tool(f"[ $(secret-get {uri} password) = hunter2 ] && juju-log read")
    folder = deployed.folder / "models/m"
    coded = base64.b64encode(b"hunter2")
    found = [
        path
        for path in folder.rglob("*")
        if path.is_file() and (b"hunter2" in path.read_bytes() or coded in path.read_bytes())
    ]
    assert found == [folder / "secrets" / uri.removeprefix("secret:") / "1"]
    assert (found[0].stat().st_mode & 0o777, found[0].parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert "hunter2" not in deployed.ok("secrets") + deployed.ok("show-secret", "login")


def test_revisions_that_nobody_reads_are_pruned_if_asked_for(deployed: Juju) -> None:
    """juju update-secret --auto-prune and remove-secret --revision."""
    uri = added(deployed)
    deployed.tool(f"secret-get {uri}")
    for value in ("two", "three"):
        deployed.ok("update-secret", "login", f"password={value}", "--auto-prune")
    folder = deployed.folder / "models/m/secrets" / uri.removeprefix("secret:")
    assert sorted(path.name for path in folder.iterdir()) == ["1", "3"]
    deployed.tool(f"secret-get {uri} --refresh")
    assert [path.name for path in folder.iterdir()] == ["3"]
    assert deployed("show-secret", "login", "--reveal", "--revision", "1").code == 1
    deployed.ok("update-secret", "login", "password=four")
    deployed.ok("remove-secret", "login", "--revision", "3")
    assert deployed.tool(f"secret-get {uri}")[0] == 1
    deployed.ok("update-secret", "login", "password=five")
    deployed.ok("remove-secret", "login", "--revision", "5")
    deployed.ok("update-secret", "login", "password=six")
    assert json.loads(deployed.ok("show-secret", "login", "--format", "json")).popitem()[1]["revision"] == 6
    deployed.ok("remove-secret", "login")
    assert not folder.exists()
    assert deployed.tool(f"secret-get {uri}")[2] == f'ERROR secret "{uri.removeprefix("secret:")}" not found\n'


def test_an_option_of_type_secret_takes_a_uri(deployed: Juju) -> None:
    """https://documentation.ubuntu.com/juju/3.6/reference/configuration/, and ops.CharmBase.config."""
    uri = added(deployed)
    assert deployed("config", "sample", "login=hunter2").err == (
        'ERROR option "login" expected secret, got "hunter2"\n'
    )
    deployed.ok("config", "sample", f"login={uri}")
    assert deployed.tool("secret-get $(config-get login) password")[1] == "one\n"


def test_a_unit_that_goes_reads_nothing_any_more(deployed: Juju, make_charm: MakeCharm) -> None:
    """juju remove-application takes the grant along: an application of the same name is not the same."""
    uri = added(deployed)
    deployed.tool(f"secret-get {uri} --label db")
    deployed.ok("remove-application", "sample", "--no-prompt")
    deployed.ok("update-secret", "login", "password=two")
    deployed.ok("deploy", str(make_charm(config=CONFIG)))
    assert deployed.tool(f"secret-get {uri}")[2] == "ERROR permission denied\n"
