"""The parts of a release, each made by options of its own: one that cannot change yet stays while the others change."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from registry.release import configuration, container, filenames
from registry.release.container import ContainerSpec, Mount
from registry.release.release import Release


class Part(enum.Enum):
    """What a release is made of; the value says which options make it, by the beginnings of their names.

    Options that begin with none of these are not part of a release.
    """

    AUTHENTICATION = ("auth-",)
    CERTIFICATE = ("tls-ca-", "tls-cert-", "tls-key-", "cert-provider")
    CLIENT_CA = ("tls-client-ca-blob", "website-tls")
    CONTENT = ("validation-", "catalog-")
    DATA = (
        *("storage-", "cache-", "s3-credentials", "trusted-ca-", "receive-ca-certs"),
        *("registry-http", "http_proxy", "https_proxy", "no_proxy"),
    )
    DRAIN = ("drain-timeout",)
    IMAGE = ("registry-image",)
    LIMITS = ("container-", "log-max-")
    LOG = ("log-level", "log-format", "log-driver", "log-access")
    MINIMUM_TLS = ("tls-minimum-version",)
    NAME = ("registry-name",)
    PORTS = ("registry-port", "debug-", "prometheus-metrics")


ACCESS = frozenset({Part.AUTHENTICATION, Part.CERTIFICATE, Part.CLIENT_CA, Part.MINIMUM_TLS})
"""The parts that keep people out."""

Path = tuple[str, ...]

OWNERS: Mapping[Path, Part] = {
    ("config", "auth"): Part.AUTHENTICATION,
    ("mounts", configuration.AUTH_FOLDER): Part.AUTHENTICATION,
    ("others", filenames.TOKEN_CA): Part.AUTHENTICATION,
    ("config", "http", "tls", "clientcas"): Part.CLIENT_CA,
    ("others", filenames.CLIENT_CA): Part.CLIENT_CA,
    ("config", "http", "tls", "minimumtls"): Part.MINIMUM_TLS,
    ("config", "validation"): Part.CONTENT,
    ("config", "catalog"): Part.CONTENT,
    ("config", "http", "draintimeout"): Part.DRAIN,
    ("config", "http", "debug"): Part.PORTS,
    ("container", "ports"): Part.PORTS,
    ("container", "addresses"): Part.PORTS,
    ("config", "log"): Part.LOG,
    ("container", "log_driver"): Part.LOG,
    ("config", "proxy"): Part.DATA,
    ("config", "storage"): Part.DATA,
    ("container", "environment"): Part.DATA,
    ("container", "user"): Part.DATA,
    ("others", filenames.STORE): Part.DATA,
    ("others", filenames.TRUSTED_CA): Part.DATA,
    **{("container", name): Part.LIMITS for name in ("memory", "nano_cpus", "log_size", "log_files")},
    ("container", "name"): Part.NAME,
    ("container", "image_id"): Part.IMAGE,
}
"""Where a part is in a release. The certificate is chosen before a release is made: see `plan.held`."""

_NESTED = {("config",), ("config", "http"), ("config", "http", "tls")}
"""What has more than one part in it."""


def parts_of(option: str) -> frozenset[Part]:
    """Return the parts that an option, several of them or a relation make.

    >>> sorted(part.name for part in parts_of("debug-port, log-level"))
    ['LOG', 'PORTS']
    """
    return frozenset(part for name in option.split(", ") for part in Part if name.startswith(part.value))


def merged(desired: Release, current: Release, held: frozenset[Part]) -> Release:
    """Return *desired* with the parts *held* as *current* has them.

    Storage that is held still becomes read-only and stops accepting deletions: neither depends on where the images are.
    """
    if not held:
        return desired
    new, old = _fields(desired), _fields(current)
    fields = {path: value for path, value in new.items() if _owner(path) not in held}
    fields |= {path: value for path, value in old.items() if _owner(path) in held}
    if Part.DATA in held:
        fields["config", "storage"] = _closed(old["config", "storage"], new["config", "storage"])
        if ("config", "proxy") in fields:  # a cache cannot be read-only
            fields["config", "storage"] = old["config", "storage"]
    if ("config", "http", "tls", "certificate") not in fields:
        fields = {path: value for path, value in fields.items() if path[:3] != ("config", "http", "tls")}
    return _release(fields)


def opened(current: Release, desired: Release) -> frozenset[Part]:
    """Return the parts that keep people out of *current*, and would no longer in *desired*."""
    changes = {
        Part.AUTHENTICATION: (current.authentication, desired.authentication),
        Part.CLIENT_CA: (current.asks_for_certificates, desired.asks_for_certificates),
        Part.CERTIFICATE: (current.certificate, desired.certificate),
    }
    return frozenset(part for part, (before, after) in changes.items() if before and not after)


def _closed(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    read_only = any((one.get("maintenance") or {}).get("readonly", {}).get("enabled") for one in (old, new))
    delete = all((one.get("delete") or {}).get("enabled") for one in (old, new))
    storage = {**old, "delete": {"enabled": delete}}
    if read_only:
        storage["maintenance"] = new["maintenance"] | {"readonly": {"enabled": True}}
        storage["maintenance"]["uploadpurging"] = storage["maintenance"]["uploadpurging"] | {"enabled": False}
    return storage


def _owner(path: Path) -> Part | None:
    """Return the part that a *path* belongs to; None if it is always as desired."""
    return OWNERS.get(path, Part.DATA if path[0] == "mounts" else None)


def _fields(release: Release) -> dict[Path, Any]:
    """Return all that is in a release, by place."""
    spec = {
        field.name: getattr(release.container, field.name)
        for field in dataclasses.fields(ContainerSpec)
        if field.name != "mounts"
    }
    return {
        **dict(_leaves(("config",), yaml.safe_load(release.config_yml))),
        **{("container", name): value for name, value in spec.items()},
        **{("mounts", mount.target): mount for mount in release.container.mounts},
        **{("others", name): text for name, text in release.others.items()},
    }


def _leaves(path: Path, value: Any) -> Iterator[tuple[Path, Any]]:
    if path not in _NESTED:
        yield path, value
        return
    for key, inner in value.items():
        yield from _leaves((*path, key), inner)


def _release(fields: Mapping[Path, Any]) -> Release:
    config: dict[str, Any] = {}
    for (kind, *keys), value in fields.items():
        if kind == "config":
            section = config
            for key in keys[:-1]:
                section = section.setdefault(key, {})
            section[keys[-1]] = value
    mounts: list[Mount] = [value for path, value in fields.items() if path[0] == "mounts"]
    spec = {path[1]: value for path, value in fields.items() if path[0] == "container"}
    return Release(
        container.ContainerSpec(**spec, mounts=tuple(sorted(mounts, key=_order))),
        configuration.dump(config),
        {path[1]: value for path, value in fields.items() if path[0] == "others"},
    )


def _order(mount: Mount) -> int:
    """The place of a *mount* in a release: the images, what belongs to them, the users."""
    return {configuration.DATA_FOLDER: 0, configuration.AUTH_FOLDER: 2}.get(mount.target, 1)
