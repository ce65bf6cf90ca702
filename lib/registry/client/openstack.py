"""The container of OpenStack Swift, prepared for the registry.

https://docs.openstack.org/api-ref/object-store/ and https://docs.openstack.org/api-ref/identity/v3/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import requests

from registry.client.http import Session
from registry.deadline import Deadline
from registry.formats import addresses
from registry.message import Fault, Message, Text
from registry.options.swift import DEFAULT_DOMAIN, Swift

MARKER = "files"
"""The registry keeps everything below this name, and answers 503 while a container does not have it.

https://github.com/distribution/distribution/issues/2292
"""
_SECONDS, TOTAL_SECONDS = 10, 30
"""How long one request may take, and all of them."""

_AUTHURL, _CONTAINER = "storage-swift-authurl", "storage-swift-container"

UNREACHABLE = Message(
    "{url} is unreachable ({error})", "Check the URL, the network and trusted-ca-blob. Retrying automatically"
)
"""The unit cannot connect to the authentication service of OpenStack, or does not trust its certificate."""
STORE_UNREACHABLE = Message(
    "{url}, the object store that it names, is unreachable ({error})",
    "Check the network and trusted-ca-blob. Retrying automatically",
)
"""The login succeeds, but the unit cannot connect to the URL of the object store in the answer."""
NOT_A_LOGIN = Message("the answer is not that of a login", "Check the URL and its version: v1, v2 or v3")
"""A server answers at the URL, but it is not OpenStack's authentication service, or one of another version."""
UNEXPECTED_STATUS = Message("the answer to the login is {status}", "Check the URL and its version: v1, v2 or v3")
"""The authentication service returns an HTTP status that is neither success nor a rejected login."""
BAD_STORE_URL = Message("the answer names {url!r} as object store, which is not a URL", "Check the service catalog")
"""The login succeeds, but the URL of the object store in the answer is malformed."""
LOGIN_REJECTED = Message("the login is rejected", "Check {fields}")
"""OpenStack does not accept the user and the options that belong to it."""
NO_TENANT = Message("not set, but required: the user has no default project", "Set the project")
"""Without a project, Keystone returns a token that gives access to no object store."""
NO_OBJECT_STORE = Message("the service catalog has no object store{where}", "Check storage-swift-region and the URL")
"""Keystone lists no public endpoint of the type object-store, or none in the requested region."""
NO_CONTAINER = Message("the container {name} does not exist", "Create it with `swift post {name}`")
"""The registry uses an existing container of Swift and never creates one."""
UNREADABLE = Message("{name} cannot be read ({status})", "Grant the user access to it")
"""Swift refuses the user the listing of the container."""
NOT_WRITABLE = Message(
    "{name} is empty and cannot be written ({status}), so the registry would answer 503",
    "Create an empty object: `touch files && swift upload {name} files`",
)
"""The registry requires an object in the container, which the charm cannot create with the rights of the user."""


class SwiftError(Fault):
    """OpenStack does not serve the container as configured; *option* is the option to check."""

    def __init__(self, option: str, text: Text) -> None:
        super().__init__(text)
        self.option = option


def ensure_ready(
    options: Swift, environment: Mapping[str, str], ca: str = "", deadline: Deadline | None = None
) -> bool:
    """Create the empty object `files` in the container, unless it contains something; tell whether it was created.

    *environment* has the proxies, *ca* the PEM of CAs to trust besides the system's. Raises SwiftError, at the
    *deadline* at the latest.
    """
    end = (deadline or Deadline()).within(TOTAL_SECONDS)
    with Session(environment, ca, lambda: end.limit(_SECONDS)) as session:
        url, unreachable = options.authurl or "", UNREACHABLE
        try:
            url, session.headers["X-Auth-Token"] = _log_in(session, options)
            unreachable = STORE_UNREACHABLE
            return _ensure_marker(session, f"{url}/{quote(options.container, safe='')}", options.container)
        except (requests.RequestException, ValueError) as error:  # urllib3 has errors of its own for host names
            text = unreachable(url=url, error=_reason(error))
            raise SwiftError(_AUTHURL, text) from error


