"""The registry's own configuration file: https://distribution.github.io/distribution/about/configuration/."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from registry.options.monitoring import Monitoring
from registry.options.options import Options
from registry.options.storage import Storage
from registry.release import filenames
from registry.release.container import CONFIG_FOLDER, DEBUG_PORT, PORT

DATA_FOLDER = "/var/lib/registry"
"""Where the container sees the images; the official image's volume."""
AUTH_FOLDER = "/auth"
"""Where the container sees the users: apart from its configuration, because they change without a restart."""
REALM = "docker-registry"
"""What a client shows to the person who shall log in."""


def config_yml(wanted: Options, http_secret: str, generation: int, *, encrypted: bool = False) -> str:
    """Return the text of config.yml for the registry's *generation*, 2 or 3.

    *http_secret* signs the state of uploads: the same on all units. *encrypted*: a certificate and its key lie
    beside it.
    """
    return dump(mapping(wanted, http_secret, generation, encrypted))


def dump(config: Mapping[str, Any]) -> str:
    """Return *config* as the text of config.yml."""
    return yaml.safe_dump(dict(config), default_flow_style=False, sort_keys=True)


def htpasswd(folder: str) -> dict[str, Any]:
    """Return the section auth for the users in the file htpasswd of *folder*."""
    return {"htpasswd": {"realm": REALM, "path": f"{folder}/htpasswd"}}


def mapping(wanted: Options, http_secret: str, generation: int, encrypted: bool) -> dict[str, Any]:
    """Return config.yml as data, one key a section."""
    return {
        # A string would be refused by 2.8 only if it were no number: 0.1 is what both generations document.
        "version": 0.1,
        **_auth(wanted),
        "health": _health(),
        "http": _http(http_secret, wanted) | (_tls(wanted) if encrypted else {}),
        "log": _log(wanted.monitoring),
        **({"proxy": wanted.cache.parameters(generation)} if wanted.cache.remoteurl else {}),
        "storage": _storage(wanted, generation),
    }


def _auth(wanted: Options) -> dict[str, Any]:
    if wanted.authentication.kind == "htpasswd":
        return {"auth": htpasswd(AUTH_FOLDER)}
    if wanted.authentication.kind == "token":
        token = wanted.authentication.token
        named = {"realm": token.realm, "service": token.service, "issuer": token.issuer}
        return {"auth": {"token": {**named, "rootcertbundle": f"{CONFIG_FOLDER}/{filenames.TOKEN_CA}"}}}
    return {}


def _tls(wanted: Options) -> dict[str, Any]:
    files = {
        "certificate": f"{CONFIG_FOLDER}/{filenames.TLS['cert']}",
        "key": f"{CONFIG_FOLDER}/{filenames.TLS['key']}",
    }
    # It demands a certificate of every client, proxies and probes included.
    asked = {"clientcas": [f"{CONFIG_FOLDER}/{filenames.CLIENT_CA}"]} if wanted.tls.client_ca else {}
    return {"tls": {**files, "minimumtls": wanted.tls.minimum_version, **asked}}


def _health() -> dict[str, Any]:
    # GET / answers 503 once the storage failed so often; proxies and probes ask there.
    return {"storagedriver": {"enabled": True, "interval": "10s", "threshold": 3}}


def _http(secret: str, wanted: Options) -> dict[str, Any]:
    debug = {"addr": f":{DEBUG_PORT}", "prometheus": {"enabled": True, "path": "/metrics"}}
    return {
        "addr": f":{PORT}",
        "headers": {"X-Content-Type-Options": ["nosniff"]},
        # Not http.host: it makes every Location absolute, which breaks whoever came another way (the unit itself,
        # a proxy under a second name). Relative ones are right for everybody.
        "relativeurls": True,
        "secret": secret,
        **({"debug": debug} if wanted.monitoring.metrics else {}),
        **({"draintimeout": f"{wanted.drain_timeout}s"} if wanted.drain_timeout else {}),
    }


def _log(wanted: Monitoring) -> dict[str, Any]:
    silenced = {} if wanted.log_access else {"accesslog": {"disabled": True}}
    return {"level": wanted.log_level, "fields": {"service": "registry"}, **silenced}


def _storage(wanted: Options, generation: int) -> dict[str, Any]:
    asked, is_cache = wanted.storage, wanted.cache.remoteurl is not None
    # A pull-through cache deletes what is too old, and would go on believing in it by what it remembers of layers.
    remembers = asked.cache != "disabled" and not is_cache
    return {
        **({"cache": {"blobdescriptor": asked.cache}} if remembers else {}),
        "delete": {"enabled": asked.delete or is_cache},
        **_driver(asked, generation),
        "maintenance": _maintenance(asked),
        "redirect": {"disable": asked.redirect_disable},
    }


def _driver(wanted: Storage, generation: int) -> dict[str, Any]:
    if wanted.driver == "s3":
        return {"s3": wanted.s3.parameters(generation)}
    if wanted.driver == "swift":
        return {"swift": wanted.swift.parameters()}
    return {"filesystem": {"rootdirectory": DATA_FOLDER}}


def _maintenance(wanted: Storage) -> dict[str, Any]:
    # All four keys or none, and age and interval as strings: else the registry panics.
    purging = {
        # What is read-only keeps its uploads too.
        "enabled": wanted.purge_age is not None and not wanted.read_only,
        "age": wanted.purge_age or "168h",
        "interval": wanted.purge_interval,
        "dryrun": False,
    }
    return {"readonly": {"enabled": wanted.read_only}, "uploadpurging": purging}
