"""The docker command of this host."""

from __future__ import annotations

import subprocess

from localjuju import JujuError


def docker(*args: str) -> str:
    """What `docker <args>` prints, stripped; JujuError with what it says when it fails."""
    try:
        done = subprocess.run(["docker", *args], capture_output=True, text=True)
    except FileNotFoundError:
        raise JujuError(
            "Docker is not installed on this host: install it (on Debian and Ubuntu: "
            "apt-get install docker.io) and try again"
        ) from None
    if done.returncode:
        raise JujuError(f"docker {args[0]}: {done.stderr.strip() or f'exit {done.returncode}'}")
    return done.stdout.strip()


def docker_or_none(*args: str) -> str | None:
    """As `docker`, None when it fails because what is asked about is not there."""
    try:
        return docker(*args)
    except JujuError as error:
        if "No such" in str(error) or "not found" in str(error):
            return None
        raise


def running(form: str = "{{.ServerVersion}}") -> str:
    """A fact of `docker info`; JujuError when the daemon does not answer."""
    try:
        return docker("info", "-f", form)
    except JujuError as error:
        raise JujuError(f"the Docker daemon of this host does not answer: {error}") from error
