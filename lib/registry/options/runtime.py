"""Docker on the machine: its packages, settings and proxies, the options docker_*, docker-opts and daemon-opts."""

from __future__ import annotations

import dataclasses
import json
import re
import shlex
from collections.abc import Collection, Mapping
from typing import Any

from registry.formats import daemon_effects, dockerd_flags, sources_list, yaml_text
from registry.message import Fault, Message, Text
from registry.options.checks import choice_problem, no_effect
from registry.options.packages import Packages
from registry.options.proxies import Proxies

UNKNOWN_PLACEHOLDER = Message("the line contains an unknown placeholder", "Use {placeholders} only")
"""The charm replaces two words in braces by values of the machine."""
NOT_A_KEY_URL = Message("the value is not a URL", "Begin it with http:// or https://")
"""The key of the package repository is fetched from this URL."""
NO_PACKAGES = Message(
    "the value does not name packages, as docker_runtime=custom requires", "Set them, for example docker-ce"
)
"""With docker_runtime=custom the charm does not know which packages Docker is in."""
NOT_JSON_OR_YAML = Message("the value is neither JSON nor YAML{line}", "Fix the syntax")
"""The value has a syntax error, an alias, or a key twice; it is not shown because it may contain secrets."""
NOT_A_MAPPING = Message("the value is not a mapping", 'Use settings such as {{"log-driver": "journald"}}')
"""The value is JSON or YAML, but not a mapping of settings of daemon.json to their values."""
NOT_ARGUMENTS = Message("the value cannot be split into arguments ({error})", "Use quotes as in a shell")
"""The arguments of dockerd are split as a shell does, and a quote is not closed."""
NOT_AN_ARGUMENT = Message("{word!r} is not an option of dockerd", "Use options that begin with -")
"""dockerd accepts options only, and the first word is none."""
CONTROL_CHARACTERS = Message("the value contains control characters", "Remove them")
"""An argument contains a character that systemd would not pass on to dockerd unchanged."""
SET_TWICE = Message("--{flag} is in daemon-opts too", "Set it in one of the two")
"""dockerd does not start with a setting that is both in daemon.json and on its command line."""

AUTO, APT, UPSTREAM, CUSTOM = "auto", "apt", "upstream", "custom"
UPSTREAM_URL = "https://download.docker.com/linux/ubuntu"
UPSTREAM_PACKAGES = ("docker-ce", "docker-ce-cli", "containerd.io")
DEFAULT_SETTINGS = {"log-driver": "json-file", "log-opts": {"max-size": "10m", "max-file": "100"}}
"""The default of the option daemon-opts."""
PLACEHOLDERS = ("{ARCH}", "{CODE}")
"""In docker_runtime_repo: dpkg's name of the architecture, and the codename of the distribution's release."""
_PACKAGES = re.compile(r"[a-z0-9][a-z0-9+.-]*[a-z0-9+.](?:[=/][A-Za-z0-9.+:~*-]+)?")


class _BadValue(Fault):
    """The value of daemon-opts or docker-opts cannot be read."""


@dataclasses.dataclass(frozen=True)
class Origin:
    """Docker's packages and their repository, where it is not the distribution's default."""

    packages: tuple[str, ...]
    """In the form of apt-get."""
    source: sources_list.Source | None
    """None: a repository that apt has already."""


