"""The machines of a model: made, observed, rebooted, removed."""

from __future__ import annotations

import time
from collections.abc import Callable

from localjuju.deployer import install_tools
from localjuju.host import Host, Provider
from localjuju.model import Model
from localjuju.records.machine import Machine
from localjuju.records.status import Status
from localjuju.records.unit import Hook, Unit
from localjuju.store import Store


class Provisioner:
    """Works on one loaded model."""

    def __init__(self, store: Store, model: Model, provider: Provider, report: Callable[[str], None]):
        self.store, self.model, self.provider, self.report = store, model, provider, report

    def host(self, machine: str) -> Host:
        """A machine as it can be acted on."""
        return self.provider(self.store, self.model, self.model.machine(machine))

    def create(self, machine: Machine) -> None:
        """Make a machine, bring it up and give it the hook tools."""
        self.report(f"Starting machine {machine.id} ({machine.instance}, {machine.image})")
        host = self.host(machine.id)
        machine.base, machine.address = host.create()
        machine.boot = host.boot()
        install_tools(self.store, machine, host)
        self.observe(machine)

    def observe(self, machine: Machine) -> None:
        """See whether a machine was rebooted or has gone, or a hook was left running."""
        host = self.host(machine.id)
        boot = host.boot()
        units = self.model.units_on(machine.id)
        if boot != machine.boot and boot and machine.boot:
            host.start()
            for unit in units:
                _queue_start(unit)
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

    def reboot(self, machine: Machine) -> None:
        """Shut a machine down and start it; `observe` then queues its units' hooks."""
        host = self.host(machine.id)
        host.stop()
        host.start()

    def remove(self, machine: Machine) -> None:
        """Remove a machine from this host and from the model."""
        self.host(machine.id).destroy()
        del self.model.machines[machine.id]
        self.store.save(self.model)


def went_down(host: Host, machine: Machine, code: int) -> bool:
    """Tell whether the machine went down under a hook that ended with this code.

    A machine that dies takes the hook along with SIGKILL (137), and is said to be down only a moment later.
    """
    for _ in range(20 if code == 137 else 1):
        if host.boot() != machine.boot:
            return True
        time.sleep(0.1 if code == 137 else 0)
    return False


def _queue_start(unit: Unit) -> None:
    """Queue what a unit runs after a reboot; a hook that was cut off runs again first."""
    unit.running = False
    if unit.started:
        names = [hook.name for hook in [*unit.queue, unit.hook or Hook("")]]
        unit.queue.extend(Hook(name) for name in ("config-changed", "start") if name not in names)
