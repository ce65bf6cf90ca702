"""Stands in for setuptools' pkg_resources, whose import costs 0.2 s in each hook.

charms.reactive asks it for plug-ins that other packages may bring. The charm carries all its packages, and
none of them brings any.
"""

from __future__ import annotations

from collections.abc import Iterator


def iter_entry_points(group: str) -> Iterator[object]:
    """Yield the plug-ins of a group: none."""
    yield from ()
