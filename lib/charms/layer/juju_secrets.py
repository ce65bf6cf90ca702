"""Juju's secrets, as an operator makes them with `juju add-secret` and grants them to the application."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping

from charmhelpers.core import hookenv
from registry.options.secrets import SecretError


def read(uri: str, owner: str = "") -> Mapping[str, str]:
    """Return what is in the newest revision of the secret *uri*. Raises SecretError.

    *owner* is the application that made it, where that is no operator.

    https://documentation.ubuntu.com/juju/3.6/reference/hook-command/list-of-hook-commands/secret-get/
    """
    try:
        # The ID is no secret, and what is in it comes back by a pipe.
        done = subprocess.run(
            ["secret-get", uri, "--refresh", "--format=json"], capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        raise SecretError("this Juju has no secrets; give the value itself") from None
    if done.returncode != 0:
        words = " ".join(done.stderr.split()).removeprefix("ERROR ").rstrip(".") or "without a reason"
        app = hookenv.application_name()
        remedy = f"{owner} has to grant it to {app}" if owner else f"`juju grant-secret` lets {app} read it"
        raise SecretError(f"{uri} cannot be read ({words}); {remedy}")
    return {str(key): str(value) for key, value in json.loads(done.stdout).items()}
