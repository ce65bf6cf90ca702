#!/usr/bin/python3 -IS
"""The charm's actions, a function each; Juju calls this file through a link of the action's name.

A function takes the action's parameters and returns its results. What an operator can mend is raised as
ActionFailed, with a sentence.
"""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
from collections.abc import Callable
from typing import Any

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))

from charms.layer import basic

basic.activate()

from charmhelpers.core import hookenv, unitdata
from charms import reactive
from charms.layer import docker_registry, docker_runtime
from registry.client.http import ApiError
from registry.deployment.health import NotServing
from registry.formats import addresses
from registry.images import reference
from registry.machine import apt, engine

from actions import arguments as cli

Results = dict[str, str]

OUTPUT_LIMIT = 64 * 1024
"""Bytes of a result, or of a failure, that an action returns; Juju's tools take no more than 128 KiB."""


def clean_containers(params: dict[str, Any]) -> Results:
    """Remove the exited containers of the machine but the registry's own."""
    docker = docker_registry.machine.connect()
    exited = {name: docker.inspect(name) for name in docker.exited()}
    names = [name for name, container in exited.items() if container is None or not container.is_ours]
    for name in names:
        docker.remove(name, ours=False)
    return {"output": "".join(f"{name}\n" for name in names)}


def clean_images(params: dict[str, Any]) -> Results:
    """Remove the images without a name that no container uses."""
    gone, freed = docker_registry.machine.connect().prune_images()
    return {"output": "".join(f"{image_id}\n" for image_id in gone), "freed-bytes": str(freed)}


def images(params: dict[str, Any]) -> Results:
    """Run `docker images` on the machine."""
    words = cli.split_options("images", params["options"])
    return {"output": _docker("images", *words, "--", *cli.names("repository", params["repository"]))}


def rmi(params: dict[str, Any]) -> Results:
    """Run `docker rmi` on the machine."""
    names = cli.names("image", params["image"])
    if not names:
        raise basic.ActionFailed("image: name the images to remove, separated by spaces.")
    return {"output": _docker("rmi", *cli.split_options("rmi", params["options"]), "--", *names)}


def push(params: dict[str, Any]) -> Results:
    """Tag an image and push it, to this registry or to the one that the tag names."""
    docker = docker_registry.machine.connect()
    source = reference.Reference.parse(params["image"])
    wanted = docker_registry.asked_for()
    wrong = wanted.problems.get("http-host")
    if wrong:
        raise basic.ActionFailed(f"http-host: {wrong}.")
    release = docker_registry.machine.store.current()
    port = release.port if release else wanted.registry_port
    here = [*docker_registry.proxies(), hookenv.unit_private_ip()]
    target = _target(source, params["tag"], addresses.netloc(wanted.http_host, here[0], port))
    own = target.host in addresses.own_netlocs(wanted.http_host, here, port)
    if own and reactive.is_flag_set(docker_registry.STOPPED):
        raise basic.ActionFailed("The registry is stopped; run the action start first.")
    if own and release is not None and release.is_read_only:
        raise basic.ActionFailed("The registry takes no pushes: storage-read-only is on.")
    if own and release is not None and release.upstream is not None:
        raise basic.ActionFailed(f"The registry takes no pushes: it is a cache of {release.upstream}.")
    if params["pull"]:
        docker.pull(str(source))
    elif docker.image_id(str(source)) is None:
        raise basic.ActionFailed(f"{source} is not on the machine; run push with pull=true, or `docker load` it there.")
    docker.tag(str(source), str(target))
    if own and release is not None and (release.authentication == "token" or release.asks_for_certificates):
        with docker_registry.switcher(docker).loopback(release) as port:
            _push_to_own(docker, target, port)
    elif own:
        _push_to_own(docker, target, port)
    else:
        docker.push(str(target))
    return {"outcome": "success", "raw": f"pushed {target}"}


def _target(source: reference.Reference, tag: str, netloc: str) -> reference.Reference:
    """Return what to push *source* as. A *tag* without a host means this registry, like none at all."""
    name = (
        reference.Reference.parse(tag) if tag else reference.Reference(None, source.path, source.tag or "latest", None)
    )
    if name.digest:
        raise reference.BadReference(f"tag: {tag!r} has a digest; an image is pushed under a tag")
    return reference.Reference(name.host or netloc, name.path, name.tag, None)


def _push_to_own(docker: engine.Engine, target: reference.Reference, port: int) -> None:
    """Push to this unit by its loopback address, which Docker trusts with TLS and without."""
    local = str(reference.Reference(f"127.0.0.1:{port}", target.path, target.tag, None))
    known = docker.image_id(local)
    docker.tag(str(target), local)
    try:
        docker.push(local, docker_registry.own_user())
    finally:
        if known is None and local != str(target):
            docker.untag(local)


