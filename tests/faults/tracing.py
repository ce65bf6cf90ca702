"""A charm whose hooks and actions run under strace where a test says so: its system calls are listed, or end it.

The charm that is deployed is the built one with a door before each program. The points at which a test kills are those
that a first, whole run has made; strace counts them and sends the signal before the system call has done anything.
"""

from __future__ import annotations

import pathlib
import re
import zipfile
from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from unit import Unit

CALLS = (
    *("rename", "unlink", "unlinkat", "mkdir", "symlink", "link", "chmod", "fchmod", "chown", "fchown"),
    *("ftruncate", "fsync", "fdatasync", "write", "pwrite64", "sendto", "vfork", "clone3"),
)
"""What changes something: files and their names, requests to Docker and registries, programs, hook tools too."""
OPTIONS, ORDERS = "/run/strace", "orders"
"""Where a program finds how it is traced: on the machine, and for its first hooks in the charm."""
TRACE = "/var/tmp/trace"
DOOR = f"""#!/bin/sh
name=${{0##*/}} real=${{0%/*}}-real/${{0##*/}}
for order in {OPTIONS}/$name ${{0%/*/*}}/{ORDERS}/$name; do
    [ -e $order ] || continue
    options=$(cat $order)
    rm $order
    exec strace -qq -y -s 80 -o {TRACE}-$name $options "$real" "$@"
done
exec "$real" "$@"
"""
"""Each order is for one run: what is started again goes through."""


def with_doors(
    charm: pathlib.Path, target: pathlib.Path, orders: Mapping[str, str] = MappingProxyType({}), **defaults: str
) -> pathlib.Path:
    """Write the charm with a door before each program, with *orders* for some, and other *defaults* of options."""
    with zipfile.ZipFile(charm) as origin, zipfile.ZipFile(target, "w") as copy:
        for entry in origin.infolist():
            data, (kind, _, name) = origin.read(entry), entry.filename.partition("/")
            if kind in ("hooks", "actions") and name:
                moved = zipfile.ZipInfo(f"{kind}-real/{name}", entry.date_time)
                moved.external_attr, moved.create_system = entry.external_attr, entry.create_system
                copy.writestr(moved, data)
                if "." not in name:
                    door = zipfile.ZipInfo(entry.filename, entry.date_time)
                    door.external_attr = 0o100755 << 16
                    copy.writestr(door, DOOR)
                    continue
            if entry.filename == "config.yaml":
                config = yaml.safe_load(data)
                for option, default in defaults.items():
                    config["options"][option.replace("_", "-")]["default"] = default
                data = yaml.safe_dump(config).encode()
            copy.writestr(entry, data)
        for program, options in orders.items():
            copy.writestr(f"{ORDERS}/{program}", options)
    return target


Point = tuple[str, int]
"""A system call, and the number of its occurrence in the thread that makes it."""


def points(trace: str) -> list[Point]:
    """Return the points of a trace in their order.

    None are calls that have failed, what is read by HTTP, all of a body but its begin, compiled modules, and what is
    printed.
    """
    counts: Counter[tuple[str, str]] = Counter()
    found = []
    for thread, call, rest in re.findall(r"^(?:(\d+) +)?(\w+)\((.*)", trace, re.MULTILINE):
        counts[thread, call] += 1
        is_nothing = (
            re.search(r" = -1 E\w+ ", rest)
            or (call == "sendto" and not re.match(r'\d+<[^>]*>, "(POST|PUT|PATCH|DELETE) ', rest))
            or "__pycache__" in rest
            or (call == "write" and re.match("[012]<", rest))
        )
        if not is_nothing:
            found.append((call, counts[thread, call]))
    return list(dict.fromkeys(found))


def spread(items: list[Point]) -> list[Point]:
    """Return the items in an order whose every beginning is spread over all of them."""
    width = max(1, len(items).bit_length())
    order = [int(f"{number:0{width}b}"[::-1], 2) for number in range(1 << width)]
    return [items[number] for number in order if number < len(items)]


def traced(*, threads: bool) -> str:
    """Return strace's options that list the system calls."""
    return f"{'-f ' * threads}-e trace={','.join(CALLS)}"


def killed(point: Point, *, threads: bool) -> str:
    """Return strace's options that kill at the point."""
    call, number = point
    return f"{'-f ' * threads}-e trace={call} -e inject={call}:signal=KILL:when={number}"


def arm(unit: Unit, program: str, options: str) -> None:
    """Have the next run of a hook or an action traced so."""
    unit.exec(f"mkdir -p {OPTIONS} && echo {options} >{OPTIONS}/{program}")


def disarm(unit: Unit, program: str) -> None:
    """Take the order back if it was not carried out."""
    unit.exec(f"rm -f {OPTIONS}/{program}")


def read(unit: Unit, program: str) -> str:
    """Return the last trace of a program."""
    return unit.exec(f"cat {TRACE}-{program}")
