"""Registries elsewhere: tokens, passwords, redirects, limits of requests."""

import base64
import contextlib
import json
import ssl
from urllib.parse import parse_qs, urlsplit

import pytest
from authority import ROOT, certificate, key
from registry.client.content import Content
from registry.client.http import ApiError, Refusal
from registry.client.upstream import Access, Upstream
from registry.formats.htpasswd import User
from registry_server import MemoryRegistry, digest_of, serve

ME = User("me", "pass wörd")
BASIC = "Basic " + base64.b64encode("me:pass wörd".encode()).decode()


class Guarded(MemoryRegistry):
    """Answers as *before* says, a function of method, path and headers; remembers who sent which Authorization."""

    def __init__(self):
        super().__init__()
        self.seen = []
        self.before = lambda method, path, headers: None
        self.first = self._see

    def _see(self, method, path, headers):
        self.seen.append((urlsplit(path).path, headers.get("Authorization", "")))
        return self.before(method, path, headers)


@pytest.fixture
def start():
    """Starts a registry; returns it and its host."""
    with contextlib.ExitStack() as stack:

        def run():
            memory = Guarded()
            server, url = serve(memory)
            stack.callback(server.server_close)
            stack.callback(server.shutdown)
            return memory, urlsplit(url).netloc

        yield run


def upstream(host, user=None, pauses=None):
    access = Access({host: user} if user else {}, frozenset({host}))
    return Content(Upstream(host, access, [].append if pauses is None else pauses.append))


def asks_for_tokens(memory, realm, password=""):
    """Have a registry whose tokens are for one repository and end after three requests."""
    issued = {}

    def before(method, path, headers):
        found, sent = urlsplit(path), headers.get("Authorization", "")
        if found.path == "/token":
            if password and sent != password:
                return 401, {}, b"{}"
            query = parse_qs(found.query)
            assert query["service"] == ["registry of tests"]
            token = f"token-{len(issued)}"
            issued[token] = [query["scope"][0].split(":")[1], 3]
            return 200, {}, json.dumps({"access_token": token}).encode()
        repository, left = issued.get(sent.removeprefix("Bearer "), ("", 0))
        if left and f"/{repository}/" in path:
            issued[sent.removeprefix("Bearer ")][1] -= 1
            return None
        scope = f"repository:{path.split('/')[2]}:pull"
        challenge = f'Bearer realm="{realm}",service="registry of tests",scope="{scope}"'
        return 401, {"WWW-Authenticate": challenge}, b"{}"

    memory.before = before
    return issued


def test_a_token_is_fetched_for_each_repository_and_renewed(start):
    memory, host = start()
    for name in ("one", "two"):
        memory.image(name, "1", "layer")
    issued = asks_for_tokens(memory, f"http://{host}/token", BASIC)
    source = upstream(host, ME)
    for _ in range(4):
        assert source.document("one", "1")
    assert source.document("two", "1")
    assert [repository for repository, _ in issued.values()] == ["one", "one", "two"]
    assert {sent for path, sent in memory.seen if path != "/token"}.isdisjoint({BASIC})
    with pytest.raises(Refusal, match="refuses credentials"):
        upstream(host, User("me", "other")).document("one", "1")
    with pytest.raises(Refusal, match="needs credentials"):
        upstream(host).document("one", "1")


def test_the_password_is_for_the_registry_alone(start):
    memory, host = start()
    other, elsewhere = start()
    asks_for_tokens(memory, f"http://{elsewhere.replace('127.0.0.1', 'localhost')}/token")
    with pytest.raises(Refusal, match="names a token server that gets no credentials: localhost"):
        upstream(host, ME).document("one", "1")
    asks_for_tokens(memory, "ftp://127.0.0.1/token")
    with pytest.raises(Refusal, match="names a token server"):
        upstream(host).document("one", "1")
    assert other.seen == []


def test_a_password_is_sent_once_it_is_asked_for(start):
    memory, host = start()
    memory.image("app", "1", "layer")
    challenge = {"WWW-Authenticate": 'Basic realm="x"'}
    memory.before = lambda _, __, headers: None if headers.get("Authorization") == BASIC else (401, challenge, b"")
    source = upstream(host, ME)
    assert source.document("app", "1")
    assert source.document("app", "1")
    assert [sent for _, sent in memory.seen] == ["", BASIC, BASIC]
    for user, reason in ((None, "needs credentials"), (User("me", "other"), "returned 401 for app: the user may not")):
        with pytest.raises(Refusal, match=reason):
            upstream(host, user).document("app", "1")


