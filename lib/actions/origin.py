"""Another registry from which an action fetches images."""

from __future__ import annotations

import os
from typing import Any

from charms.layer import basic, context, juju_secrets
from registry.client.transfer import Source
from registry.formats import addresses
from registry.formats.htpasswd import User
from registry.message import Message, about
from registry.options.proxies import Proxies
from registry.options.secrets import SECRET, SecretError

NO_SECRET = Message("this is not the URI of a Juju secret", "Add one with the keys username and password")
"""A password in a parameter of an action would be shown to everybody who can read the model."""
NO_USER = Message("the Juju secret has no username and password", "Add both keys")
"""The Juju secret for another registry lacks one of its keys."""


def source(params: dict[str, Any]) -> Source:
    """Return the registry of the parameter repair-from. Raises ActionFailed."""
    text = params["repair-from"]
    url = (text if "://" in text else f"https://{text}").rstrip("/")
    if problem := addresses.url_problem(url):
        raise basic.ActionFailed(about("repair-from", problem))
    options = context.now.options
    proxies = options.registry_proxies.with_fallback(
        options.runtime.proxies.with_fallback(Proxies.of_model(os.environ))
    )
    return context.machine.other_content(url, _user(params["credentials"]), proxies.environment(), options.trusted_cas)


def _user(uri: str) -> User | None:
    if not uri:
        return None
    if not uri.startswith(SECRET):
        raise basic.ActionFailed(about("credentials", NO_SECRET()))
    try:
        content = juju_secrets.read(uri)
    except SecretError as error:
        raise basic.ActionFailed(about("credentials", error.text)) from error
    if not (content.get("username") and content.get("password")):
        raise basic.ActionFailed(about("credentials", NO_USER()))
    return User(content["username"], content["password"])
