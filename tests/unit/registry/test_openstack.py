"""A container of Swift, against a server that knows each kind of login."""

import http.server
import json
import threading

import pytest
from registry.client import openstack
from registry.options.swift import Swift

USER = {"username": "tester", "password": "hush"}


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers as Swift and Keystone do: `store` has containers with their objects."""

    def _say(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        path = self.path.partition("?")[0]
        if path.startswith("/auth") and self.server.login is not None:
            self._say(200, self.server.login[0], **self.server.login[1])
        elif path.startswith("/auth"):
            key = self.headers["X-Auth-Key"].encode("latin-1").decode()
            right = self.headers["X-Auth-User"] == "tester" and key in ("hush", "пароль")
            self._say(200, X_Storage_Url=f"{self.server.url}/store", X_Auth_Token="t") if right else self._say(401)
        elif self.headers["X-Auth-Token"] != "t":
            self._say(401)
        else:
            found = self.server.store.get(path.rpartition("/")[2])
            self._say(404) if found is None else self._say(200 if found else 204, "\n".join(found).encode())

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["auth"]
        self.server.asked = asked
        if self.server.login is not None:
            self._say(200, self.server.login[0], **self.server.login[1])
            return
        where = {"interface": "public", "region": "two", "url": f"{self.server.url}/store"}
        catalog = [{"type": "object-store", "endpoints": [{**where, "region": "one", "url": "http://no"}, where]}]
        if self.path == "/v3/auth/tokens":
            self._say(201, json.dumps({"token": {"catalog": catalog}}).encode(), X_Subject_Token="t")
        elif self.path == "/v2.0/tokens":
            old = [{"type": "object-store", "endpoints": [{"region": "two", "publicURL": f"{self.server.url}/store"}]}]
            self._say(200, json.dumps({"access": {"serviceCatalog": old, "token": {"id": "t"}}}).encode())
        else:
            self._say(404)

    def do_PUT(self):
        if self.server.read_only:
            self._say(403)
            return
        _, _, container, name = self.path.split("/")
        self.server.store[container].append(name)
        self._say(201)

    def log_message(self, *args):
        pass


@pytest.fixture
def swift():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.url, server.store, server.read_only = f"http://127.0.0.1:{server.server_port}", {"images": []}, False
    server.login = None
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def asked(swift, path="/auth/v1.0", **changes):
    return Swift(**{"authurl": swift.url + path, "container": "images", **USER, **changes})


@pytest.mark.parametrize("path", ["/auth/v1.0", "/auth/v1.0/", "/v2.0", "/v3"])
def test_an_empty_container_is_made_ready_once_whatever_the_login(swift, path):
    wanted = asked(swift, path, region=None if "auth" in path else "two")
    assert openstack.make_ready(wanted, {})
    assert swift.store == {"images": ["files"]}
    assert not openstack.make_ready(wanted, {})


def test_the_login_of_keystone_names_domain_and_project(swift):
    openstack.make_ready(asked(swift, "/v3", region="two", tenant="project", domain="corp"), {})
    corp = {"domain": {"name": "corp"}}
    assert swift.asked == {
        "identity": {"methods": ["password"], "password": {"user": {"name": "tester", "password": "hush", **corp}}},
        "scope": {"project": {"name": "project", **corp}},
    }


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"password": "wrong"}, "storage-swift-username: refused, with its password"),
        ({"container": "other"}, "storage-swift-container: there is no container other; `swift post other` makes it"),
        (
            {"path": "/v3", "region": "three"},
            "storage-swift-authurl: Keystone knows no object store in the region three",
        ),
        ({"path": "/wrong/v3"}, "storage-swift-authurl: the answer is 404, so it may be the wrong URL"),
    ],
)
def test_what_is_wrong_is_a_clause(swift, changes, sentence):
    with pytest.raises(openstack.SwiftError) as found:
        openstack.make_ready(asked(swift, **changes), {})
    assert str(found.value) == sentence


NO_LOGIN = "storage-swift-authurl: the answer is no login's, so it may be the wrong URL"
NO_STORE = "storage-swift-authurl: Keystone knows no object store in the region two"
NO_TENANT = "storage-swift-tenant: not set, and without it Keystone names no object store to this user"


def catalog(*endpoints):
    return [{"type": "identity"}, {"type": "object-store", "endpoints": list(endpoints)}]


@pytest.mark.parametrize(
    ("path", "body", "headers", "sentence"),
    [
        ("/auth/v1.0", b"<html>", {}, NO_LOGIN),
        ("/auth/v1.0", b"", {"X_Storage_Url": "http://store/v1"}, NO_LOGIN),
        (
            "/auth/v1.0",
            b"",
            {"X_Storage_Url": "/v1/x", "X_Auth_Token": "t"},
            "storage-swift-authurl: it leads to '/v1/x', which is no URL",
        ),
        ("/v2.0", b"<html>", {}, NO_LOGIN),
        ("/v2.0", {}, {}, NO_LOGIN),
        ("/v2.0", {"access": None}, {}, NO_LOGIN),
        ("/v2.0", {"access": {"token": {"id": "t"}}}, {}, NO_TENANT),
        ("/v2.0", {"access": {"token": {"id": "t"}, "serviceCatalog": []}}, {}, NO_TENANT),
        (
            "/v2.0",
            {"access": {"serviceCatalog": catalog({"region": "two", "publicURL": "http://store"})}},
            {},
            NO_LOGIN,
        ),
        ("/v2.0", {"access": {"serviceCatalog": catalog({"region": "two"})}}, {}, NO_LOGIN),
        ("/v3", b"<html>", {}, NO_LOGIN),
        ("/v3", b"[]", {}, NO_LOGIN),
        ("/v3", {"token": []}, {}, NO_LOGIN),
        ("/v3", {"token": {}}, {"X_Subject_Token": "t"}, NO_TENANT),
        ("/v3", {"token": {"catalog": "junk"}}, {"X_Subject_Token": "t"}, NO_LOGIN),
        ("/v3", {"token": {"catalog": [{"type": "object-store", "endpoints": None}]}}, {}, NO_LOGIN),
        ("/v3", {"token": {"catalog": [{"type": "identity"}]}}, {"X_Subject_Token": "t"}, NO_STORE),
        ("/v3", {"token": {"catalog": catalog({"region": "two"})}}, {"X_Subject_Token": "t"}, NO_LOGIN),
        ("/v3", {"token": {"catalog": catalog({"region_id": "two", "url": "http://store"})}}, {}, NO_LOGIN),
        (
            "/v3",
            {"token": {"catalog": catalog({"region_id": "two", "url": "http://127.0.0.1:1/v1"})}},
            {"X_Subject_Token": "t"},
            "storage-swift-authurl: nothing answers at http://127.0.0.1:1/v1, where it leads",
        ),
    ],
)
def test_an_answer_that_nobody_expects_is_a_clause(swift, path, body, headers, sentence):
    swift.login = body if isinstance(body, bytes) else json.dumps(body).encode(), headers
    with pytest.raises(openstack.SwiftError) as found:
        openstack.make_ready(asked(swift, path, region="two"), {})
    assert str(found.value) == sentence


def test_letters_of_any_kind_make_a_password(swift):
    assert openstack.make_ready(asked(swift, password="пароль"), {})


def test_the_login_of_keystone_is_in_its_own_domain_where_none_is_named(swift):
    openstack.make_ready(asked(swift, "/v3", region="two"), {})
    assert swift.asked["identity"]["password"]["user"]["domain"] == {"name": "Default"}
    assert "scope" not in swift.asked


def test_what_may_not_be_written_says_what_to_do(swift):
    swift.read_only = True
    with pytest.raises(openstack.SwiftError, match=r"there: `touch files && swift upload images files`$"):
        openstack.make_ready(asked(swift), {})
    swift.store["images"].append("files")
    assert not openstack.make_ready(asked(swift), {})


def test_a_store_that_is_away_is_a_clause(swift):
    for url in ("http://127.0.0.1:1/v3", "http://a..b/v3"):
        with pytest.raises(openstack.SwiftError) as found:
            openstack.make_ready(Swift(authurl=url, **USER), {})
        assert str(found.value) == f"storage-swift-authurl: nothing answers at {url}"
    with pytest.raises(openstack.SwiftError, match="nothing answers"):
        openstack.make_ready(asked(swift), {"HTTP_PROXY": "http://127.0.0.1:1"})
