"""A container of Swift, against a server that knows each kind of login."""

import http.server
import json
import threading

import pytest
from registry import openstack
from registry.swift import Swift

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
        if path.startswith("/auth"):
            right = (self.headers["X-Auth-User"], self.headers["X-Auth-Key"]) == ("tester", "hush")
            self._say(200, X_Storage_Url=f"{self.server.url}/store", X_Auth_Token="t") if right else self._say(401)
        elif self.headers["X-Auth-Token"] != "t":
            self._say(401)
        else:
            found = self.server.store.get(path.rpartition("/")[2])
            self._say(404) if found is None else self._say(200 if found else 204, "\n".join(found).encode())

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["auth"]
        self.server.asked = asked
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
    thread = threading.Thread(target=server.serve_forever)
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
        ({"password": "wrong"}, "storage-swift-username: refused, with its password and tenant"),
        ({"container": "other"}, "storage-swift-container: there is no container other; `swift post other` makes it"),
        (
            {"path": "/v3", "region": "three"},
            "storage-swift-authurl: Keystone knows no object store in the region three",
        ),
        ({"path": "/wrong/v3"}, "storage-swift-authurl: the answer is 404; is it the right URL?"),
    ],
)
def test_what_is_wrong_is_a_clause(swift, changes, sentence):
    with pytest.raises(openstack.SwiftError) as found:
        openstack.make_ready(asked(swift, **changes), {})
    assert str(found.value) == sentence


def test_what_may_not_be_written_says_what_to_do(swift):
    swift.read_only = True
    with pytest.raises(openstack.SwiftError, match="put an empty object 'files' there: `swift upload images"):
        openstack.make_ready(asked(swift), {})
    swift.store["images"].append("files")
    assert not openstack.make_ready(asked(swift), {})


def test_a_store_that_is_away_is_a_clause(swift):
    with pytest.raises(openstack.SwiftError, match=r"nothing answers at http://127\.0\.0\.1:1/v3"):
        openstack.make_ready(Swift(authurl="http://127.0.0.1:1/v3", **USER), {})
    with pytest.raises(openstack.SwiftError, match="nothing answers"):
        openstack.make_ready(asked(swift), {"HTTP_PROXY": "http://127.0.0.1:1"})
