"""Who may pull and push: the options auth-*."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

from registry.formats import addresses, certificates, htpasswd, yaml_text
from registry.formats.htpasswd import User
from registry.message import Fault, Message, Text
from registry.options.checks import HALF_A_PAIR, no_effect

TWO_KINDS = Message(
    "users and auth-token-... are both set, but the registry supports one kind of authentication", "Reset one of them"
)
"""The registry authenticates clients either by passwords or by tokens."""
NO_PASSWORD = Message("not set, but auth-basic-user is {user!r}", "Set a password or reset auth-basic-user")
"""A user name was set without a password, so there is no such user and anyone can push."""
HASH_AS_PASSWORD = Message(
    "the value is a hash, but clients need the password", "Set the password, or move the hash to auth-basic-users"
)
"""The charm publishes this password to clients over relations, and a hash cannot be used to log in."""
NOT_YAML = Message(
    "the value is not YAML{line}", "Use a line `user: 'password'` for each user, and write a quote in a password twice"
)
"""The text of the users has a syntax error, for example @ at the beginning of a password without quotes."""
NOT_A_MAPPING = Message("the value is not a YAML mapping", "Use a line `user: password` for each user")
"""The text of the users is YAML, but a list (- in front), or a single value: no space follows the colon."""
PASSWORD_NOT_TEXT = Message(
    "the password of {name!r} is missing, or YAML does not read it as text", "Put the password in quotes"
)
"""The password is empty, null, a list, a mapping, or begins with #; an empty password is not accepted."""
PASSWORD_CUT = Message("YAML reads only a part of the password of {name!r}", "Put the password in quotes")
"""What follows # after a space is a comment to YAML, and the lines of a password are joined."""
REPEATED_USER = Message("{name!r} is set twice", "Set each user once")
"""A user is there twice, maybe with different passwords."""
RESERVED_NAME = Message("{name!r} begins with {prefix}, which is reserved for the charm's users", "Use another name")
"""The charm has users of its own, for example to push to the registry by actions."""
DUPLICATE_USER = Message("{name!r} is also the value of auth-basic-user", "Set each user once")
"""A user is set by both options, maybe with different passwords."""
USER_PROBLEM = Message("user {name!r}: {problem}")
"""The password or hash of one of the users has the problem that follows."""
INCOMPLETE_TOKEN = Message(
    "not set, but required for token authentication", "Set all four auth-token-... options or none"
)
"""Some options of token authentication are set, and others are missing."""
UNPRINTABLE = Message("{value!r} contains a character that cannot be printed, for example a line break", "Remove it")
"""The value was usually copied or read from a file with a line break at its end."""

DEFAULT_USER = "admin"
OWN_PREFIX = "juju-"
"""Prefix of the names of the charm's own users."""


class _BadUsers(Fault):
    """auth-basic-users is not a mapping of valid users."""


@dataclasses.dataclass(frozen=True)
class Token:
    """The server whose tokens are accepted: https://distribution.github.io/distribution/about/configuration/#token."""

    issuer: str | None
    realm: str | None
    """URL of the server that issues tokens."""
    root_certs: str | None
    """Certificates of the accepted signers of tokens: PEM, or base64 of it."""
    service: str | None

    @property
    def missing(self) -> str:
        """The options that are not set, separated by commas."""
        return ", ".join(option for option, value in self.options().items() if value is None)

    def options(self) -> dict[str, str | None]:
        """Return the values by option."""
        return {f"auth-token-{name.replace('_', '-')}": value for name, value in dataclasses.asdict(self).items()}


