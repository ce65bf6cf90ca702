"""Names, addresses and texts: small pure functions."""

import json

import pytest
import yaml
from registry.formats import addresses, daemon
from registry.images import reference
from registry.options import options
from registry.release import configuration, container, image
from test_authentication import TOKEN
from test_options import DEFAULTS

from actions import arguments


@pytest.mark.parametrize(
    ("http_host", "address", "expected"),
    [
        (None, "10.0.0.1", "10.0.0.1:5000"),
        (None, "fd00::1", "[fd00::1]:5000"),
        ("https://registry.example.com", "10.0.0.1", "registry.example.com"),
        ("https://registry.example.com:443/path/", "10.0.0.1", "registry.example.com:443"),
        ("https://me:pw@registry.example.com", "10.0.0.1", "registry.example.com"),
    ],
)
def test_netloc(http_host, address, expected):
    assert addresses.netloc(http_host, address, 5000) == expected


def test_own_netlocs_know_this_unit_by_all_its_names():
    assert addresses.own_netlocs("https://r.example.com", ["10.0.8.8", "10.0.0.1"], 5000) == {
        "r.example.com",
        "10.0.8.8:5000",
        "10.0.0.1:5000",
        "127.0.0.1:5000",
        "localhost:5000",
    }


@pytest.mark.parametrize(
    ("text", "parts", "canonical"),
    [
        ("ubuntu", (None, "ubuntu", "latest", None), "docker.io/library/ubuntu:latest"),
        ("registry:2", (None, "registry", "2", None), "docker.io/library/registry:2"),
        ("docker.io/registry:2", ("docker.io", "registry", "2", None), "docker.io/library/registry:2"),
        ("a/b:c", (None, "a/b", "c", None), "docker.io/a/b:c"),
        ("localhost/x", ("localhost", "x", "latest", None), "localhost/x:latest"),
        ("host:5000/x/y:1.0-rc_1", ("host:5000", "x/y", "1.0-rc_1", None), "host:5000/x/y:1.0-rc_1"),
        ("10.0.0.1:5000/x", ("10.0.0.1:5000", "x", "latest", None), "10.0.0.1:5000/x:latest"),
        ("[fd00::1]:5000/x", ("[fd00::1]:5000", "x", "latest", None), "[fd00::1]:5000/x:latest"),
        ("ghcr.io/x", ("ghcr.io", "x", "latest", None), "ghcr.io/x:latest"),
        (f"a.io/{'x' * 250}:{'t' * 128}", ("a.io", "x" * 250, "t" * 128, None), f"a.io/{'x' * 250}:{'t' * 128}"),
        (
            "ghcr.io/x@sha256:" + "a" * 64,
            ("ghcr.io", "x", None, "sha256:" + "a" * 64),
            "ghcr.io/x@sha256:" + "a" * 64,
        ),
    ],
)
def test_reference(text, parts, canonical):
    found = reference.Reference.parse(text)
    assert (found.host, found.path, found.tag, found.digest) == parts
    assert found.canonical == canonical
    assert reference.Reference.parse(str(found)) == found


@pytest.mark.parametrize(
    "text", ["", "UPPER", "a b", "x:", ":2", "x/", "x:\u0662" + "t" * 50, "-x", "a//b", "x:" + "t" * 129, "x" * 256]
)
def test_bad_references(text):
    with pytest.raises(reference.BadReference) as raised:
        reference.Reference.parse(text)
    shown = repr(text) if len(text) <= 40 else "'x:...'" if ":" in text else f"'{text[:40]}...'"
    assert raised.value.text == f"{shown} is not an image name. Use a name such as registry:2"


@pytest.mark.parametrize(
    ("output", "version"),
    [
        ("registry github.com/docker/distribution v2.8.3\n", "2.8.3"),
        ("registry github.com/docker/distribution 2.8.2+unknown", "2.8.2"),
        ("registry github.com/docker/distribution v2.8.2+unknown\n", "2.8.2"),
        ("/bin/registry github.com/distribution/distribution/v3 v3.0.0-rc.1", "3.0.0-rc.1"),
        ("nginx version: nginx/1.25", None),
        ("", None),
    ],
)
def test_version_in(output, version):
    assert image.version_in(output) == version


def test_options_are_split_like_a_shell_does():
    assert arguments.split_options("images", "--no-trunc --quiet") == ["--no-trunc", "--quiet"]
    assert arguments.split_options("images", "--format '{{.ID}} {{.Tag}}' -f dangling=true") == [
        "--format",
        "{{.ID}} {{.Tag}}",
        "-f",
        "dangling=true",
    ]
    assert arguments.split_options("images", "-qf dangling=true") == ["-qf", "dangling=true"]
    assert arguments.split_options("images", "-fdangling=f -q") == ["-fdangling=f", "-q"]
    assert arguments.split_options("rmi", "") == []


@pytest.mark.parametrize(
    ("command", "text", "problem"),
    [
        ("rmi", "-f ubuntu", "'ubuntu' is not an option of docker rmi. Give options only"),
        ("rmi", "-- ubuntu", "'--' is not an option of docker rmi. Give options only"),
        ("rmi", "-", "'-' is not an option of docker rmi. Give options only"),
        ("images", "; reboot", "';' is not an option of docker images. Give options only"),
        ("images", "--filter", "'--filter' needs a value. Give one"),
        ("images", "'", '"\'" cannot be split into words (No closing quotation). Fix its quotes'),
        ("images", "--format x ubuntu", "'ubuntu' is not an option of docker images. Give options only"),
        ("images", "-freference=af ubuntu", "'ubuntu' is not an option of docker images. Give options only"),
    ],
)
def test_nothing_but_options_comes_of_options(command, text, problem):
    with pytest.raises(arguments.BadArguments) as raised:
        arguments.split_options(command, text)
    assert (raised.value.parameter, raised.value.text) == ("options", problem)


