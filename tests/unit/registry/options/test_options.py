"""Every option: valid values, and the sentence about others."""

import pathlib

import pytest
import yaml
from authority import ROOT
from registry.message import Message
from registry.options import options, secrets
from registry.options.secrets import SecretError

CONFIG = yaml.safe_load((pathlib.Path(__file__).parents[4] / "config.yaml").read_text())["options"]
DEFAULTS = {name: option.get("default") for name, option in CONFIG.items()}


NO_SCHEME = "has no http or https scheme. Begin it with http:// or https://"
HOST_PORT = "Use http://HOST:PORT or https://HOST:PORT"
NO_HOST = f"has no host, or its port is 0. {HOST_PORT}"
NOT_AN_IMAGE = "is not an image name. Use a name such as registry:2"
NOT_A_CONTAINER_NAME = (
    "is not a container name. Use two or more letters, digits and _ . -, beginning with a letter or digit"
)
UNREADABLE = Message("{uri} cannot be read", "Grant it")


def problems(**changes):
    named = {k.replace("_", "-"): v for k, v in changes.items()}
    return options.Options.from_config({**DEFAULTS, **named}).sentences


def test_the_defaults_are_valid():
    assert problems() == ()
    assert options.Options.from_config(DEFAULTS).registry_image == options.DEFAULT_IMAGE


def test_every_option_of_the_charm_is_read():
    read = []

    class Config(dict):
        def __getitem__(self, key):
            read.append(key)
            return super().__getitem__(key)

    options.Options.from_config(Config(DEFAULTS))
    assert set(read) == set(DEFAULTS)


@pytest.mark.parametrize(
    ("option", "value", "text"),
    [
        ("auth_basic_password", "x" * 73, "the password has 73 bytes, of which bcrypt uses 72 only. Use 72 at most"),
        (
            "auth_basic_password",
            "hush\nx",
            "the password contains a control character, for example a line break. Remove it",
        ),
        ("http_host", "registry.example.com", f"'registry.example.com' {NO_SCHEME}"),
        ("http_host", "https:/registry", f"'https:/registry' {NO_SCHEME}"),
        ("http_host", "ftp://registry", f"'ftp://registry' {NO_SCHEME}"),
        ("http_host", "https://", f"'https://' {NO_HOST}"),
        ("http_host", "https://r:0", f"'https://r:0' {NO_HOST}"),
        ("http_host", "https://r:99999", f"'https://r:99999' is not a URL (Port out of range 0-65535). {HOST_PORT}"),
        ("http_host", "https://me:hush@r:0", f"'https://...@r:0' {NO_HOST}"),
        ("http_host", "me:hush@r", f"'...@r' {NO_SCHEME}"),
        ("http_host", "https://hush@r:x", f"'https://...@r:x' is not a URL (invalid host or port). {HOST_PORT}"),
        ("registry_image", "", f"'' {NOT_AN_IMAGE}"),
        ("registry_image", "Registry:2", f"'Registry:2' {NOT_AN_IMAGE}"),
        ("registry_image", "registry:2 --privileged", f"'registry:2 --privileged' {NOT_AN_IMAGE}"),
        ("registry_image", "registry@sha256:12", f"'registry@sha256:12' {NOT_AN_IMAGE}"),
        ("registry_name", "", f"'' {NOT_A_CONTAINER_NAME}"),
        ("registry_name", "-rf", f"'-rf' {NOT_A_CONTAINER_NAME}"),
        ("registry_name", "a b", f"'a b' {NOT_A_CONTAINER_NAME}"),
        ("registry_port", 0, "0 is not a port. Use a number from 1 to 65535"),
        ("registry_port", 65536, "65536 is not a port. Use a number from 1 to 65535"),
        ("registry_port", -1, "-1 is not a port. Use a number from 1 to 65535"),
    ],
)
def test_a_wrong_value_is_a_sentence_with_the_option_in_front(option, value, text):
    assert problems(**{option: value}) == (f"{option.replace('_', '-')}: {text}.",)
    assert "hush" not in text


URLS = {
    "http-host": {},
    "auth-token-realm": {"auth-token-service": "x", "auth-token-issuer": "x", "auth-token-root-certs": ROOT},
    "cache-remoteurl": {},
    "registry-http-proxy": {},
    "registry-https-proxy": {},
    "http_proxy": {},
    "https_proxy": {},
    "storage-s3-regionendpoint": {"storage-s3-bucket": "images", "storage-s3-region": "eu-west-1"},
    "storage-swift-authurl": {"storage-swift-username": "me", "storage-swift-password": "hush"},
}


UNKNOWN_HOSTS = (
    *("a b.example.com", "a,b.example.com", "b\u00fccher.example.com", "999.999.1.1", "10.0.0", "host.example.com:"),
    *("host.example.com:0", "host.example.com:70000", "host.example.com:http", "a..example.com", "-a.example.com"),
    *("a%20b.example.com", "[fe80::1%25eth0]", "[fe80::1]", "fd00::1", "[fd00::1", "0.0.0.0", "[::]:5000", ""),
)


@pytest.mark.parametrize("option", URLS)
def test_no_url_has_a_host_that_nobody_can_look_up(option):
    for host in UNKNOWN_HOSTS:
        for value in (f"https://{host}", *([host] if host and option in SCHEMELESS else [])):
            config = {**DEFAULTS, **URLS[option], option: f"{value}/v3" if "swift" in option else value}
            found = options.Options.from_config(config).problems
            assert list(found) == [option], value


