"""What a registry's log tells of its end."""

import dataclasses

import fakes
import pytest
from registry.deployment import health
from test_plan import good


@pytest.mark.parametrize(
    ("log", "words"),
    [
        ('time="x" level=error msg="no such \\"host\\"" go=1\n', 'no such "host"'),
        (
            "level=info msg=fine\npanic: storagedriver: unknown\n\ngoroutine 1\nmain.go:1\n",
            "panic: storagedriver: unknown",
        ),
        ("configuration error: yaml: line 3\n", "configuration error: yaml: line 3"),
        (
            'level=error msg="response completed with error" err.detail="s3aws: no\\n\\tway." host=x\n',
            "s3aws: no way",
        ),
        ("level=error msg=timeout\n", ""),
        ('{"level":"info"}\n{"go":"1.19","level":"fatal","msg":"no such \\"host\\""}\n', 'no such "host"'),
        (
            '{"err.detail":"s3aws: no\\n\\tway","level":"error","msg":"response completed with error"}\n'
            '{"level":"info","msg":"response completed"}\n',
            "s3aws: no way",
        ),
        ('{"level":"warning","msg":"no secret"}\n', ""),
        ("512\n", "512"),
        ('level=info msg="listening"\n', ""),
        ('172.17.0.1 - - [24/Nov/2026:04:53:20 +0000] "GET / HTTP/1.1" 503 125 "" "python-requests/2.34.2"\n', ""),
        (
            "http: panic serving 127.0.0.1:4000: runtime error: no\n"
            "goroutine 7 [running]:\nnet/http.(*conn).serve.func1(0xc000)\n\t/src/net/http/server.go:1854 +0xbf\n"
            "panic({0xdb0, 0x1})\ncreated by net/http.(*Server).Serve\n\tnet/http/server.go:3102 +0x4db\n",
            "http: panic serving 127.0.0.1:4000: runtime error: no",
        ),
        ("", ""),
    ],
)
def test_last_error(log, words):
    assert health.last_error(log) == words


def test_a_registry_that_its_memory_limit_ends_is_about_the_limit():
    class Killed(fakes.FakeEngine):
        def _inspection(self, name):
            state = {"Status": "exited", "OOMKilled": True}
            return {**super()._inspection(name), "State": state}

    docker, release = Killed(), good()
    docker.containers["x"] = {"id": "1", "body": {"Image": "i", "Cmd": [], "Labels": {}, "HostConfig": {}}}
    docker.containers["x"] |= {"status": "exited", "address": "", "chosen": "1"}
    checks = health.Health(docker, lambda url, certificate, deadline: docker.client(url), docker.deadline())
    for memory, sentence in (
        (6 * 1024**2, "container-memory-limit: the registry needs more memory than 6291456 bytes. "),
        (0, "The registry does not start with this configuration: "),
    ):
        limited = dataclasses.replace(release, container=dataclasses.replace(release.container, memory=memory))
        with pytest.raises(health.NotServing) as raised:
            checks.wait("x", limited)
        assert raised.value.sentence.startswith(sentence)
