"""Who may pull and push: the options auth-*."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import yaml

from registry.formats import addresses, certificates, htpasswd
from registry.formats.htpasswd import User

DEFAULT_USER = "admin"
OWN_PREFIX = "juju-"
"""Users whose names begin so are the charm's own."""


class _BadUsers(ValueError):
    """auth-basic-users is no map of users; ``str()`` is a clause for the operator."""


@dataclasses.dataclass(frozen=True)
class Token:
    """The server whose tokens are taken: https://distribution.github.io/distribution/about/configuration/#token."""

    issuer: str | None
    realm: str | None
    """URL of the server that gives out tokens."""
    root_certs: str | None
    """Certificates of those who may sign tokens: PEM, or base64 of it."""
    service: str | None

    def options(self) -> dict[str, str | None]:
        """Return the values by option."""
        return {f"auth-token-{name.replace('_', '-')}": value for name, value in dataclasses.asdict(self).items()}


@dataclasses.dataclass(frozen=True)
class Authentication:
    """What the operator asks for."""

    user: str | None
    password: str | None = dataclasses.field(repr=False)
    """Of *user*, who does not exist without one."""
    users: str | None = dataclasses.field(repr=False)
    """YAML: a map of names to passwords or their hashes by bcrypt."""
    cost: int
    token: Token

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Authentication:
        """Read the values of config.yaml's options."""
        return cls(
            user=config["auth-basic-user"] or None,
            password=config["auth-basic-password"] or None,
            users=config["auth-basic-users"] or None,
            cost=int(config["auth-basic-bcrypt-cost"] or 0),
            token=Token(
                issuer=config["auth-token-issuer"] or None,
                realm=config["auth-token-realm"] or None,
                root_certs=config["auth-token-root-certs"] or None,
                service=config["auth-token-service"] or None,
            ),
        )

    @property
    def kind(self) -> str | None:
        """The registry's word for it, htpasswd or token; None: whoever comes may pull and push."""
        if self.password or self.users:
            return "htpasswd"
        return "token" if any(self.token.options().values()) else None

    def members(self) -> tuple[User, ...]:
        """Return the operator's users. Only where there are no problems."""
        first = (User(self.user or "", password=self.password),) if self.password else ()
        return (*first, *(_members(self.users) if self.users else ()))

    def problems(self) -> dict[str, str | None]:
        """Return what is wrong: the option to a clause, or to None."""
        return {
            "auth-basic-bcrypt-cost": htpasswd.cost_problem(self.cost),
            "auth-basic-password": self._password_problem(),
            "auth-basic-user": self._user_problem(),
            "auth-basic-users": self._users_problem(),
            **_token_problems(self.token),
        }

    def _user_problem(self) -> str | None:
        if not self.password:
            return None
        return _name_problem(self.user) if self.user else "not set, while auth-basic-password is; set both"

    def _password_problem(self) -> str | None:
        if self.kind == "htpasswd" and any(self.token.options().values()):
            return (
                "users are set together with auth-token-...; the registry takes one kind of authentication, "
                "so reset one of them"
            )
        if self.password is None:
            # The default user alone asks for nothing: that is how the charm is deployed.
            forgotten = self.user not in (None, DEFAULT_USER) and not self.users
            return f"not set, while auth-basic-user is {self.user!r}; set both" if forgotten else None
        if htpasswd.is_hash(self.password):
            return "this is a hash, and clients need the password; hashes go into auth-basic-users"
        return htpasswd.password_problem(self.password)

    def _users_problem(self) -> str | None:
        if self.users is None:
            return None
        try:
            members = _members(self.users)
        except _BadUsers as error:
            return str(error)
        if self.password and any(member.name == self.user for member in members):
            return f"{self.user!r} is auth-basic-user too; name each user once"
        return None


def _members(text: str) -> tuple[User, ...]:
    try:
        data = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        # What YAML says of it shows a line, a password maybe.
        raise _BadUsers("this is no YAML") from None
    if not isinstance(data, dict) or not data:
        raise _BadUsers("this is no map; write `user: password`, a line each")
    return tuple(_member(name, secret) for name, secret in data.items())


def _member(name: object, secret: object) -> User:
    if not isinstance(name, str):
        raise _BadUsers(f"the user {name!r} is no text to YAML; put the name in quotes")
    if not isinstance(secret, str) or not secret:
        raise _BadUsers(f"the password of {name!r} is missing, or no text to YAML; put it in quotes")
    if htpasswd.looks_hashed(secret):
        user, problem = User(name, hashed=secret), htpasswd.hash_problem(secret)
    else:
        user, problem = User(name, password=secret), htpasswd.password_problem(secret)
    wrong_name = _name_problem(name)
    if wrong_name:
        raise _BadUsers(wrong_name)
    if problem:
        raise _BadUsers(f"{name!r}: {problem}")
    return user


def _name_problem(name: str) -> str | None:
    if name.startswith(OWN_PREFIX):
        return f"{name!r} begins with {OWN_PREFIX}, as the charm's own users do; choose another name"
    return htpasswd.name_problem(name)


def _token_problems(token: Token) -> dict[str, str | None]:
    given = token.options()
    missing = ", ".join(option for option, value in given.items() if value is None)
    if not any(given.values()):
        return {}
    checks = {"auth-token-realm": _realm_problem, "auth-token-root-certs": _certificates_problem}
    found = {option: checks.get(option, _line_problem)(value) for option, value in given.items() if value}
    return found | ({missing: "not set; tokens need all four of these options, or none of them"} if missing else {})


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
