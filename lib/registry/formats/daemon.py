"""dockerd's settings: /etc/docker/daemon.json and a drop-in of its systemd unit.

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

from registry.message import Fault, Message

NOT_JSON = Message("/etc/docker/daemon.json is not JSON ({error})", "Fix it, or Docker will not start again")
"""The file has a syntax error, at the place in parentheses. Docker reads it at its next start only."""
NOT_AN_OBJECT = Message("/etc/docker/daemon.json is not a JSON object", "Fix it, or Docker will not start again")
"""The file contains JSON that is not a mapping of settings to values. Docker reads it at its next start only."""
NOT_UTF8 = Message("/etc/docker/daemon.json is not UTF-8 ({error})", "Fix it, or Docker will not start again")
"""The file was saved in another encoding. Docker reads it at its next start only."""

LIVE_RESTORE = "live-restore"
LIVE_RESTORE_FIELDS = ("live_restore_loaded", "live_restore_refused")
SEPARATE = {"live-restore": LIVE_RESTORE_FIELDS, "daemon-written": ("written", "restarted", "theirs")}
"""Fields of `Record` that are saved in records of other names: an older charm cannot read a record with them."""
DROP_IN = "/etc/systemd/system/docker.service.d/docker-registry.conf"
RELOADABLE = frozenset(
    {
        *("authorization-plugins", "debug", "default-runtime", "insecure-registries", "labels"),
        *("live-restore", "max-concurrent-downloads", "max-concurrent-uploads", "max-download-attempts"),
        *("registry-mirrors", "runtimes", "shutdown-timeout"),
    }
)
"""Keys that dockerd applies without a restart: https://docs.docker.com/reference/cli/dockerd/#configuration-reload-behavior."""
_REASON = re.compile(
    r"unable to configure the Docker daemon with file \S+?: (?P<file>.+)|failed to start daemon: (?P<start>.+)"
    r"|(?P<flag>unknown (?:shorthand )?flag: .+|invalid argument .+|flag needs an argument: .+)"
)


class BadSettings(Fault):
    """daemon.json cannot be read."""


@dataclasses.dataclass(frozen=True)
class Files:
    """The texts of both files, None where there is none. They may contain secrets."""

    daemon_json: str | None = dataclasses.field(repr=False)
    drop_in: str | None = dataclasses.field(repr=False)

    @property
    def digest(self) -> str:
        """16 hex digits that identify the content of both files."""
        return hashlib.sha256(json.dumps([self.daemon_json, self.drop_in]).encode()).hexdigest()[:16]


