"""Which changes of dockerd's settings must not be made, and which settings are written but not used.

Other programs and people configure Docker too: in daemon.json, in drop-ins of docker.service, in /etc/default/docker.
"""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Callable, Mapping
from typing import Any

from registry.formats import daemon, daemon_effects, dockerd_flags
from registry.machine.dockerd import Dockerd
from registry.machine.dockerd_record import DockerdRecord
from registry.machine.engine import Engine
from registry.message import Message, Sentence, Text, about
from registry.options import runtime

Errors = tuple[Sentence, ...]
"""Errors for the status."""

HIDES = Message(
    "{keys} would hide Docker's containers ({names}) and images",
    "Undo the change; or remove all containers of others, and run the actions stop and start",
)
"""Docker finds containers by this setting. With another value they run on unknown to it, and cannot be managed."""
CUTS_OFF = Message("with this {key}, Docker cannot be used by the charm", "Undo the change")
"""Docker would no longer listen at /var/run/docker.sock, or would have no network for containers."""
IN_BOTH = Message("{key} is set in {place} too", "Set it in one of the two")
"""dockerd does not start with a setting that is both in daemon.json and on its command line."""
OVERRIDDEN = Message("{place} takes precedence, so the option has no effect", "Remove it there, or reset the option")
"""Somebody else's settings of docker.service, or of daemon.json, are used in place of the option's."""
NOT_YET = Message(
    "Docker will use {keys} once it starts without running containers",
    "Stop other containers, and run the actions stop and start",
)
"""Docker does not change the network of containers while one runs."""


@dataclasses.dataclass(frozen=True)
class Change:
    """A change of dockerd's files, and its command before and after."""

    before: daemon.Files
    after: daemon.Files
    command: list[str]
    arguments: list[str]
    owners: list[str]
    """Arguments of somebody else that stay."""

    def settings(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return all settings before and after it, those of the command line too."""
        return (
            daemon.settings(self.before.daemon_json or "") | dockerd_flags.settings(self.command),
            daemon.settings(self.after.daemon_json or "") | dockerd_flags.settings([*self.owners, *self.arguments]),
        )


@dataclasses.dataclass(frozen=True)
class Objection:
    """Why a change must not be made."""

    text: Text
    keys: tuple[str, ...] = ()
    """The settings to blame; without them, the rest can be applied. Empty: nothing can."""
    stays: bool = True
    """Meanwhile they are as before, and not removed."""


class DockerdChecks:
    """Checks of this machine's dockerd. *connect* returns its engine or raises EngineError."""

    def __init__(self, dockerd: Dockerd, record: DockerdRecord, connect: Callable[[], Engine]) -> None:
        self._dockerd = dockerd
        self._record = record
        self._connect = connect

    def read_owners(self, before: daemon.Files, arguments: list[str]) -> list[str]:
        """Return dockerd's arguments that are not the charm's; its *arguments* replace those of variables."""
        if not arguments and "ExecStart=" not in (before.drop_in or ""):
            return self._dockerd.read_running()[1:]
        return [word for word in shlex.split(self._dockerd.read_command())[1:] if not word.startswith("$")]

    def objection(self, change: Change, docker: Engine) -> Objection | None:
        """Return why the change must not be made, and which settings are to blame, or None."""
        old, new = change.settings()
        if "config-file" in new:
            return Objection(OVERRIDDEN(place=f"Docker's {new['config-file']}"))
        document = daemon.settings(change.after.daemon_json or "")
        for flag in dockerd_flags.in_both([*change.owners, *change.arguments], document):
            place = self._dockerd.find_file(f"--{flag}") or "Docker's command line"
            return Objection(IN_BOTH(key=flag, place=place), (dockerd_flags.KEYS.get(flag, flag),), stays=False)
        if (key := daemon_effects.cuts_off(new)) and not daemon_effects.cuts_off(old):
            return Objection(CUTS_OFF(key=key), (key,))
        keys = daemon_effects.hides(old, new)
        keys = daemon_effects.still_hides(keys, new, docker.observed()) if keys else []
        names = docker.unmovable() if keys else []
        text = HIDES(keys=" and ".join(keys), names=", ".join(names[:3]))
        return Objection(text, tuple(keys)) if names else None

    def compare(self, wanted: runtime.Runtime, environment: Mapping[str, str], docker: Engine) -> tuple[Engine, Errors]:
        """Return the engine, and what is written as requested, but not used by Docker."""
        errors = []
        arguments = wanted.arguments()
        if arguments and self._dockerd.read_running()[-len(arguments) :] != arguments:
            place = self._dockerd.find_file("ExecStart=") or "docker.service"
            errors.append(about("docker-opts", OVERRIDDEN(place=place)))
        used = docker.observed().proxies if environment else {}
        for name, value in environment.items():
            if "@" not in value and used.get(name) not in (None, value):
                place = self._dockerd.find_file(f"{name}=") or "/etc/default/docker or daemon.json"
                errors.append(about(name.lower(), OVERRIDDEN(place=place)))
        if daemon_effects.BRIDGE & wanted.requested().keys():
            docker, late = self._check_network(wanted, docker)
            errors += late
        return docker, tuple(errors)

    def _check_network(self, wanted: runtime.Runtime, docker: Engine) -> tuple[Engine, Errors]:
        """Return the engine, and which settings of its network Docker has not applied; restart it once if it can."""
        record, files = self._record.load(), self._record.read()
        keys = daemon_effects.not_applied(wanted.requested(), docker.network())
        if keys and record.restarted != files.digest and not docker.unmovable():
            self._record.save(dataclasses.replace(record, restarted=files.digest))
            self._dockerd.restart()
            docker = self._connect()
            keys = daemon_effects.not_applied(wanted.requested(), docker.network())
        if not keys:
            return docker, ()
        subject = "daemon-opts" if keys[0] in wanted.settings() else "docker-opts"
        return docker, (about(subject, NOT_YET(keys=" and ".join(keys))),)
