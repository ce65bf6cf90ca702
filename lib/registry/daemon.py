"""dockerd's settings, /etc/docker/daemon.json: https://docs.docker.com/reference/cli/dockerd/#daemon-configuration-file."""

from __future__ import annotations

import json


class BadSettings(ValueError):
    """daemon.json cannot be read; ``str()`` is a clause for the operator."""


def with_live_restore(text: str) -> str | None:
    """Return daemon.json's *text* with ``live-restore`` on, or None where it is there already, on or off.

    With it the registry goes on serving while dockerd restarts. Raises BadSettings.
    """
    try:
        settings = json.loads(text or "{}")
    except ValueError as error:
        raise BadSettings(f"/etc/docker/daemon.json is not JSON ({error})") from error
    if not isinstance(settings, dict):
        raise BadSettings("/etc/docker/daemon.json is not a JSON object")
    if "live-restore" in settings:
        return None
    return json.dumps({**settings, "live-restore": True}, indent=2) + "\n"
