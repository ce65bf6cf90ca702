"""The unit agents: hooks run in Juju's order until no queue has one left that can run."""

from __future__ import annotations

import contextlib
import json
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from localjuju import VERSION, JujuError, relations, resolver, secret, storage
from localjuju.charm import Charm
from localjuju.context import Context, log
from localjuju.hooktools import TOOLS
from localjuju.machine import SOCKETS, Host, Provider
from localjuju.model import Model
from localjuju.modelconfig import environment, seconds
from localjuju.records.machine import Machine
from localjuju.records.status import Status, now
from localjuju.records.task import Task
from localjuju.records.unit import Hook, Unit
from localjuju.server import SOCKET, Server
from localjuju.store import Store, blob, write

CLIENT = Path(__file__).with_name("client.py")
MESSAGES = {
    "install": "installing charm software",
    "stop": "stopping charm software",
    "remove": "cleaning up prior to charm deletion",
}
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin"


class Agent:
    """Works on one loaded model, under the store's lock; leave it with `with` to close its sockets."""

    def __init__(self, store: Store, model: Model, provider: Provider, tell: Callable[[str], None]):
        self.store, self.model, self.provider, self.tell = store, model, provider, tell
        self.servers = contextlib.ExitStack()
        self.server_of: dict[str, Server] = {}

    def __enter__(self) -> Agent:
        return self

    def __exit__(self, *args: Any) -> None:
        self.servers.close()

    def host(self, machine: str) -> Host:
        return self.provider(self.store, self.model, self.model.machine(machine))

    def drain(self, update_status: bool = True, create: bool = True) -> None:
        """Bring machines up, notice reboots, run every hook that can run.

        The unit that has run the fewest is next, so that all get on. A hook that fails leaves its unit in error
        and is no error here; a machine that does not come up is one, when all others' hooks have run.
        """
        errors = []
        for machine in list(self.model.machines.values()):
            try:
                if machine.status.current != "pending":
                    self._look_at(machine)
                elif create:
                    self._create(machine)
            except JujuError as error:
                machine.status.message = str(error).partition("\n")[0]
                errors.append(error)
        if update_status:
            self._queue_update_status()
        turns: Counter[str] = Counter()
        while ready := self._ready():
            unit = min(ready, key=lambda unit: turns[unit.name])
            turns[unit.name] += 1
            self.run_next(unit)
        if errors:
            raise errors[0]

    def _ready(self) -> list[Unit]:
        """The units that can run a hook, when what needs none has been done."""
        model = self.model
        for unit in list(model.units.values()):
            if resolver.is_gone(model, unit):
                self.forget(unit)
            elif unit.installed and unit.life == "alive":
                for app in relations.enter(model, unit):
                    storage.for_new_unit(model, app, model.add_unit(app, unit.machine, unit.name), [])
        relations.leave(model)
        storage.sweep(self.store, model)
        for app in list(model.applications.values()):
            if app.life == "dying" and not model.units_of(app.name):
                self._forget_application(app.name)
            else:
                resolver.elect(model, app)
        self.store.save(model)
        return [unit for unit in model.units.values() if self._can_run(unit)]

    def _create(self, machine: Machine) -> None:
        self.tell(f"Starting machine {machine.id} ({machine.instance}, {machine.image})")
        host = self.host(machine.id)
        machine.base, machine.address = host.create()
        self._install_tools(machine, host)
        self._look_at(machine)

    def _look_at(self, machine: Machine) -> None:
        """See whether a machine was rebooted or has gone, or a hook was left running."""
        host = self.host(machine.id)
        boot = host.boot()
        units = self.model.units_on(machine.id)
        if boot != machine.boot and boot and machine.boot:
            host.start()
            for unit in units:
                rebooted(unit)
        elif boot == machine.boot:
            for unit in units:
                if unit.running:
                    host.kill(unit.tag)
                    unit.running = False
        machine.boot = boot or machine.boot
        state = Status("started") if boot else Status("down", "the machine does not run")
        if state.current != machine.status.current:
            machine.status = state
        self.store.save(self.model)

    def _install_tools(self, machine: Machine, host: Host) -> None:
        """The hook tools, and a jujud for those who ask it for its version."""
        tools = host.path("/var/lib/juju/tools")
        folder = self.store.sockets(machine.id).parent
        write(folder / "jujud", f'#!/bin/sh\n[ "$1" != version ] || echo {VERSION}-ubuntu-amd64\n')
        python = (host.output(["sh", "-c", "command -v python3"]) or "/usr/bin/python3").strip()
        write(folder / "hooktool", f"#!{python} -ISE\n{CLIENT.read_text()}")
        host.copy(folder / "jujud", f"{tools}/machine-{machine.id}/jujud")
        host.copy(folder / "hooktool", f"{tools}/hooktool")
        host.output(["chmod", "755", f"{tools}/hooktool", f"{tools}/machine-{machine.id}/jujud"])

    def _queue_update_status(self) -> None:
        interval = seconds(self.model.config.get("update-status-hook-interval", "5m"))
        for unit in self.model.units.values():
            due = time.time() - unit.last_update_status >= interval
            if unit.started and unit.life == "alive" and not unit.queue and not unit.hook and due:
                unit.queue.append(Hook("update-status"))

    def _can_run(self, unit: Unit) -> bool:
        machine = self.model.machine(unit.machine)
        ready = machine.status.current == "started" and not machine.upgrading
        return ready and not unit.error and resolver.next_hook(self.model, unit) is not None

    def run_next(self, unit: Unit) -> None:
        """Run a unit's next hook, which stays the next one unless it succeeds."""
        hook, host = resolver.next_hook(self.model, unit), self.host(unit.machine)
        if hook is None:
            raise JujuError(f"unit {unit.name} has no hook to run")
        unit.hook = hook
        unit.queue = [waiting for waiting in unit.queue if waiting is not hook]
        if hook.name == "upgrade-charm" or not unit.charm:
            self.install_charm(unit, host)
        if hook.name in MESSAGES:
            unit.workload = Status("maintenance", MESSAGES[hook.name])
        if hook.storage:
            storage.before(host, self.model, hook)
        context = Context(self.store, self.model, unit, host, hook)
        unit.agent = Status("executing", f"running {hook.name} hook")
        self.tell(f"{unit.name}: {hook.name}")
        code = self._run(context, f"hooks/{hook.name}")
        unit.running = False
        machine = self.model.machine(unit.machine)
        if context.reboot == "now" or _went_down(host, machine, code):
            log(self.store, unit, "INFO", "juju.worker.uniter", f'"{hook.name}" hook was cut off by a reboot')
            if context.reboot:
                self.reboot(machine)
            self._look_at(machine)
            return
        if code and not unit.force:
            unit.error = True
            unit.agent = Status("idle")
            self.tell(f"{unit.name}: hook {hook.name} failed (see localjuju debug-log)")
            log(
                self.store,
                unit,
                "ERROR",
                "juju.worker.uniter.operation",
                f'hook "{hook.name}" (via explicit, bespoke hook script) failed: exit status {code}',
            )
        else:
            if not code:
                context.flush()
            self.passed(unit)
        self.store.save(self.model)
        if context.reboot:
            self.reboot(machine)
            self._look_at(machine)

    def passed(self, unit: Unit) -> None:
        """Be done with a unit's hook: it has succeeded, or is to be passed over."""
        hook, unit.hook = unit.hook or Hook(""), None
        unit.error, unit.agent = False, Status("idle")
        relations.tell(self.model, unit, hook)
        if hook.name in ("install", "remove"):
            unit.installed = hook.name == "install"
        elif hook.name == "leader-elected":
            unit.elected = True
        elif hook.name == "leader-settings-changed":
            unit.leader_version = self.model.applications[unit.app].leader_version
        elif hook.name == "stop":
            unit.started = False
        elif hook.name == "start":
            unit.started, unit.last_update_status = True, time.time()
            if unit.workload.message == MESSAGES["install"]:
                unit.workload = Status("unknown")
        elif hook.name == "update-status":
            unit.last_update_status = time.time()
        elif hook.storage:
            storage.after(self.host(unit.machine), self.model, hook)

    def forget(self, unit: Unit) -> None:
        """Take a unit from the model; its machine goes with the last unit on it, unless it is to be kept."""
        for subordinate in self.model.subordinates(unit):
            self.forget(subordinate)
        del self.model.units[unit.name]
        for relation in self.model.relations_of(unit.app):
            relation.members.pop(unit.name, None)
        secret.unit_gone(self.store, self.model, unit)
        storage.unit_gone(self.model, unit)
        machine = self.model.machine(unit.machine)
        if not machine.keep and not self.model.units_on(machine.id):
            self.remove_machine(machine)

    def _forget_application(self, name: str) -> None:
        """Take an application from the model when its relations have ended at both sides."""
        left = self.model.relations_of(name)
        if all(relation.is_peer for relation in left):
            del self.model.applications[name]
            secret.app_gone(self.model, name)
            for relation in left:
                del self.model.relations[relation.id]

    def remove_machine(self, machine: Machine) -> None:
        if server := self.server_of.pop(machine.id, None):
            server.contexts.clear()
        self.host(machine.id).destroy()
        del self.model.machines[machine.id]
        self.store.save(self.model)

    def reboot(self, machine: Machine) -> None:
        """Shut a machine down and start it; its units' hooks are queued by the next look at it."""
        host = self.host(machine.id)
        host.stop()
        host.start()

    def install_charm(self, unit: Unit, host: Host) -> None:
        """Unpack the application's charm.

        Only files that the charm before had, and this one has not, are removed: what the charm itself wrote
        stays, as with Juju's manifest deployer.
        """
        app = self.model.applications[unit.app]
        new = Charm(blob(app.charm))
        folder = self.charm_folder(unit, host)
        tools = host.path(f"/var/lib/juju/tools/{unit.tag}")
        links = f"ln -sfn ../hooktool {tools}/"
        script = f"mkdir -p {folder} {tools}; " + "; ".join(links + name for name in TOOLS)
        host.output(["sh", "-c", script])
        if unit.charm and unit.charm != app.charm:
            gone = sorted(Charm(blob(unit.charm)).names - new.names)
            host.output(
                ["xargs", "-0", "sh", "-c", f'cd {folder} && rm -rf -- "$@"', "sh"],
                b"\0".join(name.encode() for name in gone),
            )
        if host.output(["tar", "-x", "-o", "-C", folder], new.tar()) is None:
            raise JujuError(f"cannot unpack the charm {app.charm_name} on machine {unit.machine}")
        unit.charm = app.charm

    def charm_folder(self, unit: Unit, host: Host) -> str:
        return host.path(f"/var/lib/juju/agents/{unit.tag}/charm")

    def _run(self, context: Context, path: str) -> int:
        """Run a hook or an action of the charm, its output logged; its exit code, 0 if the charm has none."""
        unit, host = context.unit, context.host
        folder = self.charm_folder(unit, host)
        program = "dispatch" if "dispatch" in context.charm.names else path
        if program not in context.charm.names and host.output(["test", "-e", f"{folder}/{program}"]) is None:
            return 0
        outputs = {"stdout": "DEBUG", "stderr": "WARNING"}
        source = f"unit.{unit.name}.{context.name}"

        def logged(name: str, line: str) -> None:
            log(self.store, unit, outputs[name], source, line.rstrip("\n"))

        return self.execute(context, [f"{folder}/{program}"], {"JUJU_DISPATCH_PATH": path}, logged)

    def execute(self, context: Context, argv: list[str], env: dict[str, str], heard: Callable[[str, str], None]) -> int:
        """Run a process in a context, with hook tools; `heard` gets its output by stream and line."""
        unit, host, started = context.unit, context.host, time.monotonic()
        server, code = self._server(unit.machine), None
        server.contexts[context.id] = context
        unit.running = context.task is None
        self.store.save(self.model)
        mark = f"{unit.tag}{'-task' if context.task else ''}"
        env = {**self.environment(context), **env}
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        # Ctrl-C is for this process, which ends the hook; the client of a hook that runs on must not be ended alone.
        process = host.popen(argv, env, self.charm_folder(unit, host), mark, **pipes, start_new_session=True)
        streams = (("stdout", process.stdout), ("stderr", process.stderr))
        readers = [threading.Thread(target=_listen, args=(*stream, heard), daemon=True) for stream in streams]
        try:
            for reader in readers:
                reader.start()
            code = process.wait()
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
            server = Server(self.store.sockets(machine))
            self.server_of[machine] = self.servers.enter_context(server)
        return self.server_of[machine]

    def environment(self, context: Context) -> dict[str, str]:
        """What a hook finds in its environment, as Juju's HookVars makes it: nothing else, HOME neither."""
        unit, hook, host = context.unit, context.hook, context.host
        folder = self.charm_folder(unit, host)
        variables = {
            "APT_LISTCHANGES_FRONTEND": "none",
            "DEBIAN_FRONTEND": "noninteractive",
            "LANG": "C.UTF-8",
            "TERM": "tmux-256color",
            "PATH": f"{host.path('/var/lib/juju/tools')}/{unit.tag}:{SYSTEM_PATH}",
            "CHARM_DIR": folder,
            "JUJU_CHARM_DIR": folder,
            "JUJU_CONTEXT_ID": context.id,
            "JUJU_HOOK_NAME": hook.name,
            "JUJU_UNIT_NAME": unit.name,
            "JUJU_PRINCIPAL_UNIT": unit.principal,
            "JUJU_AGENT_SOCKET_ADDRESS": f"{host.path(SOCKETS)}/{SOCKET}",
            "JUJU_AGENT_SOCKET_NETWORK": "unix",
            "JUJU_MODEL_NAME": self.model.name,
            "JUJU_MODEL_UUID": self.model.uuid,
            "JUJU_VERSION": VERSION,
            "JUJU_MACHINE_ID": unit.machine,
            "JUJU_AVAILABILITY_ZONE": "localjuju",
            "JUJU_SLA": "unsupported",
            "JUJU_API_ADDRESSES": "127.0.0.1:17070",
            "CLOUD_API_VERSION": "",
            "JUJU_METER_STATUS": "AMBER",
            "JUJU_METER_INFO": "not set",
            **environment(self.model.config),
            **hook.env,
        }
        if hook.relation:
            relation = self.model.relations[hook.relation]
            name = relation.endpoints[unit.app]
            variables.update(
                JUJU_RELATION=name,
                JUJU_RELATION_ID=f"{name}:{relation.id}",
                JUJU_REMOTE_UNIT=hook.remote_unit,
                JUJU_REMOTE_APP=hook.remote_app,
            )
            if hook.departing_unit:
                variables["JUJU_DEPARTING_UNIT"] = hook.departing_unit
        if hook.storage:
            item = self.model.storage[hook.storage]
            variables.update(
                JUJU_STORAGE_ID=item.id,
                JUJU_STORAGE_LOCATION=host.path(item.location),
                JUJU_STORAGE_KIND="filesystem",
            )
        if context.task and context.task.action != "juju-exec":
            variables.update(
                JUJU_ACTION_NAME=context.task.action,
                JUJU_ACTION_UUID=context.task.id,
                JUJU_ACTION_TAG=f"action-{context.task.id}",
            )
        return variables

    def run_task(self, unit: Unit, action: str, params: dict[str, Any], command: str = "") -> Task:
        """Run an action of the charm, or a shell command where an action could run, and keep its result."""
        task = Task(str(self.model.next_task), unit.name, action)
        self.model.next_task += 1
        self.model.tasks[task.id] = task
        if not unit.charm or self.model.machine(unit.machine).status.current != "started":
            raise JujuError(f"unit {unit.name} is not up: its machine or its charm is not there yet, or has gone")
        context = Context(self.store, self.model, unit, self.host(unit.machine), None, task, params)
        output: dict[str, list[str]] = {"stdout": [], "stderr": []}

        def heard(name: str, line: str) -> None:
            output[name].append(line)

        dispatch = "dispatch" in context.charm.names
        program = f"{self.charm_folder(unit, context.host)}/{'dispatch' if dispatch else f'actions/{action}'}"
        argv = ["bash", "-c", command] if command else [program]
        code = self.execute(context, argv, {} if command else {"JUJU_DISPATCH_PATH": f"actions/{action}"}, heard)
        task.results.update({name: "".join(lines) for name, lines in output.items() if lines})
        task.results["return-code"] = code
        task.status, task.completed = "completed", now()
        if context.failed is not None or (code and not command):
            task.status, task.message = "failed", context.failed or f"exit status {code}"
        if not code:
            context.flush()
        self.store.save(self.model)
        return task


def _listen(name: str, stream: IO[bytes], heard: Callable[[str, str], None]) -> None:
    with stream:
        for line in stream:
            heard(name, line.decode(errors="replace"))


def _went_down(host: Host, machine: Machine, code: int) -> bool:
    """Tell whether the machine went down under a hook that ended with this code.

    A machine that dies takes the hook along with SIGKILL (137), and is said to be down only a moment later.
    """
    for _ in range(20 if code == 137 else 1):
        if host.boot() != machine.boot:
            return True
        time.sleep(0.1 if code == 137 else 0)
    return False


def rebooted(unit: Unit) -> None:
    """Queue what a unit runs after a reboot; a hook that was cut off runs again first."""
    unit.running = False
    if unit.started:
        names = [hook.name for hook in [*unit.queue, unit.hook or Hook("")]]
        unit.queue.extend(Hook(name) for name in ("config-changed", "start") if name not in names)
