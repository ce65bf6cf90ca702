"""The options of a model that mean something here, and what hooks see of them."""

from __future__ import annotations

import re
from typing import Any

from localjuju import VERSION, JujuError

NO_PROXY = "127.0.0.1,localhost,::1"
PROXIES = ("http", "https", "ftp")
DEFAULTS: dict[str, Any] = {
    "agent-version": VERSION,
    "automatically-retry-hooks": False,
    "default-base": "",
    "logging-config": "<root>=INFO",
    "update-status-hook-interval": "5m",
    "no-proxy": NO_PROXY,
    "juju-no-proxy": NO_PROXY,
    **{f"{prefix}{kind}-proxy": "" for prefix in ("", "juju-") for kind in PROXIES},
}


def seconds(text: str) -> float:
    """A Go duration, 1h2m3.5s, in seconds."""
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|h|m|s)", text)
    if "".join(number + unit for number, unit in parts) != text or not parts:
        raise JujuError(f'invalid duration "{text}"')
    return sum(float(number) * {"ms": 0.001, "h": 3600, "m": 60, "s": 1}[unit] for number, unit in parts)


def environment(config: dict[str, Any]) -> dict[str, str]:
    """The proxies, as hooks see them: juju-http-proxy as JUJU_CHARM_HTTP_PROXY, http-proxy as http_proxy."""
    settings = {**DEFAULTS, **config}
    found = {f"JUJU_CHARM_{name.upper()}_PROXY": settings[f"juju-{name}-proxy"] for name in (*PROXIES, "no")}
    if any(settings[f"{name}-proxy"] for name in PROXIES):
        for name in (*PROXIES, "no"):
            variable = f"{name}_proxy"
            if value := settings[f"{name}-proxy"]:
                found.update({variable: value, variable.upper(): value})
    return found
