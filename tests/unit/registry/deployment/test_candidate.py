"""A release verifies itself beside the one that serves, or changes nothing."""

import dataclasses

import pytest
from deploying import assert_settled, deploy, release
from fakes import FakeEngine
from registry.deployment import candidate
from registry.deployment.health import NotServing
from registry.release.release import Release
from test_authentication import TOKEN


def test_the_candidate_has_proven_itself_before_anything_is_replaced(store):
    docker = FakeEngine()
    deploy(docker, store, release())
    deploy(docker, store, release("sha256:two"))
    writes = [call[:2] for call in docker.writes()]
    assert writes.index(("start", "registry-candidate")) < writes.index(("create", "registry-next"))
    assert docker.clock >= candidate.HOLD_SECONDS


@pytest.mark.parametrize("trouble", ["broken", "deaf"])
def test_a_release_that_does_not_serve_changes_nothing(store, trouble):
    docker, good, bad = FakeEngine(**{trouble: {"sha256:bad"}}), release(), release("sha256:bad")
    deploy(docker, store, good)
    with pytest.raises(NotServing) as raised:
        deploy(docker, store, bad)
    assert "storage is not there" in str(raised.value) or "connection failed" in str(raised.value)
    assert_settled(docker, store, good)
    assert not [call for call in docker.writes() if call[1] == "registry"]


CLOSED = {"auth-basic-password": "pw"}


@pytest.mark.parametrize("config", [CLOSED, TOKEN])
def test_a_release_without_authentication_against_its_options_changes_nothing(store, config):
    docker, good = FakeEngine(open={"sha256:open"}), release()
    deploy(docker, store, good)
    with pytest.raises(NotServing, match="returned 200 instead of 401"):
        deploy(docker, store, release("sha256:open", **config))
    assert_settled(docker, store, good)


def test_with_tokens_only_another_registry_checks_whether_the_data_can_be_written(store):
    docker, requested = FakeEngine(), release(**TOKEN)
    deploy(docker, store, requested)
    started = [name for verb, name in (call[:2] for call in docker.writes()) if verb == "start"]
    assert started == ["registry-candidate", "registry-loopback", "registry"]
    assert_settled(docker, store, requested)
    assert not store.loopback().root.exists()


def test_a_docker_that_ignores_a_limit_is_reported_before_anything_is_replaced(store, monkeypatch):
    docker, before, asked = FakeEngine(), release(), release()
    deploy(docker, store, before)
    asked = dataclasses.replace(before, container=dataclasses.replace(before.container, memory=10**9))
    create = docker.create

    def limitless(name, body):
        create(name, {**body, "HostConfig": {**body["HostConfig"], "Memory": 0}})

    monkeypatch.setattr(docker, "create", limitless)
    with pytest.raises(NotServing, match=r"^Docker does not apply the requested container settings \(Limits is "):
        deploy(docker, store, asked)
    assert_settled(docker, store, before)


@pytest.mark.parametrize("config", [{}, TOKEN])
def test_a_read_only_release_is_proven_to_be_so(store, config, monkeypatch):
    docker, requested = FakeEngine(), release(**{"storage-read-only": True}, **config)
    deploy(docker, store, requested)
    assert requested.is_read_only
    assert_settled(docker, store, requested)
    monkeypatch.setattr(Release, "is_read_only", property(lambda self: False))
    other = release(secret="other", **{"storage-read-only": True}, **config)
    with pytest.raises(NotServing, match="405 instead of 202"):
        deploy(docker, store, other)
    assert_settled(docker, store, requested)


@pytest.mark.parametrize("read_only", [False, True])
def test_a_registry_that_cannot_reach_its_storage_reports_why(store, read_only):
    docker, before = FakeEngine(), release()
    docker.sick["sha256:two"] = "s3aws: no\n\tway."
    deploy(docker, store, before)
    with pytest.raises(
        NotServing,
        match=r"^The registry does not start with this configuration: s3aws: no way\. Fix the cause and run",
    ):
        deploy(docker, store, release("sha256:two", **{"storage-read-only": read_only}))
    assert_settled(docker, store, before)


S3 = {
    "storage-s3-region": "here",
    "storage-s3-bucket": "images",
    "storage-s3-regionendpoint": "http://store:8080",
    "storage-s3-accesskey": "key",
    "storage-s3-secretkey": "secret",
}


def test_a_new_object_store_is_tried_in_a_folder_of_its_own(store):
    docker, before = FakeEngine(), release()
    deploy(docker, store, before)
    docker.forgetful.add("sha256:one")
    with pytest.raises(NotServing, match=r"^The storage breaks what the registry needs: read back \(other bytes "):
        deploy(docker, store, release(**S3))
    assert_settled(docker, store, before)
    deploy(docker, store, release(**S3, **{"storage-read-only": True}))
    docker.forgetful.clear()
    deploy(docker, store, release(**S3))
    docker.calls.clear()
    deploy(docker, store, release(**S3, **{"log-level": "debug"}))
    assert not [call for call in docker.calls if "registry-check-loopback" in call]
