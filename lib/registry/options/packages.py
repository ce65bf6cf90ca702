"""Additional packages and their repositories: the options extra_packages, package_status and install_*."""

from __future__ import annotations

import dataclasses
import fnmatch
import functools
import re
from collections.abc import Mapping, Sequence
from typing import Any

from registry.formats import sources_list, yaml_text
from registry.message import Message, Text
from registry.options.checks import choice_problem

NOT_A_PACKAGE = Message("{name!r} is not a package name", "Use NAME or NAME=VERSION, separated by spaces")
"""apt-get would not read the word as the name of a package to install."""
NOT_SOURCES = Message(
    "the value is not a YAML list of package sources", "Use lines of `deb https://HOST SUITE main` or `ppa:OWNER/NAME`"
)
"""The value has a syntax error, or is not a list of texts."""
NOT_A_SOURCE = Message(
    "entry {number} is not a package source", "Use `deb https://HOST SUITE main` or `ppa:OWNER/NAME`"
)
"""An entry is neither a line of sources.list nor the name of a PPA."""
NOT_KEYS = Message("the value is not a YAML list of keys", "Use texts in quotes, or null")
"""The value has a syntax error, or is not a list of texts and null."""
UNEQUAL_KEYS = Message(
    "{keys} entries, but install_sources has {sources}", "Use null for a source that needs no key of its own"
)
"""Each entry is the key of the source at the same position."""

INSTALL, HOLD = "install", "hold"
# https://www.debian.org/doc/debian-policy/ch-controlfields.html#source; a minus at the end would remove the package.
_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]*[a-z0-9+.](?::[a-z0-9-]+)?(?:[=/][A-Za-z0-9.+:~*-]+)?")
# What add-apt-repository resolves to a line of sources.list.
_SHORT = re.compile(r"ppa:[\w.+~/-]+|main|universe|restricted|multiverse")


@dataclasses.dataclass(frozen=True)
class State:
    """A package that is installed, as dpkg shows it."""

    version: str
    held: bool
    """apt does not upgrade it."""


@dataclasses.dataclass(frozen=True)
class Packages:
    """The options for packages."""

    names: tuple[str, ...]
    """In the form of apt-get: ``name``, ``name=version``."""
    status: str
    """``install``, or ``hold``: apt does not upgrade Docker's packages and these."""
    sources_text: str = dataclasses.field(repr=False)
    keys_text: str = dataclasses.field(repr=False)

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Packages:
        return cls(
            names=tuple((config["extra_packages"] or "").split()),
            status=config["package_status"] or INSTALL,
            sources_text=config["install_sources"] or "",
            keys_text=config["install_keys"] or "",
        )

    def problems(self) -> dict[str, Text | None]:
        """Return what is wrong with each option, or None."""
        invalid = next((name for name in self.names if not _PACKAGE.fullmatch(name)), None)
        return {
            "extra_packages": NOT_A_PACKAGE(name=invalid) if invalid else None,
            "package_status": choice_problem(self.status, (INSTALL, HOLD)),
            "install_sources": self._sources_problem(),
            "install_keys": self._keys_problem(),
        }

    def _sources_problem(self) -> Text | None:
        sources = _list(self.sources_text)
        if sources is None or not all(isinstance(source, str) for source in sources):
            return NOT_SOURCES()
        for number, line in enumerate(sources, start=1):
            if not _SHORT.fullmatch(line.strip()) and sources_list.Source(line.strip()).problem():
                return NOT_A_SOURCE(number=number)
        return None

    def _keys_problem(self) -> Text | None:
        keys, sources = _list(self.keys_text), _list(self.sources_text) or ()
        if keys is None or not all(isinstance(key, (str, type(None))) for key in keys):
            return NOT_KEYS()
        if keys and len(keys) != len(sources):
            return UNEQUAL_KEYS(keys=len(keys), sources=len(sources))
        return next((problem for key in keys if key and (problem := sources_list.key_problem(key.strip()))), None)

    def sources(self) -> tuple[sources_list.Source, ...]:
        """Return the sources that are lines of sources.list. Only without problems."""
        return tuple(sources_list.Source(line, key) for line, key in self._pairs() if not _SHORT.fullmatch(line))

    def short_sources(self) -> tuple[str, ...]:
        """Return the sources that add-apt-repository resolves, e.g. ``ppa:owner/name``. Only without problems."""
        return tuple(line for line, _ in self._pairs() if _SHORT.fullmatch(line))

    def _pairs(self) -> list[tuple[str, str | None]]:
        lines = _list(self.sources_text) or []
        keys = _list(self.keys_text) or [None] * len(lines)
        return [(line.strip(), key and key.strip()) for line, key in zip(lines, keys, strict=True)]


def bare(package: str) -> str:
    """Return the name of a *package*, without version and architecture.

    >>> bare("docker.io=20.10*")
    'docker.io'
    """
    return re.split("[:=/]", package)[0]


def missing(packages: tuple[str, ...], states: Mapping[str, State]) -> tuple[str, ...]:
    """Return those of *packages* that are not installed, or not in the requested version."""
    return tuple(package for package in packages if not _is_installed(package, states.get(bare(package))))


def _is_installed(package: str, state: State | None) -> bool:
    version = package.partition("=")[2]
    return state is not None and (not version or fnmatch.fnmatchcase(state.version, version))


@functools.lru_cache(maxsize=4)
def _list(text: str) -> Sequence[Any] | None:
    """Return the YAML list in *text*, a single text as a list of it; None if it is something else."""
    if not text.strip():
        return ()
    try:
        value = yaml_text.load(text.strip())
    except yaml_text.BadYaml:
        return None
    if value is None or isinstance(value, str):
        return [value] if value else []
    return value if isinstance(value, list) else None