@dataclasses.dataclass(frozen=True)
class Runtime:
    """The options for Docker and packages."""

    docker_runtime: str
    repo: str = dataclasses.field(repr=False)
    key_url: str = dataclasses.field(repr=False)
    package: str
    docker_opts: str = dataclasses.field(repr=False)
    daemon_opts: str = dataclasses.field(repr=False)
    proxies: Proxies = dataclasses.field(repr=False)
    packages: Packages

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Runtime:
        return cls(
            docker_runtime=config["docker_runtime"] or AUTO,
            repo=config["docker_runtime_repo"] or "",
            key_url=config["docker_runtime_key_url"] or "",
            package=config["docker_runtime_package"] or "",
            docker_opts=config["docker-opts"] or "",
            daemon_opts=config["daemon-opts"] or "",
            proxies=Proxies.from_config(config),
            packages=Packages.from_config(config),
        )

    def origin_problems(self) -> dict[str, Text | None]:
        """Return what is wrong with each option for the origin of Docker, or None."""
        known = (AUTO, APT, UPSTREAM, CUSTOM)
        if self.docker_runtime not in known:
            return {"docker_runtime": choice_problem(self.docker_runtime, known)}
        if self.docker_runtime != CUSTOM:
            return {}
        return {
            "docker_runtime_repo": self._repo_problem(),
            "docker_runtime_key_url": None
            if re.fullmatch(r"(https?://[^\s/]+\S*)?", self.key_url)
            else NOT_A_KEY_URL(),
            "docker_runtime_package": None
            if self.package and all(_PACKAGES.fullmatch(word) for word in self.package.split())
            else NO_PACKAGES(),
        }

    def unused(self) -> dict[str, Text]:
        """Return what is set without effect, by options."""
        custom = {"repo": self.repo, "key_url": self.key_url, "package": self.package}
        given = (f"docker_runtime_{name}" for name, value in custom.items() if value)
        return no_effect(given, "docker_runtime", "not custom") if self.docker_runtime != CUSTOM else {}

    def _repo_problem(self) -> Text | None:
        line = self._filled("x", "x")
        if "{" in line or "}" in line:
            return UNKNOWN_PLACEHOLDER(placeholders=" and ".join(PLACEHOLDERS))
        return sources_list.Source(line).problem() if line else None

    def settings_problems(self) -> dict[str, Text | None]:
        """Return what is wrong with each option for the settings of Docker, or None."""
        problems: dict[str, Text | None] = {"daemon-opts": None, "docker-opts": None, **self.proxies.problems()}
        for option, read in (("daemon-opts", self.settings), ("docker-opts", self.arguments)):
            try:
                read()
            except _BadValue as error:
                problems[option] = error.text
        if not problems["daemon-opts"] and not problems["docker-opts"] and self.settings() != DEFAULT_SETTINGS:
            twice = dockerd_flags.in_both(self.arguments(), self.settings())
            problems["docker-opts"] = SET_TWICE(flag=twice[0]) if twice else None
        return problems

    def problems(self) -> dict[str, Text | None]:
        """Return what is wrong with each option, or None."""
        return {**self.origin_problems(), **self.settings_problems(), **self.packages.problems()}

    def origin(self, architecture: str, codename: str) -> Origin | None:
        """Return Docker's packages and repository, None for the distribution's. Only without problems."""
        if self.docker_runtime == UPSTREAM:
            line = f"deb [arch={architecture}] {UPSTREAM_URL} {codename} stable"
            return Origin(UPSTREAM_PACKAGES, sources_list.Source(line, f"{UPSTREAM_URL}/gpg"))
        if self.docker_runtime == CUSTOM:
            source = sources_list.Source(self._filled(architecture, codename), self.key_url or None)
            return Origin(tuple(self.package.split()), source if self.repo else None)
        return None

    def _filled(self, architecture: str, codename: str) -> str:
        return self.repo.replace("{ARCH}", architecture).replace("{CODE}", codename)

    def requested_packages(self) -> tuple[str, ...]:
        """Return the packages of the requested Docker; none where any Docker is accepted. Only without problems."""
        named = {APT: ("docker.io",), UPSTREAM: UPSTREAM_PACKAGES, CUSTOM: tuple(self.package.split())}
        return named.get(self.docker_runtime, ())

    def settings(self) -> dict[str, Any]:
        """Return the settings for daemon.json in daemon-opts, JSON or YAML. Only without problems."""
        try:
            value = _load(self.daemon_opts)
            text = json.dumps(value, allow_nan=False)
        except (ValueError, TypeError, RecursionError):
            raise _BadValue(NOT_JSON_OR_YAML(line="")) from None
        except yaml_text.BadYaml as error:
            raise _BadValue(NOT_JSON_OR_YAML(line=f" (line {error.line})" if error.line else "")) from None
        if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
            raise _BadValue(NOT_A_MAPPING())
        return dict(json.loads(text))

    def arguments(self) -> list[str]:
        """Return the arguments of docker-opts. Only without problems."""
        try:
            words = shlex.split(self.docker_opts)
        except ValueError as error:
            raise _BadValue(NOT_ARGUMENTS(error=error)) from error
        if words and not words[0].startswith("-"):
            raise _BadValue(NOT_AN_ARGUMENT(word=words[0]))
        if any(not word.isprintable() for word in words):
            raise _BadValue(CONTROL_CHARACTERS())
        return words

    def requested(self) -> dict[str, Any]:
        """Return the settings of daemon-opts, and those of docker-opts in the form of daemon.json. Without problems."""
        return {**self.settings(), **dockerd_flags.settings(self.arguments())}

    def without(self, keys: Collection[str], before: Mapping[str, Any]) -> Runtime:
        """Return this with the settings of Docker called *keys* as they were *before*, in daemon.json, by the charm."""
        settings, old = daemon_effects.flat(self.settings()), daemon_effects.flat(before)
        kept = {key: value for key, value in settings.items() if key not in keys}
        kept |= {key: value for key, value in old.items() if key in keys}
        words = dockerd_flags.without(self.arguments(), keys)
        text = json.dumps(daemon_effects.nested(kept))
        return dataclasses.replace(self, daemon_opts=text, docker_opts=shlex.join(words))


def _load(text: str) -> Any:
    try:
        return json.loads(text.strip() or "{}", object_pairs_hook=_unique)
    except ValueError:
        return yaml_text.load(text)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a key is there twice")
    return dict(pairs)
