"""dockerd's settings, /etc/docker/daemon.json: https://docs.docker.com/reference/cli/dockerd/#daemon-configuration-file."""

from __future__ import annotations

import json
from typing import Any


class BadSettings(ValueError):
    """daemon.json cannot be read; ``str()`` is a clause for the operator."""


def live_restore(text: str) -> Any:
    """Return what daemon.json's *text* says of ``live-restore``, None where it says nothing. Raises BadSettings."""
    return _settings(text).get("live-restore")


def with_live_restore(text: str) -> str:
    """Return daemon.json's *text* with ``live-restore`` on. Raises BadSettings.

    With it the registry goes on serving while dockerd restarts.
    """
    return json.dumps({**_settings(text), "live-restore": True}, indent=2) + "\n"


def _settings(text: str) -> dict[str, Any]:
    try:
        settings = json.loads(text.strip() or "{}")
    except (ValueError, RecursionError) as error:
        raise BadSettings(f"/etc/docker/daemon.json is not JSON ({error})") from error
    if not isinstance(settings, dict):
        raise BadSettings("/etc/docker/daemon.json is not a JSON object")
    return settings
