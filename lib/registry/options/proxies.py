"""Proxies of Docker and of the registry: http_proxy, https_proxy, no_proxy, registry-http-proxy, ..."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

from registry.formats import addresses, no_proxy
from registry.message import Message, Text

HAS_PASSWORD = Message(
    "the URL contains a password, which other programs on the machine could read", "Use a proxy that requires none"
)
"""Docker and systemd keep the URL of a proxy readable for everyone on the machine."""
NOT_A_PROXY = Message("the value is not the URL of a proxy", "Use a URL such as http://proxy.example.com:3128")
"""The URL has a scheme other than http, https, socks5 and socks5h, a path, or is malformed."""
NOT_HOSTS = Message("the value is not a list of hosts, domains and networks", "Separate them by commas")
"""An entry is no host, domain, network or *, each with a port at most, so Docker and the registry would ignore it."""


@dataclasses.dataclass(frozen=True)
class Proxies:
    """Proxies for HTTP and HTTPS, and their exceptions, each empty where there is none."""

    http: str
    https: str
    no: str
    """Hosts that are connected to without a proxy, separated by commas."""

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Proxies:
        return cls(*((config[name] or "").strip() for name in ("http_proxy", "https_proxy", "no_proxy")))

    @classmethod
    def of_model(cls, environment: Mapping[str, str]) -> Proxies:
        """Read the model's juju-http-proxy, juju-https-proxy and juju-no-proxy from a hook's *environment*."""
        return cls(*(environment.get(f"JUJU_CHARM_{name}_PROXY", "").strip() for name in ("HTTP", "HTTPS", "NO")))

    def problems(self) -> dict[str, Text | None]:
        """Return what is wrong with each, or None; without the value, which may contain a password."""
        return {
            "http_proxy": _proxy_problem(self.http),
            "https_proxy": _proxy_problem(self.https),
            "no_proxy": None if all(map(no_proxy.is_effective, no_proxy.entries(self.no))) else NOT_HOSTS(),
        }

    def with_fallback(self, model: Proxies) -> Proxies:
        """Return the valid ones of these, and the *model*'s where there is none."""
        own, fallback = self._valid(), model._valid()
        return Proxies(own.http or fallback.http, own.https or fallback.https, own.no or fallback.no)

    def with_exceptions(self, *hosts: str) -> Proxies:
        """Return these proxies, which *hosts* are connected to without."""
        return dataclasses.replace(self, no=",".join((*no_proxy.entries(self.no), *hosts)))

    def fallback_problems(self, model: Proxies) -> list[tuple[str, Text]]:
        """Return name and problem of each of the *model*'s proxies that is wrong and not overridden here."""
        own = {"http_proxy": self.http, "https_proxy": self.https, "no_proxy": self.no}
        return [(name, problem) for name, problem in model.problems().items() if problem and not own[name]]

    def _valid(self) -> Proxies:
        problems = self.problems()
        values = {"http_proxy": self.http, "https_proxy": self.https, "no_proxy": self.no}
        return Proxies(*("" if problems[name] else value for name, value in values.items()))

    def environment(self) -> dict[str, str]:
        """Return the environment variables for a process; none where there is no proxy to make exceptions from."""
        if not self.http and not self.https:
            return {}
        hosts = ",".join(no_proxy.entries(self.no))
        values = {"HTTP_PROXY": self.http, "HTTPS_PROXY": self.https, "NO_PROXY": hosts}
        return {name: value for name, value in values.items() if value}


NO_PROXIES = Proxies("", "", "")


def _proxy_problem(url: str) -> Text | None:
    if not url:
        return None
    user, at, _ = url.partition("://")[2 if "://" in url else 0].partition("/")[0].rpartition("@")
    if at and ":" in user:
        return HAS_PASSWORD()
    host = r"(?:\[[0-9a-f:.]+\]|[\w.-]+)(?::[0-9]{1,5})?"
    user_part = r"(?:(?:[a-z0-9_.~!$&'()*+,;=-]|%[0-9a-f]{2})+@)?"
    match = re.fullmatch(rf"(?:(?:https?|socks5h?)://)?{user_part}(?P<netloc>{host})/?", url, re.IGNORECASE)
    return addresses.netloc_problem(match["netloc"]) if match else NOT_A_PROXY()
