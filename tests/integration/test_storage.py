"""The options of the registry's own configuration, as the registry takes them."""

import base64
import urllib.error
import urllib.request

import jubilant
import pytest

STORE = {
    "storage_s3_accesskey": "the-access-key",
    "storage_s3_bucket": "images",
    "storage_s3_region": "us-east-1",
    "storage_s3_regionendpoint": "",
    "storage_s3_secretkey": "the-secret-key",
}
"""What a store needs, but for its address."""
MINE = (
    "cache_remoteurl",
    "container_cpu_limit",
    "container_memory_limit",
    "debug_address",
    "debug_port",
    "log_access",
    "log_format",
    "log_level",
    "log_max_files",
    "log_max_size",
    "prometheus_metrics",
    "registry_https_proxy",
    "storage_cache",
    "storage_delete",
    "storage_purge_age",
    "storage_read_only",
    *STORE,
)


@pytest.fixture(autouse=True)
def as_before(unit):
    """Leave the shared unit with its defaults, as it was found."""
    yield
    assert unit.config(**dict.fromkeys(MINE)) == ready(unit)


def ready(unit):
    return "active", f"Ready at {unit.address}:5000 (http)."


def still_serves(unit):
    return f"Still serving at {unit.address}:5000 (http)."


def ask(unit, method, path, port=5000):
    """Return the status of the registry's answer, and its headers."""
    request = urllib.request.Request(f"http://{unit.address}:{port}{path}", method=method)
    request.add_header("Accept", "application/vnd.docker.distribution.manifest.v2+json")
    try:
        with urllib.request.urlopen(request, timeout=10) as found:
            return found.status, found.headers
    except urllib.error.HTTPError as error:
        return error.code, error.headers


def test_the_log_tells_as_much_as_was_asked_for(unit):
    assert unit.config(
        log_level="error", log_format="text", log_access=False, log_max_files=2, log_max_size="1m"
    ) == ready(unit)
    ask(unit, "GET", "/v2/")
    assert unit.exec("docker logs registry 2>&1") == ""
    assert unit.container()["HostConfig"]["LogConfig"]["Config"] == {"max-file": "2", "max-size": "1m"}
    assert unit.config(log_level="debug", log_access=None, log_driver="journald") == ready(unit)
    ask(unit, "GET", "/v2/")
    for command in ("docker logs registry 2>&1", "journalctl -o cat SYSLOG_IDENTIFIER=registry"):
        log = unit.exec(command)
        assert " level=debug " in log
        assert '"GET /v2/ HTTP/1.1" 200' in log


def test_the_container_keeps_its_limits(unit):
    assert unit.config(container_memory_limit="128m", container_cpu_limit="0.5") == ready(unit)
    before = unit.container()
    assert before["HostConfig"]["Memory"] == 128 * 1024**2
    assert before["HostConfig"]["NanoCpus"] == 500_000_000
    assert unit.update_status() == ready(unit)
    assert unit.container()["Id"] == before["Id"]
    unit.exec("docker update --cpus 0.7 registry")
    assert unit.update_status() == ready(unit)
    assert unit.container()["HostConfig"]["NanoCpus"] == 500_000_000


def test_a_limit_that_docker_refuses_changes_nothing(unit):
    state, message = unit.config(container_cpu_limit="5000")
    assert state == "blocked"
    assert message.startswith("container-cpu-limit: the machine has ")
    assert message.endswith(still_serves(unit))


def test_a_read_only_registry_serves_pulls_alone(unit, small_image):
    unit.load(small_image)
    unit.run("push", image="small:1", pull=False)
    assert unit.config(storage_read_only=True) == ready(unit)
    assert ask(unit, "GET", "/v2/small/manifests/1")[0] == 200
    assert ask(unit, "POST", "/v2/small/blobs/uploads/")[0] == 405
    with pytest.raises(jubilant.TaskError, match="The registry is read-only"):
        unit.run("push", image="small:1", pull=False)


def test_a_manifest_is_deleted_by_digest_where_that_is_enabled(unit, small_image):
    unit.load(small_image)
    unit.run("push", image="small:1", pull=False, tag="gone:1")
    digest = ask(unit, "HEAD", "/v2/gone/manifests/1")[1]["Docker-Content-Digest"]
    assert ask(unit, "DELETE", f"/v2/gone/manifests/{digest}")[0] == 405
    assert unit.config(storage_delete=True, storage_cache="disabled", storage_purge_age="1h") == ready(unit)
    assert ask(unit, "DELETE", f"/v2/gone/manifests/{digest}")[0] == 202
    assert ask(unit, "GET", "/v2/gone/manifests/1")[0] == 404


