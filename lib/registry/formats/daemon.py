"""How dockerd is set up: /etc/docker/daemon.json and a drop-in of its systemd unit.

https://docs.docker.com/reference/cli/dockerd/#daemon-configuration-file,
https://www.freedesktop.org/software/systemd/man/systemd.unit.html.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

LIVE_RESTORE = "live-restore"
LIVE_RESTORE_FIELDS = ("live_restore_loaded", "live_restore_refused")
"""Fields of `Record` that are saved by themselves: a charm from before them takes no record with them."""
DROP_IN = "/etc/systemd/system/docker.service.d/docker-registry.conf"
RELOADABLE = frozenset(
    {
        *("authorization-plugins", "debug", "default-runtime", "features", "insecure-registries", "labels"),
        *("live-restore", "max-concurrent-downloads", "max-concurrent-uploads", "max-download-attempts"),
        *("registry-mirrors", "runtimes", "shutdown-timeout"),
    }
)
"""Keys that dockerd takes up without a restart: https://docs.docker.com/reference/cli/dockerd/#configuration-reload-behavior."""
_REASON = re.compile(
    r"unable to configure the Docker daemon with file \S+?: (?P<file>.+)|failed to start daemon: (?P<start>.+)"
    r"|(?P<flag>unknown (?:shorthand )?flag: .+|invalid argument .+|flag needs an argument: .+)"
)


class BadSettings(ValueError):
    """daemon.json cannot be read; ``str()`` is a clause for the operator."""


@dataclasses.dataclass(frozen=True)
class Files:
    """The texts of both files, None where there is none. They may hold secrets."""

    daemon_json: str | None = dataclasses.field(repr=False)
    drop_in: str | None = dataclasses.field(repr=False)

    @property
    def digest(self) -> str:
        """16 hex digits that differ as soon as anything in the files does."""
        return hashlib.sha256(json.dumps([self.daemon_json, self.drop_in]).encode()).hexdigest()[:16]


