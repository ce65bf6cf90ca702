"""Another storage for the images, and a registry for this machine only that keeps them there."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator

from charmhelpers.core import hookenv, unitdata
from charms.layer import basic, context, facts, image, juju_secrets, ownership
from registry.client.content import Content
from registry.client.trial import Trial
from registry.deployment.candidate import TRIAL_FOLDER
from registry.message import Message, Text, about, alone
from registry.options import overrides
from registry.options.options import Options
from registry.plan import desired
from registry.release.image import Image
from registry.release.release import Release

NO_STORE = Message("they name no {driver} store", "Name one, for example options='storage-s3-bucket=images'")
"""The target of a move is an object store, and the action's options do not say which."""
SAME_PLACE = Message("The images are there already", "Choose another storage")
"""The target of a move is the storage in use."""

DRIVERS = {"disk": "filesystem", "s3": "s3", "swift": "swift"}
"""What an operator calls a storage, to the name of its driver."""


def release(kind: str, given: str) -> Release:
    """Return the current configuration with the images in a storage of this *kind*, whose options are *given*.

    Raises ActionFailed, BadOverrides, EngineError.
    """
    config = overrides.apply(hookenv.config(), given)
    options, current = Options.from_config(config, juju_secrets.read), context.machine.store.current()
    options = options.with_cas(context.now.options.received_cas)
    used = Image(**unitdata.kv().get(image.IMAGE))
    problems: dict[str, Text] = {**options.problems, **options.storage.unsupported(used.generation)}
    for option, problem in problems.items():
        raise basic.ActionFailed(about(f"options ({option})", problem))
    if options.storage.driver != DRIVERS[kind]:
        raise basic.ActionFailed(about("options", NO_STORE(driver=kind)))
    context.now.docker = context.machine.connect()
    known = ownership.settled(context.now, facts.read(context.now), shared=kind != "disk")
    if current is not None and not current.container.user:  # perhaps its image cannot run as the user
        known = dataclasses.replace(known, user="")
    made = desired.without_marker(desired.release(options, known, used, {}), known)
    if current is not None and (made.place_of_images == current.place_of_images):
        raise basic.ActionFailed(alone(SAME_PLACE()))
    # A second one can run beside it, of the registry that serves: see Candidates.loopback.
    spec = dataclasses.replace(made.container, name=f"{made.container.name}-move")
    return dataclasses.replace(made, container=spec)


@contextlib.contextmanager
def opened(target: Release) -> Iterator[Content]:
    """Connect to a registry of *target* that accepts pushes. Raises SwiftError, NotServing, EngineError, OSError."""
    machine = context.machine
    if target.data_folder:
        machine.folders.ensure(target.data_folder)
    if target.swift:
        machine.ensure_swift_ready(target.swift, target.container.environment, target.trusted_ca)
    if not target.container.user:
        ownership.forget()  # root is about to write
    with (
        context.switch(machine.connect()).loopback(target, deletes=True) as port,
        contextlib.closing(machine.content(f"http://127.0.0.1:{port}", context.own_user(), None)) as content,
    ):
        yield content


@contextlib.contextmanager
def tried(current: Release) -> Iterator[Trial]:
    """Yield what tries the storage of a release, in a folder of its own there, which is removed afterwards.

    Raises NotServing, EngineError, OSError, CollectionFailed.
    """
    machine, own, folder = context.machine, context.own_user(), current.data_folder
    try:
        with context.switch(machine.connect()).trial(current) as port:
            trial = machine.trial(f"http://127.0.0.1:{port}", own)
            try:
                yield trial
            finally:
                trial.delete()
    finally:
        if folder:
            machine.folders.remove(f"{folder}/{TRIAL_FOLDER}")
