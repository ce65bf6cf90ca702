"""No hook waits longer than it may, however slow each answer is: all on a clock that only the answers move."""

import contextlib

import fakes
import pytest
from deploying import deploy, release, switcher
from registry import deadline
from registry.deployment import health
from registry.deployment.health import NotServing
from registry.machine import engine, engine_images


class Clock:
    def __init__(self):
        self.now = 0.0

    def sleep(self, seconds):
        self.now += seconds

    def deadline(self, seconds):
        return deadline.Deadline(seconds, lambda: self.now, self.sleep)


def test_an_inner_deadline_ends_with_the_outer_one():
    clock = Clock()
    outer = clock.deadline(10)
    assert outer.within(3).left == 3
    clock.sleep(8)
    assert outer.within(3).left == 2
    clock.sleep(8)
    assert (outer.left, outer.within(3).left) == (0, 0)


def test_nobody_sleeps_beyond_a_deadline():
    clock = Clock()
    outer = clock.deadline(1)
    assert outer.pause(0.4)
    assert not outer.pause(5)
    assert clock.now == 1
    assert not outer.pause(5)
    assert clock.now == 1


def test_a_download_does_not_count():
    clock = Clock()
    outer = clock.deadline(10)
    with outer.suspended():
        clock.sleep(100)
    assert outer.left == 10


@pytest.mark.parametrize(("left", "timeout"), [(60, 5), (4, 4), (0.2, 1), (0, 1)])
def test_the_timeout_of_a_request_is_what_is_left_but_not_nothing(left, timeout):
    assert Clock().deadline(left).limit(5) == timeout


@pytest.mark.parametrize("latency", [0, 1, 5, 30])
@pytest.mark.parametrize("docker_latency", [0, 5, 30])
def test_a_registry_that_never_answers_is_waited_for_by_the_clock(store, latency, docker_latency):
    docker = fakes.FakeEngine(deaf={"sha256:one"})
    docker.latency, docker.docker_latency = latency, 0
    requested = release()
    store.write(requested)
    docker.create("registry", store.body(requested))
    docker.start("registry")
    docker.docker_latency = docker_latency
    checks = health.Health(docker, docker.client, docker.deadline())
    with pytest.raises(NotServing, match="no answer within 20 s"):
        checks.wait("registry", requested)
    slowest_requests = min(latency, 5) + docker_latency * 3
    assert health.START_SECONDS <= docker.clock <= health.START_SECONDS + slowest_requests


@pytest.mark.parametrize(("needs", "serves"), [(3, True), (30, False)])
def test_a_registry_may_start_although_the_time_of_the_hook_is_used_up(store, needs, serves):
    docker = fakes.FakeEngine()
    requested = release()
    store.write(requested)
    docker.create("registry", store.body(requested))
    docker.start("registry")
    used_up, end = docker.deadline(0), docker.clock + needs

    def connect(url, certificate, until):
        docker.deaf = set() if docker.clock >= end else {"sha256:one"}
        return docker.client(url, certificate, until)

    checks = health.Health(docker, connect, used_up)
    with contextlib.nullcontext() if serves else pytest.raises(NotServing, match="no answer within 5 s"):
        checks.wait("registry", requested)


@pytest.mark.parametrize("latency", [0, 5, 30])
@pytest.mark.parametrize("docker_latency", [0, 5, 30])
def test_all_the_waits_of_one_hook_have_one_end(store, latency, docker_latency):
    docker = fakes.FakeEngine(deaf={"sha256:deaf"})
    deploy(docker, store, release())
    docker.stop("registry")
    begin = docker.clock
    docker.deaf.add("sha256:one")  # nor does the one before come back
    docker.latency, docker.docker_latency = latency, docker_latency
    docker.calls.clear()
    with pytest.raises((NotServing, engine.EngineError)):
        switcher(docker, store).deploy(release("sha256:deaf"), None)
    after_the_end = sum(engine_images.LEAST_SECONDS for _ in docker.calls)
    assert docker.clock - begin <= deadline.HOOK_SECONDS + after_the_end
