"""The one seam of the unit tests towards Juju: hook tools that are faked as programs on PATH.

What runs in this process has them answered in this process, see tool_process.py; a real process of the charm, by
`spawn`, starts them as processes. These import nothing but what is in the interpreter, and have this process answer.

The fixtures `juju` and `charm` in conftest.py hand out what is made here.
"""

from __future__ import annotations

import contextlib
import functools
import json
import marshal
import os
import random
import secrets
import shutil
import socket
import stat
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping, Set
from pathlib import Path
from typing import Any

import hook_tool
import yaml
from charms.layer import basic

basic.activate()  # for the stand-ins that charmhelpers needs on newer Pythons

import charmhelpers.osplatform

charmhelpers.osplatform.get_platform = lambda: "ubuntu"  # it raises on Debian

import charms.reactive
from charmhelpers.core import hookenv, unitdata
from charms.layer import context, journal, leadership, status
from charms.reactive import bus, endpoints, relations

ROOT = Path(__file__).resolve().parents[2]
AT_START = list(hookenv._atstart)
"""What charms.reactive wants called at the start of a hook; each run takes it from hookenv's list."""

relations._relation_module = functools.cache(relations._relation_module)
"""charms.reactive looks for the absent ones of its two names each time that it asks for an endpoint."""

_OF_METADATA = tuple(
    json.dumps([str(function.__wrapped__)])[:-1]
    for function in (hookenv.metadata, hookenv.relation_types, hookenv.relation_to_role_and_interface)
)
"""How charmhelpers' cache calls what it has read in metadata.yaml."""

FOUND: list[Any] = []
"""The charm's own handlers, and what they want called at the start of a hook, once they were found."""
_discover = bus.discover

TOOL = """#!{python} -IS
import _socket, marshal, posix, sys
words = sys.argv[1:]
environment = {{name.decode(): value.decode() for name, value in posix.environ.items() if name[:5] == b"JUJU_"}}
stdin = sys.stdin.read() if "-" in words and "--file" in words else ""
connection = _socket.socket(_socket.AF_UNIX)
connection.connect({address!r})
connection.sendall(marshal.dumps((sys.argv[0].rpartition("/")[2], words, environment, stdin)))
with open(connection.fileno(), "rb", closefd=False) as answer:
    code, output, errors = marshal.load(answer)
sys.stdout.write(output)
sys.stderr.write(errors)
sys.exit(code)
"""


