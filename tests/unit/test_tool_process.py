"""Hook tools that are answered in this process behave as the processes do that they stand for."""

import os
import subprocess

import pytest

POPEN = subprocess.Popen


def outcome(juju, popen, command, **options):
    """What one call of a hook tool leaves: its result, or the exception, and the model."""
    juju._write({**juju.model, "leader": {"a": "1"}, "status": ["active", "Ready ✓"]})
    before, subprocess.Popen = subprocess.Popen, popen
    environment = {"PATH": f"{juju.folder}:/usr/bin", "LANG": "C.UTF-8", "JUJU_UNIT_NAME": "docker-registry/0"}
    try:
        with juju.listening():
            done = subprocess.run(command, env=environment, **options)
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        done = error
    finally:
        subprocess.Popen = before
    return type(done), {**vars(done), "text": str(done)}, juju.model


@pytest.mark.parametrize(
    ("command", "options"),
    [
        (["leader-get", "a"], {"capture_output": True}),
        (["leader-get", "a"], {"stdout": subprocess.PIPE, "text": True}),
        (["leader-get", "--format=json"], {"stdout": subprocess.PIPE, "encoding": "utf-8"}),
        (["status-get", "--format=json"], {"stdout": subprocess.PIPE, "universal_newlines": True}),
        (["leader-get", "a"], {"stdout": subprocess.DEVNULL}),
        (["leader-set", "--file", "-"], {"input": b'{"b": "\xe2\x9c\x93"}', "check": True}),
        (["leader-set", "--file", "-"], {"input": '{"b": "2"}', "text": True, "check": True}),
        (["leader-set", "c=3"], {"stdin": subprocess.DEVNULL}),
        (["relation-list", "-r", "website:1"], {"capture_output": True, "text": True}),
        (["relation-list", "-r", "website:1"], {"capture_output": True, "check": True}),
        (["relation-list", "-r", "website:1"], {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}),
        (["relation-list", "-r", "website:1"], {"stderr": subprocess.PIPE, "text": True}),
        (("leader-set", "a="), {"check": True}),
        (["absent-get"], {}),
        (["juju-log", "x" * 131_071], {}),
        (["juju-log", "x" * 131_072], {}),
        (["juju-log", "x\0y"], {}),
    ],
)
def test_a_tool_answers_here_as_its_process_does(juju, command, options):
    here = outcome(juju, subprocess.Popen, command, **options)
    calls = list(juju.calls)
    juju.forget_calls()
    assert here == outcome(juju, POPEN, command, **options)
    assert calls == juju.calls


def test_a_tool_inherits_standard_output_and_errors(juju, monkeypatch, capfd):
    monkeypatch.setenv("PATH", str(juju.folder))
    subprocess.call(["status-get"])
    subprocess.call(["relation-list", "-r", "website:1"])
    out, err = capfd.readouterr()
    assert "'status': 'unknown'" in out
    assert err.startswith("ERROR invalid value")


def test_a_tool_writes_to_a_file(juju, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(juju.folder))
    with (tmp_path / "ports").open("w") as file:
        subprocess.call(["opened-ports"], stdout=file)
    assert (tmp_path / "ports").read_text() == "[]\n"


def test_what_is_first_on_the_path_is_run(juju, monkeypatch, tmp_path):
    (tmp_path / "leader-get").write_text("#!/bin/sh\necho another")
    (tmp_path / "leader-get").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{juju.folder}")
    assert subprocess.check_output(["leader-get"]) == b"another\n"
    assert juju.calls == []
