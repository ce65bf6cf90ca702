"""Actions on the machine's Docker: its containers and images, not those in the registry."""

from __future__ import annotations

import subprocess
from typing import Any

from charms.layer import basic, context
from registry.message import Message, about, alone

from actions import arguments
from actions.results import Results

NO_IMAGES = Message("no image is named", "Name the images to remove, separated by spaces")
"""The parameter image is empty."""

COMMAND_FAILED = Message("docker {command} failed: {error}", "Fix it and run the action again")
"""The docker command ended with an error, in its own words."""


def clean_containers(params: dict[str, Any]) -> Results:
    """Remove the exited containers of the machine, except the registry's own."""
    docker = context.machine.connect()
    exited = {name: docker.inspect(name) for name in docker.exited()}
    names = [name for name, container in exited.items() if container is None or not container.is_ours]
    for name in names:
        docker.remove_ended(name)
    return {"output": "".join(f"{name}\n" for name in names)}


def clean_images(params: dict[str, Any]) -> Results:
    """Remove the images without a name that no container uses."""
    gone, freed = context.machine.connect().prune_images()
    return {"output": "".join(f"{image_id}\n" for image_id in gone), "freed-bytes": str(freed)}


def images(params: dict[str, Any]) -> Results:
    """Run `docker images` on the machine."""
    words = arguments.split_options("images", params["options"])
    return {"output": _docker("images", *words, "--", *arguments.names("repository", params["repository"]))}


def rmi(params: dict[str, Any]) -> Results:
    """Run `docker rmi` on the machine."""
    names = arguments.names("image", params["image"])
    if not names:
        raise basic.ActionFailed(about("image", NO_IMAGES()))
    return {"output": _docker("rmi", *arguments.split_options("rmi", params["options"]), "--", *names)}


def _docker(*words: str) -> str:
    """Run the docker command and return what it printed."""
    done = subprocess.run(["docker", *words], capture_output=True, text=True, errors="replace", check=False)
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        raise basic.ActionFailed(alone(COMMAND_FAILED(command=words[0], error="; ".join(lines).rstrip("."))))
    return done.stdout
