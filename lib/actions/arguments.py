"""Options of the docker command that an operator gave as one string."""

from __future__ import annotations

import contextlib
import pathlib
import shlex
from collections.abc import Iterator

from registry.formats import addresses
from registry.message import Fault, Message, Text

# Options that take their value from the next word: https://docs.docker.com/reference/cli/docker/image/ls/ and .../rm/.
TAKES_VALUE = {
    "images": frozenset({"-f", "--filter", "--format"}),
    "rmi": frozenset({"--platform"}),
}

UNBALANCED = Message("{text!r} cannot be split into words ({error})", "Fix its quotes")
"""A quote or a backslash of the parameter has no end."""

NOT_AN_OPTION = Message("{word!r} is not an option of docker {command}", "Give options only")
"""The parameter contains a word that docker would take for an image."""

NO_VALUE = Message("{word!r} needs a value", "Give one")
"""The last option of the parameter needs a value after it."""

NO_FILE = Message("{file!r} is not a file on the unit", "Copy it there, and use its whole path")
"""The path is not absolute, or there is no file."""

NOT_AN_IMAGE = Message("{word!r} is not the name of an image", "Give names only, separated by spaces")
"""The parameter contains a word that docker would take for an option."""
IS_URL = Message("{text} is a URL", "Give the host only, for example ghcr.io")
"""Registries are named by hosts: what stands before the first slash of an image's name."""


class NoFile(Fault):
    """A parameter does not name a file on the unit."""


class BadArguments(Fault):
    """The words of an action's *parameter* cannot be passed to docker."""

    def __init__(self, parameter: str, text: Text) -> None:
        super().__init__(text)
        self.parameter = parameter


@contextlib.contextmanager
def of(parameter: str) -> Iterator[None]:
    """Turn a fault in the body into BadArguments about *parameter*."""
    try:
        yield
    except Fault as error:
        raise BadArguments(parameter, error.text) from error


def path(text: str) -> pathlib.Path:
    """Return the path of a file on the unit. Raises NoFile."""
    found = pathlib.Path(text)
    if not found.is_absolute() or not found.is_file():
        raise NoFile(NO_FILE(file=text))
    return found


def require_host(parameter: str, host: str) -> None:
    """Raise BadArguments unless *host*, of a list of them, is ``host[:port]``."""
    if problem := IS_URL(text=host) if "://" in host else addresses.netloc_problem(host):
        raise BadArguments(parameter, problem)


def split_options(command: str, text: str) -> list[str]:
    """Split *text* as a shell would into options of ``docker <command>``.

    The result is options only: a word that docker would take for an image is refused, and so is ``--``.
    Raises BadArguments.

    >>> split_options("images", "--no-trunc --filter 'dangling=true'")
    ['--no-trunc', '--filter', 'dangling=true']
    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise BadArguments("options", UNBALANCED(text=text, error=error)) from error
    value_next = False
    for word in words:
        if not value_next and (not word.startswith("-") or word in ("-", "--")):
            raise BadArguments("options", NOT_AN_OPTION(word=word, command=command))
        value_next = not value_next and _needs_value(word, TAKES_VALUE[command])
    if value_next:
        raise BadArguments("options", NO_VALUE(word=words[-1]))
    return words


def _needs_value(word: str, takes_value: frozenset[str]) -> bool:
    """Tell whether the option's value is the next word. In ``-qfx`` it is ``x``, as it is for docker."""
    if word.startswith("--"):
        return word in takes_value
    first = next((index for index, letter in enumerate(word) if f"-{letter}" in takes_value), None)
    return first is not None and first == len(word) - 1


def names(parameter: str, text: str) -> list[str]:
    """Split *text* into names of images. Raises BadArguments for words that docker would take for options."""
    words = text.split()
    for word in words:
        if word.startswith("-"):
            raise BadArguments(parameter, NOT_AN_IMAGE(word=word))
    return words