class Juju:
    """The fake tools' model. Change it with `change`, look at it with `model`.

    Parts of it: `config` (the defaults of config.yaml to begin with), `leader` (settings), `is_leader` (True),
    `address` ("10.0.0.10"), `status` ([state, message]), `version`, `ports` (["5000/tcp"]), `resources` (name ->
    path), `relations` (id "website:3" -> {"haproxy/0": {key: value}, ...}, own unit and applications included),
    `secrets` (ID -> {key: value}, those granted), `ingress` (relation to another model -> this unit's address there),
    `action` (parameters), `results` and `failure` (what action-set and action-fail were given).
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.calls: list[list[str]] = []
        """All calls since the last `forget_calls`, e.g. [["status-set", "active", "Ready."]]."""
        folder.mkdir()
        # By a name that is no file's: a socket's path may have 107 bytes only.
        self._address = f"\0docker-registry-test-{secrets.token_hex(8)}"
        tool = folder / "tool"
        tool.write_text(TOOL.format(python=sys.executable, address=self._address))
        tool.chmod(0o755)
        for name in hook_tool.TOOLS:
            (folder / name).symlink_to(tool.name)
        empty: dict[str, Any] = {
            part: {} for part in ("leader", "relations", "resources", "secrets", "ingress", "action", "results")
        }
        self._write({**empty, "config": defaults(), "is_leader": True, "address": "10.0.0.10"})
        self.change(status=["unknown", ""], version="", ports=[], failure=None)

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Answer the tools that other processes start."""
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(self._address)
            listener.listen()
            thread = threading.Thread(target=self._listen, args=(listener,), daemon=True)
            thread.start()
            try:
                yield
            finally:
                listener.shutdown(socket.SHUT_RDWR)
                thread.join()

    @property
    def model(self) -> dict[str, Any]:
        """A copy of the model as it is now."""
        return _copy(self._model)

    def change(self, **parts: Any) -> None:
        """Change parts of the model: `change(config={"registry-port": 5001}, is_leader=False)`.

        A mapping is merged into the one that is there; anything else replaces it.
        """
        model = self.model
        for part, value in parts.items():
            model[part] = {**model[part], **value} if isinstance(value, dict) else value
        self._write(model)

    def called(self, tool: str) -> list[list[str]]:
        """The arguments of each call of one tool."""
        return [call[1:] for call in self.calls if call[0] == tool]

    failing: Set[str] = frozenset()
    """Tools that Juju refuses."""

    def forget_calls(self) -> None:
        """Begin the list of calls anew."""
        self.calls = []

    def _write(self, model: dict[str, Any]) -> None:
        self._model = _copy(model)

    def answer(self, tool: str, words: list[str], environment: Mapping[str, str], stdin: str) -> tuple[int, str, str]:
        """Run a hook tool on the model: its exit code, its output and its errors."""
        self.calls.append([tool, *words])
        if tool in self.failing:
            return 1, "", "ERROR no answer\n"
        juju = {name: environment[name] for name in hook_tool.ENVIRONMENT if name in environment}
        try:
            return hook_tool.call(self._model, tool, words, juju, stdin)
        except Exception:  # for the test to see
            return 1, "", traceback.format_exc()

    def _listen(self, listener: socket.socket) -> None:
        """Answer one tool after the other, in a thread of its own."""
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection, connection.makefile("rb") as asked:
                connection.sendall(marshal.dumps(self.answer(*marshal.load(asked))))