@dataclasses.dataclass(frozen=True)
class Record:
    """What the charm knows of dockerd's settings from before, on the machine."""

    ours: Mapping[str, Any] = dataclasses.field(default_factory=dict, repr=False)
    """The keys of daemon.json that the charm wrote, and their values."""
    refused: str = ""
    """Digest of the files with which Docker did not start."""
    reason: str = ""
    """The sentence about it."""
    before: Files | None = None
    """What was there before the last change: Docker may find only at the next boot that it cannot start with that."""
    ours_before: Mapping[str, Any] = dataclasses.field(default_factory=dict, repr=False)
    trying: bool = False
    """That change has not ended."""
    live_restore_loaded: bool = False
    """dockerd keeps containers running while it restarts."""
    live_restore_refused: bool = False
    """dockerd does not take that, and the log says so."""

    def renewed(self, ours: Mapping[str, Any], **changes: Any) -> Record:
        """Return a record of other settings; what is known of live-restore stays."""
        kept = {name: getattr(self, name) for name in LIVE_RESTORE_FIELDS}
        return Record(ours, **kept, **changes)

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` reads."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Record:
        """Read what `to_json` gave, or a part of it, or nothing."""
        known = {field.name: found[field.name] for field in dataclasses.fields(cls) if field.name in found}
        before = known.get("before")
        return cls(**{**known, "before": Files(**before) if before else None})


def live_restore(text: str) -> Any:
    """Return what daemon.json's *text* says of ``live-restore``, None where it says nothing. Raises BadSettings."""
    return settings(text).get(LIVE_RESTORE)


def with_live_restore(text: str) -> str:
    """Return daemon.json's *text* with ``live-restore`` on. Raises BadSettings.

    With it the registry goes on serving while dockerd restarts.
    """
    return _text({**settings(text), LIVE_RESTORE: True})


def merged(
    text: str | None, ours: Mapping[str, Any], wanted: Mapping[str, Any], flags: Sequence[str] = ()
) -> str | None:
    """Return daemon.json's *text* with what is *wanted*, and without what was *ours* and no longer is.

    What somebody else wrote stays. ``live-restore`` is on where nothing is said any more, unless it is among the
    *flags* of dockerd, which takes nothing in both places. Raises BadSettings.
    """
    found = settings(text or "")
    new = {key: value for key, value in found.items() if key in wanted or ours.get(key, ...) != value}
    if LIVE_RESTORE in ours:
        new.setdefault(LIVE_RESTORE, True)
    if LIVE_RESTORE in flags:
        new.pop(LIVE_RESTORE, None)
    new |= wanted
    return text if new == found else _text(new)


def is_reloadable(before: Files, after: Files) -> bool:
    """Tell whether dockerd takes up the difference by a reload. What is gone from daemon.json stays in force by one."""
    old, new = settings(before.daemon_json or ""), settings(after.daemon_json or "")
    changed = {key for key in old.keys() | new.keys() if old.get(key, ...) != new.get(key, ...)}
    return before.drop_in == after.drop_in and changed <= RELOADABLE & new.keys()


def settings(text: str) -> dict[str, Any]:
    """Read daemon.json's *text*. Raises BadSettings."""
    try:
        found = json.loads(text.strip() or "{}")
    except (ValueError, RecursionError) as error:
        raise BadSettings(f"/etc/docker/daemon.json is not JSON ({error})") from error
    if not isinstance(found, dict):
        raise BadSettings("/etc/docker/daemon.json is not a JSON object")
    return found


def _text(found: Mapping[str, Any]) -> str:
    return json.dumps(found, indent=2) + "\n"


def exec_start(units: str) -> str:
    """Return the command of docker.service without our drop-in, of what `systemctl cat` shows; "" if there is none."""
    file, command = "", ""
    for line in re.sub(r"\s*\\\n\s*", " ", units).splitlines():
        if line.startswith("# /"):
            file = line.removeprefix("# ").strip()
        elif line.startswith("ExecStart=") and file != DROP_IN:
            command = line.removeprefix("ExecStart=").strip()
    return command


def drop_in(environment: Mapping[str, str], command: str, arguments: Sequence[str]) -> str | None:
    """Return the text of the drop-in, or None where there is nothing to say.

    *command* is the one without ours. *arguments* take the place of DOCKER_OPTS in /etc/default/docker, which
    is where the distribution's Docker has them; Docker's own package has no place for them.
    """
    lines = [f"Environment={_quoted(f'{name}={value}')}" for name, value in environment.items()]
    if arguments:
        plain = re.sub(r"\s*\$\{?DOCKER_OPTS\b\}?", "", command)
        lines += ["ExecStart=", " ".join([f"ExecStart={plain}", *(_quoted(word, "$") for word in arguments)])]
    return "\n".join(["# Written by the charm docker-registry.", "[Service]", *lines, ""]) if lines else None


def without_options(text: str, arguments: Sequence[str]) -> str:
    """Return the *text* of /etc/default/docker without those *arguments*, where they are its DOCKER_OPTS."""
    found = re.search(r'^DOCKER_OPTS="?([^"\n]*)"?\n', text, re.MULTILINE)
    same = found is not None and bool(arguments) and found.group(1).split() == list(arguments)
    return text.replace(found.group(), "", 1) if found is not None and same else text


def _quoted(word: str, variables: str = "") -> str:
    """Quote for systemd, which expands %, and in commands $ too."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped.replace("$", "$$") if variables else escaped}"'


def reason(log: str) -> str:
    """Return why dockerd did not start, of what it wrote: a clause of 300 characters at most, "" if it says nothing."""
    found = list(_REASON.finditer(log))
    if found:
        text = next(words for words in found[-1].groups() if words)
    else:
        lines = [line.strip() for line in log.splitlines() if line.strip()]
        text = lines[-1] if lines else ""
    return text.strip().rstrip(".")[:300]
