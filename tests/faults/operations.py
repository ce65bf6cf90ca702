"""Random operations as values: made from a seed, carried out on a unit by `test_flapping`, and shortened."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

Operation = tuple[str, Any]
"""What is done, and with what: as JSON has it, so that a list of them can be printed and carried out again."""

VALUES: dict[str, tuple[Any, ...]] = {
    "log-level": ("debug", "warn", "error"),
    "log-format": ("text",),
    "registry-port": (5002, 5003),
    "registry-name": ("images", "registry2"),
    "http-host": ("http://registry.example.com:5000",),
    "drain-timeout": (1, 5),
    "storage-delete": (False, True),
    "storage-read-only": (True,),
    "auth-basic-password": ("hush", "quiet"),
    "auth-basic-users": ("reader: quiet", "reader: other"),
    "container-memory-limit": ("512m", "1g"),
    "prometheus-metrics": (True,),
    "gc-schedule": ("Sun 03:00", "daily"),
    "tls-minimum-version": ("tls1.3",),
    "website-check-interval": (900,),
    "daemon-opts": ('{"log-driver": "json-file"}',),
}
"""Values that a registry serves with, also together; none of them is a default."""
WRONG: dict[str, tuple[Any, ...]] = {
    "log-level": ("loud",),
    "registry-port": (70000,),
    "registry-name": ("a b",),
    "container-memory-limit": ("1k", "much"),
    "gc-schedule": ("soon",),
    "daemon-opts": ("{",),
}
"""Values that are refused."""
KINDS = {"config": 10, "reset": 4, "wrong": 2, "relate": 2, "part": 2, "action": 3, "damage": 3, "kill": 3, "leader": 1}
"""What is done, and how often among others."""
ACTIONS = ("stop", "start", "garbage-collect", "catalog", "drain", "resume")
DAMAGE = (
    "docker kill $(docker ps -q)",
    "docker rm -f $(docker ps -aq)",
    "docker pause $(docker ps -q)",
    "rm -rf /etc/docker/registry/applied/*",
    "rm -rf /var/lib/docker-registry/*",
    "rm -f /var/lib/juju/agents/unit-*/charm/.unit-state.db",
    "systemctl kill -s KILL docker",
)
CALLS = ("vfork", "sendto", "write", "rename", "fsync")
"""System calls at which a hook is killed."""


def generate(seed: int, count: int) -> list[Operation]:
    """Return *count* operations, the same for the same seed; a longer list begins with the shorter one."""
    chance = random.Random(seed)
    return [_operation(chance) for _ in range(count)]


def _operation(chance: random.Random) -> Operation:
    (kind,) = chance.choices(list(KINDS), list(KINDS.values()))
    if kind in ("config", "reset", "kill"):
        names = chance.sample(sorted(VALUES), chance.randint(1, 4))
        some = {name: chance.choice(VALUES[name]) for name in names}
        if kind == "kill":
            return kind, {"config": some, "point": [chance.choice(CALLS), chance.randint(1, 60)]}
        return kind, some if kind == "config" else names
    if kind == "wrong":
        name = chance.choice(sorted(WRONG))
        return "config", {name: chance.choice(WRONG[name])}
    among = {"action": ACTIONS, "damage": DAMAGE}.get(kind)
    return kind, chance.choice(among) if among else None


def shorten(
    items: Sequence[Operation], fails: Callable[[list[Operation]], bool], more: Callable[[], bool]
) -> list[Operation]:
    """Return a part of *items*, in their order, that fails too; *fails* is called while there is time for *more*.

    Delta debugging: leave out halves, then quarters and so on, and begin again with what is left.
    """
    left, parts = list(items), 2
    while len(left) > 1 and more():
        size = -(-len(left) // parts)
        for begin in range(0, len(left), size):
            without = left[:begin] + left[begin + size :]
            if fails(without):
                left, parts = without, max(parts - 1, 2)
                break
            if not more():
                break
        else:
            if size == 1:
                break
            parts = min(len(left), parts * 2)
    return left