class Charm:
    """A charm's folder, with this charm's declarations and handlers, below a unit named docker-registry/0."""

    def __init__(self, folder: Path, juju: Juju, seed: str) -> None:
        self.folder, self.juju = folder, juju
        self._order = random.Random(seed)
        folder.mkdir()
        (folder / "hooks").mkdir()
        # Links, no copies: so Python compiles the handlers once, and not for every test.
        for name in ("metadata.yaml", "config.yaml", "actions.yaml", "reactive"):
            (folder / name).symlink_to(ROOT / name)
        (folder / "hooks/relations").symlink_to(ROOT / "interfaces")

    def handlers(self, text: str) -> None:
        """Have these handlers instead of the charm's own."""
        reactive = self.folder / "reactive"
        reactive.unlink() if reactive.is_symlink() else shutil.rmtree(reactive)
        reactive.mkdir()
        (reactive / "handlers.py").write_text(text)

    def hook(self, name: str, **environment: str) -> list[list[str]]:
        """Run a hook in this process, as a new one would; returns its calls of hook tools.

        More of Juju's environment goes by name: `hook("website-relation-changed", JUJU_RELATION_ID="website:1")`.
        """
        self._new_process(JUJU_HOOK_NAME=name, **environment)
        basic.run_hook()
        return self.juju.calls

    def action(self, name: str, actions: dict[str, basic.Action], /, **params: Any) -> dict[str, Any]:
        """Run an action of the table in this process; returns its results, or {"failure": sentence}."""
        self._new_process(JUJU_HOOK_NAME="", JUJU_ACTION_NAME=name, JUJU_ACTION_UUID="uuid")
        self.juju.change(failure=None)
        self.juju._write({**self.juju.model, "action": params, "results": {}})
        basic.run_action(actions)
        model = self.juju.model
        return {"failure": model["failure"]} if model["failure"] else dict(model["results"])

    def flags(self) -> list[str]:
        """The flags that the last successful hook or action left."""
        self._new_process(JUJU_HOOK_NAME="")
        return list(charms.reactive.get_flags())

    def set_flag(self, flag: str) -> None:
        """Leave a flag, as a hook before would have."""
        self._new_process(JUJU_HOOK_NAME="")
        charms.reactive.set_flag(flag)
        unitdata.kv().flush()

    @property
    def _has_own_handlers(self) -> bool:
        return (self.folder / "reactive").is_symlink()

    def _discover(self) -> None:
        """Find the handlers; those of the charm itself are imported once, which is half of a hook's time otherwise."""
        if not self._has_own_handlers:
            _discover()
        elif FOUND:
            bus.Handler._HANDLERS = dict(FOUND[0])
            hookenv._atstart.extend(FOUND[1])
            for folder in (hookenv.charm_dir(), os.path.join(hookenv.charm_dir(), "hooks")):
                bus._append_path(folder)
        else:
            for name in [name for name in sys.modules if name.split(".")[0] == "reactive"]:
                del sys.modules[name]
            before = len(hookenv._atstart)
            _discover()
            FOUND.extend((dict(bus.Handler._HANDLERS), hookenv._atstart[before:]))

    def _shuffled_handlers(self) -> list[bus.Handler]:
        """Return the handlers in another order each time: charms.reactive promises none within a round."""
        handlers = list(bus.Handler._HANDLERS.values())
        self._order.shuffle(handlers)
        return handlers

    def _new_process(self, **environment: str) -> None:
        """Bring charmhelpers, charms.reactive and the layers back to what they are right after their import."""
        for name in [name for name in os.environ if name.startswith("JUJU_")]:
            del os.environ[name]
        path = [word for word in os.environ["PATH"].split(os.pathsep) if word != str(self.juju.folder)]
        os.environ["PATH"] = os.pathsep.join([str(self.juju.folder), *path])
        os.environ.update(JUJU_CHARM_DIR=str(self.folder), CHARM_DIR=str(self.folder))
        os.environ.update(JUJU_UNIT_NAME="docker-registry/0", **environment)
        if not self._has_own_handlers:
            for name in [name for name in sys.modules if name.split(".")[0] == "reactive"]:
                del sys.modules[name]
        sys.path[:] = [word for word in sys.path if not word.startswith(str(self.folder.parent))]
        if unitdata._KV is not None:
            unitdata._KV.close()
        unitdata._KV = hookenv._cache_config = None
        # Only metadata.yaml, the same for all, has a say in these.
        kept = {key: value for key, value in hookenv.cache.items() if key.startswith(_OF_METADATA)}
        hookenv.cache.clear()
        hookenv.cache.update(kept)
        hookenv._atstart[:], hookenv._atexit[:] = AT_START, []
        bus.Handler.clear()
        bus.discover = self._discover
        bus.Handler.get_handlers = self._shuffled_handlers
        endpoints.Endpoint._endpoints.clear()
        leadership._data = leadership._is_leader = None
        status._reports.clear()
        journal._lines.clear()
        context.begin()
        self.juju.forget_calls()


def _copy(model: dict[str, Any]) -> dict[str, Any]:
    """As copy.deepcopy, in a fifth of its time."""
    copied: dict[str, Any] = marshal.loads(marshal.dumps(model))
    return copied


@functools.cache
def defaults() -> dict[str, Any]:
    """The charm's options with their defaults, as config-get gives them."""
    options = yaml.safe_load((ROOT / "config.yaml").read_text())["options"]
    return {name: option.get("default") for name, option in options.items()}


def spawn(script: Path, juju: Juju, python: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a hook or action of an unpacked charm as a process, with the fake tools and nothing else set."""
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    charm_folder = str(script.parent.parent)
    base = {"PATH": f"{juju.folder}:/usr/bin:/bin", "LANG": "C.UTF-8", "JUJU_UNIT_NAME": "docker-registry/0"}
    folders = {"JUJU_CHARM_DIR": charm_folder, "CHARM_DIR": charm_folder}
    command = [*python, str(script)]
    with juju.listening():
        return subprocess.run(
            command,
            env={**base, **folders, **environment},
            cwd=charm_folder,
            capture_output=True,
            text=True,
            check=False,
        )
