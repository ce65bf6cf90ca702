"""Other registries from which an action fetches images, and how they are reached."""

from __future__ import annotations

import dataclasses
from typing import Any
from urllib.parse import urlsplit

from charms.layer import basic, context, upstreams
from registry.client.content import Content
from registry.client.upstream import Access
from registry.formats import addresses
from registry.message import about

from actions import arguments


def access(params: dict[str, Any]) -> Access:
    """Return what the parameters credentials, ca and plain-http say. Raises BadArguments."""
    with arguments.of("credentials"):
        users = upstreams.users(params["credentials"])
    with arguments.of("ca"):
        ca = upstreams.authorities(params["ca"])
    with arguments.of("trusted-ca-blob"):
        ca = ca or context.now.options.trusted_cas
    plain = frozenset(host.removeprefix("http://").rstrip("/") for host in params["plain-http"].lower().split())
    for host in sorted(plain):
        arguments.require_host("plain-http", host)
    return Access(users, plain, ca, upstreams.environment())


def source(params: dict[str, Any]) -> Content:
    """Return the registry of the parameter repair-from, a host or a URL. Raises ActionFailed, BadArguments."""
    text = params["repair-from"]
    url = (text if "://" in text else f"https://{text}").rstrip("/").lower()
    if problem := addresses.url_problem(url):
        raise basic.ActionFailed(about("repair-from", problem))
    given, parts = access(params), urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    if parts.scheme == "http":
        given = dataclasses.replace(given, plain=given.plain | {host})
    return context.machine.upstream(host, given)
