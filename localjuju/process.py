"""Processes in machines that hook tools answer: hooks, actions and commands."""

from __future__ import annotations

import contextlib
import json
import subprocess
import threading
import time
from collections.abc import Callable
from typing import IO, TYPE_CHECKING

from localjuju.context import Context
from localjuju.deployer import charm_folder
from localjuju.environment import variables
from localjuju.records.status import now
from localjuju.store import Store

if TYPE_CHECKING:
    from localjuju.server import Server

Heard = Callable[[str, str], None]
"""Takes the output of a process: stream, line."""


class Processes:
    """Runs processes, one socket a machine; `close` it at the end."""

    def __init__(self, store: Store):
        self.store = store
        self.servers = contextlib.ExitStack()
        self.server_of: dict[str, Server] = {}

    def close(self) -> None:
        """Close the sockets."""
        self.servers.close()

    def execute(self, context: Context, argv: list[str], env: dict[str, str], heard: Heard) -> int:
        """Run a process in a context, with hook tools; `heard` gets its output by stream and line."""
        unit, host, started = context.unit, context.host, time.monotonic()
        server, code = self._server(unit.machine), None
        server.contexts[context.id] = context
        unit.running = context.task is None
        context.save()
        mark = f"{unit.tag}{'-task' if context.task else ''}"
        env = {**variables(context), **env}
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        # Ctrl-C is for this process, which ends the hook; the client of a hook that runs on must not be ended alone.
        process = host.popen(argv, env, charm_folder(unit, host), mark, **pipes, start_new_session=True)
        streams = (("stdout", process.stdout), ("stderr", process.stderr))
        readers = [threading.Thread(target=_listen, args=(*stream, heard), daemon=True) for stream in streams]
        try:
            for reader in readers:
                reader.start()
            code = process.wait()
            if code < 0:  # ended by a signal, as a shell counts them
                code = 128 - code
            for reader in readers:
                # A daemon that the hook left behind may hold the stream open.
                reader.join(0.5)
        except KeyboardInterrupt:
            host.kill(mark)
            raise
        finally:
            del server.contexts[context.id]
            self._note(context, time.monotonic() - started, code)
        return code

    def _note(self, context: Context, took: float, code: int | None) -> None:
        run = {
            "unit": context.unit.name,
            "hook": context.name,
            "exit": code,
            "seconds": round(took, 3),
            "ended": now(),
            "tools": context.tools,
        }
        if context.hook.relation:
            run["remote"] = context.hook.remote_unit or context.hook.remote_app
            run["departing"] = context.hook.departing_unit
        self.store.append("hooks.jsonl", json.dumps(run))

    def _server(self, machine: str) -> Server:
        if machine not in self.server_of:
            from localjuju.server import Server  # only a command that runs something needs it

            server = Server(self.store.sockets(machine))
            self.server_of[machine] = self.servers.enter_context(server)
        return self.server_of[machine]

    def forget(self, machine: str) -> None:
        """Answer no hook tools of a machine that goes."""
        if server := self.server_of.pop(machine, None):
            server.contexts.clear()


def _listen(name: str, stream: IO[bytes], heard: Heard) -> None:
    with stream:
        for line in stream:
            heard(name, line.decode(errors="replace"))
