"""The action client-config: what clients need to reach the registry."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from charms.layer import basic, content, context, facts
from registry.formats import addresses, clients
from registry.images import mirroring
from registry.message import Message, alone
from registry.plan import published

from actions import arguments
from actions.results import Results, report

ALL = "all"

UNSETTLED = Message("It is not settled how clients reach the registry", "See `juju status`, and run the action again")
"""An option that clients depend on is wrong, or a change of it is not applied yet on all units."""


def client_config(params: dict[str, Any]) -> Results:
    """Show the configuration of the clients of this registry."""
    registry = _registry(params["mirror"], params["to"], has_fallback=params["fallback"])
    names = list(clients.FORMATS) if params["format"] == ALL else [params["format"]]
    parts = {name: list(clients.FORMATS[name](registry)) for name in names}
    with report(".txt") as text, report(".json") as data:
        for name, some in parts.items():
            text.write((f"## {name}\n\n" if len(parts) > 1 else "") + "\n".join(one.render() for one in some) + "\n")
        data.write(json.dumps({name: list(map(dataclasses.asdict, some)) for name, some in parts.items()}) + "\n")
    return {"url": registry.url, "report": str(text.path), "report-json": str(data.path), "output": text.beginning}


def _registry(mirror: str, template: str, *, has_fallback: bool) -> clients.Registry:
    """Return the registry as clients are told of it, a mirror of the hosts in *mirror*. Raises ActionFailed.

    The *template* says under which names their images are here, as that of the action mirror.
    """
    release, now = content.current(), context.now
    now.docker = context.machine.connect()
    access = published.published(now.options, facts.read(now), release).access
    if access is None:
        raise basic.ActionFailed(alone(UNSETTLED()))
    for host in mirror.split():
        arguments.require_host("mirror", host)
        if host != "localhost" and not {".", ":"} & {*host}:
            raise arguments.BadArguments("mirror", addresses.DOCKER_HUB(host=host, port=443))
    with arguments.of("to"):
        folders = {host: mirroring.folder(host, template) for host in mirror.split()}
    cached = clients.upstream(release.upstream) if release.upstream else {}
    return clients.Registry(
        access.netloc,
        addresses.scheme(access.url),
        access.ca,
        access.user or _user(release.authentication),
        release.asks_for_certificates,
        clients.mirrored(mirror.split()) or cached,
        has_fallback,
        {host: folder for host, folder in folders.items() if folder},
    )


def _user(authentication: str | None) -> str | None:
    """Return the name of one of the users, or a word for it; None where clients do not authenticate."""
    if authentication != "htpasswd":
        return clients.USER if authentication else None
    return next(iter(context.now.options.authentication.members())).name
