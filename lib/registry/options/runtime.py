"""Docker on the machine, as the operator wants it: where it comes from, its settings, its proxies."""

from __future__ import annotations

import dataclasses
import json
import re
import shlex
from collections.abc import Mapping
from typing import Any

import yaml

from registry.formats import sources_list
from registry.options.packages import Extras
from registry.options.proxies import Proxies

AUTO, APT, UPSTREAM, CUSTOM = "auto", "apt", "upstream", "custom"
UPSTREAM_URL = "https://download.docker.com/linux/ubuntu"
UPSTREAM_PACKAGES = ("docker-ce", "docker-ce-cli", "containerd.io")
DEFAULT_SETTINGS = {"log-driver": "json-file", "log-opts": {"max-size": "10m", "max-file": "100"}}
"""What the option daemon-opts says by default."""
PLACEHOLDERS = ("{ARCH}", "{CODE}")
"""In docker_runtime_repo: dpkg's name of the architecture, and the release's codename."""
_PACKAGES = re.compile(r"[a-z0-9][a-z0-9+.-]*[a-z0-9+.](?:[=/][A-Za-z0-9.+:~*-]+)?")


@dataclasses.dataclass(frozen=True)
class Origin:
    """Where Docker comes from, other than the distribution."""

    packages: tuple[str, ...]
    """As apt-get takes them."""
    source: sources_list.Source | None
    """None: apt knows where."""


@dataclasses.dataclass(frozen=True)
class Runtime:
    """What the operator asks for, with what is on the machine beside."""

    docker_runtime: str
    repo: str = dataclasses.field(repr=False)
    key_url: str = dataclasses.field(repr=False)
    package: str
    docker_opts: str = dataclasses.field(repr=False)
    daemon_opts: str = dataclasses.field(repr=False)
    proxies: Proxies = dataclasses.field(repr=False)
    extras: Extras

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Runtime:
        return cls(
            docker_runtime=config["docker_runtime"] or AUTO,
            repo=(config["docker_runtime_repo"] or "").strip(),
            key_url=(config["docker_runtime_key_url"] or "").strip(),
            package=(config["docker_runtime_package"] or "").strip(),
            docker_opts=config["docker-opts"] or "",
            daemon_opts=config["daemon-opts"] or "",
            proxies=Proxies.from_config(config),
            extras=Extras.from_config(config),
        )

    def origin_problems(self) -> dict[str, str | None]:
        """Return a clause for each option that is wrong of those that say where Docker comes from."""
        known = (AUTO, APT, UPSTREAM, CUSTOM)
        if self.docker_runtime not in known:
            return {"docker_runtime": f"{self.docker_runtime!r} is not one of {', '.join(known)}"}
        if self.docker_runtime != CUSTOM:
            return {}
        return {
            "docker_runtime_repo": self._repo_problem(),
            "docker_runtime_key_url": None
            if re.fullmatch(r"(https?://[^\s/]+\S*)?", self.key_url)
            else "is not a URL, http://... or https://...",
            "docker_runtime_package": None
            if self.package and all(_PACKAGES.fullmatch(word) for word in self.package.split())
            else "names no package; docker_runtime=custom needs one",
        }

    def _repo_problem(self) -> str | None:
        line = self._filled("x", "x")
        if "{" in line or "}" in line:
            return f"has a placeholder other than {' and '.join(PLACEHOLDERS)}"
        return sources_list.Source(line).problem() if line else None

    def settings_problems(self) -> dict[str, str | None]:
        """Return a clause for each option that is wrong of those that say how Docker runs."""
        found: dict[str, str | None] = {"daemon-opts": None, "docker-opts": None, **self.proxies.problems()}
        for option, read in (("daemon-opts", self.settings), ("docker-opts", self.arguments)):
            try:
                read()
            except ValueError as error:
                found[option] = str(error)
        if not found["daemon-opts"] and not found["docker-opts"]:
            twice = next((flag for flag in self.flags() if _keys(flag) & set(self.settings())), None)
            found["docker-opts"] = f"--{twice} is in daemon-opts too; Docker takes it in one of them" if twice else None
        return found

    def problems(self) -> dict[str, str | None]:
        """Return a clause for each option that is wrong."""
        return {**self.origin_problems(), **self.settings_problems(), **self.extras.problems()}

    def origin(self, architecture: str, codename: str) -> Origin | None:
        """Return where Docker comes from, None for the distribution. Only without problems."""
        if self.docker_runtime == UPSTREAM:
            line = f"deb [arch={architecture}] {UPSTREAM_URL} {codename} stable"
            return Origin(UPSTREAM_PACKAGES, sources_list.Source(line, f"{UPSTREAM_URL}/gpg"))
        if self.docker_runtime == CUSTOM:
            source = sources_list.Source(self._filled(architecture, codename), self.key_url or None)
            return Origin(tuple(self.package.split()), source if self.repo else None)
        return None

    def _filled(self, architecture: str, codename: str) -> str:
        return self.repo.replace("{ARCH}", architecture).replace("{CODE}", codename)

    def wanted_packages(self) -> tuple[str, ...]:
        """Return the packages of the Docker that is asked for; none where any Docker will do. Only without problems."""
        named = {APT: ("docker.io",), UPSTREAM: UPSTREAM_PACKAGES, CUSTOM: tuple(self.package.split())}
        return named.get(self.docker_runtime, ())

    def settings(self) -> dict[str, Any]:
        """Return what daemon.json shall say, of daemon-opts in JSON or YAML. Raises ValueError with a clause."""
        try:
            found = _loaded(self.daemon_opts)
            text = json.dumps(found)
        except (ValueError, TypeError, RecursionError, yaml.YAMLError) as error:
            mark = getattr(error, "problem_mark", None)  # the whole text of the error quotes the value
            where = f" (line {mark.line + 1})" if mark else ""
            raise ValueError(f"is neither JSON nor YAML{where}") from None
        if not isinstance(found, dict) or not all(isinstance(key, str) for key in found):
            raise ValueError('is not a mapping, such as {"log-driver": "journald"}')
        return dict(json.loads(text))

    def arguments(self) -> list[str]:
        """Return the arguments of docker-opts. Raises ValueError with a clause."""
        try:
            words = shlex.split(self.docker_opts)
        except ValueError as error:
            raise ValueError(f"cannot be split into arguments ({error})") from error
        if words and not words[0].startswith("-"):
            raise ValueError(f"{words[0]!r} is not an option of dockerd")
        if any(not word.isprintable() for word in words):
            raise ValueError("has control characters in it")
        return words

    def flags(self) -> list[str]:
        """Return the long options in docker-opts, e.g. ``insecure-registry``."""
        return [word[2:].partition("=")[0] for word in self.arguments() if word.startswith("--")]


def _keys(flag: str) -> set[str]:
    """Return the keys of daemon.json that say the same as an option of dockerd."""
    return {flag, f"{flag}s", f"{flag.removesuffix('y')}ies", flag.removeprefix("add-") + "s"}


def _loaded(text: str) -> Any:
    try:
        return json.loads(text.strip() or "{}")
    except ValueError:
        return yaml.safe_load(text)
