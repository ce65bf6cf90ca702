"""One complete configuration of the registry: its container and its files."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from registry.formats import certificates, htpasswd
from registry.options import content
from registry.options.swift import Swift
from registry.release import configuration, container, filenames

AUTH_FOLDER = "/etc/docker/registry/auth"
"""Folder of the machine with the users."""

FILES = (
    *("config.yml", "container.json", filenames.TOKEN_CA, "htpasswd"),
    *(filenames.STORE, filenames.TRUSTED_CA, filenames.WRITABLE),
    *filenames.TLS_COPIES,
)
"""Names of the files that a release may have."""


@functools.lru_cache(maxsize=16)
def _parsed(config_yml: str) -> Mapping[str, Any]:
    """Return the data of config.yml: parsing is dear, and the desired text is usually the current one."""
    return dict(yaml.safe_load(config_yml))


@dataclasses.dataclass(frozen=True)
class Release:
    """One complete configuration of the registry: its container, with the image, and its files."""

    container: container.ContainerSpec
    config_yml: str = dataclasses.field(repr=False)
    """Text of config.yml; it contains secrets."""
    others: Mapping[str, str] = dataclasses.field(default_factory=dict, repr=False)
    """Texts of further files beside config.yml, by name."""

    @functools.cached_property
    def digest(self) -> str:
        """16 hex digits that differ as soon as anything in the release differs."""
        return hashlib.sha256(json.dumps(self.files(), sort_keys=True).encode()).hexdigest()[:16]

    def is_same(self, other: Release) -> bool:
        """Tell whether the registry is configured the same by *other*, whose config.yml may be quoted differently."""
        mine, others = (dataclasses.replace(one, config_yml="") for one in (self, other))
        return mine == others and configuration.is_same(self.config_yml, other.config_yml)

    @property
    def port(self) -> int:
        """Port of the machine at which the registry answers."""
        return self.container.ports[str(container.PORT)]

    @property
    def http_secret(self) -> str:
        """The secret in config.yml that all units share."""
        return str(self._config["http"]["secret"])

    @property
    def authentication(self) -> str | None:
        """How clients authenticate: htpasswd, token, or None if they do not."""
        return next(iter(self._config.get("auth") or ()), None)

    @property
    def is_read_only(self) -> bool:
        """Nobody can push or delete."""
        maintenance = self._config["storage"].get("maintenance") or {}
        return bool(maintenance.get("readonly", {}).get("enabled"))

    @property
    def accepts_deletes(self) -> bool:
        """Clients can delete."""
        return bool(self._config["storage"].get("delete", {}).get("enabled")) and not self.is_read_only

    @property
    def has_cache(self) -> bool:
        """It remembers which blobs it has, and their sizes."""
        return "cache" in self._config["storage"]

    @property
    def scheme(self) -> str:
        """The protocol between clients and the registry: https or http."""
        return "https" if "tls" in self._config["http"] else "http"

    @property
    def swift(self) -> Swift | None:
        """The container of Swift with the images; None where they are elsewhere."""
        parameters = self._config["storage"].get("swift")
        return Swift(**parameters) if parameters else None

    @property
    def redirects(self) -> bool:
        """It redirects clients to the object store for the content of layers."""
        return not self._config["storage"].get("redirect", {}).get("disable", False) and self.is_shared

    @property
    def is_on_s3(self) -> bool:
        """The images are in an object store that speaks S3."""
        return "s3" in self._config["storage"]

    @property
    def is_shared(self) -> bool:
        """The images are in an object store, which units share."""
        return "filesystem" not in self._config["storage"]

    @property
    def data_folder(self) -> str | None:
        """Folder of the machine with the images; None where they are elsewhere."""
        return next((one.source for one in self.container.mounts if one.target == configuration.DATA_FOLDER), None)

    @property
    def place_of_images(self) -> object:
        """Where the images are."""
        how = ("cache", "delete", "maintenance", "redirect")
        driver = {name: values for name, values in self._config["storage"].items() if name not in how}
        return driver, self.data_folder

    @property
    def place(self) -> object:
        """Where the images are, and how they are reached: two equal ones have the same faults."""
        return self.place_of_images, self.container.environment, self.others.get(filenames.TRUSTED_CA)

    @property
    def has_certificate_of_relation(self) -> bool:
        """The CA of cert-provider issued the certificate."""
        return bool(json.loads(self.others.get(filenames.TLS_SOURCES, "{}")).get("cert") == filenames.RELATION)

    @property
    def has_bucket_of_relation(self) -> bool:
        """The relation s3-credentials provides the bucket with the images."""
        return filenames.STORE in self.others

    @property
    def asks_for_certificates(self) -> bool:
        """Clients must present a certificate."""
        return filenames.CLIENT_CA in self.others

    @property
    def certificate(self) -> str | None:
        """PEM of the registry's certificate and its intermediate certificates; None with plain HTTP."""
        return self.others[filenames.TLS["cert"]] if self.scheme == "https" else None

    @property
    def ca(self) -> str | None:
        """PEM of the CA that clients must trust; without one, the issuers in the chain. None with plain HTTP."""
        if self.certificate is None:
            return None
        return self.others.get(filenames.TLS["ca"]) or certificates.issuers(self.certificate)

    @property
    def drain_seconds(self) -> int:
        """Seconds that transfers have to finish when the container is replaced."""
        return configuration.drain_seconds(self._config["http"])

    @property
    def upstream(self) -> str | None:
        """URL of the upstream registry; None if this is no pull-through cache."""
        return (self._config.get("proxy") or {}).get("remoteurl")

    @property
    def max_entries(self) -> int:
        """Repositories that a client can request in one answer."""
        return int((self._config.get("catalog") or {}).get("maxentries", content.MAX_ENTRIES))

    @property
    def trusted_ca(self) -> str:
        """PEM of the CAs that it trusts besides the image's, as a client; empty without any."""
        return self.others.get(filenames.TRUSTED_CA, "")

    @property
    def _config(self) -> Mapping[str, Any]:
        return _parsed(self.config_yml)

    def loopback(self, user: htpasswd.User, *, deletes: bool = False) -> Release:
        """Return a registry with the same data that only *user* can access, with a password.

        It has no cache, so it sees at once what another registry changes, and redirects nobody to the object store,
        which may be trusted and reached in another way by the container than by the machine. It is no pull-through
        cache: one would fetch what is listed, and two with the same data forget when images expire. With *deletes* it
        is neither read-only nor refuses deletion.
        """
        http = {key: value for key, value in self._config["http"].items() if key != "tls"}
        storage = {key: value for key, value in self._config["storage"].items() if key != "cache"}
        if deletes:
            storage |= {"delete": {"enabled": True}}
            storage["maintenance"] = {**storage.get("maintenance", {}), "readonly": {"enabled": False}}
        storage["redirect"] = {"disable": True}
        config = {key: value for key, value in self._config.items() if key != "proxy"}
        config |= {"auth": configuration.htpasswd(container.CONFIG_FOLDER), "http": http, "storage": storage}
        spec = dataclasses.replace(
            self.container,
            name=f"{self.container.name}-loopback",
            mounts=tuple(mount for mount in self.container.mounts if mount.source != AUTH_FOLDER),
        )
        others = {"htpasswd": htpasswd.text([user])}
        if self.trusted_ca:
            others[filenames.TRUSTED_CA] = self.trusted_ca
        return Release(spec, configuration.dump(config), others)

    def for_trial(self, folder: str) -> Release:
        """Return this registry with its images in a *folder* of its own in the same storage."""
        (name,) = {"filesystem", "s3", "swift"} & self._config["storage"].keys()
        parameters, key = self._config["storage"][name], "prefix" if name == "swift" else "rootdirectory"
        root = f"{parameters.get(key, '')}/{folder}".lstrip("/" if name == "swift" else "")
        storage = {**self._config["storage"], name: {**parameters, key: root}}
        spec = dataclasses.replace(self.container, name=f"{self.container.name}-check")
        config = {key: value for key, value in self._config.items() if key != "proxy"}
        return Release(spec, configuration.dump({**config, "storage": storage}), self.others)

    def for_maintenance(self) -> Release:
        """Return this registry without pushes, and without a cache that would still list what is deleted meanwhile."""
        return self.refusing_pushes(("cache",))

    def refusing_pushes(self, without: Iterable[str] = ()) -> Release:
        """Return this registry as it is for a while: it refuses pushes, and has no such sections of its storage."""
        storage = dict(self._config["storage"])
        changed = {key: storage.pop(key) for key in ("maintenance", *without) if key in storage}
        purging = {**changed.get("maintenance", {}).get("uploadpurging", {}), "enabled": False}
        storage["maintenance"] = {"readonly": {"enabled": True}, "uploadpurging": purging}
        before = {**changed, **json.loads(self.others.get(filenames.WRITABLE, "{}"))}
        others = {**self.others, filenames.WRITABLE: json.dumps(before, sort_keys=True)}
        return Release(self.container, configuration.dump({**self._config, "storage": storage}), others)

    def resumed(self) -> Release:
        """Return this registry as it is when no reason to refuse pushes for a while exists any more."""
        others = dict(self.others)
        if (before := others.pop(filenames.WRITABLE, None)) is None:
            return self
        storage = {**self._config["storage"], **json.loads(before)}
        return Release(self.container, configuration.dump({**self._config, "storage": storage}), others)

    def files(self) -> dict[str, str]:
        """Return the texts of the release's folder by file name."""
        spec = json.dumps(self.container.to_json(), indent=2, sort_keys=True)
        return {**self.others, "config.yml": self.config_yml, "container.json": spec + "\n"}

    @classmethod
    def from_files(cls, files: Mapping[str, str]) -> Release:
        """Read the result of `files`. Raises ValueError, KeyError or TypeError where it is damaged."""
        others = dict(files)
        spec, config_yml = others.pop("container.json"), others.pop("config.yml")
        return cls(container.ContainerSpec.from_json(json.loads(spec)), config_yml, others)
