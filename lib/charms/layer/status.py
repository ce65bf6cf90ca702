"""The workload status, gathered from all that have something to say: the worst state wins.

It is written once, at the end of a successful hook or action. Only progress is shown at once.
"""

from __future__ import annotations

from charmhelpers.core import hookenv
from charms.layer import journal

WORST_FIRST = ("blocked", "waiting", "active")

_sentences: dict[str, list[str]] = {}


def blocked(sentence: str) -> None:
    """Nothing goes on until the operator does what the sentence says."""
    _add("blocked", sentence)


def waiting(sentence: str) -> None:
    """Nothing goes on until something else has happened, which the sentence names."""
    _add("waiting", sentence)


def active(sentence: str) -> None:
    """The application serves."""
    _add("active", sentence)


def maintenance(sentence: str) -> None:
    """Show progress now. It stays only if nothing else is said until the end."""
    journal.write()
    hookenv.status_set("maintenance", sentence)


def worst() -> tuple[str, str]:
    """Return the worst state so far and its sentences, joined; two empty texts if nobody said anything."""
    state = next((state for state in WORST_FIRST if state in _sentences), "")
    return state, " ".join(_sentences.get(state, ()))


def write() -> None:
    """Write the worst state with one status-set; nothing if nobody said anything."""
    state, message = worst()
    if state:
        hookenv.status_set(state, message)
    _sentences.clear()


def _add(state: str, sentence: str) -> None:
    sentences = _sentences.setdefault(state, [])
    if sentence not in sentences:
        sentences.append(sentence)
