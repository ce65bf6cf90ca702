"""A container of OpenStack Swift, as far as it has to be made ready for the registry.

https://docs.openstack.org/api-ref/object-store/ and https://docs.openstack.org/api-ref/identity/v3/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import requests

from registry.client.http import use_proxies
from registry.formats import addresses
from registry.options.swift import DEFAULT_DOMAIN, Swift

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
        where, led = asked.authurl or "", ""
        try:
            use_proxies(session, environment, where)
            where, session.headers["X-Auth-Token"] = _log_in(session, asked)
            led = ", where it leads"
            return _put_marker(session, f"{where}/{quote(asked.container, safe='')}", asked.container)
        except (requests.RequestException, ValueError) as error:  # urllib3 has errors of its own for names of hosts
            raise SwiftError(f"storage-swift-authurl: {_reason(error)} at {where}{led}") from error


def _reason(error: Exception) -> str:
    if isinstance(error, requests.exceptions.SSLError):
        return "no certificate that can be trusted"
    return "no answer" if isinstance(error, requests.Timeout) else "nothing answers"


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
        by_hand = f"`touch {MARKER} && swift upload {name} {MARKER}`"
        raise SwiftError(
            f"storage-swift-container: {name} is empty, which the registry takes for gone, and may not be written "
            f"({put.status_code}); put an empty object {MARKER!r} there: {by_hand}"
        )
    return True


def _log_in(session: requests.Session, asked: Swift) -> tuple[str, str]:
    """Return the URL of the account, and a token."""
    login = {3: _log_in_3, 2: _log_in_2}.get(asked.version, _log_in_1)
    try:
        where, token = login(session, asked, (asked.authurl or "").rstrip("/"))
    except (requests.JSONDecodeError, AttributeError, KeyError, TypeError) as error:
        raise SwiftError("storage-swift-authurl: the answer is no login's, so it may be the wrong URL") from error
    if addresses.url_problem(where):
        raise SwiftError(f"storage-swift-authurl: it leads to {where!r}, which is no URL")
    return where, token


def _log_in_1(session: requests.Session, asked: Swift, url: str) -> tuple[str, str]:
    # As bytes, because of letters that are not in Latin-1.
    headers = {"X-Auth-User": (asked.username or "").encode(), "X-Auth-Key": (asked.password or "").encode()}
    answer = _accepted(session.get(url, headers=headers, timeout=_SECONDS), "password")
    return answer.headers["X-Storage-Url"], answer.headers["X-Auth-Token"]


def _log_in_2(session: requests.Session, asked: Swift, url: str) -> tuple[str, str]:
    login = {"passwordCredentials": {"username": asked.username, "password": asked.password}}
    body = {"auth": {**login, **({"tenantName": asked.tenant} if asked.tenant else {})}}
    answer = _accepted(session.post(f"{url}/tokens", json=body, timeout=_SECONDS), "password and tenant")
    access = answer.json()["access"]
    return _endpoint(access.get("serviceCatalog"), asked, "publicURL"), str(access["token"]["id"])


def _log_in_3(session: requests.Session, asked: Swift, url: str) -> tuple[str, str]:
    domain = {"domain": {"name": asked.domain or DEFAULT_DOMAIN}}
    user = {"name": asked.username, "password": asked.password, **domain}
    scope = {"scope": {"project": {"name": asked.tenant, **domain}}} if asked.tenant else {}
    body = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}, **scope}}
    answer = session.post(f"{url}/auth/tokens", json=body, timeout=_SECONDS)
    token = _accepted(answer, "password, tenant and domain").json()["token"]
    return _endpoint(token.get("catalog"), asked, "url"), answer.headers["X-Subject-Token"]


def _endpoint(catalog: list[dict[str, Any]] | None, asked: Swift, key: str) -> str:
    """Return the URL of the account in Keystone's *catalog*."""
    if not (catalog or asked.tenant):
        raise SwiftError("storage-swift-tenant: not set, and without it Keystone names no object store to this user")
    for service in catalog or ():
        for endpoint in service.get("endpoints", ()) if service.get("type") == "object-store" else ():
            region = endpoint.get("region") or endpoint.get("region_id")
            if endpoint.get("interface", "public") == "public" and asked.region in (None, region):
                return str(endpoint[key]).rstrip("/")
    where = f" in the region {asked.region}" if asked.region else ""
    raise SwiftError(f"storage-swift-authurl: Keystone knows no object store{where}")


def _accepted(answer: requests.Response, others: str) -> requests.Response:
    if answer.status_code in (401, 403):
        raise SwiftError(f"storage-swift-username: refused, with its {others}")
    if not answer.ok:
        raise SwiftError(f"storage-swift-authurl: the answer is {answer.status_code}, so it may be the wrong URL")
    return answer
