"""Attempts to deploy a release. What did not serve is not tried again in every hook: it may cost service each time.

It is tried again when anything in the release changes, by the action `start`, after a reboot, and, if the attempt cost
no service, from time to time, and as soon as the current registry reaches its storage again: the fault may be
elsewhere, for example in the object store. What was killed is tried again in the next hook, and after that from time to
time.
"""

from __future__ import annotations

import contextlib
import re
import time

from charmhelpers.core import hookenv
from charms.layer import context, juju_storage, ownership, serving
from charms.layer.context import Now
from registry.client.http import ApiError
from registry.client.openstack import SwiftError
from registry.deployment.health import NOT_STARTED, NotServing, NotTried
from registry.deployment.vacancy import Occupied
from registry.machine.engine import EngineError
from registry.message import Message, Sentence, about, alone, joined
from registry.options import limits
from registry.plan import disk
from registry.release.release import Release

RECORD = "refused"
"""Name of the record on the machine: what was refused and why, when it was tried last, how often, and how it failed."""
PERMISSION = re.compile("permission denied|operation not permitted", re.IGNORECASE)
"""What the registry, or Docker, says where the user may not do what root may."""
FIRST_SECONDS, LONGEST_SECONDS = 60, 1800
"""Time until the next attempt, doubled after each."""

NOT_REPEATED = Message("Not tried again, because that interrupts service", "After a fix, run `juju run {unit} start`")
"""The registry had to be stopped to try the configuration, which then did not work. The previous one was restored."""


def deploy(now: Now, release: Release) -> None:
    """Deploy *release*, unless it was refused before: then the current one is kept running.

    Raises EngineError, OSError.
    """
    current = context.machine.store.current()
    is_current = current is not None and current.digest == release.digest
    refused = _refusal(now, release)
    try:
        if refused:
            now.errors.append(refused)
            if current is not None and not is_current and now.plan and now.plan.can_fall_back:
                _deploy(now, current)
            return
        _deploy(now, release)
        forget()
        return
    except Occupied as error:
        now.errors.append(error.sentence)
    except NotServing as error:
        if not refused and ownership.may_need_root(release, current, error):
            with contextlib.suppress(NotServing, EngineError, SwiftError, ApiError):  # the first error is reported
                if _serves_as_root(now, release, current, error):
                    ownership.needs_root(release, error)
                    forget()
                    return
        # That of a refused release is said already; this one is of the current release.
        is_forgotten = refused or (error.is_chance and is_current)
        now.errors.append(
            error.sentence
            if is_forgotten
            else _save(now, release, error.sentence, interrupted=error.interrupted, is_chance=error.is_chance)
        )
    except SwiftError as error:
        now.errors.append(_save(now, release, about(error.option, error.text)))
    if not refused and current is not None and not is_current and now.plan and now.plan.can_fall_back:
        with contextlib.suppress(NotServing, EngineError, SwiftError):  # the first error is the one to report
            _deploy(now, current)


def _serves_as_root(now: Now, release: Release, current: Release | None, error: NotServing) -> bool:
    """Tell whether root serves what failed with *error* as the user; then it does so from now on.

    Raises NotServing, EngineError, SwiftError, ApiError, OSError.
    """
    root = ownership.as_root(release)
    is_all = current is not None and root.is_same(current)
    if error.interrupted:
        if is_all:
            context.client(root).check_alive()  # the container that was restored
        elif PERMISSION.search(error.text):
            _deploy(now, root)
        else:  # probably the configuration, and another attempt would cost service
            return False
    elif isinstance(error, NotTried):  # root would not be tried either
        return False
    elif is_all and release.upstream is None:  # a cache has no candidate
        assert now.docker is not None
        return context.switch(now.docker).try_out(root)
    else:
        _deploy(now, root)
    return True


def is_refused(now: Now, release: Release | None) -> bool:
    """Tell whether *release* is not tried in this hook, because it did not serve before. Raises OSError."""
    return release is not None and _refusal(now, release) is not None


def _refusal(now: Now, release: Release) -> Sentence | None:
    """Return why *release* is not tried in this hook. Where nothing runs, an attempt costs nothing. Raises OSError."""
    container = now.facts.container if now.facts else None
    return _read(release) if container and container.is_running else None


def _deploy(now: Now, release: Release) -> None:
    machine, current = context.machine, context.machine.store.current()
    assert now.docker is not None and now.plan is not None
    if disk.LOCAL in (release.data_folder, current and current.data_folder):
        machine.folders.ensure(disk.LOCAL)
    if release.swift is not None and (current is None or release.place != current.place):
        machine.ensure_swift_ready(release.swift, release.container.environment, release.trusted_ca)
    assert now.facts is not None
    container, images = now.facts.container, now.facts.disk
    if release.data_folder == now.facts.data_folder:
        juju_storage.ensure_marker(now.facts.data_folder, images)
    if container is not None and images.is_hidden and not images.lost and release == current:
        now.docker.stop(container.name)  # its start takes the disk that is mounted by now
        container = now.docker.inspect(container.name)
    switch = context.switch(now.docker)
    try:
        for line in switch.deploy(release, container, fall_back=now.plan.can_fall_back):
            hookenv.log(line)
    except EngineError as error:
        words = str(error)
        if release.container.user and PERMISSION.search(words) and not limits.refused(words):
            raise NotServing(NOT_STARTED(error=error)) from error  # Docker cannot run the image's program as the user
        raise
    now.warnings += switch.warnings


def _read(release: Release) -> Sentence | None:
    """Return why *release* is not tried in this hook; None if it is. Raises OSError."""
    record = context.machine.records.load(RECORD)
    if record.get("digest") != release.digest or hookenv.hook_name() in ("start", "upgrade-charm"):
        return None
    since, times = time.time() - record["time"], record["tries"] - record.get("is_chance", False)
    wait = min(FIRST_SECONDS * 2 ** (times - 1), LONGEST_SECONDS) if times else 0
    is_due = not record["interrupted"] and (not 0 <= since < wait or (record.get("is_down") and _serves()))
    return None if is_due else Sentence(record["sentence"])


def _save(
    now: Now, release: Release, sentence: Sentence, *, interrupted: bool = False, is_chance: bool = False
) -> Sentence:
    """Save that *release* was refused; return what to say. What is tried again in the next hook blocks nothing yet."""
    if interrupted:
        sentence = joined(sentence, alone(NOT_REPEATED(unit=hookenv.local_unit())))
    records = context.machine.records
    with contextlib.suppress(OSError):  # the refusal is the error to report
        before = records.load(RECORD)
        tries = before["tries"] + 1 if before.get("digest") == release.digest else 1
        record = {"digest": release.digest, "sentence": sentence, "time": time.time(), "tries": tries}
        kind = {"interrupted": interrupted, "is_chance": is_chance, "is_down": not _serves()}
        records.save(RECORD, {**record, **kind})
        if is_chance and tries == 1:
            now.passing.add(sentence)
    return sentence


def _serves() -> bool:
    """Tell whether the current registry can use its storage: then so can what was refused without it."""
    current = context.machine.store.current()
    with contextlib.suppress(ApiError, OSError):
        if current is not None:
            context.client(current).check_alive()
            serving.ask_storage(current)
            return True
    return False


def forget() -> None:
    """Forget what was refused. Raises OSError."""
    if context.machine.records.load(RECORD):  # nothing is to be written in an idle hook
        context.machine.records.remove(RECORD)
