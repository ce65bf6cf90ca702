"""The registry's own configuration file: https://distribution.github.io/distribution/about/configuration/."""

from __future__ import annotations

from typing import Any

import yaml

DATA_FOLDER = "/var/lib/registry"
"""Where the container sees the images; the official image's volume."""
PORT = 5000
"""Port inside the container."""


def config_yml(http_secret: str) -> str:
    """Return the text of config.yml. *http_secret* signs the state of uploads: the same on all units."""
    return yaml.safe_dump(mapping(http_secret), default_flow_style=False, sort_keys=True)


def mapping(http_secret: str) -> dict[str, Any]:
    """Return config.yml as data, one key a section."""
    return {
        # A string would be refused by 2.8 only if it were no number: 0.1 is what both generations document.
        "version": 0.1,
        "health": _health(),
        "http": _http(http_secret),
        "log": {"level": "info", "fields": {"service": "registry"}},
        "storage": _storage(),
    }


def _health() -> dict[str, Any]:
    # GET / answers 503 once the storage failed so often; proxies and probes ask there.
    return {"storagedriver": {"enabled": True, "interval": "10s", "threshold": 3}}


def _http(secret: str) -> dict[str, Any]:
    return {
        "addr": f":{PORT}",
        "headers": {"X-Content-Type-Options": ["nosniff"]},
        # Not http.host: it makes every Location absolute, which breaks whoever came another way (the unit itself,
        # a proxy under a second name). Relative ones are right for everybody.
        "relativeurls": True,
        "secret": secret,
    }


def _storage() -> dict[str, Any]:
    return {
        "cache": {"blobdescriptor": "inmemory"},
        "filesystem": {"rootdirectory": DATA_FOLDER},
    }
