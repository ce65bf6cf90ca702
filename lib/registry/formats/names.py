"""The names of the containers that exist for a moment only, beside the registry's own."""

from __future__ import annotations

KINDS = ("candidate", "loopback", "next", "previous")
"""The end of the name of each temporary container: the registry's name comes first."""
VERSION = "docker-registry-version"
"""Name of the container that tells the version of an image."""
MAINTENANCE = "docker-registry-maintenance"
"""Name of the container that collects garbage."""


def temporary(name: str, kind: str) -> str:
    """Return the name of the temporary container of this *kind* for the registry called *name*.

    >>> temporary("registry", "next")
    'registry-next'
    """
    assert kind in KINDS
    return f"{name}-{kind}"


def is_temporary(name: str) -> bool:
    """Tell whether a registry must not be called so: the charm uses the name for a temporary container.

    >>> [is_temporary(name) for name in ("registry-next", "next", "docker-registry-version")]
    [True, False, True]
    """
    return name in (VERSION, MAINTENANCE) or any(name.endswith(f"-{kind}") for kind in KINDS)