def _reason(error: Exception) -> str:
    if isinstance(error, requests.exceptions.SSLError):
        return "its certificate is not trusted"
    return f"no answer within {_SECONDS} s" if isinstance(error, requests.Timeout) else "connection failed"


def _ensure_marker(session: requests.Session, url: str, name: str) -> bool:
    listed = session.get(url, params={"limit": "1"})
    if listed.status_code == 404:
        raise SwiftError(_CONTAINER, NO_CONTAINER(name=name))
    if listed.status_code not in (200, 204):
        raise SwiftError(_CONTAINER, UNREADABLE(name=name, status=listed.status_code))
    if listed.text.strip():
        return False
    put = session.put(f"{url}/{MARKER}", data=b"")
    if put.status_code != 201:
        raise SwiftError(_CONTAINER, NOT_WRITABLE(name=name, status=put.status_code))
    return True


def _log_in(session: requests.Session, options: Swift) -> tuple[str, str]:
    """Return the URL of the account, and a token."""
    login = {3: _log_in_3, 2: _log_in_2}.get(options.version, _log_in_1)
    try:
        url, token = login(session, options, (options.authurl or "").rstrip("/"))
    except (requests.JSONDecodeError, AttributeError, KeyError, TypeError) as error:
        raise SwiftError(_AUTHURL, NOT_A_LOGIN()) from error
    if addresses.url_problem(url):
        raise SwiftError(_AUTHURL, BAD_STORE_URL(url=url))
    return url, token


def _log_in_1(session: requests.Session, options: Swift, url: str) -> tuple[str, str]:
    # As bytes, because of letters that are not in Latin-1.
    headers = {"X-Auth-User": (options.username or "").encode(), "X-Auth-Key": (options.password or "").encode()}
    answer = _accepted(session.get(url, headers=headers), "user name and password")
    return answer.headers["X-Storage-Url"], answer.headers["X-Auth-Token"]


def _log_in_2(session: requests.Session, options: Swift, url: str) -> tuple[str, str]:
    login = {"passwordCredentials": {"username": options.username, "password": options.password}}
    body = {"auth": {**login, **({"tenantName": options.tenant} if options.tenant else {})}}
    answer = _accepted(session.post(f"{url}/tokens", json=body), "user name, password and tenant")
    access = answer.json()["access"]
    return _endpoint(access.get("serviceCatalog"), options, "publicURL"), str(access["token"]["id"])


def _log_in_3(session: requests.Session, options: Swift, url: str) -> tuple[str, str]:
    domain = {"domain": {"name": options.domain or DEFAULT_DOMAIN}}
    user = {"name": options.username, "password": options.password, **domain}
    scope = {"scope": {"project": {"name": options.tenant, **domain}}} if options.tenant else {}
    body = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}, **scope}}
    answer = session.post(f"{url}/auth/tokens", json=body)
    token = _accepted(answer, "user name, password, tenant and domain").json()["token"]
    return _endpoint(token.get("catalog"), options, "url"), answer.headers["X-Subject-Token"]


def _endpoint(catalog: list[dict[str, Any]] | None, options: Swift, key: str) -> str:
    """Return the URL of the account in Keystone's *catalog*."""
    if not (catalog or options.tenant):
        raise SwiftError("storage-swift-tenant", NO_TENANT())
    for service in catalog or ():
        for endpoint in service.get("endpoints", ()) if service.get("type") == "object-store" else ():
            region = endpoint.get("region") or endpoint.get("region_id")
            if endpoint.get("interface", "public") == "public" and options.region in (None, region):
                return str(endpoint[key]).rstrip("/")
    where = f" in the region {options.region}" if options.region else ""
    raise SwiftError(_AUTHURL, NO_OBJECT_STORE(where=where))


def _accepted(answer: requests.Response, fields: str) -> requests.Response:
    if answer.status_code in (401, 403):
        raise SwiftError("storage-swift-username", LOGIN_REJECTED(fields=fields))
    if not answer.ok:
        raise SwiftError(_AUTHURL, UNEXPECTED_STATUS(status=answer.status_code))
    return answer
