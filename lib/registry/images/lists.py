"""Lists of images as projects publish them: text, a line each, or YAML of hauler and zarf.

Text: one name a line (k3s, rke2, kubeadm, Canonical Kubernetes, hauler), or ``release: name name ...`` (Charmed
Kubernetes); comments, blank lines and warnings of `kubeadm config images list` between them.
"""

from __future__ import annotations

import codecs
import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from registry.images.reference import BadReference, Reference
from registry.message import Fault, Message

EMPTY = Message("the list contains no image", "Check the file")
"""The list is empty, or has comments only."""
BAD_LINE = Message("line {number}: {word!r} is not an image name", "Fix the line")
"""A line of the list contains something else than names of images."""
TEMPLATE = Message("line {number}: {word!r} contains a variable", "Set variables={name}=..., or remove the line")
"""The list is a template, and its variable has no value."""
NO_RELEASE = Message("the list has no release {release!r}", "Use one of: {releases}")
"""The list has several releases, and not the requested one."""
RELEASE_NEEDED = Message("the list has several releases", "Set the parameter release to one of: {releases}")
"""Each line of the list is a release with its images, and none was chosen."""
NOT_YAML = Message("the list is not YAML ({error})", "Fix the file")
"""A list that looks like YAML has a syntax error."""
TOO_LONG = Message("the list has {size} bytes", "Use a list of {most} bytes at most")
"""The file is not a list of images."""

LIMIT = 16 << 20
"""Bytes of a list."""

_RELEASE = re.compile(r"(?P<release>[A-Za-z0-9._-]+):(?:\s+(?P<names>\S.*))?")
_VARIABLE = re.compile(r"\{\{\s*(?P<name>\w+)\s*\}\}")
_WARNING = re.compile(r"[IWEF]\d{4} \d{2}:\d{2}:")
"""Lines of glog, which kubeadm prints before the names."""


class BadList(Fault):
    """A text is not a list of images."""


@dataclasses.dataclass(frozen=True)
class Request:
    """How a list is to be read."""

    prefix: str = ""
    """Host, and maybe a path, for names without a host: ``rocks.example.com/cdk``."""
    release: str = ""
    """Which of several releases; empty where the list has one only."""
    variables: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Values of variables such as ``{{ arch }}``; a list with another one is refused."""


def decode(data: bytes) -> str:
    """Return the text of a file: UTF-8, or what PowerShell writes, UTF-16 with a byte order mark."""
    is_wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return data.decode("utf-16" if is_wide else "utf-8", errors="replace")


def parse(text: str, request: Request) -> tuple[Reference, ...]:
    """Return the images of a list, each once, in its order. Raises BadList."""
    if len(text) > LIMIT:
        raise BadList(TOO_LONG(size=len(text), most=LIMIT))
    text = text.removeprefix("\ufeff")
    names = list(_from_yaml(text) if _is_yaml(text) else _from_lines(text, request))
    references = dict.fromkeys(_reference(number, name, request) for number, name in names)
    if not references:
        raise BadList(EMPTY())
    return tuple(references)


def _is_yaml(text: str) -> bool:
    """Tell whether *text* is a manifest of hauler or zarf: these name their kind at the beginning of a line."""
    return re.search(r"^kind:\s", text, re.MULTILINE) is not None


def _from_lines(text: str, request: Request) -> Iterator[tuple[int, str]]:
    releases: dict[str, list[tuple[int, str]]] = {}
    plain: list[tuple[int, str]] = []
    for number, line in enumerate(text.splitlines(), 1):
        line = _VARIABLE.sub(lambda match: f"{{{{{match['name']}}}}}", line.partition("#")[0]).strip()
        if not line or _WARNING.match(line):
            continue
        if match := _RELEASE.fullmatch(line):
            names = (match["names"] or "").split()
            releases.setdefault(match["release"], []).extend((number, name) for name in names)
        else:
            plain += ((number, name) for name in line.split())
    if releases and not plain:
        return iter(_of_release(releases, request.release))
    if releases:  # a line such as "image:" among plain names
        number, names = next((names[0][0], names) for names in releases.values() if names)
        raise BadList(BAD_LINE(number=number, word=names[0][1]))
    return iter(plain)


def _of_release(releases: dict[str, list[tuple[int, str]]], release: str) -> Sequence[tuple[int, str]]:
    if not release and len(releases) > 1:
        raise BadList(RELEASE_NEEDED(releases=", ".join(releases)))
    if release and release not in releases:
        raise BadList(NO_RELEASE(release=release, releases=", ".join(releases)))
    return releases[release or next(iter(releases))]


def _from_yaml(text: str) -> Iterator[tuple[int, str]]:
    try:
        documents = list(yaml.load_all(text, _NoAliases))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise BadList(NOT_YAML(error=str(error).partition("\n")[0])) from error
    for number, document in enumerate(documents, 1):
        yield from ((number, name) for name in _names(document))


def _names(document: Any) -> Iterator[str]:
    """Yield the names of the images in a document of hauler or zarf; other kinds of content are skipped."""
    if not isinstance(document, dict):
        return
    spec, components = document.get("spec"), document.get("components")
    for image in (spec.get("images") if isinstance(spec, dict) else None) or ():
        if isinstance(image, dict) and isinstance(image.get("name"), str):
            yield image["name"]
    for component in components if isinstance(components, list) else ():
        for name in (component.get("images") if isinstance(component, dict) else None) or ():
            if isinstance(name, str):
                yield name


class _NoAliases(yaml.SafeLoader):
    """YAML without aliases: a small text could stand for gigabytes."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not supported")
        return super().compose_node(parent, index)


def _reference(number: int, name: str, request: Request) -> Reference:
    name = _VARIABLE.sub(lambda match: request.variables.get(match["name"], match.group()), name)
    if match := _VARIABLE.search(name):
        raise BadList(TEMPLATE(number=number, word=name, name=match["name"]))
    try:
        reference = Reference.parse(name)
        if reference.host or not request.prefix:
            return reference
        return Reference.parse(f"{request.prefix.rstrip('/')}/{name}")
    except BadReference as error:
        raise BadList(BAD_LINE(number=number, word=name)) from error
