"""A storage is tried through its registry: what a complete one and defective ones are said to be."""

import contextlib
import functools
import re

import pytest
from registry.client import trial
from registry.client.http import ApiError, Connection
from registry_server import MemoryRegistry, serve

PART = 1 << 11


class Defective(MemoryRegistry):
    """Answers otherwise where a pattern of *instead* matches: its function gets what returns the usual answer."""

    def __init__(self):
        super().__init__()
        self.instead = {}

    def answer(self, method, path, *rest):
        request = f"{method} {path.partition('?')[0]}"
        change = next((one for pattern, one in self.instead.items() if re.fullmatch(pattern, request)), None)
        usual = functools.partial(super().answer, method, path, *rest)
        return change(usual) if change else usual()


@pytest.fixture
def registry():
    return Defective()


@pytest.fixture
def connection(registry, monkeypatch):
    monkeypatch.setattr(trial, "TAGS", 4)
    monkeypatch.setattr(trial, "_BLOCK", PART // 2)
    server, url = serve(registry)
    yield Connection(url)
    server.shutdown()
    server.server_close()


def always(status, data=b"{}"):
    return lambda usual: (status, {}, data)


def reads(change):
    """Change the body."""

    def answer(usual):
        status, headers, data = usual()
        return status, headers, change(data)

    return answer


def once(status):
    answers = [(status, {}, b"{}")]
    return lambda usual: answers.pop() if answers else usual()


BLOB = "/v2/docker-registry-charm/check/blobs"
DEFECTS = {
    "none": ({}, {}),
    "full": (
        {f"P(ATCH|UT) {BLOB}/uploads/.*": always(500)},
        {
            trial.WRITE: f"PATCH {BLOB}/uploads/one returned 500 instead of 202",
            trial.MOVE: f"PUT {BLOB}/uploads/one returned 500 instead of 201",
            trial.READ: "docker-registry-charm/check has no blob",
            trial.EMPTY: f"PUT {BLOB}/uploads/one returned 500 instead of 201",
            trial.LIST: f"PUT {BLOB}/uploads/one returned 500 instead of 201",
        },
    ),
    "refuses uploads": (
        {f"POST {BLOB}/uploads/": always(503)},
        {
            trial.WRITE: f"POST {BLOB}/uploads/ returned 503 instead of 202",
            trial.MOVE: "nothing was written",
            trial.READ: "docker-registry-charm/check has no blob",
            trial.EMPTY: f"POST {BLOB}/uploads/ returned 503 instead of 202",
            trial.LIST: f"POST {BLOB}/uploads/ returned 503 instead of 202",
        },
    ),
    "reads less": (
        {f"GET {BLOB}/sha256:.*": reads(lambda data: data[:-1])},
        {trial.READ: f"{2 * PART - 1} of {2 * PART} bytes are read"},
    ),
    "reads something else": (
        {f"GET {BLOB}/sha256:.*": reads(lambda data: data[::-1])},
        {trial.READ: "other bytes are read than were written"},
    ),
    "reads more than nothing": (
        {f"GET {BLOB}/{trial._NOTHING}": always(200, b"surprise")},
        {trial.EMPTY: "8 bytes are read"},
    ),
    "fails once of a thousand times": ({"PUT .*/manifests/check-2": once(500)}, {}),
    "fails at one tag": (
        {"PUT .*/manifests/check-2": always(500)},
        {trial.LIST: "PUT /v2/docker-registry-charm/check/manifests/check-2 returned 500 instead of 201"},
    ),
    "lists too few": (
        {"GET .*/tags/list": reads(lambda data: data.replace(b'"check-1", ', b""))},
        {trial.LIST: "3 of 4 tags are listed"},
    ),
    "keeps what is deleted": ({f"DELETE {BLOB}/sha256:.*": always(202)}, {trial.DELETE: trial.LEFT}),
    "keeps manifests": ({"DELETE .*/manifests/.*": always(202)}, {trial.DELETE: trial.LEFT}),
    "deletes nothing": (
        {f"DELETE {BLOB}/sha256:.*": always(405)},
        {trial.DELETE: f"DELETE {BLOB}/sha256:"},
    ),
}


def test_each_defect_of_a_storage_is_named(registry, connection):
    for name, (registry.instead, problems) in DEFECTS.items():
        registry.tags, registry.manifests, registry.blobs, registry.upload = {}, {}, {}, b""
        found = dict(trial.Trial(connection, PART).steps())
        assert list(found) == list(trial.RULES)
        assert {rule for rule, problem in found.items() if problem} == {*problems}, (name, found)
        for rule, problem in problems.items():
            assert found[rule].startswith(problem), name
        if not problems:
            assert (registry.blobs, registry.manifests) == ({}, {"docker-registry-charm/check": {}})
            assert trial.broken_rules(found) == ""


def test_an_upload_in_progress_leaves_nothing_unless_the_storage_keeps_it(registry, connection):
    with trial.Trial(connection, PART).uploading():
        assert registry.requests[-1][0] == "POST"
    assert registry.blobs == {}
    registry.instead = DEFECTS["keeps what is deleted"][0]
    with pytest.raises(ApiError, match=trial.LEFT), trial.Trial(connection, PART).uploading():
        pass


def test_an_upload_that_cannot_be_cancelled_is_said(registry, connection):
    registry.instead = {f"PATCH {BLOB}/uploads/.*": always(500), f"DELETE {BLOB}/uploads/.*": always(500)}
    one = trial.Trial(connection, PART)
    with contextlib.suppress(ApiError), one.uploading():
        pass
    assert one.delete() == f"DELETE {BLOB}/uploads/one returned 500 instead of 204"
    assert one.delete() == ""
