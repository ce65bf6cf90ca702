"""The registry's own configuration file: https://distribution.github.io/distribution/about/configuration/."""

from __future__ import annotations

import functools
import re
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
"""Where the container sees the users: separate from its configuration, because they change without a restart."""
REALM = "docker-registry"
"""What a client shows to the person who logs in."""
LEAST_DRAIN = 10
"""Seconds that `http.draintimeout` is at least, whatever the option says: the charm ends the registry before.

Without one, or after it, the registry ends in the middle of writing a file. A smaller option is in the milliseconds of
the value, e.g. 10003ms for 3 seconds.
"""

CHECK_SECONDS, CHECKS = 10, 3
"""How often the registry checks its storage, and after how many failures ``GET /`` answers 503, as proxies see."""


def config_yml(options: Options, http_secret: str, generation: int, *, encrypted: bool = False) -> str:
    """Return the text of config.yml for the registry's *generation*, 2 or 3.

    *http_secret* signs the state of uploads: the same on all units. *encrypted*: a certificate and its key are in
    the same folder.
    """
    return dump(mapping(options, http_secret, generation, encrypted))


class _Writer(yaml.SafeDumper):
    """Quotes every text, on one line.

    PyYAML leaves out the quotes where Python reads a text without them, and the registry's parser reads some of those
    as numbers, dates or booleans: 0890, 1e5, y. That changes keys and passwords.
    """

    def represent_str(self, data: str) -> yaml.ScalarNode:
        return self.represent_scalar("tag:yaml.org,2002:str", data, style='"')

    def represent_mapping(self, tag: str, mapping: Any, flow_style: bool | None = None) -> yaml.MappingNode:
        node = super().represent_mapping(tag, mapping, flow_style)
        for key, _ in node.value:  # the charm's own words, which no parser reads as anything else
            key.style = None
        return node


_Writer.add_representer(str, _Writer.represent_str)


class _Reader(yaml.SafeLoader):
    """Marks each text without quotes that a parser may read as a number or a date, as older charms wrote them."""

    def construct_text(self, node: yaml.ScalarNode) -> str | tuple[str]:
        text = str(self.construct_scalar(node))
        return (text,) if node.style is None and _AMBIGUOUS.fullmatch(text) else text


_Reader.add_constructor("tag:yaml.org,2002:str", _Reader.construct_text)

# Go's parsers, YAML 1.1 and 1.2 mixed: numbers with signs, underscores, bases and exponents, times, the short booleans.
_AMBIGUOUS = re.compile(r"[yYnN]|[-+.0-9][0-9A-Fa-fxXoO_TtZz .:+-]*")


def dump(config: Mapping[str, Any]) -> str:
    """Return *config* as the text of config.yml."""
    return _dump(_ByRepr(config))


