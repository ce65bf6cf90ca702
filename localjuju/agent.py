"""The unit agents: hooks run in Juju's order until no queue has one left that can run."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from localjuju import JujuError, relations, resolver, secret, storage
from localjuju.context import Context, log
from localjuju.deployer import charm_folder, install_charm
from localjuju.host import Host, Provider
from localjuju.model import Model
from localjuju.modelconfig import seconds
from localjuju.process import Processes
from localjuju.provisioner import Provisioner, went_down
from localjuju.records.machine import Machine
from localjuju.records.status import Status
from localjuju.records.unit import Hook, Unit
from localjuju.store import Store

MESSAGES = {
    "install": "installing charm software",
    "stop": "stopping charm software",
    "remove": "cleaning up prior to charm deletion",
}


class Agent:
    """Works on one loaded model, under the store's lock; leave it with `with` to close its sockets."""

    def __init__(self, store: Store, model: Model, provider: Provider, report: Callable[[str], None]):
        self.store, self.model, self.report = store, model, report
        self.provisioner = Provisioner(store, model, provider, report)
        self.processes = Processes(store)

    def __enter__(self) -> Agent:
        return self

    def __exit__(self, *args: Any) -> None:
        self.processes.close()

    def host(self, machine: str) -> Host:
        """A machine as it can be acted on."""
        return self.provisioner.host(machine)

    def drain(self, update_status: bool = True, create: bool = True) -> None:
        """Bring machines up, notice reboots, run every hook that can run.

        The unit that has run the fewest is next, so that all get on. A hook that fails leaves its unit in error
        and is no error here; a machine that does not come up is one, when all others' hooks have run.
        """
        errors = []
        for machine in list(self.model.machines.values()):
            try:
                if machine.status.current != "pending":
                    self.provisioner.observe(machine)
                elif create:
                    self.provisioner.create(machine)
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

    def run_next(self, unit: Unit, *, drop: bool = False) -> None:
        """Run a unit's next hook, which stays the next one unless it succeeds; *drop* what it asks to write."""
        hook, host = resolver.next_hook(self.model, unit), self.host(unit.machine)
        if hook is None:
            raise JujuError(f"unit {unit.name} has no hook to run")
        unit.hook = hook
        unit.queue = [waiting for waiting in unit.queue if waiting is not hook]
        if hook.name == "upgrade-charm" or not unit.charm:
            install_charm(self.model, unit, host)
        if hook.name in MESSAGES:
            unit.workload = Status("maintenance", MESSAGES[hook.name])
        if hook.storage:
            storage.before(host, self.model, hook)
        context = Context(self.store, self.model, unit, host, hook)
        unit.agent = Status("executing", f"running {hook.name} hook")
        self.report(f"{unit.name}: {hook.name}")
        code = self._run(context, f"hooks/{hook.name}")
        unit.running = False
        machine = self.model.machine(unit.machine)
        if context.reboot == "now" or went_down(host, machine, code):
            log(self.store, unit, "INFO", "juju.worker.uniter", f'"{hook.name}" hook was cut off by a reboot')
            if context.reboot:
                self.provisioner.reboot(machine)
            self.provisioner.observe(machine)
            return
        if code and not unit.force:
            unit.error = True
            unit.agent = Status("idle")
            self.report(f"{unit.name}: hook {hook.name} failed (see localjuju debug-log)")
            log(
                self.store,
                unit,
                "ERROR",
                "juju.worker.uniter.operation",
                f'hook "{hook.name}" (via explicit, bespoke hook script) failed: exit status {code}',
            )
        else:
            if not code and not drop:
                context.flush()
            self.finish_hook(unit)
        self.store.save(self.model)
        if context.reboot:
            self.provisioner.reboot(machine)
            self.provisioner.observe(machine)

    def finish_hook(self, unit: Unit) -> None:
        """Finish a unit's hook: it has succeeded, or is to be skipped."""
        hook, unit.hook = unit.hook or Hook(""), None
        unit.error, unit.agent = False, Status("idle")
        relations.record(self.model, unit, hook)
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

    def remove_machine(self, machine: Machine) -> None:
        """Remove a machine, with the units that may be on it."""
        self.processes.forget(machine.id)
        self.provisioner.remove(machine)

    def remove_forced(self) -> None:
        """Remove the units that --force is for: failed hooks are skipped, and units whose machine does not run
        are removed without their last hooks.
        """
        forced = [unit for unit in self.model.units.values() if unit.force]
        for unit in forced:
            if unit.error:
                self.finish_hook(unit)
        self.drain()
        for unit in forced:
            if unit.name in self.model.units:
                self.forget(unit)

    def _forget_application(self, name: str) -> None:
        """Take an application from the model when its relations have ended at both sides."""
        left = self.model.relations_of(name)
        if all(relation.is_peer for relation in left):
            del self.model.applications[name]
            secret.app_gone(self.model, name)
            for relation in left:
                del self.model.relations[relation.id]

    def _run(self, context: Context, path: str) -> int:
        """Run a hook or an action of the charm, its output logged; its exit code, 0 if the charm has none."""
        unit, host = context.unit, context.host
        folder = charm_folder(unit, host)
        program = "dispatch" if "dispatch" in context.charm.names else path
        if program not in context.charm.names and host.output(["test", "-e", f"{folder}/{program}"]) is None:
            return 0
        outputs = {"stdout": "DEBUG", "stderr": "WARNING"}
        source = f"unit.{unit.name}.{context.name}"

        def logged(name: str, line: str) -> None:
            log(self.store, unit, outputs[name], source, line.rstrip("\n"))

        return self.processes.execute(context, [f"{folder}/{program}"], {"JUJU_DISPATCH_PATH": path}, logged)