def start(params: dict[str, Any]) -> Results:
    """Start the registry, or a container that the action's name names."""
    name, docker = params["name"], docker_registry.machine.connect()
    if name and name not in _own_names(docker):
        _require(docker, name)
        docker.start(name)
        return {}
    reactive.clear_flag(docker_registry.STOPPED)
    reactive.set_flag(docker_registry.ON_DISK)
    _, message = docker_registry.converge()
    reactive.clear_flag(docker_registry.ON_DISK)
    if not _serves():
        raise basic.ActionFailed(message)
    return {"message": message}


def stop(params: dict[str, Any]) -> Results:
    """Stop the registry until the action start, or stop a container that the action's name names."""
    name, docker = params["name"], docker_registry.machine.connect()
    if name and name not in _own_names(docker):
        _require(docker, name)
        docker.stop(name)
        if params["remove"]:
            docker.remove(name, ours=False)
        return {}
    reactive.set_flag(docker_registry.STOPPED)
    # Kept before anything is done: a registry that is stopped only halfway must not come back by itself.
    unitdata.kv().flush()
    docker_registry.converge()
    # Whatever else kept the charm from it: this was asked for, and its failure is Docker's own words.
    for own in _own_names(docker):
        container = docker.inspect(own)
        if container is not None and container.is_started:
            docker.stop(own)
        if container is not None and params["remove"]:
            docker.remove(own, ours=container.is_ours)
    return {}


def upgrade_docker(params: dict[str, Any]) -> Results:
    """Upgrade Docker's packages, or replace them by those asked for; the registry serves on, by live-restore."""
    wanted = docker_registry.asked_for().runtime
    wrong = [f"{option}: {clause}." for option, clause in wanted.origin_problems().items() if clause]
    if wrong:
        raise basic.ActionFailed(" ".join(wrong))
    output = docker_registry.machine.docker_packages.upgrade(wanted)
    docker_runtime.forget_refusals(docker_registry.machine)
    _, message = docker_registry.converge()
    shall_serve = docker_registry.machine.store.current() and not reactive.is_flag_set(docker_registry.STOPPED)
    if shall_serve and not _serves():
        raise basic.ActionFailed(f"Docker is upgraded, but: {message}")
    return {"output": output, "message": message}


def _own_names(docker: engine.Engine) -> set[str]:
    """Return the name of the registry's container; none where nothing is in force and a stranger has the name."""
    release = docker_registry.machine.store.current()
    name = release.container.name if release else hookenv.config("registry-name")
    container = docker.inspect(name)
    free = release or container is None or container.is_ours or container.is_predecessors
    return {name} if free else set()


def _serves() -> bool:
    """Tell whether the release in force runs and answers, whatever the status has to say beside. Raises EngineError."""
    release = docker_registry.machine.store.current()
    if release is None:
        return False
    container = docker_registry.machine.connect().inspect(release.container.name)
    if container is None or not container.is_running:
        return False
    try:
        docker_registry.client(release).check_alive()
    except ApiError:
        return False
    return True


def _require(docker: engine.Engine, name: str) -> None:
    if docker.inspect(name) is None:
        raise basic.ActionFailed(f"name: there is no container {name!r} on the machine.")


def _docker(*arguments: str) -> str:
    """Run the docker command and return what it printed."""
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, errors="replace", check=False)
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or [f"docker {arguments[0]} failed ({done.returncode})"]
        raise basic.ActionFailed(docker_registry.sentence("; ".join(lines).rstrip(".")))
    return done.stdout


def _cut(output: str) -> str:
    """Return *output*, or so much of it as Juju takes and where the whole is."""
    data = output.encode(errors="replace")
    if len(data) <= OUTPUT_LIMIT:
        return output
    try:
        file = docker_registry.machine.records.save_output(f"{os.environ['JUJU_ACTION_UUID']}.txt", output)
        rest = f"all {len(data)} bytes are in {file}"
    except OSError as error:
        rest = f"all {len(data)} bytes cannot be kept: {error}"
    return data[:OUTPUT_LIMIT].decode(errors="ignore") + f"\n... cut; {rest}\n"


def _told(action: Callable[[dict[str, Any]], Results]) -> Callable[[dict[str, Any]], Results]:
    """Turn the failures that an operator can mend into those of the action, and cut what is too long for Juju."""

    def run(params: dict[str, Any]) -> Results:
        try:
            return {name: _cut(result) for name, result in action(params).items()}
        except basic.ActionFailed as failure:
            raise basic.ActionFailed(_cut(str(failure)).rstrip()) from failure
        except (
            engine.EngineError,
            apt.PackageError,
            NotServing,
            cli.BadArguments,
            reference.BadReference,
            OSError,
        ) as error:
            raise basic.ActionFailed(_cut(docker_registry.sentence(error)).rstrip()) from error

    return run


ACTIONS = {
    "clean-containers": clean_containers,
    "clean-images": clean_images,
    "images": images,
    "push": push,
    "rmi": rmi,
    "start": start,
    "stop": stop,
    "upgrade-docker": upgrade_docker,
}

if __name__ == "__main__":
    basic.run_action({name: _told(action) for name, action in ACTIONS.items()})