def test_a_blob_elsewhere_is_fetched_without_credentials(start):
    memory, host = start()
    store, elsewhere = start()
    data = b"layer" * 100
    store.blobs[digest_of(data)] = data
    challenge = {"WWW-Authenticate": 'Basic realm="x"'}

    def before(method, path, headers):
        if headers.get("Authorization") != BASIC:
            return 401, challenge, b""
        place = path if path.endswith("?again") else f"{path}?again"
        return 307, {"Location": f"http://{elsewhere}{path}?X-Sig=1" if "?" in path else place}, b""

    memory.before = before
    assert b"".join(upstream(host, ME).blob("app", digest_of(data))) == data
    assert [sent for _, sent in memory.seen] == ["", BASIC, BASIC]
    assert [sent for _, sent in store.seen] == [""]
    store.before = lambda *_: (401, challenge, b"")
    with pytest.raises(ApiError, match=r"127\.0\.0\.1 returned 401 for"):
        list(upstream(host, ME).blob("app", digest_of(data)))
    assert {sent for _, sent in store.seen} == {""}
    memory.before = lambda _, path, __: (307, {"Location": path}, b"")
    with pytest.raises(Refusal, match="redirects without end"):
        upstream(host).document("app", "1")


def test_a_registry_that_limits_requests_is_waited_for(start):
    memory, host = start()
    memory.image("app", "1", "layer")
    answers = [(429, {"Retry-After": "7"}, b""), (503, {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, b"")]
    answers.append((429, {}, b""))
    memory.before = lambda *_: answers.pop(0) if answers else None
    pauses = []
    assert upstream(host, pauses=pauses).document("app", "1")
    assert pauses == [7, 0, 4]
    answers.append((429, {"Retry-After": "21600"}, b""))
    with pytest.raises(Refusal, match="too many requests, and asks for a pause of 21600 s"):
        upstream(host).document("app", "1")
    answers += [(429, {}, b"")] * 9
    with pytest.raises(Refusal, match="returned 429: too many requests"):
        upstream(host, pauses=(pauses := [])).document("app", "1")
    assert pauses == [1, 2, 4, 8]
    answers[:] = [(503, {}, b"")]
    with pytest.raises(ApiError, match="returned 503"):
        upstream(host).document("app", "1")


def test_a_private_ca_is_trusted_and_nothing_else_follows_without_tls(tmp_path):
    memory = Guarded()
    memory.image("app", "1", "layer")
    (tmp_path / "server.pem").write_text(certificate("localhost", "root") + key("localhost"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem")
    server, url = serve(memory, context)
    host = urlsplit(url).netloc.replace("127.0.0.1", "localhost")
    try:
        assert Content(Upstream(host, Access(ca=ROOT))).document("app", "1")
        with pytest.raises(ApiError, match=r"certificate is not trusted \(unable to get local issuer certificate\)"):
            Content(Upstream(host, Access())).document("app", "1")
        memory.before = lambda *_: (307, {"Location": "http://localhost/x"}, b"")
        with pytest.raises(Refusal, match="redirects to a server without TLS"):
            Content(Upstream(host, Access(ca=ROOT))).document("app", "1")
        asks_for_tokens(memory, f"http://{host}/token")
        with pytest.raises(Refusal, match="names a token server"):
            Content(Upstream(host, Access(ca=ROOT))).document("app", "1")
        memory.before = lambda *_: (401, {"WWW-Authenticate": 'Bearer realm="https://[x"'}, b"")
        with pytest.raises(ApiError, match="malformed URL"):
            Content(Upstream(host, Access(ca=ROOT))).document("app", "1")
    finally:
        server.shutdown()
        server.server_close()


def test_a_server_without_tls_is_said_to_have_none(start):
    _, host = start()
    with pytest.raises(ApiError, match="the server does not use TLS"):
        Content(Upstream(host, Access())).document("app", "1")


def test_a_proxy_is_used_unless_the_host_is_excepted(start):
    memory, host = start()
    memory.image("app", "1", "layer")
    access = Access(plain=frozenset({"far.example:5000"}), environment={"HTTP_PROXY": f"http://{host}"})
    assert Content(Upstream("far.example:5000", access)).document("app", "1")
    assert memory.requests == [("GET", "http://far.example:5000/v2/app/manifests/1")]


def test_docker_hub_is_called_otherwise():
    assert Access().url("docker.io") == "https://registry-1.docker.io"
    assert Access(plain=frozenset({"a:5000"})).url("a:5000") == "http://a:5000"


def test_an_image_that_is_refused_to_everybody_is_said(start):
    memory, host = start()
    memory.before = lambda *_: (403, {}, b"")
    with pytest.raises(Refusal, match="returned 403 for app: it does not exist, or needs credentials"):
        upstream(host).document("app", "1")


def test_a_token_server_without_a_token_is_said(start):
    memory, host = start()
    challenge = {"WWW-Authenticate": f'Bearer realm="http://{host}/token"'}
    for status, body in (
        (200, b"{}"),
        (200, b"[]"),
        (200, b"<html>"),
        (200, b'{"token": 7}'),
        (200, b'{"token": "a\\r\\nX-Other: b"}'),
        (500, b'{"token": "a"}'),
    ):
        answer = status, {}, body
        memory.before = lambda _, path, __, answer=answer: answer if "/token" in path else (401, challenge, b"")
        with pytest.raises(ApiError, match=rf"127\.0\.0\.1 returned {status} and no token for {host}"):
            upstream(host).document("app", "1")
