"""Juju secrets, which an operator adds with `juju add-secret` and grants to the application."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping

from charmhelpers.core import hookenv
from registry.message import Message
from registry.options.secrets import SecretError

NO_SECRETS = Message("this version of Juju has no secrets", "Set the value itself")
"""The value is the URI of a secret, and the Juju of this unit is older than 3.0. Your own secrets need 3.3."""
NOT_GRANTED = Message("{uri} cannot be read ({error})", "Run `juju grant-secret {uri} {app}`")
"""The Juju secret was not granted to the application, or does not exist."""
NOT_GRANTED_BY_PROVIDER = Message("{uri} cannot be read ({error})", "Check {provider}, or relate it again")
"""The related application has not granted its Juju secret to this application, or has removed it."""


LONGEST = 100
"""Characters of a URI that the status shows."""


def read(uri: str, provider: str = "") -> Mapping[str, str]:
    """Return the content of the latest revision of the secret *uri*. Raises SecretError.

    *provider* is the application that owns it, where it is not an operator's.

    https://documentation.ubuntu.com/juju/3.6/reference/hook-command/list-of-hook-commands/secret-get/
    """
    try:
        # The URI is no secret, and the content is returned by a pipe.
        done = subprocess.run(
            ["secret-get", uri, "--refresh", "--format=json"], capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        raise SecretError(NO_SECRETS()) from None
    except (OSError, ValueError):  # longer than an argument can be, or with characters that none can have
        done = subprocess.CompletedProcess([], 1, "", "no URI of a secret")
    content = _content(done.stdout)
    if done.returncode != 0 or content is None:
        error = " ".join(done.stderr.split()).removeprefix("ERROR ").rstrip(".") or "no reason given"
        uri = uri if len(uri) <= LONGEST else f"{uri[:LONGEST]}..."
        app, message = hookenv.application_name(), NOT_GRANTED_BY_PROVIDER if provider else NOT_GRANTED
        raise SecretError(message(uri=uri, error=error, app=app, provider=provider))
    return content


def _content(text: str) -> Mapping[str, str] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return {str(key): str(one) for key, one in value.items()} if isinstance(value, dict) else None
