"""What is deleted, and when: the options gc-schedule and prune-*."""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from registry.images import retention
from registry.images.retention import Rules
from registry.images.selection import Pattern, Selection, selections
from registry.message import Fault, Message, Text
from registry.options.checks import HALF_A_PAIR, no_effect, repeated_problem, text_problems

NOT_A_RULE = Message("{word!r} is not a rule", "Use keep=N, older-than=30d, not-in-list=PATH and match=GLOB")
"""The policy consists of parameters of the action prune, separated by spaces."""
NOT_A_NUMBER = Message("{value!r} is not a number", "Use keep=N with a number of images")
"""The number of images that stay has to be a whole number."""

BAD_WORD = Message(
    "word {number} is not the name of an image with a tag", "Use REPOSITORY:TAG or REPOSITORY@DIGEST, * and ? allowed"
)
"""Of several words, one is none: it is not shown, because it may be half of a password that was pasted here."""

_RULES = ("keep", "older-than", "not-in-list", "match")


@dataclasses.dataclass(frozen=True)
class Upkeep:
    """The options gc-schedule and prune-*."""

    gc_schedule: str
    """When garbage is collected, in the words of systemd; empty: never."""
    prune_schedule: str
    """When images are pruned, likewise."""
    prune_policy: str
    """What is pruned then: parameters of the action prune."""
    prune_protect: str
    """Images that are never pruned: names with globs."""

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Upkeep:
        """Read the values of config.yaml's options."""
        return cls(*(config[field.name.replace("_", "-")] or "" for field in dataclasses.fields(cls)))

    @property
    def schedules(self) -> dict[str, tuple[str, str]]:
        """Action to the option with its schedule, and the schedule; without those that are wrong or empty."""
        named = {"garbage-collect": "gc-schedule", "prune": "prune-schedule"}
        texts = {"gc-schedule": self.gc_schedule, "prune-schedule": self.prune_schedule}
        wrong = {option for option, text in self.problems().items() if text}
        wrong |= {"prune-schedule"} if wrong & {"prune-policy", "prune-protect"} else set()
        return {
            name: (option, texts[option]) for name, option in named.items() if texts[option] and option not in wrong
        }

    def requests(self, name: str) -> bool:
        """Tell whether there is a schedule for the action *name*, be it wrong or not."""
        return bool({"garbage-collect": self.gc_schedule, "prune": self.prune_schedule}[name])

    @property
    def protected(self) -> Sequence[Selection]:
        """The images that are never pruned. Raises BadSelection."""
        return selections(self.prune_protect) if self.prune_protect else ()

    @property
    def policy(self) -> dict[str, Any]:
        """The parameters of the action prune for the scheduled run. Raises Fault."""
        params: dict[str, Any] = {"keep": -1, "older-than": "", "not-in-list": "", "match": "", "except": ""}
        words = [word.partition("=") for word in self.prune_policy.split()]
        for name, equals, value in words:
            if name not in _RULES or not equals:
                raise retention.BadRule(NOT_A_RULE(word=name + equals + value))
            if name == "keep" and not re.fullmatch("[0-9]{1,9}", value, re.ASCII):
                raise retention.BadRule(NOT_A_NUMBER(value=value))
            params[name] = int(value) if name == "keep" else value
        if problem := repeated_problem([name for name, _, _ in words]):
            raise retention.BadRule(problem)
        older_than = retention.age(params["older-than"]) if params["older-than"] else None
        Pattern.parse(params["match"])
        Rules(
            params["keep"] if params["keep"] >= 0 else None, older_than, frozenset() if params["not-in-list"] else None
        )
        return {**params, "dry-run": False}

    def problems(self) -> dict[str, Text | None]:
        """Return what is wrong with each option, or None."""
        schedules = {"gc-schedule": self.gc_schedule, "prune-schedule": self.prune_schedule}
        return {
            **text_problems(schedules),
            "prune-policy": self._policy_problem(),
            "prune-protect": self._protect_problem(),
        }

    def _policy_problem(self) -> Text | None:
        if not self.prune_policy:
            return HALF_A_PAIR(other="prune-schedule") if self.prune_schedule else None
        return _problem(lambda: self.policy)

    def _protect_problem(self) -> Text | None:
        words = self.prune_protect.split()
        if len(words) < 2:
            return _problem(lambda: self.protected)
        found = (number for number, word in enumerate(words, 1) if _problem(functools.partial(selections, word)))
        return next((BAD_WORD(number=number) for number in found), None)

    def unused(self, *, is_cache: bool) -> dict[str, Text]:
        """Return what is set without effect, by options: a cache removes expired images itself."""
        set_ = [name for name in ("gc-schedule", "prune-schedule") if getattr(self, name.replace("-", "_"))]
        policy = ["prune-policy"] if self.prune_policy and not self.prune_schedule else []
        return {
            **no_effect(set_ if is_cache else [], "cache-remoteurl", "set"),
            **no_effect(policy, "prune-schedule"),
        }


def _problem(read: Callable[[], object]) -> Text | None:
    try:
        read()
    except Fault as error:
        return error.text
    return None
