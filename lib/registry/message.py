"""What operators read in `juju status` and from actions: messages that say what is wrong and what to do.

A message is a constant of the module that knows of the fault, and its docstring says the cause. So the reference of all
messages (docs/reference/status-messages.md) is generated from the code, and mypy refuses a status that is no message.
"""

from __future__ import annotations

import dataclasses
from typing import NewType

Text = NewType("Text", str)
"""One or more sentences made of messages, without the last full stop and without an option's name in front."""


Sentence = NewType("Sentence", str)
"""What the status shows: a text with its subject in front, if it has one, and the last full stop."""


@dataclasses.dataclass(frozen=True)
class Message:
    """A problem and its remedy, both without a full stop, with places for values as `str.format` has them.

    >>> Message("{port} is in use by another program", "Stop it or choose another port")(port=80)
    '80 is in use by another program. Stop it or choose another port'
    """

    problem: str
    remedy: str = ""
    """Empty where the registry recovers automatically, and in messages that only show progress."""

    def __call__(self, **values: object) -> Text:
        """Return the message with these values in it."""
        texts = filter(None, (self.problem, self.remedy))
        return Text(". ".join(texts).format(**values))


class Fault(Exception):
    """Something that an operator can fix; ``text`` says what and how."""

    def __init__(self, text: Text) -> None:
        super().__init__(text)
        self.text = text


def about(subject: str, text: Text) -> Sentence:
    """Return *text* about an option, a relation or another *subject*.

    >>> about("registry-port", Text("0 is not a port. Set 1 to 65535"))
    'registry-port: 0 is not a port. Set 1 to 65535.'
    """
    return Sentence(f"{subject}: {text}.")


def alone(text: Text) -> Sentence:
    """Return *text* as it stands, which names its subject itself."""
    return Sentence(f"{text}.")


def joined(*sentences: Sentence) -> Sentence:
    """Return all *sentences* as one, for what may be long: the failure of an action, the log."""
    return Sentence(" ".join(sentences))


def shortened(first: Sentence, problems: int = 0, warnings: int = 0) -> Sentence:
    """Return the *first* sentence, and how many more *problems* and *warnings* there are.

    >>> shortened(Sentence("registry-port: 0 is not a port."), problems=2, warnings=1)
    'registry-port: 0 is not a port. (2 more problems and 1 more warning: see juju debug-log.)'
    """
    counts = ((problems, "problem"), (warnings, "warning"))
    rest = " and ".join(f"{count} more {noun}{'s' if count > 1 else ''}" for count, noun in counts if count)
    return Sentence(f"{first} ({rest}: see juju debug-log.)") if rest else first
