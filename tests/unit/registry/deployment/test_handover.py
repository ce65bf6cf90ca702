"""What happens to connections during a switch."""

import pytest
from deploying import assert_settled, deploy, release
from fakes import FakeEngine
from registry.deployment.health import NotServing
from registry.machine import engine


def test_what_is_under_way_may_end_and_what_is_new_goes_to_the_candidate(store):
    docker, before, requested = FakeEngine(), release(), release("sha256:two")
    deploy(docker, store, before)
    deploy(docker, store, requested)
    ((port, seconds), (candidate_port, _)) = docker.bridge.waits
    assert (port, seconds) == (5000, 30)
    assert candidate_port >= 32768
    # The process ends after its connections are cut, before it is killed.
    assert [seconds for seconds, process in docker.bridge.cuts if process] == [10, 10]
    assert docker.patience["registry-previous"] == docker.patience["registry-candidate"] == 15
    assert_settled(docker, store, requested)


def nothing_to_lead(docker):
    docker.bridge.impassable = "iptables is not installed"
    return {}


@pytest.mark.parametrize("why", [nothing_to_lead, lambda docker: {"drain-timeout": 0}])
def test_where_nothing_can_be_led_elsewhere_the_old_one_is_stopped_at_once(store, why):
    docker, before = FakeEngine(), release()
    deploy(docker, store, before)
    requested = release("sha256:two", **why(docker))
    done = deploy(docker, store, requested)
    assert any("switched at once" in line for line in done)
    assert docker.bridge.waits == []
    assert [seconds for seconds, process in docker.bridge.cuts if process] == [0.5]
    assert docker.patience["registry-previous"] == 2.5
    assert_settled(docker, store, requested)


def test_a_cache_is_never_bridged(store):
    docker, before = FakeEngine(), release()
    docker.upstreams.add("mirror.example.com")
    deploy(docker, store, before)
    requested = release(**{"cache-remoteurl": "https://mirror.example.com"})
    deploy(docker, store, requested)
    assert not [call for call in docker.writes() if call[0] == "open"]
    assert_settled(docker, store, requested)


def test_while_a_release_that_fails_at_its_port_is_rolled_back_the_candidate_serves(store):
    docker, before, requested = FakeEngine(), release(), release("sha256:two")
    deploy(docker, store, before)
    docker.watched, start = 5000, docker.start

    def busy(name):
        if name == "registry" and docker.containers[name]["body"]["Image"] == "sha256:two":
            raise engine.EngineError("port is already allocated")
        start(name)

    docker.start = busy
    with pytest.raises(NotServing, match="already allocated"):
        deploy(docker, store, requested)
    assert docker.outages == []
    assert_settled(docker, store, before)


def test_rules_that_cannot_be_removed_keep_the_candidate(store):
    docker, before, requested = FakeEngine(), release(), release("sha256:two")
    deploy(docker, store, before)
    close = docker.bridge.close

    def stuck():
        raise engine.EngineError("the rules stay")

    docker.bridge.close = stuck
    with pytest.raises(engine.EngineError, match="the rules stay"):
        deploy(docker, store, requested)
    assert docker.serving(5000) == requested.digest
    docker.bridge.close = close
    deploy(docker, store, requested)
    assert_settled(docker, store, requested)
