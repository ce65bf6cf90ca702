"""The action mirror: images of other registries to this one, with all platforms and dependents."""

from __future__ import annotations

import re
from typing import Any

from charmhelpers.core import hookenv
from charms.layer import basic, content
from registry.images import lists, mirroring
from registry.images.reference import Reference
from registry.machine.files import read_given
from registry.message import Fault, Message, about, alone
from registry.options.checks import repeated_problem

from actions import arguments, origin, progress
from actions.copies import Copies
from actions.outcomes import Outcomes
from actions.push import IS_CACHE
from actions.results import Results, report

NO_LIST = Message("no image is named", "Set images or file, or attach the resource image-list")
"""The action has neither names of images nor a list with them."""
NOT_VARIABLES = Message("{word!r} is not NAME=VALUE", "Use for example arch=amd64, separated by spaces")
"""The values of variables of a list are names and values."""

LIST = "image-list"


class BadVariables(Fault):
    """A text is not a list of variables."""


def mirror(params: dict[str, Any]) -> Results:
    """Copy images of other registries to this one, or show what would be copied."""
    images = _images(params)
    with arguments.of("to"):
        groups = mirroring.copies(images, params["to"])
    access = origin.access(params)
    upstream = content.current().upstream
    if upstream is not None:
        raise basic.ActionFailed(alone(IS_CACHE(upstream=upstream)))
    with content.opened(pushes=not params["dry-run"]) as registry, report(".txt") as text, report(".json") as data:
        outcomes = Outcomes(text, data)
        copies = Copies(groups, registry, access, outcomes)
        with progress.reported(copies.progress):
            results = copies.carry_out(dry_run=params["dry-run"])
    return outcomes.require_all({"dry-run": str(params["dry-run"]).lower(), **results})


def _images(params: dict[str, Any]) -> list[Reference]:
    """Return the images of all the lists. Raises BadArguments, UnreadableError."""
    with arguments.of("variables"):
        variables = _variables(params["variables"])
    with arguments.of("prefix"):
        mirroring.check_prefix(params["prefix"])
    texts = {"images": params["images"]} if params["images"] else {}
    if params["file"]:
        with arguments.of("file"):
            texts["file"] = read_list(params["file"])
    if not texts and (path := hookenv.resource_get(LIST)):
        texts[LIST] = read_list(path)
    if not texts:
        raise basic.ActionFailed(about("images", NO_LIST()))
    images: dict[Reference, None] = {}
    for parameter, text in texts.items():
        with arguments.of(parameter):
            # Names that were given one by one belong to no release.
            release = params["release"] if parameter != "images" else ""
            images |= dict.fromkeys(lists.parse(text, lists.Request(params["prefix"], release, variables)))
    return list(images)


def read_list(path: str) -> str:
    """Return the text at *path*. Raises UnreadableError."""
    return lists.decode(read_given(path, lists.LIMIT))


def _variables(text: str) -> dict[str, str]:
    for word in text.split():
        if not re.match(r"\w+=", word):
            raise BadVariables(NOT_VARIABLES(word=word))
    pairs = [word.partition("=") for word in text.split()]
    if problem := repeated_problem([name for name, _, _ in pairs]):
        raise BadVariables(problem)
    return {name: value for name, _, value in pairs}