@pytest.fixture
def refusing_store(unit):
    """The URL of a store on the machine that answers 403 to everything."""
    lines = (
        "from http.server import *",
        "class Handler(BaseHTTPRequestHandler):",
        "    def do_GET(self):",
        '        text = b"<Error><Code>AccessDenied</Code><Message>You shall not pass</Message></Error>"',
        "        self.send_response(403)",
        '        self.send_header("Content-Length", str(len(text)))',
        "        self.end_headers()",
        "        self.wfile.write(text)",
        "    do_HEAD = do_PUT = do_POST = do_DELETE = do_GET",
        'ThreadingHTTPServer(("0.0.0.0", 9403), Handler).serve_forever()',
    )
    text = base64.b64encode("\n".join(lines).encode()).decode()
    unit.exec(f"echo {text} | base64 -d > /tmp/store.py")
    unit.exec("systemd-run --unit store python3 /tmp/store.py && sleep 1")
    yield "http://172.17.0.1:9403"
    unit.exec("systemctl stop store")


@pytest.mark.parametrize("read_only", [False, True])
@pytest.mark.parametrize("trouble", ["refused", "away"])
def test_a_store_that_fails_changes_nothing_and_is_said(unit, refusing_store, trouble, read_only):
    before = unit.container()["Id"]
    where = refusing_store if trouble == "refused" else "http://172.17.0.1:9404"
    state, message = unit.config(**{**STORE, "storage_s3_regionendpoint": where, "storage_read_only": read_only})
    assert state == "blocked"
    option, words = {
        "refused": ("storage-s3-accesskey: the S3 store denies access", "AccessDenied: You shall not pass"),
        "away": (f"storage-s3-regionendpoint: {where} does not answer", "connection refused"),
    }[trouble]
    assert message.startswith(option) and words in message
    assert message.endswith(still_serves(unit))
    assert unit.container()["Id"] == before
    assert unit.containers() == ["registry"]
    seen = message + unit.juju.cli("debug-log", "--replay", "--no-tail")
    assert "the-secret-key" not in seen


def listens(unit, port, address="127.0.0.1"):
    return unit.exec(f"curl -s -o /dev/null http://{address}:{port}/metrics && echo yes || true") == "yes"


def test_metrics_are_published_while_they_are_asked_for(unit):
    assert not listens(unit, 5001)
    assert unit.config(prometheus_metrics=True) == ready(unit)
    assert ask(unit, "GET", "/metrics", 5001)[0] == 200
    assert unit.config(debug_port=5009, debug_address="127.0.0.1") == ready(unit)
    assert listens(unit, 5009) and not listens(unit, 5009, unit.address) and not listens(unit, 5001)
    before = unit.container()["Id"]
    state, message = unit.config(debug_address="203.0.113.1")
    assert state == "blocked"
    assert message.startswith("debug-address: the machine has no address 203.0.113.1. ")
    assert message.endswith(still_serves(unit))
    assert unit.container()["Id"] == before
    assert unit.config(debug_address="localhost")[1].startswith("debug-address: 'localhost' is not an IP address")


def test_a_cache_passes_on_what_is_upstream_and_serves_it_while_that_is_away(unit, small_image):
    unit.load(small_image)
    upstream = {"cache_remoteurl": "http://172.17.0.1:5055"}
    unit.exec(
        "docker run -d --name upstream -p 5055:5000 registry:2 && sleep 1"
        " && docker tag small:1 127.0.0.1:5055/up/small:1 && docker push -q 127.0.0.1:5055/up/small:1"
    )
    try:
        state, message = unit.config(**upstream, registry_https_proxy="http://proxy.example.com:3128")
        assert (state, message.startswith(ready(unit)[1])) == ("active", True)
        assert "has faults that concern this registry: CVE-2026-85747" in message
        assert "HTTPS_PROXY=http://proxy.example.com:3128" in unit.container()["Config"]["Env"]
        assert ask(unit, "GET", "/v2/up/small/manifests/1")[0] == 200
        digest = unit.exec("docker image inspect --format {{.Id}} small:1")
        assert ask(unit, "GET", f"/v2/up/small/blobs/{digest}")[0] == 200
        with pytest.raises(jubilant.TaskError, match="The registry is a cache of http:"):
            unit.run("push", image="small:1", pull=False)
        unit.exec("docker stop upstream")
        assert unit.run("catalog", match="up/*", output="names").results["output"].split() == ["up/small:1"]
        assert unit.update_status() == (state, message)
        before = unit.container()["Id"]
        state, message = unit.config(log_level="debug")
        assert state == "blocked"
        assert message.startswith(
            "The upstream registry in cache-remoteurl is unreachable (connection failed). "
            "Check the URL, the network and trusted-ca-blob. Retrying automatically."
        )
        assert message.endswith(still_serves(unit))
        assert unit.container()["Id"] == before
        assert ask(unit, "GET", "/v2/up/small/manifests/1")[0] == 200
        assert ask(unit, "GET", f"/v2/up/small/blobs/{digest}")[0] == 200
    finally:
        unit.exec("docker rm -fv upstream")
        unit.exec("docker rmi -f 127.0.0.1:5055/up/small:1 || true")


def test_a_proxy_with_a_password_is_a_problem_and_not_shown(unit):
    state, message = unit.config(registry_https_proxy="http://me:hush@proxy.example.com:3128")
    assert state == "blocked"
    assert message.startswith("registry-https-proxy: the URL contains a password, ")
    assert "hush" not in message
