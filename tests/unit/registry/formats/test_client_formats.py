"""The configuration of clients: each as the program, or the charm, that reads it accepts it."""

import base64
import dataclasses
import itertools
import json
import shlex

import pytest
import tomllib
import yaml
from registry.formats import clients

CA = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
PLAIN = clients.Registry("10.0.0.1:5000", "http", None, None)
SECURE = clients.Registry("registry.example.com", "https", CA, "o'hara")
MIRRORED = clients.mirrored(["docker.io", "ghcr.io"])

# What each reader knows: https://docs.k3s.io/installation/private-registry and the others in the module.
ENTRY = {"url", "host", "username", "password", "ca_file", "cert_file", "key_file"}
HOST = {"capabilities", "ca", "client", "header"}
REGISTRY = {"prefix", "location", "insecure", "mirror"}


def every():
    """Each combination of what can be the case."""
    cases = itertools.product((PLAIN, SECURE), ({}, MIRRORED), (True, False), (False, True))
    for registry, mirrored, fallback, certificates in cases:
        yield dataclasses.replace(
            registry, mirrored=mirrored, has_fallback=fallback, requires_certificates=certificates and bool(registry.ca)
        )


def files(parts):
    return {part.place: part.text for part in parts if part.kind in (clients.FILE, clients.SHARED)}


def commands(parts):
    return [shlex.split(part.text) for part in parts if part.kind == clients.COMMAND]


def test_no_format_has_a_password_and_each_shell_line_is_one():
    for registry in every():
        for name, make in clients.FORMATS.items():
            for part in make(registry):
                assert part.text, name
                if part.kind in (clients.FILE, clients.OPTION, clients.COMMAND):
                    shlex.split(part.render().replace("<<'END'", ""), comments=True)
                if part.kind == clients.FILE:
                    assert part.text.endswith("\n") and "\nEND\n" not in part.text


def test_docker_trusts_the_ca_and_logs_in():
    parts = list(clients.docker(SECURE))
    assert files(parts) == {"/etc/docker/certs.d/registry.example.com/ca.crt": CA}
    assert commands(parts) == [["docker", "login", "registry.example.com", "--username", "o'hara"]]
    assert list(clients.docker(PLAIN)) == []


def test_dockerd_is_told_of_plain_http_and_of_a_mirror_of_docker_hub():
    def settings(registry):
        return [json.loads(text) for text in files(clients.daemon_json(registry)).values()]

    assert settings(SECURE) == []
    assert settings(PLAIN) == [{"insecure-registries": ["10.0.0.1:5000"]}]
    mirror = dataclasses.replace(SECURE, mirrored=MIRRORED)
    assert settings(mirror) == [{"registry-mirrors": ["https://registry.example.com"]}]
    assert settings(dataclasses.replace(SECURE, mirrored=clients.mirrored(["ghcr.io"]))) == []


def test_hosts_toml():
    for registry in every():
        found = files(clients.containerd(registry))
        texts = {path.split("/")[-2]: tomllib.loads(text) for path, text in found.items() if path.endswith(".toml")}
        assert set(texts) == {registry.netloc, *registry.mirrored}
        for host, document in texts.items():
            assert document.keys() <= {"server", "host", "ca", "client"}
            server = MIRRORED.get(host, registry.url) if registry.has_fallback else registry.url
            assert document["server"] == server
            (entry,) = document["host"].values()
            assert list(document["host"]) == [registry.url]
            assert entry.keys() <= HOST
            assert entry.get("ca") in (None, *found)
            assert ("ca" in document) == (server == registry.url and registry.ca is not None)
            assert ("header" in entry) == (host in MIRRORED and registry.user is not None)


def test_registries_yaml():
    for registry in every():
        found = files(clients.k3s(registry))
        document = yaml.safe_load(found["/etc/rancher/k3s/registries.yaml"])
        assert document.keys() <= {"mirrors", "configs"}
        assert document["mirrors"] == {
            host: {"endpoint": [registry.url]} for host in (registry.netloc, *registry.mirrored)
        }
        config = document.get("configs", {}).get(registry.netloc, {})
        assert config.keys() <= {"auth", "tls"}
        assert config.get("auth", {}).keys() <= {"username", "password"}
        assert config.get("tls", {}).keys() <= {"ca_file", "cert_file", "key_file"}
        assert config.get("tls", {}).get("ca_file") in (None, *found)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("canonical-kubernetes", ["juju", "config", "k8s", "containerd-custom-registries"]),
        ("charmed-kubernetes", ["juju", "config", "containerd", "custom_registries"]),
    ],
)
def test_the_options_of_charms(name, words):
    for registry in every():
        (part,) = clients.FORMATS[name](registry)
        *found, value = shlex.split(part.render(), comments=True)
        option, _, text = value.partition("=")
        assert [*found, option] == words
        entries = json.loads(text)
        assert len({entry["host"] for entry in entries}) == len(entries) == 1 + len(registry.mirrored)
        for entry in entries:
            assert entry.keys() <= ENTRY
            assert entry["url"] == registry.url
            assert base64.b64decode(entry.get("ca_file", ""), validate=True).decode() == (registry.ca or "")


def test_registries_conf():
    for registry in every():
        found = files(clients.podman(registry))
        text = found.get("/etc/containers/registries.conf.d/docker-registry.conf", "")
        entries = {one.get("prefix", one["location"]): one for one in tomllib.loads(text).get("registry", [])}
        assert set(entries) == {*registry.mirrored, *([registry.netloc] if registry.scheme == "http" else [])}
        for host in registry.mirrored:
            entry = entries[host]
            assert entry.keys() <= REGISTRY
            assert entry["location"] == (host if registry.has_fallback else registry.netloc)
            (place,) = entry.get("mirror", [entry])
            assert place["location"] == registry.netloc
            assert place.get("insecure", False) == (registry.scheme == "http")


def test_the_upstream_of_a_cache_is_the_host_in_names_of_images():
    assert clients.upstream("https://registry-1.docker.io/") == {"docker.io": "https://registry-1.docker.io"}
    assert clients.upstream("http://mirror:5000") == {"mirror:5000": "http://mirror:5000"}
