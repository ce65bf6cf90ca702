"""Where models live on disk: one folder each, its state one JSON file, replaced atomically.

<data>/current                      the name of the model that commands use
<data>/lock                         held while a command does what only one at a time can, see `alone`
<data>/blobs/<sha256>               charms and resources; <sha256>.json has what a charm declares
<data>/models/<name>/model.json     see `model`
<data>/models/<name>/{log,hooks.jsonl,lock,machines/<n>/sockets/}
<data>/models/<name>/secrets/<id>/<revision>    see `secret`
<data>/models/<name>/storage/<n>                what is in storage <name>/<n>
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from localjuju import JujuError, codec
from localjuju.charm import Charm
from localjuju.model import Model

FACTS = ".json"
"""Ends the name of the file with what a kept charm declares."""


def data_folder() -> Path:
    """$LOCALJUJU_DATA, or else localjuju below $XDG_DATA_HOME, private to its owner."""
    share = os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")
    folder = Path(os.environ.get("LOCALJUJU_DATA") or os.path.join(share, "localjuju")).absolute()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Be the only command, of all models, that makes an image or a network of this host, or clears up blobs."""
    with (data_folder() / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def write(path: Path, text: str) -> None:
    """Replace a file whole, so that a reader never sees half of one."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.write_text(text)
    fresh.replace(path)


def models() -> list[str]:
    """The names of all models."""
    return sorted(path.parent.name for path in data_folder().glob("models/*/model.json"))


def current() -> str:
    """The model that commands use when none is named; empty when there is none."""
    path = data_folder() / "current"
    name = path.read_text().strip() if path.exists() else ""
    return name if name in models() else ""


def switch(name: str) -> None:
    """Make `name` the model that commands use."""
    write(data_folder() / "current", name + "\n")


def blob(sha256: str) -> Path:
    """The kept file with this digest."""
    return data_folder() / "blobs" / sha256


@functools.lru_cache(maxsize=64)
def _charm(path: Path) -> Charm:
    return Charm(path, path.with_name(f"{path.name}{FACTS}"))


def kept_charm(sha256: str) -> Charm:
    """The kept charm with this digest."""
    return _charm(blob(sha256))


def keep(source: Path) -> str:
    """Copy a file into the store; its sha256, by which `blob` finds it again."""
    if not source.is_file():
        raise JujuError(f'file "{source}" not found')
    import hashlib
    import shutil

    digest = hashlib.sha256()
    with source.open("rb") as stream:
        while chunk := stream.read(1 << 20):
            digest.update(chunk)
    target = blob(digest.hexdigest())
    if not target.exists():
        target.parent.mkdir(mode=0o700, exist_ok=True)
        fresh = target.with_name(f"{target.name}.{os.getpid()}")
        shutil.copyfile(source, fresh)
        fresh.replace(target)
    return digest.hexdigest()


class Store:
    """The folder of one model."""

    def __init__(self, name: str):
        self.name = name
        self.folder = data_folder() / "models" / name
        self.model_file = self.folder / "model.json"
        self._saving = threading.Lock()
        self._saved = ""
        """What the model's file has, as far as this process knows."""

    def load(self) -> Model:
        """The model as last saved."""
        if not self.model_file.exists():
            raise JujuError(f"model {self.name} not found")
        self._saved = self.model_file.read_text()
        return codec.loads(Model, self._saved)

    def save(self, model: Model) -> None:
        """Save the model; called by the threads that answer hook tools, too."""
        with self._saving:
            text = codec.dumps(model)
            if text != self._saved:
                write(self.model_file, text)
                self._saved = text

    @contextlib.contextmanager
    def lock(self, wait: bool = True) -> Iterator[bool]:
        """Be the only command that changes this model; False when not waiting and another one does."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                yield False
                return
            yield True

    def sockets(self, machine: str) -> Path:
        """The folder that a machine shares with this host, for the hook tools' socket."""
        folder = self.folder / "machines" / machine / "sockets"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder

    def storage(self, number: str = "") -> Path:
        """The folder of a storage, made if need be, or that of all of them."""
        folder = self.folder / "storage"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / number).mkdir(exist_ok=True)
        return folder / number

    def remove_storage(self, number: str) -> None:
        """Remove a storage with what is in it."""
        import shutil

        shutil.rmtree(self.storage(number))

    def append(self, name: str, line: str) -> None:
        """Add a line to one of the model's logs."""
        with (self.folder / name).open("a") as file:
            file.write(line + "\n")

    def lines(self, name: str) -> list[str]:
        """The lines of one of the model's logs."""
        path = self.folder / name
        return path.read_text(errors="replace").splitlines() if path.exists() else []

    def hook_runs(self, unit: str) -> list[dict[str, Any]]:
        """What `agent` noted of each hook, action and command of a unit, oldest first."""
        return [run for run in map(json.loads, self.lines("hooks.jsonl")) if run["unit"] == unit]

    def remove(self) -> None:
        """Forget the model, and the files that no other model needs.

        While a command is at work on another model, which may have kept one that the model does not name yet, they
        stay until the next model goes.
        """
        import shutil

        with alone(), contextlib.ExitStack() as locks:
            shutil.rmtree(self.folder, ignore_errors=True)
            others = [Store(name) for name in models()]
            if all(locks.enter_context(other.lock(wait=False)) for other in others):
                used = "".join(other.model_file.read_text() for other in others)
                for path in (data_folder() / "blobs").glob("*"):
                    if path.name.removesuffix(FACTS) not in used:
                        path.unlink()
