"""A process killed at any step of a switch, and what the next one makes of it."""

import dataclasses

import pytest
from deploying import ELSEWHERE, assert_settled, away, deploy, release, switcher
from fakes import FakeEngine, Killed
from registry.deployment.health import NotServing
from registry.deployment.store import Store
from registry.formats import names
from registry.machine.engine import EngineError
from registry.release import container
from test_authentication import TOKEN


@pytest.mark.parametrize("change", [{"image_id": "sha256:two"}, {"name": "images"}, {"port": 5001}, {"secret": "t"}])
def test_killed_at_any_step_the_next_run_converges_and_something_served(tmp_path, change):
    for step in range(100):
        store, docker = Store(tmp_path / str(step)), FakeEngine()
        before, requested = release(), dataclasses.replace(release(**change))
        deploy(docker, store, before)
        state = docker.inspect("registry")
        docker.calls.clear()
        docker.dies_at = step
        docker.watched = 5000 if requested.port == 5000 else None
        try:
            switcher(docker, store).deploy(requested, state)
        except Killed:
            docker.dies_at = None
            deploy(docker, store, requested)
            assert_settled(docker, store, requested)
            assert docker.outages == docker.killed == []
        else:
            assert step > 10
            assert docker.outages == docker.killed == []
            return
    pytest.fail("the switch never came to an end")


def test_killed_at_any_step_a_registry_whose_disk_is_unavailable_is_not_restored(tmp_path):
    for step in range(100):
        store, docker = Store(tmp_path / str(step)), FakeEngine()
        away(docker, store)
        docker.dies_at = step
        try:
            switcher(docker, store).deploy(ELSEWHERE, docker.inspect("registry"), fall_back=False)
        except Killed:
            docker.dies_at = None
            switcher(docker, store).recover()
            assert docker.serving(5000) in (None, ELSEWHERE.digest)
            switcher(docker, store).deploy(ELSEWHERE, docker.inspect("registry"), fall_back=False)
            assert_settled(docker, store, ELSEWHERE)
        else:
            assert step > 10
            return
    pytest.fail("the switch never came to an end")


def test_what_tried_a_store_goes_too(store):
    docker, before = FakeEngine(), release()
    deploy(docker, store, before)
    docker.create(names.MAINTENANCE, container.maintenance_body(store.body(before), dry_run=True))
    store.begin_switch({"registry"})
    switcher(docker, store).recover()
    assert_settled(docker, store, before)


@pytest.mark.parametrize(("error", "raised"), [(Killed, Killed), (EngineError("no answer"), NotServing)])
def test_a_container_that_clients_may_have_reached_ends_before_it_is_removed(store, error, raised):
    docker, before, requested = FakeEngine(), release(), release("sha256:two")
    deploy(docker, store, before)
    start = docker.start

    def begins(name):
        start(name)
        if name == "registry" and docker.serving(5000) is not None:
            docker.start = start
            raise error

    docker.start = begins
    with pytest.raises(raised):
        deploy(docker, store, requested)
    switcher(docker, store).recover()
    assert (docker.start, docker.killed) == (start, [])
    assert_settled(docker, store, before)


@pytest.mark.parametrize("step", range(20))
def test_killed_at_any_step_the_previous_release_can_be_deployed_again(store, step):
    docker, before, requested = FakeEngine(), release(), release("sha256:two")
    deploy(docker, store, before)
    state = docker.inspect("registry")
    docker.calls.clear()
    docker.dies_at = step
    try:
        switcher(docker, store).deploy(requested, state)
    except Killed:
        docker.dies_at = None
        deploy(docker, store, before)
        assert_settled(docker, store, before)


@pytest.mark.parametrize("step", range(12))
def test_a_loopback_registry_whose_process_was_killed_is_gone_with_the_next_hook(store, step):
    docker, requested = FakeEngine(), release(**TOKEN)
    deploy(docker, store, requested)
    docker.calls.clear()
    docker.dies_at = step
    try:
        with switcher(docker, store).loopback(requested) as port:
            assert port >= 32768
    except Killed:
        docker.dies_at = None
        deploy(docker, store, requested)
    assert_settled(docker, store, requested)
    assert not store.loopback().root.exists()
