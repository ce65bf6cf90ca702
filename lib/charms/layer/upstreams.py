"""Registries elsewhere, for actions that copy images from them."""

from __future__ import annotations

import contextlib
import ipaddress
import os
from collections.abc import Mapping
from urllib.parse import urlsplit

from charms.layer import context, juju_secrets
from registry.client.upstream import Access
from registry.formats import certificates, logins
from registry.formats.htpasswd import User
from registry.message import Fault, Message
from registry.options.proxies import Proxies
from registry.options.secrets import SECRET

NOT_A_SECRET = Message("the value is not the URI of a Juju secret", "Use `juju add-secret`, and the URI that it prints")
"""Passwords are taken from a Juju secret only: parameters of actions are stored and shown."""
NO_FILE = Message("{path} does not exist on the unit", "Use the path of a file there, or the content itself")
"""The parameter begins with /, so it is a path."""

_LOGINS = "/root/.docker/config.json"


class BadAccess(Fault):
    """Credentials or certificates cannot be used."""


def environment() -> Mapping[str, str]:
    """Return the variables with the proxies of the registry: its own, else Docker's, else the model's."""
    options, model = context.now.options, Proxies.of_model(os.environ)
    return options.registry_proxies.with_fallback(options.runtime.proxies.with_fallback(model)).environment()


def users(uri: str) -> Mapping[str, User]:
    """Return host to user, from the Juju secret *uri*; none without one. Raises BadAccess, SecretError, BadLogins."""
    if uri and not uri.startswith(SECRET):
        raise BadAccess(NOT_A_SECRET())
    return logins.parse(juju_secrets.read(uri)) if uri else {}


def authorities(text: str) -> str:
    """Return the PEM in *text*, which may be a path. Raises BadAccess, BadCertificates, UnreadableError."""
    if not text.startswith("/"):
        return certificates.bundle(text) if text else ""
    content = context.machine.files.read(text)
    if content is None:
        raise BadAccess(NO_FILE(path=text))
    return certificates.bundle(content)


def as_docker(host: str) -> Access:
    """Return how Docker on this machine reaches the registry *host*, as far as its files and the options say."""
    runtime, files = context.now.options.runtime, context.machine.files
    plain = set[str]()
    if not any(runtime.settings_problems().values()):
        insecure = runtime.requested().get("insecure-registries")
        plain |= {str(one).lower() for one in insecure} if isinstance(insecure, list) else set()
    known: Mapping[str, User] = {}
    ca = ""
    with contextlib.suppress(Fault):  # Docker has its own opinion of the file, and is asked too
        known = logins.parse({"config": files.read(_LOGINS) or "{}"})
    with contextlib.suppress(Fault):
        ca = certificates.bundle(files.read(f"/etc/docker/certs.d/{host}/ca.crt") or "")
    return Access(known, frozenset({*plain, host} if _is_loopback(host) else plain), ca, environment())


def _is_loopback(host: str) -> bool:
    name = urlsplit(f"//{host}").hostname or ""
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"