@dataclasses.dataclass(frozen=True)
class Authentication:
    """The options auth-*."""

    user: str | None
    password: str | None = dataclasses.field(repr=False)
    """Password of *user*, who does not exist without one."""
    users: str | None = dataclasses.field(repr=False)
    """YAML: a mapping of names to passwords or bcrypt hashes."""
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
        """Its name in config.yml, htpasswd or token; None: anyone can pull and push."""
        if self.password or self.users:
            return "htpasswd"
        return "token" if any(self.token.options().values()) else None

    def members(self) -> tuple[User, ...]:
        """Return the requested users. Only where there are no problems."""
        first = (User(self.user or "", password=self.password),) if self.password else ()
        return (*first, *self._more)

    @functools.cached_property
    def _more(self) -> tuple[User, ...]:
        """The members in auth-basic-users, parsed once. Raises _BadUsers."""
        return _members(self.users) if self.users else ()

    def problems(self) -> dict[str, Text | None]:
        """Return what is wrong with each option, or None."""
        return {
            "auth-basic-bcrypt-cost": htpasswd.cost_problem(self.cost),
            "auth-basic-password": self._password_problem(),
            "auth-basic-user": self._user_problem(),
            "auth-basic-users": self._users_problem(),
            **(_token_problems(self.token) if self.kind == "token" or not self.token.missing else {}),
        }

    def unused(self) -> dict[str, Text]:
        """Return what is set without effect, by options: a part of token authentication beside users."""
        given = (option for option, value in self.token.options().items() if value)
        return no_effect(given, self.token.missing) if self.kind == "htpasswd" and self.token.missing else {}

    def _user_problem(self) -> Text | None:
        if not self.password:
            return None
        return _name_problem(self.user) if self.user else HALF_A_PAIR(other="auth-basic-password")

    def _password_problem(self) -> Text | None:
        if self.kind == "htpasswd" and not self.token.missing:
            return TWO_KINDS()
        if self.password is None:
            # The default user without a password requests nothing: the charm is deployed so.
            is_missing = self.user not in (None, DEFAULT_USER) and not self.users
            return NO_PASSWORD(user=htpasswd.shown(self.user or "")) if is_missing else None
        if htpasswd.is_hash(self.password):
            return HASH_AS_PASSWORD()
        return htpasswd.password_problem(self.password)

    def _users_problem(self) -> Text | None:
        if self.users is None:
            return None
        try:
            members = self._more
        except _BadUsers as error:
            return error.text
        if self.password and any(member.name == self.user for member in members):
            return DUPLICATE_USER(name=self.user)
        return None


def _members(text: str) -> tuple[User, ...]:
    try:
        pairs = yaml_text.pairs(text)
    except yaml_text.BadYaml as error:
        raise _BadUsers(NOT_YAML(line=f" (line {error.line})" if error.line else "")) from None
    if not pairs:
        raise _BadUsers(NOT_A_MAPPING())
    members = {pair.name: _member(pair) for pair in pairs}
    if len(members) < len(pairs):
        names = [pair.name for pair in pairs]
        raise _BadUsers(REPEATED_USER(name=next(name for name in names if names.count(name) > 1)))
    return tuple(members.values())


def _member(pair: yaml_text.Pair) -> User:
    name, secret = pair.name, pair.value
    name_problem = _name_problem(name)
    if name_problem:
        raise _BadUsers(name_problem)
    if not secret or not secret.strip():
        raise _BadUsers(PASSWORD_NOT_TEXT(name=name))
    if pair.is_lossy:
        raise _BadUsers(PASSWORD_CUT(name=name))
    if htpasswd.looks_hashed(secret):
        user, problem = User(name, hashed=secret), htpasswd.hash_problem(secret)
    else:
        user, problem = User(name, password=secret), htpasswd.password_problem(secret)
    if problem:
        raise _BadUsers(USER_PROBLEM(name=name, problem=problem))
    return user


def _name_problem(name: str) -> Text | None:
    if name.startswith(OWN_PREFIX):
        return RESERVED_NAME(name=htpasswd.shown(name), prefix=OWN_PREFIX)
    return htpasswd.name_problem(name)


def _token_problems(token: Token) -> dict[str, Text | None]:
    options = token.options()
    checks = {"auth-token-realm": _realm_problem, "auth-token-root-certs": _certificates_problem}
    problems = {option: checks.get(option, _line_problem)(value) for option, value in options.items() if value}
    return problems | ({token.missing: INCOMPLETE_TOKEN()} if token.missing else {})


def _line_problem(text: str) -> Text | None:
    return None if text.isprintable() else UNPRINTABLE(value=text)


def _realm_problem(url: str) -> Text | None:
    return addresses.url_problem(url) if url.isprintable() else UNPRINTABLE(value=url)


def _certificates_problem(text: str) -> Text | None:
    try:
        certificates.bundle(text)
    except certificates.BadCertificates as error:
        return error.text
    return None
