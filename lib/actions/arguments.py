"""Options of the docker command that an operator gave as one string."""

from __future__ import annotations

import shlex

# Options that take their value from the next word: https://docs.docker.com/reference/cli/docker/image/ls/ and .../rm/.
TAKES_VALUE = {
    "images": frozenset({"-f", "--filter", "--format"}),
    "rmi": frozenset({"--platform"}),
}


class BadArguments(ValueError):
    """Words that cannot be handed to docker; ``str()`` is a clause for the operator."""


def split_options(command: str, text: str) -> list[str]:
    """Split *text* as a shell would into options of ``docker <command>``.

    Nothing but options comes of it: a word that docker would take for an image is refused, and so is ``--``.
    Raises BadArguments.

    >>> split_options("images", "--no-trunc --filter 'dangling=true'")
    ['--no-trunc', '--filter', 'dangling=true']
    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise BadArguments(f"options: {text!r} cannot be split ({error})") from error
    value_next = False
    for word in words:
        if not value_next and (not word.startswith("-") or word in ("-", "--")):
            raise BadArguments(f"options: {word!r} is not an option of docker {command}")
        value_next = not value_next and _wants_value(word, TAKES_VALUE[command])
    if value_next:
        raise BadArguments(f"options: {words[-1]!r} needs a value")
    return words


def _wants_value(word: str, takes_value: frozenset[str]) -> bool:
    """Tell whether the option's value is the next word. In ``-qfx`` it is ``x``, as it is for docker."""
    if word.startswith("--"):
        return word in takes_value
    first = next((index for index, letter in enumerate(word) if f"-{letter}" in takes_value), None)
    return first is not None and first == len(word) - 1


def names(parameter: str, text: str) -> list[str]:
    """Split *text* into names of images. Raises BadArguments for what docker would take for an option."""
    words = text.split()
    for word in words:
        if word.startswith("-"):
            raise BadArguments(f"{parameter}: {word!r} is not the name of an image")
    return words