class _ByRepr:
    """Sections that are the same if they are written the same: 1 and True are not."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.config = dict(config)
        self._repr = repr(self.config)

    def __hash__(self) -> int:
        return hash(self._repr)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ByRepr) and self._repr == other._repr


@functools.lru_cache(maxsize=16)  # a hook writes the same few texts again and again, and each takes milliseconds
def _dump(sections: _ByRepr) -> str:
    return yaml.dump(sections.config, Dumper=_Writer, default_flow_style=False, sort_keys=True, width=float("inf"))


def is_same(text: str, other: str) -> bool:
    """Tell whether the registry reads the same in two texts of config.yml, however they are quoted."""
    return text == other or _read(text) == _read(other)


@functools.lru_cache(maxsize=16)  # a hook compares the same few texts again and again
def _read(text: str) -> Any:
    config = yaml.load(text, Loader=_Reader)  # noqa: S506 - a SafeLoader
    if isinstance(config, dict) and isinstance(http := config.get("http"), dict):
        # Earlier revisions wrote the option as it is, and nothing for 0. That is no reason to replace a container.
        http["draintimeout"] = drain_seconds(http)
    return config


def htpasswd(folder: str) -> dict[str, Any]:
    """Return the section auth for the users in the file htpasswd of *folder*."""
    return {"htpasswd": {"realm": REALM, "path": f"{folder}/htpasswd"}}


def mapping(options: Options, http_secret: str, generation: int, encrypted: bool) -> dict[str, Any]:
    """Return config.yml as data, one key a section."""
    return {
        # A string would be refused by 2.8 only if it were no number: 0.1 is what both generations document.
        "version": 0.1,
        **_auth(options),
        **options.content.sections(),
        "health": _health(),
        "http": _http(http_secret, options) | (_tls(options) if encrypted else {}),
        "log": _log(options.monitoring),
        **({"proxy": options.cache.parameters(generation)} if options.cache.remoteurl else {}),
        "storage": _storage(options, generation),
    }


def _auth(options: Options) -> dict[str, Any]:
    if options.authentication.kind == "htpasswd":
        return {"auth": htpasswd(AUTH_FOLDER)}
    if options.authentication.kind == "token":
        token = options.authentication.token
        named = {"realm": token.realm, "service": token.service, "issuer": token.issuer}
        return {"auth": {"token": {**named, "rootcertbundle": f"{CONFIG_FOLDER}/{filenames.TOKEN_CA}"}}}
    return {}


def _tls(options: Options) -> dict[str, Any]:
    files = {
        "certificate": f"{CONFIG_FOLDER}/{filenames.TLS['cert']}",
        "key": f"{CONFIG_FOLDER}/{filenames.TLS['key']}",
    }
    # It requires a certificate from every client, proxies and probes included.
    client_cas = {"clientcas": [f"{CONFIG_FOLDER}/{filenames.CLIENT_CA}"]} if options.tls.client_ca else {}
    return {"tls": {**files, "minimumtls": options.tls.minimum_version, **client_cas}}


def _health() -> dict[str, Any]:
    return {"storagedriver": {"enabled": True, "interval": f"{CHECK_SECONDS}s", "threshold": CHECKS}}


def drain_seconds(http: Mapping[str, Any]) -> int:
    """Return the option `drain-timeout` by the part `http` of a configuration."""
    value = str(http.get("draintimeout", "0s"))
    return int(value[:-2]) - LEAST_DRAIN * 1000 if value.endswith("ms") else int(value.removesuffix("s"))


def _drain(seconds: int) -> str:
    return f"{seconds}s" if seconds >= LEAST_DRAIN else f"{LEAST_DRAIN * 1000 + seconds}ms"


def _http(secret: str, options: Options) -> dict[str, Any]:
    debug = {"addr": f":{DEBUG_PORT}", "prometheus": {"enabled": True, "path": "/metrics"}}
    return {
        "addr": f":{PORT}",
        "headers": {"X-Content-Type-Options": ["nosniff"]},
        # Not http.host: it makes every Location absolute, which breaks clients under another name (the unit itself, a
        # second name of a proxy). Relative ones are right for all.
        "relativeurls": True,
        "secret": secret,
        **({"debug": debug} if options.monitoring.metrics else {}),
        "draintimeout": _drain(options.drain_timeout),
    }


def _log(monitoring: Monitoring) -> dict[str, Any]:
    silenced = {} if monitoring.log_access else {"accesslog": {"disabled": True}}
    return {
        "level": monitoring.log_level,
        "formatter": monitoring.log_format,
        # Those who collect the log read it as the earlier charm had it written.
        "fields": {"service": "registry"},
        **silenced,
    }


def _storage(options: Options, generation: int) -> dict[str, Any]:
    storage, is_cache = options.storage, options.cache.remoteurl is not None
    # A pull-through cache deletes expired layers, and a cache of their descriptors would still list them.
    has_cache = storage.cache != "disabled" and not is_cache
    return {
        **({"cache": {"blobdescriptor": storage.cache}} if has_cache else {}),
        "delete": {"enabled": storage.delete or is_cache},
        **_driver(storage, generation),
        "maintenance": _maintenance(storage),
        "redirect": {"disable": storage.redirect_disable or not storage.is_shared},
    }


def _driver(storage: Storage, generation: int) -> dict[str, Any]:
    if storage.driver == "s3":
        return {"s3": storage.s3.parameters(generation)}
    if storage.driver == "swift":
        return {"swift": storage.swift.parameters()}
    return {"filesystem": {"rootdirectory": DATA_FOLDER}}


def _maintenance(storage: Storage) -> dict[str, Any]:
    # All four keys or none, and age and interval as strings: else the registry panics.
    purging = {
        # A read-only registry keeps its uploads too.
        "enabled": storage.purge_age is not None and not storage.read_only,
        "age": storage.purge_age or "168h",
        "interval": storage.purge_interval,
        "dryrun": False,
    }
    return {"readonly": {"enabled": storage.read_only}, "uploadpurging": purging}
