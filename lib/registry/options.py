"""The charm's options as one typed value, and what is wrong with it."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

from registry import addresses, certificates, htpasswd, image

DEFAULT_IMAGE = "registry:2"
DEFAULT_USER = "admin"


@dataclasses.dataclass(frozen=True)
class Options:
    """What the operator asks for. Unset and empty options are None here, and nowhere else."""

    auth_basic_user: str | None
    auth_basic_password: str | None = dataclasses.field(repr=False)
    """None while there is no basic authentication, whatever the user."""
    auth_token_issuer: str | None
    auth_token_realm: str | None
    """URL of the server that gives out tokens."""
    auth_token_root_certs: str | None
    """Certificates of those who may sign tokens: PEM, or base64 of it."""
    auth_token_service: str | None
    http_host: str | None
    """URL at which clients reach the registry."""
    registry_image: str
    """Image of the registry."""
    registry_name: str
    """Name of its container."""
    registry_port: int
    """Port of the machine at which it answers."""

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Options:
        """Read the values of config.yaml's options; *config* has each of them."""
        return cls(
            auth_basic_user=config["auth-basic-user"] or None,
            auth_basic_password=config["auth-basic-password"] or None,
            auth_token_issuer=config["auth-token-issuer"] or None,
            auth_token_realm=config["auth-token-realm"] or None,
            auth_token_root_certs=config["auth-token-root-certs"] or None,
            auth_token_service=config["auth-token-service"] or None,
            http_host=config["http-host"] or None,
            registry_image=config["registry-image"] or "",
            registry_name=config["registry-name"] or "",
            registry_port=int(config["registry-port"] or 0),
        )


def problems(options: Options) -> tuple[str, ...]:
    """Return a sentence for each thing that is wrong, sorted, each with the option's name in front."""
    found = {
        **auth_problems(options),
        "http-host": addresses.url_problem(options.http_host) if options.http_host else None,
        "registry-image": _image_problem(options.registry_image),
        "registry-name": _name_problem(options.registry_name),
        "registry-port": _port_problem(options.registry_port),
    }
    return tuple(sorted(f"{option}: {problem}." for option, problem in found.items() if problem))


def auth_problems(options: Options) -> dict[str, str | None]:
    """Return what is wrong with the options of authentication: the option to a clause, or to None."""
    return {**_basic_problems(options), **_token_problems(options)}


def _basic_problems(options: Options) -> dict[str, str | None]:
    user, password = options.auth_basic_user, options.auth_basic_password
    if password is None:
        # The default user alone asks for nothing: that is how the charm is deployed.
        forgotten = user not in (None, DEFAULT_USER)
        return {"auth-basic-password": f"not set, while auth-basic-user is {user!r}; set both" if forgotten else None}
    wrong = htpasswd.password_problem(password)
    if any(_token(options).values()):
        wrong = "set together with auth-token-...; the registry takes one kind of authentication, so reset one of them"
    return {
        "auth-basic-password": wrong,
        "auth-basic-user": htpasswd.name_problem(user) if user else "not set, while auth-basic-password is; set both",
    }


def _token_problems(options: Options) -> dict[str, str | None]:
    given = _token(options)
    missing = ", ".join(option for option, value in given.items() if value is None)
    if not any(given.values()):
        return {}
    checks = {"auth-token-realm": _realm_problem, "auth-token-root-certs": _certificates_problem}
    found = {option: checks.get(option, _line_problem)(value) for option, value in given.items() if value}
    return found | ({missing: "not set; tokens need all four of these options, or none of them"} if missing else {})


def _token(options: Options) -> dict[str, str | None]:
    return {
        "auth-token-issuer": options.auth_token_issuer,
        "auth-token-realm": options.auth_token_realm,
        "auth-token-root-certs": options.auth_token_root_certs,
        "auth-token-service": options.auth_token_service,
    }


def _line_problem(text: str) -> str | None:
    return None if text.isprintable() else f"{text!r} has a character that cannot be printed, a line's end maybe"


def _realm_problem(url: str) -> str | None:
    return _line_problem(url) or addresses.url_problem(url)


def _certificates_problem(text: str) -> str | None:
    try:
        certificates.bundle(text)
    except certificates.BadCertificates as error:
        return str(error)
    return None


def _image_problem(text: str) -> str | None:
    try:
        image.Reference.parse(text)
    except image.BadReference as error:
        return str(error)
    return None


def _name_problem(name: str) -> str | None:
    # https://github.com/moby/moby: RestrictedNameChars
    if re.fullmatch(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+", name):
        return None
    return f"{name!r} is not the name of a container (letters, digits, _ . -, two at least)"


def _port_problem(port: int) -> str | None:
    return None if 1 <= port <= 65535 else f"{port} is not a port, 1 to 65535"
