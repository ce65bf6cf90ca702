"""Whatever a parameter of an action has, the action ends with results or a sentence, and the value stays a value."""

import pathlib
import tempfile

import pytest
import yaml
from fake_juju import ROOT
from hostile import VALUES, WATCH, naming, refuse_paths, refuse_programs, require_unharmed, some
from registry_server import MemoryRegistry, serve

ACTIONS = yaml.safe_load((ROOT / "actions.yaml").read_text())
PARAMETERS = [
    (action, name)
    for action, declared in ACTIONS.items()
    for name, parameter in declared.get("params", {}).items()
    if parameter["type"] == "string" and "enum" not in parameter  # Juju itself refuses what is not in the list
]
USEFUL = {"image": "ubuntu", "images": "app:1", "to": "disk", "options": "", "repository": "", "drain": ""}
"""What a parameter has that is required, while another one is tried."""


@pytest.fixture
def run(deployed, juju, machine, actions, home, tmp_path, monkeypatch):
    refuse_programs(monkeypatch, juju.folder)
    refuse_paths(monkeypatch, home, tmp_path)
    monkeypatch.setattr("registry.client.transfer.ATTEMPTS", 1)
    memory = MemoryRegistry()
    memory.image("app", "1", "one")
    server, machine.registry_url = serve(memory)
    machine.images = {"ubuntu": "sha256:one"}
    files = {"file": str(tmp_path / "a.tar"), "since": ""}

    def run(action, name, value):
        declared = ACTIONS[action].get("params", {})
        params = {one: parameter.get("default") for one, parameter in declared.items()}
        params |= {one: {**USEFUL, **files}[one] for one in ACTIONS[action].get("required", ())}
        with WATCH.watching(home, tmp_path, pathlib.Path(tempfile.gettempdir(), "tmp")):
            results = deployed.action(action, actions, **{**params, name: value})
        assert not results.get("failure", "").startswith("Internal error"), juju.called("juju-log")[-1][-1][-600:]
        require_unharmed(juju, machine)
        for path in tmp_path.iterdir():
            if path.is_file():
                path.unlink()
        return results

    yield run
    server.shutdown()
    server.server_close()


CASES = [(action, name, label) for action, name in PARAMETERS for label in VALUES]


@some(CASES)
def test_a_hostile_value_stays_a_value(run, cases):
    for action, name, label in cases:
        with naming(action, name, label):
            run(action, name, VALUES[label])


@pytest.mark.parametrize(
    ("action", "name", "value", "failure"),
    [
        ("mirror", "file", "x\0y", "file: the value contains a character that is no text. Remove it."),
        ("push", "image", "x\ud800", "image: the value contains a character that is no text. Remove it."),
        ("prune", "not-in-list", "/dev/zero", "not-in-list: /dev/zero is not a regular file. Use the path of a file."),
        ("mirror", "file", "/dev/zero", "file: /dev/zero is not a regular file. Use the path of a file."),
        ("export", "since", "/dev/zero", "since: /dev/zero is not the list of an earlier archive."),
    ],
)
def test_what_was_an_internal_error_or_had_no_end_is_a_sentence(run, action, name, value, failure):
    assert run(action, name, value)["failure"].startswith(failure)