def test_names_are_split_and_never_options():
    assert arguments.names("image", " ubuntu:24.04  alpine ") == ["ubuntu:24.04", "alpine"]
    with pytest.raises(arguments.BadArguments, match=r"^'--force' is not the name of an image") as raised:
        arguments.names("image", "ubuntu --force")
    assert raised.value.parameter == "image"


def test_live_restore_is_added_and_everything_else_kept():
    assert json.loads(daemon.with_live_restore("")) == {"live-restore": True}
    assert json.loads(daemon.with_live_restore('{"log-driver": "journald"}')) == {
        "log-driver": "journald",
        "live-restore": True,
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [("", None), (" \n", None), ("{}", None), ('{"live-restore": true}', True), ('{"live-restore": false}', False)],
)
def test_what_daemon_json_says_of_live_restore(text, said):
    assert daemon.live_restore(text) is said


@pytest.mark.parametrize("text", ["{", "[]", '"x"', "live-restore: true", "[" * 100_000])
def test_a_daemon_json_that_cannot_be_read_is_a_problem(text):
    with pytest.raises(daemon.BadSettings, match=r"/etc/docker/daemon.json is not"):
        daemon.live_restore(text)


def config_yml(**config):
    return configuration.config_yml(options.Options.from_config({**DEFAULTS, **config}), "hush", 2)


def test_config_yml_is_what_distribution_documents():
    assert yaml.safe_load(config_yml()) == {
        "version": 0.1,
        "health": {"storagedriver": {"enabled": True, "interval": "10s", "threshold": 3}},
        "http": {
            "addr": ":5000",
            "draintimeout": "30s",
            "headers": {"X-Content-Type-Options": ["nosniff"]},
            "relativeurls": True,
            "secret": "hush",
        },
        "log": {"level": "info", "formatter": "json", "fields": {"service": "registry"}},
        "storage": {
            "cache": {"blobdescriptor": "inmemory"},
            "delete": {"enabled": False},
            "filesystem": {"rootdirectory": "/var/lib/registry"},
            "maintenance": {
                "readonly": {"enabled": False},
                "uploadpurging": {"age": "168h", "dryrun": False, "enabled": True, "interval": "24h"},
            },
            "redirect": {"disable": True},
        },
    }


def test_with_users_the_registry_asks_their_file():
    for config in ({"auth-basic-password": "x"}, {"auth-basic-users": "me: x"}):
        section = yaml.safe_load(config_yml(**config))["auth"]
        assert section == {"htpasswd": {"realm": "docker-registry", "path": "/auth/htpasswd"}}


def test_with_tokens_the_registry_trusts_their_server():
    section = yaml.safe_load(config_yml(**TOKEN))["auth"]
    assert section == {
        "token": {
            "issuer": "auth.example.com",
            "realm": "https://auth.example.com/token",
            "rootcertbundle": "/etc/docker/registry/token-ca.pem",
            "service": "registry",
        }
    }


def test_a_loopback_registry_is_published_to_this_machine_alone():
    spec = container.ContainerSpec("registry", "sha256:1", {"5000": 5000}, ())
    body = container.loopback_body(container.create_body(spec, "/x", "x"))
    assert body["HostConfig"]["PortBindings"] == {"5000/tcp": [{"HostIp": "127.0.0.1", "HostPort": ""}]}
    assert body["HostConfig"]["RestartPolicy"]["Name"] == "no"


def test_the_container_is_hardened_and_published():
    spec = container.ContainerSpec("registry", "sha256:1", {"5000": 5001}, (), {"B": "2", "A": "1"})
    body = container.create_body(spec, "/etc/docker/registry/applied/x", "x")
    assert body["Image"] == "sha256:1"
    assert body["Cmd"] == ["serve", "/etc/docker/registry/config.yml"]
    assert body["Env"] == ["A=1", "B=2"]
    host = body["HostConfig"]
    folder = {"Source": "/etc/docker/registry/applied/x", "Target": "/etc/docker/registry"}
    assert host["Mounts"] == [{"Type": "bind", **folder, "ReadOnly": True}]
    assert "Binds" not in host, "with those Docker makes folders that are not there"
    assert host["PortBindings"] == {"5000/tcp": [{"HostIp": "", "HostPort": "5001"}]}
    assert host["RestartPolicy"]["Name"] == "unless-stopped"
    assert host["ReadonlyRootfs"] and host["CapDrop"] == ["ALL"] and host["SecurityOpt"] == ["no-new-privileges"]


def test_a_candidate_answers_this_machine_alone_and_watches_its_storage_closely():
    spec = container.ContainerSpec("registry", "sha256:1", {"5000": 5000}, ())
    body = container.create_body(spec, "/x", "x")
    candidate = container.candidate_body(body)
    assert candidate["HostConfig"]["PortBindings"] == {"5000/tcp": [{"HostIp": "127.0.0.1", "HostPort": ""}]}
    assert candidate["HostConfig"]["RestartPolicy"]["Name"] == "no"
    assert "REGISTRY_HEALTH_STORAGEDRIVER_THRESHOLD=1" in candidate["Env"]
    assert candidate["HostConfig"]["Mounts"] == body["HostConfig"]["Mounts"]
    assert body["HostConfig"]["PortBindings"], "the body given stays as it was"
