"""How the registry gets out."""

import http.server
import threading

import pytest
from registry.client import api
from registry.client.http import ApiError, Connection
from registry.formats import no_proxy
from registry.options import options
from registry.options.proxies import NO_PROXIES, Proxies
from registry.plan import decision
from test_contract import CACHE, S3
from test_options import DEFAULTS
from test_plan import facts

ROLES = ",".join(no_proxy.METADATA)
"""Where a machine of a cloud learns its role."""
OWN = {"registry_http_proxy": "http://own:1", "registry_https_proxy": "http://own:2"}
DOCKERS = {"http_proxy": "http://dockers:1", "https_proxy": "http://dockers:2", "no_proxy": "a.example.com, 10.0.0.0/8"}
MODEL = Proxies("http://models:1", "http://models:2", "b.example.com")


def environment(model=NO_PROXIES, base=S3, **changes):
    config = {name.replace("_", "-") if name.startswith("registry") else name: url for name, url in changes.items()}
    requested = options.Options.from_config({**DEFAULTS, **base, **config})
    return decision.decide(requested, facts(model_proxies=model)).release.container.environment


def test_the_registrys_own_proxies_go_before_dockers_and_those_before_the_models():
    assert environment() == {}
    assert environment(**OWN) == {"HTTP_PROXY": "http://own:1", "HTTPS_PROXY": "http://own:2", "NO_PROXY": ROLES}
    assert environment(MODEL, registry_https_proxy="http://own:2", no_proxy="a.example.com") == {
        "HTTP_PROXY": "http://models:1",
        "HTTPS_PROXY": "http://own:2",
        "NO_PROXY": f"a.example.com,{ROLES}",
    }
    assert environment(MODEL, **DOCKERS) == {
        "HTTP_PROXY": "http://dockers:1",
        "HTTPS_PROXY": "http://dockers:2",
        "NO_PROXY": f"a.example.com,10.0.0.0/8,{ROLES}",
    }


def test_a_registry_that_never_goes_out_has_none():
    assert environment(MODEL, {}, **OWN) == {}
    assert environment(base=CACHE, **OWN) == environment(**OWN)


@pytest.mark.parametrize("option", ["registry-http-proxy", "registry-https-proxy"])
def test_a_proxy_with_a_password_is_a_problem_and_not_shown(option):
    wanted = options.Options.from_config({**DEFAULTS, option: "http://me:hush@proxy:3128"})
    (found,) = wanted.sentences
    assert found == (
        f"{option}: the URL contains a password, which other programs on the machine could read. "
        "Use a proxy that requires none."
    )
    assert "hush" not in found


class Proxy(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(401)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


@pytest.fixture
def proxy():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_upstream_is_checked_by_the_proxies_of_the_registry(proxy):
    upstream = api.Api(Connection("http://upstream.invalid"))
    with pytest.raises(ApiError, match="connection failed"):
        upstream.check_is_registry({})
    with pytest.raises(ApiError, match="connection failed"):
        upstream.check_is_registry({"HTTP_PROXY": proxy, "NO_PROXY": ".example.com,invalid"})
    upstream.check_is_registry({"HTTP_PROXY": proxy, "NO_PROXY": ".example.com,nvalid,upstream.invalid:81"})
    api.Api(Connection(proxy)).check_is_registry({"HTTP_PROXY": "http://127.0.0.1:1"})