@dataclasses.dataclass(frozen=True)
class Record:
    """What the charm remembers of dockerd's settings, on the machine."""

    ours: Mapping[str, Any] = dataclasses.field(default_factory=dict, repr=False)
    """The keys of daemon.json that the charm wrote, and their values."""
    refused: str = ""
    """Digest of the files with which Docker does not start."""
    reason: str = ""
    """The sentence about it."""
    before: Files | None = None
    """The files before the last change, to revert to: Docker may fail to start only at the next boot."""
    ours_before: Mapping[str, Any] = dataclasses.field(default_factory=dict, repr=False)
    written: Files | None = None
    """The files as the charm wrote them last: whatever differs from them is somebody else's."""
    restarted: str = ""
    """Digest of the files for which Docker was restarted once no container ran."""
    trying: bool = False
    """That change is in progress."""
    live_restore_loaded: bool = False
    """dockerd keeps containers running while it restarts."""
    live_restore_refused: bool = False
    """dockerd does not support that, and a warning was logged."""
    theirs: Mapping[str, Any] = dataclasses.field(default_factory=dict, repr=False)
    """The owner's values of keys that the options override: they come back when the options are reset."""

    def renewed(self, ours: Mapping[str, Any], **changes: Any) -> Record:
        """Return a record of other settings, with the same facts about live-restore."""
        kept = {name: getattr(self, name) for name in (*LIVE_RESTORE_FIELDS, "theirs")}
        return Record(ours, **{**kept, **changes})

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` reads."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Record:
        """Read what `to_json` returned, or a part of it, or nothing."""
        known = {field.name: document[field.name] for field in dataclasses.fields(cls) if field.name in document}
        files = {name: Files(**known[name]) for name in ("before", "written") if known.get(name)}
        return cls(**{**known, **files})

    def undone(self, current: Files) -> Files:
        """Return the *current* files without the charm's last change; what somebody else changed since stays.

        An older charm did not record what it wrote: then only a change that is in progress is undone.
        """
        if self.before is None or (self.written is None and not self.trying):
            return current
        written = self.written or current
        return Files(
            self.before.daemon_json if current.daemon_json == written.daemon_json else current.daemon_json,
            self.before.drop_in if current.drop_in == written.drop_in else current.drop_in,
        )


def live_restore(text: str) -> Any:
    """Return the value of ``live-restore`` in daemon.json's *text*, None where it is not set. Raises BadSettings."""
    return settings(text).get(LIVE_RESTORE)


def with_live_restore(text: str) -> str:
    """Return daemon.json's *text* with ``live-restore`` on. Raises BadSettings.

    With it the registry serves while dockerd restarts.
    """
    return _text({**settings(text), LIVE_RESTORE: True})


def merged(text: str | None, record: Record, requested: Mapping[str, Any], flags: Sequence[str] = ()) -> str | None:
    """Return daemon.json's *text* with the *requested* settings, and without ours that are no longer requested.

    Settings that others wrote stay, and come back where ours overrode them. Where ours included ``live-restore`` it
    is on again, unless it is among dockerd's *flags*: dockerd rejects a setting that is in both places. Raises
    BadSettings.
    """
    current, ours = settings(text or ""), record.ours
    new = {key: value for key, value in current.items() if key in requested or ours.get(key, ...) != value}
    gone = current.keys() - new.keys()
    new |= {key: value for key, value in record.theirs.items() if key in gone}
    if LIVE_RESTORE in ours:
        new.setdefault(LIVE_RESTORE, True)
    if LIVE_RESTORE in flags:
        new.pop(LIVE_RESTORE, None)
    new |= requested
    return text if new == current else _text(new)


def overridden(text: str | None, record: Record, requested: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of others in daemon.json, with this *text* now, of the keys that are *requested*."""
    current = settings(text or "")
    others = {key: value for key, value in current.items() if record.ours.get(key, ...) != value}
    known = {**record.theirs, **others}
    return {key: value for key, value in known.items() if key in requested}


def is_reloadable(before: Files, after: Files) -> bool:
    """Tell whether a reload applies the difference. Keys removed from daemon.json keep their effect until a restart."""
    old, new = settings(before.daemon_json or ""), settings(after.daemon_json or "")
    changed = {key for key in old.keys() | new.keys() if old.get(key, ...) != new.get(key, ...)}
    return before.drop_in == after.drop_in and changed <= RELOADABLE & new.keys()


def settings(text: str) -> dict[str, Any]:
    """Read daemon.json's *text*. Raises BadSettings."""
    try:
        document = json.loads(text.strip() or "{}")
    except (ValueError, RecursionError) as error:
        raise BadSettings(NOT_JSON(error=error)) from error
    if not isinstance(document, dict):
        raise BadSettings(NOT_AN_OBJECT())
    return document


def _text(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=2) + "\n"


def exec_start(units: str) -> str:
    """Return the command of docker.service without our drop-in, from `systemctl cat`'s output; "" if there is none."""
    file, command = "", ""
    for line in re.sub(r"\s*\\\n\s*", " ", units).splitlines():
        if line.startswith("# /"):
            file = line.removeprefix("# ").strip()
        elif line.startswith("ExecStart=") and file != DROP_IN:
            command = line.removeprefix("ExecStart=").strip()
    return command


def file_with(units: str, word: str) -> str:
    """Return the last file in `systemctl cat`'s output, ours aside, that has *word* in a line; "" if there is none."""
    file, found = "", ""
    for line in units.splitlines():
        if line.startswith("# /"):
            file = line.removeprefix("# ").strip()
        elif word in line and not line.startswith("#") and file != DROP_IN:
            found = file
    return found


def drop_in(environment: Mapping[str, str], command: str, arguments: Sequence[str]) -> str | None:
    """Return the text of the drop-in, or None where it would be empty.

    *command* is the one without ours. *arguments* replace DOCKER_OPTS of /etc/default/docker, which the
    distribution's Docker reads; the upstream package has no such file.
    """
    lines = [f"Environment={_quoted(f'{name}={value}')}" for name, value in environment.items()]
    if arguments:
        plain = re.sub(r"\s*\$\{?DOCKER_OPTS\b\}?", "", command)
        lines += ["ExecStart=", " ".join([f"ExecStart={plain}", *(_quoted(word, "$") for word in arguments)])]
    return "\n".join(["# Written by the charm docker-registry.", "[Service]", *lines, ""]) if lines else None


def without_options(text: str, arguments: Sequence[str]) -> str:
    """Return the *text* of /etc/default/docker without DOCKER_OPTS, where these are exactly the *arguments*."""
    match = re.search(r'^DOCKER_OPTS="?([^"\n]*)"?\n', text, re.MULTILINE)
    same = match is not None and bool(arguments) and match.group(1).split() == list(arguments)
    return text.replace(match.group(), "", 1) if match is not None and same else text


def _quoted(word: str, variables: str = "") -> str:
    """Quote for systemd, which expands %, and $ in commands."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped.replace("$", "$$") if variables else escaped}"'


def reason(log: str) -> str:
    """Return dockerd's own reason why it did not start, from its *log*: 300 characters at most, "" if there is none."""
    matches = list(_REASON.finditer(log))
    if matches:
        text = next(words for words in matches[-1].groups() if words)
    else:
        lines = [line.strip() for line in log.splitlines() if line.strip()]
        text = lines[-1] if lines else ""
    return text.strip().rstrip(".")[:300]