SCHEMELESS = ("http_proxy", "registry-https-proxy", "storage-s3-regionendpoint")


@pytest.mark.parametrize("option", URLS)
@pytest.mark.parametrize("host", ["a.example.com", "a-b:5000", "10.0.0.1", "[fd00::1]:5000", "xn--a.example.com"])
def test_every_url_has_a_host_that_can_be_looked_up(option, host):
    config = {**DEFAULTS, **URLS[option], option: f"https://{host}/v3" if "swift" in option else f"https://{host}"}
    assert options.Options.from_config(config).problems == {}


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("auth_basic_password", "s3cret"),
        ("auth_basic_user", ""),
        ("http_host", "https://registry.example.com/"),
        ("http_host", "http://[fd00::1]:5000/path"),
        ("registry_image", "registry:3"),
        ("registry_image", "mirror:5000/a/b"),
        ("registry_image", "ghcr.io/x/registry@sha256:" + "0" * 64),
        ("registry_name", "registry-2"),
        ("registry_port", 65535),
    ],
)
def test_a_valid_value_has_no_problem(option, value):
    assert problems(**{option: value}) == ()


@pytest.mark.parametrize(
    ("option", "written", "read"),
    [
        ("log-level", "INFO", "info"),
        ("storage-s3-storageclass", "reduced_redundancy", "REDUCED_REDUNDANCY"),
        ("storage-s3-loglevel", "DebugWithSigning", "debugwithsigning"),
    ],
)
def test_letters_count_as_they_do_for_the_registry(option, written, read):
    store = {"storage-s3-bucket": "images", "storage-s3-region": "eu-west-1"}
    found, wanted = (options.Options.from_config({**DEFAULTS, **store, option: value}) for value in (written, read))
    assert (found, found.sentences) == (wanted, ())


def test_all_problems_are_listed_at_once_sorted():
    found = problems(registry_port=0, http_host="x", registry_name="")
    assert [line.partition(":")[0] for line in found] == ["http-host", "registry-name", "registry-port"]


def reveal(secrets, **changes):
    """Options whose secrets are read from *secrets*."""

    def read(uri):
        if uri not in secrets:
            raise SecretError(UNREADABLE(uri=uri))
        return secrets[uri]

    return options.Options.from_config({**DEFAULTS, **{k.replace("_", "-"): v for k, v in changes.items()}}, read)


@pytest.mark.parametrize("content", [{"password": "hush", "other": "x"}, {"only": "hush"}, {"only": "hush\r\n"}])
def test_a_password_can_be_in_a_secret(content):
    found = reveal({"secret:1": content}, auth_basic_password="secret:1")
    assert found.authentication.password == "hush"
    assert found.sentences == ()


def test_users_can_be_in_a_secret():
    found = reveal({"secret:1": {"me": "12", "you": "a: b\n"}}, auth_basic_users="secret:1")
    assert yaml.safe_load(found.authentication.users) == {"me": "12", "you": "a: b\n"}


@pytest.mark.parametrize("content", [{}, {"a": "1", "b": "2"}, {"password": ""}, {"password": "\n"}])
def test_a_secret_without_one_password_is_a_sentence(content):
    found = reveal({"secret:1": content}, auth_basic_password="secret:1")
    assert found.sentences == (
        "auth-basic-password: secret:1 has no value for the key `password`. "
        "Run `juju update-secret secret:1 password=...`.",
    )


@pytest.mark.parametrize("option", ["auth-basic-password", *secrets.MAPS])
def test_a_secret_that_cannot_be_read_is_a_sentence_and_no_password(option):
    found = reveal({}, **{option: "secret:1"})
    assert found.sentences == (f"{option}: secret:1 cannot be read. Grant it.",)
    if option.startswith("auth-"):
        assert found.authentication.kind == "htpasswd", "a secret that cannot be read does not turn authentication off"


S3_KEYS = {f"storage-s3-{name}": "x" for name in ("accesskey", "secretkey", "bucket", "region")}
SWIFT_KEYS = {
    **{f"storage-swift-{name}": "x" for name in ("username", "password")},
    "storage-swift-authurl": "https://swift.example.com/auth/v1.0",
}
SECRETS = {
    **{f"storage-s3-{name}": S3_KEYS for name in ("accesskey", "secretkey", "bucket", "region", "useragent")},
    **{f"storage-swift-{name}": SWIFT_KEYS for name in ("username", "password", "tenant", "container")},
    "cache-password": {"cache-remoteurl": "https://registry-1.docker.io", "cache-username": "me"},
    "cache-username": {"cache-remoteurl": "https://registry-1.docker.io", "cache-password": "hush"},
}


@pytest.mark.parametrize("option", SECRETS)
@pytest.mark.parametrize("value", ["hu\nsh", "hu\r\nsh", "hu\tsh", "\x00hush", "hu\ud800sh"])
def test_a_line_break_within_a_secret_is_a_problem(option, value):
    requested = options.Options.from_config({**DEFAULTS, **SECRETS[option], option: value})
    assert requested.sentences == (
        f"{option}: the value contains a control character, for example a line break. Remove it.",
    )
