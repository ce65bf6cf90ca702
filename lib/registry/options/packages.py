"""Packages that the operator wants on the machine beside Docker, and where they come from."""

from __future__ import annotations

import dataclasses
import fnmatch
import re
from collections.abc import Mapping
from typing import Any

import yaml

from registry.formats import sources_list

INSTALL, HOLD = "install", "hold"
# https://www.debian.org/doc/debian-policy/ch-controlfields.html#source; a minus at the end would remove the package.
_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]*[a-z0-9+.](?::[a-z0-9-]+)?(?:[=/][A-Za-z0-9.+:~*-]+)?")
# What add-apt-repository makes a line of.
_SHORT = re.compile(r"ppa:[\w.+~/-]+|main|universe|restricted|multiverse")


@dataclasses.dataclass(frozen=True)
class State:
    """A package that is installed, as dpkg shows it."""

    version: str
    held: bool
    """apt leaves it as it is."""


@dataclasses.dataclass(frozen=True)
class Extras:
    """What the operator asks for."""

    packages: tuple[str, ...]
    """As apt-get takes them: ``name``, ``name=version``."""
    status: str
    """``install``, or ``hold``: Docker's packages and these are kept from upgrades."""
    sources_text: str = dataclasses.field(repr=False)
    keys_text: str = dataclasses.field(repr=False)

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Extras:
        return cls(
            packages=tuple((config["extra_packages"] or "").split()),
            status=config["package_status"] or INSTALL,
            sources_text=config["install_sources"] or "",
            keys_text=config["install_keys"] or "",
        )

    def problems(self) -> dict[str, str | None]:
        """Return a clause for each option that is wrong."""
        wrong = next((name for name in self.packages if not _PACKAGE.fullmatch(name)), None)
        return {
            "extra_packages": f"{wrong!r} is not the name of a package" if wrong else None,
            "package_status": None if self.status in (INSTALL, HOLD) else f"{self.status!r} is not install or hold",
            "install_sources": self._sources_problem(),
            "install_keys": self._keys_problem(),
        }

    def _sources_problem(self) -> str | None:
        found = _list(self.sources_text)
        if found is None or not all(isinstance(source, str) for source in found):
            return "is not a list in YAML of lines such as deb https://HOST SUITE main, or ppa:OWNER/NAME"
        for number, line in enumerate(found, start=1):
            if not _SHORT.fullmatch(line.strip()) and (clause := sources_list.Source(line.strip()).problem()):
                return f"number {number} {clause}, nor ppa:OWNER/NAME"
        return None

    def _keys_problem(self) -> str | None:
        found = _list(self.keys_text)
        if found is None or not all(isinstance(key, (str, type(None))) for key in found):
            return "is not a list in YAML of keys, each in quotes or null"
        if found and len(found) != len(_list(self.sources_text) or ()):
            return "has not as many entries as install_sources; write null for a source without a key of its own"
        return next((clause for key in found if key and (clause := sources_list.key_problem(key.strip()))), None)

    def sources(self) -> tuple[sources_list.Source, ...]:
        """Return the sources with a line of their own. Only without problems."""
        return tuple(sources_list.Source(line, key) for line, key in self._pairs() if not _SHORT.fullmatch(line))

    def short_sources(self) -> tuple[str, ...]:
        """Return the sources that add-apt-repository has to look up, e.g. ``ppa:owner/name``. Only without problems."""
        return tuple(line for line, _ in self._pairs() if _SHORT.fullmatch(line))

    def _pairs(self) -> list[tuple[str, str | None]]:
        lines = _list(self.sources_text) or []
        keys = _list(self.keys_text) or [None] * len(lines)
        return [(line.strip(), key and key.strip()) for line, key in zip(lines, keys, strict=True)]


def bare(package: str) -> str:
    """Return the package's name alone.

    >>> bare("docker.io=20.10*")
    'docker.io'
    """
    return re.split("[:=/]", package)[0]


def missing(packages: tuple[str, ...], states: Mapping[str, State]) -> tuple[str, ...]:
    """Return those of *packages* that are not installed, or not in the version that was asked for."""
    return tuple(package for package in packages if not _is_there(package, states.get(bare(package))))


def _is_there(package: str, state: State | None) -> bool:
    version = package.partition("=")[2]
    return state is not None and (not version or fnmatch.fnmatchcase(state.version, version))


def _list(text: str) -> list[Any] | None:
    """Return the list in YAML, one thing alone as a list of it; None if it is something else."""
    try:
        found = yaml.safe_load(text.strip())
    except (yaml.YAMLError, RecursionError, ValueError):
        return None
    if found is None or isinstance(found, str):
        return [found] if found else []
    return found if isinstance(found, list) else None
