"""The configuration of clients of one registry, for each kind of client, ready to paste.

Formats: https://docs.docker.com/reference/cli/dockerd/#daemon-configuration-file,
https://github.com/containerd/containerd/blob/main/docs/hosts.md, https://docs.k3s.io/installation/private-registry,
https://github.com/canonical/k8s-operator/blob/main/charms/worker/k8s/src/containerd.py,
https://charmhub.io/containerd/configurations, and
https://github.com/containers/image/blob/main/docs/containers-registries.conf.5.md.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import shlex
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import yaml

PASSWORD = "<password>"  # noqa: S105 - what the operator replaces
USER = "<user>"
HUB, HUB_SERVER = "docker.io", "https://registry-1.docker.io"
"""Docker Hub in names of images, and where clients find it."""
FILE, SHARED, OPTION, COMMAND, NOTE = "file", "shared", "option", "command", "note"
"""Kinds of parts: a file of its own, a file that may have other content, an option of a charm, the rest."""
CLIENT = ("client.cert", "client.key")
"""Certificate and key of the client, where the registry requires them, as Docker calls the files."""


@dataclasses.dataclass(frozen=True)
class Registry:
    """The registry as clients see it."""

    netloc: str
    """``host[:port]``."""
    scheme: str
    ca: str | None
    """PEM of the CA to trust; None where none is needed."""
    user: str | None
    """A user to log in as; None where anyone has access."""
    requires_certificates: bool = False
    """Clients must present a certificate."""
    mirrored: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Hosts whose images are pulled from this registry, and the URL of each."""
    has_fallback: bool = True
    """Clients may ask these hosts themselves for what this registry does not have."""
    folders: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Hosts to what comes before the names of their images here, where that is not nothing."""

    @property
    def url(self) -> str:
        """Where it is."""
        return f"{self.scheme}://{self.netloc}"

    def url_of(self, host: str) -> str:
        """Return where the API is for the images of *host*: with a path where their names begin otherwise here."""
        return f"{self.url}/v2/{self.folders[host]}" if host in self.folders else self.url


@dataclasses.dataclass(frozen=True)
class Part:
    """One thing to paste."""

    kind: str
    place: str
    """Path of the file, or the charm and its option; empty for commands."""
    text: str

    def render(self) -> str:
        """Return it as one pastes it into a root shell, or what to do with it."""
        if self.kind == FILE:
            folder, path = shlex.quote(self.place.rpartition("/")[0]), shlex.quote(self.place)
            return f"mkdir -p {folder}\ncat > {path} <<'END'\n{self.text}END\n"
        if self.kind == SHARED:
            return f"# {self.place}. If the file has other content, merge this into it:\n{self.text}"
        if self.kind == OPTION:
            charm, _, option = self.place.partition(" ")
            command = f"juju config {charm} {option}={shlex.quote(self.text)}"
            return f"# Replaces the option. Add the entries that it has.\n{command}\n"
        return f"# {self.text}\n" if self.kind == NOTE else f"{self.text}\n"


def mirrored(hosts: list[str]) -> dict[str, str]:
    """Return the URL of each of the *hosts*.

    >>> mirrored(["docker.io", "ghcr.io"])
    {'docker.io': 'https://registry-1.docker.io', 'ghcr.io': 'https://ghcr.io'}
    """
    return {host: HUB_SERVER if host == HUB else f"https://{host}" for host in hosts}


def upstream(url: str) -> dict[str, str]:
    """Return the host of the upstream registry at *url* as names of images have it, and the URL."""
    return {HUB if url.rstrip("/") == HUB_SERVER else url.partition("://")[2].strip("/"): url.rstrip("/")}


def docker(registry: Registry) -> Iterator[Part]:
    """Yield the CA and the login."""
    folder = f"/etc/docker/certs.d/{registry.netloc}"
    yield from _trust(registry, folder)
    yield from _login(registry, "docker")


def daemon_json(registry: Registry) -> Iterator[Part]:
    """Yield the settings of dockerd: for plain HTTP, and as a mirror of Docker Hub, the only one that Docker knows."""
    settings: dict[str, list[str]] = {}
    if registry.scheme == "http":
        settings["insecure-registries"] = [registry.netloc]
    if HUB in registry.folders:
        yield Part(NOTE, "", "Docker needs images of a mirror under their own names, not below others.")
    elif HUB in registry.mirrored:
        settings["registry-mirrors"] = [registry.url]
    if not settings:
        yield Part(NOTE, "", "Docker needs no settings.")
        return
    yield Part(SHARED, "/etc/docker/daemon.json", json.dumps(settings, indent=2) + "\n")
    yield Part(COMMAND, "", "systemctl reload docker")
    if HUB in registry.mirrored and not registry.has_fallback:
        yield Part(NOTE, "", "Docker always asks Docker Hub for what a mirror does not have.")


def containerd(registry: Registry) -> Iterator[Part]:
    """Yield hosts.toml for the registry and each mirrored host; the CA too."""
    own = f"/etc/containerd/certs.d/{registry.netloc}"
    yield Part(NOTE, "", 'For containerd whose config.toml has config_path = "/etc/containerd/certs.d":')
    yield from _trust(registry, own)
    yield Part(FILE, f"{own}/hosts.toml", _hosts_toml(registry, own, registry.url))
    for host, server in registry.mirrored.items():
        text = _hosts_toml(registry, own, server if registry.has_fallback else registry.url_of(host), host)
        yield Part(FILE, f"/etc/containerd/certs.d/{host}/hosts.toml", text)
    if registry.user:
        words = [f"--docker-server={registry.netloc}", f"--docker-username={registry.user}"]
        command = shlex.join(["kubectl", "create", "secret", "docker-registry", "registry", *words])
        yield Part(COMMAND, "", f"{command} --docker-password='{PASSWORD}'")


def k3s(registry: Registry) -> Iterator[Part]:
    """Yield registries.yaml of k3s and RKE2."""
    folder = "/etc/rancher/k3s"
    ca = f"{folder}/docker-registry-ca.crt"
    hosts = [registry.netloc, *registry.mirrored]
    document: dict[str, Any] = {"mirrors": {host: {"endpoint": [registry.url]} for host in hosts}}
    for host, folder_of in registry.folders.items():
        document["mirrors"][host]["rewrite"] = {"^(.*)$": f"{folder_of}/$1"}
    auth = {"auth": {"username": registry.user, "password": PASSWORD}} if registry.user else {}
    config: dict[str, Any] = {**auth}
    if registry.ca:
        config["tls"] = {"ca_file": ca}
        yield Part(FILE, ca, registry.ca)
    if registry.requires_certificates:
        files = (f"{folder}/docker-registry-{name}" for name in CLIENT)
        config["tls"] = {**config.get("tls", {}), **dict(zip(("cert_file", "key_file"), files, strict=True))}
    if config:
        document["configs"] = {registry.netloc: config}
    yield Part(SHARED, f"{folder}/registries.yaml", yaml.safe_dump(document, sort_keys=False))
    yield Part(NOTE, "", "Restart k3s. RKE2 has this file in /etc/rancher/rke2.")
    if registry.mirrored and not registry.has_fallback:
        yield Part(NOTE, "", "Start k3s with --disable-default-registry-endpoint, or it asks the mirrored hosts too.")


def canonical_kubernetes(registry: Registry) -> Iterator[Part]:
    """Yield the option of the charm k8s."""
    below = {host: {"url": registry.url_of(host), "override_path": True} for host in registry.folders}
    entries = [{**entry, **below.get(host, {})} for host, entry in _entries(registry).items()]
    yield Part(OPTION, "k8s containerd-custom-registries", json.dumps(entries))


def charmed_kubernetes(registry: Registry) -> Iterator[Part]:
    """Yield the option of the charm containerd; the relation docker-registry needs none."""
    entries = [entry for host, entry in _entries(registry).items() if host not in registry.folders]
    yield Part(OPTION, "containerd custom_registries", json.dumps(entries))
    if registry.folders:
        yield Part(NOTE, "", "The charm containerd needs images of mirrored hosts under their own names.")


def podman(registry: Registry) -> Iterator[Part]:
    """Yield a drop-in of registries.conf for podman, skopeo, buildah and CRI-O; the CA and the login."""
    insecure = ["insecure = true"] if registry.scheme == "http" else []
    location = f"location = {_quoted(registry.netloc)}"
    lines = ["[[registry]]", location, *insecure] if insecure else []
    for host in registry.mirrored:
        lines += ["", "[[registry]]", f"prefix = {_quoted(host)}"]
        if registry.has_fallback:
            lines += [f"location = {_quoted(host)}", "", "[[registry.mirror]]"]
        folder = f"/{registry.folders[host]}" if host in registry.folders else ""
        lines += [f"location = {_quoted(registry.netloc + folder)}", *insecure]
    yield from _trust(registry, f"/etc/containers/certs.d/{registry.netloc}")
    if lines:
        text = "\n".join(lines).strip() + "\n"
        yield Part(FILE, "/etc/containers/registries.conf.d/docker-registry.conf", text)
    yield from _login(registry, "podman")


FORMATS: Mapping[str, Callable[[Registry], Iterator[Part]]] = {
    "docker": docker,
    "daemon-json": daemon_json,
    "containerd": containerd,
    "k3s": k3s,
    "canonical-kubernetes": canonical_kubernetes,
    "charmed-kubernetes": charmed_kubernetes,
    "podman": podman,
}


def _trust(registry: Registry, folder: str) -> Iterator[Part]:
    if registry.ca:
        yield Part(FILE, f"{folder}/ca.crt", registry.ca)
    if registry.requires_certificates:
        yield Part(COMMAND, "", f"cp {' '.join(CLIENT)} {shlex.quote(folder)}/")


def _login(registry: Registry, program: str) -> Iterator[Part]:
    if registry.user:
        yield Part(COMMAND, "", shlex.join([program, "login", registry.netloc, "--username", registry.user]))


def _hosts_toml(registry: Registry, folder: str, server: str, mirrored: str = "") -> str:
    """Return hosts.toml of this registry or a *mirrored* host, and *server* for the rest; files are in *folder*."""
    tls = [f"ca = {_quoted(f'{folder}/ca.crt')}"] if registry.ca else []
    if registry.requires_certificates:
        tls.append(f"client = [[{', '.join(_quoted(f'{folder}/{name}') for name in CLIENT)}]]")
    allowed = ["pull", "resolve"] if mirrored else ["pull", "resolve", "push"]
    url = registry.url_of(mirrored)
    own = [*tls, *(["override_path = true"] if url != registry.url else [])]
    lines = [f"server = {_quoted(server)}", *(own if server == url else [])]
    lines += ["", f"[host.{_quoted(url)}]", f"  capabilities = {json.dumps(allowed)}"]
    lines += [f"  {line}" for line in own]
    if registry.user and mirrored:
        # Kubernetes sends the password of a pull secret to the host in the image's name only.
        lines += ["", f"  [host.{_quoted(url)}.header]"]
        lines += [f"    authorization = {_quoted(f'Basic <base64 of {registry.user}:{PASSWORD}>')}"]
    return "\n".join(lines) + "\n"


def _entries(registry: Registry) -> dict[str, dict[str, str]]:
    """Return the entry of each host; without a host, the charm would take that of the URL, without the port."""
    entry: dict[str, str] = {}
    if registry.user:
        entry |= {"username": registry.user, "password": PASSWORD}
    if registry.ca:
        entry["ca_file"] = base64.b64encode(registry.ca.encode()).decode()
    if registry.requires_certificates:
        entry |= {"cert_file": "<base64 of client.cert>", "key_file": "<base64 of client.key>"}
    return {host: {"url": registry.url, "host": host, **entry} for host in (registry.netloc, *registry.mirrored)}


def _quoted(text: str) -> str:
    """Quote for TOML, whose strings are those of JSON in ASCII."""
    return json.dumps(text)
