"""A container of OpenStack Swift, as far as it has to be made ready for the registry.

https://docs.openstack.org/api-ref/object-store/ and https://docs.openstack.org/api-ref/identity/v3/
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import requests

from registry.swift import Swift

MARKER = "files"
"""The registry keeps everything below this name, and takes a container without it for one that is gone: 503.

https://github.com/distribution/distribution/issues/2292
"""
_SECONDS = 10


class SwiftError(Exception):
    """Swift does not do what it is asked; ``str()`` is a clause that begins with the option."""


def make_ready(asked: Swift, environment: Mapping[str, str]) -> bool:
    """Put the empty object `files` into the container, unless something is there; tell whether it was needed.

    *environment* has the proxies. Raises SwiftError.
    """
    session = requests.Session()
    session.trust_env = False
    with session:
        try:
            _use_proxies(session, environment, asked.authurl or "")
            where, token = _log_in(session, asked)
            session.headers["X-Auth-Token"] = token
            return _put_marker(session, f"{where}/{quote(asked.container, safe='')}", asked.container)
        except requests.RequestException as error:
            reason = "no answer" if isinstance(error, requests.Timeout) else "nothing answers"
            raise SwiftError(f"storage-swift-authurl: {reason} at {asked.authurl}, or where it leads to") from error


def _put_marker(session: requests.Session, url: str, name: str) -> bool:
    listed = session.get(url, params={"limit": "1"}, timeout=_SECONDS)
    if listed.status_code == 404:
        raise SwiftError(f"storage-swift-container: there is no container {name}; `swift post {name}` makes it")
    if listed.status_code not in (200, 204):
        raise SwiftError(f"storage-swift-container: {name} may not be read ({listed.status_code})")
    if listed.text.strip():
        return False
    put = session.put(f"{url}/{MARKER}", data=b"", timeout=_SECONDS)
    if put.status_code != 201:
        by_hand = f"`swift upload {name} --object-name {MARKER} /dev/null`"
        raise SwiftError(
            f"storage-swift-container: {name} is empty, which the registry takes for gone, and may not be written "
            f"({put.status_code}); put an empty object {MARKER!r} there: {by_hand}"
        )
    return True


def _log_in(session: requests.Session, asked: Swift) -> tuple[str, str]:
    """Return the URL of the account, and a token."""
    url = (asked.authurl or "").rstrip("/")
    version = re.search(r"/v([123])(?:\.0)?$", url)
    if version is None or version[1] == "1":
        headers = {"X-Auth-User": asked.username or "", "X-Auth-Key": asked.password or ""}
        answer = _accepted(session.get(url, headers=headers, timeout=_SECONDS))
        return answer.headers.get("X-Storage-Url", ""), answer.headers.get("X-Auth-Token", "")
    if version[1] == "2":
        login = {"passwordCredentials": {"username": asked.username, "password": asked.password}}
        body = {"auth": {**login, **({"tenantName": asked.tenant} if asked.tenant else {})}}
        access = _accepted(session.post(f"{url}/tokens", json=body, timeout=_SECONDS)).json()["access"]
        return _endpoint(access["serviceCatalog"], asked, "publicURL"), access["token"]["id"]
    answer = _accepted(session.post(f"{url}/auth/tokens", json={"auth": _v3(asked)}, timeout=_SECONDS))
    return _endpoint(answer.json()["token"]["catalog"], asked, "url"), answer.headers["X-Subject-Token"]


def _v3(asked: Swift) -> dict[str, Any]:
    domain = {"domain": {"name": asked.domain}} if asked.domain else {"domain": {"id": "default"}}
    user = {"name": asked.username, "password": asked.password, **domain}
    scope = {"scope": {"project": {"name": asked.tenant, **domain}}} if asked.tenant else {}
    return {"identity": {"methods": ["password"], "password": {"user": user}}, **scope}


def _endpoint(catalog: list[dict[str, Any]], asked: Swift, key: str) -> str:
    for service in catalog:
        for endpoint in service.get("endpoints", ()) if service.get("type") == "object-store" else ():
            region = endpoint.get("region") or endpoint.get("region_id")
            if endpoint.get("interface", "public") == "public" and asked.region in (None, region):
                return str(endpoint[key]).rstrip("/")
    where = f" in the region {asked.region}" if asked.region else ""
    raise SwiftError(f"storage-swift-authurl: Keystone knows no object store{where}")


def _accepted(answer: requests.Response) -> requests.Response:
    if answer.status_code in (401, 403):
        raise SwiftError("storage-swift-username: refused, with its password and tenant")
    if not answer.ok:
        raise SwiftError(f"storage-swift-authurl: the answer is {answer.status_code}; is it the right URL?")
    return answer


def _use_proxies(session: requests.Session, environment: Mapping[str, str], url: str) -> None:
    if not requests.utils.should_bypass_proxies(url, environment.get("NO_PROXY", "")):
        proxies = {scheme: environment.get(f"{scheme.upper()}_PROXY", "") for scheme in ("http", "https")}
        session.proxies.update({scheme: proxy for scheme, proxy in proxies.items() if proxy})
