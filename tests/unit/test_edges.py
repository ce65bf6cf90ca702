"""The machine as the charm meets it."""

import pytest
from charms.layer import edges
from registry.machine import apt, engine


def test_docker_that_cannot_be_finished_says_both(monkeypatch):
    def down(deadline):
        raise engine.EngineError("Docker does not answer")

    def broken():
        raise apt.PackageError("no room")

    monkeypatch.setattr(edges, "Engine", down)
    machine = edges.Machine()
    machine.apt.finish = broken
    with pytest.raises(engine.EngineError, match=r"Docker does not answer, and its .* cannot be finished: no room"):
        machine.connect()


@pytest.mark.parametrize("cut_off", [True, False])
def test_docker_that_was_left_half_installed_is_finished(monkeypatch, cut_off):
    tried = []

    def connect(deadline):
        tried.append("engine")
        if "finish" not in tried:
            raise engine.EngineError("Docker does not answer")
        return "engine"

    monkeypatch.setattr(edges, "Engine", connect)
    machine = edges.Machine()
    machine.apt.finish = lambda: tried.append("finish") or cut_off
    if cut_off:
        assert machine.connect() == "engine"
    else:
        with pytest.raises(engine.EngineError):
            machine.connect()
    assert tried == ["engine", "finish", "engine"][: 3 if cut_off else 2]
