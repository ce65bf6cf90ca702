"""Ways out of Docker and of the registry: http_proxy, https_proxy, no_proxy, registry-http-proxy, ..."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(frozen=True)
class Proxies:
    """Ways out for Docker, each empty where there is none."""

    http: str
    https: str
    no: str
    """Hosts that are reached without, separated by commas."""

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Proxies:
        return cls(*((config[name] or "").strip() for name in ("http_proxy", "https_proxy", "no_proxy")))

    @classmethod
    def of_model(cls, environment: Mapping[str, str]) -> Proxies:
        """Read the model's juju-http-proxy, juju-https-proxy and juju-no-proxy from a hook's *environment*."""
        return cls(*(environment.get(f"JUJU_CHARM_{name}_PROXY", "").strip() for name in ("HTTP", "HTTPS", "NO")))

    def problems(self) -> dict[str, str | None]:
        """Return a clause for each that is wrong. It never quotes the value, which may hold a password."""
        return {
            "http_proxy": _proxy_problem(self.http),
            "https_proxy": _proxy_problem(self.https),
            "no_proxy": None
            if re.fullmatch(r"[\w.,:/*\[\] -]*", self.no)
            else "is not a list of hosts, domains and networks, separated by commas",
        }

    def with_fallback(self, model: Proxies) -> Proxies:
        """Return these, and those of the *model* where there is none. Nothing that is wrong is among them."""
        found, fallback = self._right(), model._right()
        return Proxies(found.http or fallback.http, found.https or fallback.https, found.no or fallback.no)

    def wrong_beside(self, model: Proxies) -> list[tuple[str, str]]:
        """Return name and clause of what is wrong of the *model*'s and would count, because it is not given here."""
        given = {"http_proxy": self.http, "https_proxy": self.https, "no_proxy": self.no}
        return [(name, clause) for name, clause in model.problems().items() if clause and not given[name]]

    def _right(self) -> Proxies:
        wrong = self.problems()
        values = {"http_proxy": self.http, "https_proxy": self.https, "no_proxy": self.no}
        return Proxies(*("" if wrong[name] else value for name, value in values.items()))

    def environment(self) -> dict[str, str]:
        """Return the variables for a process, none where there is no proxy: what to reach without matters only then."""
        if not self.http and not self.https:
            return {}
        hosts = ",".join(word.strip() for word in self.no.split(",") if word.strip())
        values = {"HTTP_PROXY": self.http, "HTTPS_PROXY": self.https, "NO_PROXY": hosts}
        return {name: value for name, value in values.items() if value}


NO_PROXIES = Proxies("", "", "")


def _proxy_problem(url: str) -> str | None:
    user, at, _ = url.partition("://")[2 if "://" in url else 0].partition("/")[0].rpartition("@")
    if at and ":" in user:
        return "has a password in it, which others on the machine could read; name a proxy that asks for none"
    host = r"(?:[\w.~-]+@)?(?:\[[0-9a-fA-F:.]+\]|[\w.-]+)(?::\d{1,5})?/?"
    if url and not re.fullmatch(rf"(?:(?:https?|socks5h?)://)?{host}", url):
        return "is not the URL of a proxy, such as http://proxy.example.com:3128"
    return None
