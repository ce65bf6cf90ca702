"""Under which names images of other registries are stored here."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Sequence

from registry.images.reference import BadReference, Reference
from registry.message import Fault, Message

NOT_A_TEMPLATE = Message(
    "{text!r} makes {name!r} of {image}, which is not the name of a repository",
    "Use lower-case letters, digits, . _ - / and the words REPOSITORY, NAME and HOST",
)
"""The template for the names of repositories has unknown capital letters, or characters that no repository can have."""
SAME_NAME = Message(
    "{first} and {second} would both be stored as {name}", "Keep them apart, for example with to=HOST/REPOSITORY"
)
"""Two images of the list have the same name here: one would replace the other."""
NOT_A_PREFIX = Message("{text!r} is not a host", "Use a host, and maybe a path, such as rocks.example.com/cdk")
"""The prefix is for names without a host: it has to begin with one."""
NOT_A_FOLDER = Message("clients cannot use names such as {text!r}", "Use one that ends in /REPOSITORY")
"""Clients can put something before the name of an image of another registry, and change nothing else."""

TEMPLATE = "REPOSITORY"
"""The name in the source, without its host. Names have no capital letters, and Juju would take braces for YAML."""
HUB = "docker.io"
_WORD = re.compile(r"[A-Z]+")


class BadName(Fault):
    """Images cannot be stored as requested."""


@dataclasses.dataclass(frozen=True)
class Copy:
    """One image, where it is and where it goes."""

    image: Reference
    repository: str
    """Where it goes."""

    @property
    def host(self) -> str:
        """The registry that it is in."""
        return _host(self.image)

    @property
    def origin(self) -> str:
        """The repository that it is in."""
        return _origin(self.image)

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags that it gets; without one it is stored under its digest."""
        return (self.image.tag,) if self.image.tag else ()

    @property
    def target(self) -> str:
        """The name that it gets."""
        return str(dataclasses.replace(self.image, host=None, path=self.repository))


def check_prefix(text: str) -> None:
    """Raise BadName unless *text* is empty or can stand in front of names without a host."""
    try:
        if text and not Reference.parse(f"{text.rstrip('/')}/x").host:
            raise BadName(NOT_A_PREFIX(text=text))
    except BadReference as error:
        raise BadName(NOT_A_PREFIX(text=text)) from error


def copies(images: Iterable[Reference], template: str = TEMPLATE) -> tuple[tuple[Copy, ...], ...]:
    """Return what to copy where, grouped by the repository that it goes to. Raises BadName."""
    groups: dict[str, list[Copy]] = {}
    for image in images:
        copy = Copy(image, _name(image, template or TEMPLATE))
        groups.setdefault(copy.repository, []).append(copy)
    for group in groups.values():
        _require_different(group)
    return tuple(map(tuple, groups.values()))


def usual_names(image: Reference) -> frozenset[str]:
    """Return the repositories in which copies of *image* usually are: with its host or without. Raises BadName."""
    return frozenset((image.path, image.name, *(_name(image, template) for template in (TEMPLATE, "HOST/REPOSITORY"))))


def folder(host: str, template: str) -> str:
    """Return what *template* puts before the names of images of *host*. Raises BadName unless that is all it does.

    >>> folder("ghcr.io", "mirror/HOST/REPOSITORY")
    'mirror/ghcr.io'
    """
    beginning, name = template.removesuffix(TEMPLATE), "name/of-image"
    if (
        beginning == template
        or (beginning and not beginning.endswith("/"))
        or {TEMPLATE, "NAME"} & {*_WORD.findall(beginning)}
    ):
        raise BadName(NOT_A_FOLDER(text=template))
    return _name(Reference(host, name, None, None), template).removesuffix(name).rstrip("/")


def _require_different(group: Sequence[Copy]) -> None:
    known: dict[str, Copy] = {}
    for copy in group:
        for tag in copy.tags:
            first = known.setdefault(tag, copy)
            if (first.host, first.origin, first.image.digest) != (copy.host, copy.origin, copy.image.digest):
                name = f"{copy.repository}:{tag}"
                raise BadName(SAME_NAME(first=first.image, second=copy.image, name=name))


def _name(image: Reference, template: str) -> str:
    origin = _origin(image)
    # A repository has no colon, as ports and addresses have.
    host = re.sub(r"[^a-z0-9.-]+", "-", _host(image)).strip("-.")
    values = {"REPOSITORY": origin, "NAME": origin.rpartition("/")[2], "HOST": host}
    name = _WORD.sub(lambda match: values.get(match[0], match[0]), template)
    try:
        # The host makes sure that the first part of the name is not taken for one.
        valid = Reference.parse(f"{HUB}/{name}:x").path == name
    except BadReference:
        valid = False
    if not valid:
        raise BadName(NOT_A_TEMPLATE(text=template, name=name, image=image))
    return name


def _origin(image: Reference) -> str:
    return f"library/{image.path}" if _host(image) == HUB and "/" not in image.path else image.path


def _host(image: Reference) -> str:
    host = (image.host or HUB).lower()
    return HUB if host == f"index.{HUB}" else host
