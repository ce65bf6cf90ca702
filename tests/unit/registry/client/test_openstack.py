"""A container of Swift, against a server that knows each kind of login."""

import http.server
import json
import threading
from urllib.parse import urlsplit

import pytest
from registry.client import openstack
from registry.message import about
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
        path = urlsplit(self.path).path  # a proxy gets whole URLs
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


def options(swift, path="/auth/v1.0", **changes):
    return Swift(**{"authurl": swift.url + path, "container": "images", **USER, **changes})


@pytest.mark.parametrize("path", ["/auth/v1.0", "/auth/v1.0/", "/v2.0", "/v3"])
def test_an_empty_container_is_made_ready_once_whatever_the_login(swift, path):
    requested = options(swift, path, region=None if "auth" in path else "two")
    assert openstack.ensure_ready(requested, {})
    assert swift.store == {"images": ["files"]}
    assert not openstack.ensure_ready(requested, {})


def test_the_login_of_keystone_names_domain_and_project(swift):
    openstack.ensure_ready(options(swift, "/v3", region="two", tenant="project", domain="corp"), {})
    corp = {"domain": {"name": "corp"}}
    assert swift.asked == {
        "identity": {"methods": ["password"], "password": {"user": {"name": "tester", "password": "hush", **corp}}},
        "scope": {"project": {"name": "project", **corp}},
    }


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"password": "wrong"}, "storage-swift-username: the login is rejected. Check user name and password."),
        (
            {"container": "other"},
            "storage-swift-container: the container other does not exist. Create it with `swift post other`.",
        ),
        (
            {"path": "/v3", "region": "three"},
            "storage-swift-authurl: the service catalog has no object store in the region three. "
            "Check storage-swift-region and the URL.",
        ),
        (
            {"path": "/wrong/v3"},
            "storage-swift-authurl: the answer to the login is 404. Check the URL and its version: v1, v2 or v3.",
        ),
    ],
)
def test_each_error_names_the_option_and_what_to_do(swift, changes, sentence):
    with pytest.raises(openstack.SwiftError) as error:
        openstack.ensure_ready(options(swift, **changes), {})
    assert about(error.value.option, error.value.text) == sentence


NO_LOGIN = "storage-swift-authurl: the answer is not that of a login. Check the URL and its version: v1, v2 or v3."
NO_STORE = (
    "storage-swift-authurl: the service catalog has no object store in the region two. "
    "Check storage-swift-region and the URL."
)
NO_TENANT = "storage-swift-tenant: not set, but required: the user has no default project. Set the project."


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
            "storage-swift-authurl: the answer names '/v1/x' as object store, which is not a URL. "
            "Check the service catalog.",
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
            "storage-swift-authurl: http://127.0.0.1:1/v1, the object store that it names, is unreachable "
            "(connection failed). Check the network and trusted-ca-blob. Retrying automatically.",
        ),
    ],
)
def test_an_unexpected_answer_is_an_error(swift, path, body, headers, sentence):
    swift.login = body if isinstance(body, bytes) else json.dumps(body).encode(), headers
    with pytest.raises(openstack.SwiftError) as error:
        openstack.ensure_ready(options(swift, path, region="two"), {})
    assert about(error.value.option, error.value.text) == sentence


def test_letters_of_any_kind_make_a_password(swift):
    assert openstack.ensure_ready(options(swift, password="пароль"), {})


def test_the_login_of_keystone_is_in_its_own_domain_where_none_is_named(swift):
    openstack.ensure_ready(options(swift, "/v3", region="two"), {})
    assert swift.asked["identity"]["password"]["user"]["domain"] == {"name": "Default"}
    assert "scope" not in swift.asked


def test_a_container_that_cannot_be_written_says_what_to_do(swift):
    swift.read_only = True
    with pytest.raises(openstack.SwiftError) as error:
        openstack.ensure_ready(options(swift), {})
    assert about(error.value.option, error.value.text) == (
        "storage-swift-container: images is empty and cannot be written (403), so the registry would answer 503. "
        "Create an empty object: `touch files && swift upload images files`."
    )
    swift.store["images"].append("files")
    assert not openstack.ensure_ready(options(swift), {})


def test_an_unreachable_store_is_an_error(swift):
    for url in ("http://127.0.0.1:1/v3", "http://a..b/v3"):
        with pytest.raises(openstack.SwiftError) as error:
            openstack.ensure_ready(Swift(authurl=url, **USER), {})
        assert about(error.value.option, error.value.text) == (
            f"storage-swift-authurl: {url} is unreachable (connection failed). "
            "Check the URL, the network and trusted-ca-blob. Retrying automatically."
        )
    away = Swift(authurl="http://keystone.invalid/v3", **USER)
    with pytest.raises(openstack.SwiftError, match="connection failed"):
        openstack.ensure_ready(away, {"HTTP_PROXY": "http://127.0.0.1:1"})


def test_each_server_is_reached_as_the_registry_reaches_it(swift):
    """Here the proxy is the server itself: the login goes by it, and the store, at a loopback address, does not."""
    openstack.ensure_ready(
        Swift(authurl="http://keystone.invalid/auth/v1.0", container="images", **USER), {"HTTP_PROXY": swift.url}
    )
    openstack.ensure_ready(options(swift), {"HTTP_PROXY": "http://127.0.0.1:1"})
